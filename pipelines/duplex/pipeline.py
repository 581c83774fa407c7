"""The duplex pipeline: the caller's sound into the model and its sound to the caller, on a beat.

Where a sound goes: `Line` takes it from the call, `Beat` cuts it into the model's frames, `_steps`
gives each to the model, `Outlet` holds what it answers, `_play` hands that over. Whatever the model
does wrong ends its part of the call, and the cascade goes on from there.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent.core.calls import Call, Trace
from agent.core.duplex import DuplexModel, DuplexPrompt
from agent.core.errors import EngineBusy, EngineError, EngineTooSlow
from pipelines.duplex.admission import Admission, Full
from pipelines.duplex.config import DuplexConfig, WhenFull
from pipelines.duplex.continued import Heard
from pipelines.duplex.line import Line, Rest
from pipelines.duplex.step_times import StepTimes
from pipelines.duplex.talk import Delegate, Parts, Talk

CLOSE_S = 0.2
"""A slot may take this long to be given back; then the call goes on without waiting for it."""


class Successor(Protocol):
    """A pipeline that goes on where another had to stop."""

    async def take_over(self, rest: Rest, trace: Trace, heard: Sequence[Heard]) -> None:
        """Hold the rest of the conversation; `heard` is what was heard of the agent."""


@dataclass(slots=True)
class _Before:
    """What was heard before somebody takes over."""

    heard: tuple[Heard, ...] = ()
    utterances: int = 0


@dataclass(frozen=True, slots=True)
class DuplexPipeline:
    """A model and how to use it; one for all calls.

    Attributes:
        successor: takes over when the model fails, and where it may when there is no room.
        delegate: answers what the model cannot.
    """

    model: DuplexModel[Any]  # its slot is its own affair
    config: DuplexConfig = field(default_factory=DuplexConfig)
    successor: Successor | None = None
    delegate: Delegate | None = None
    steps: StepTimes = field(default_factory=StepTimes)
    admission: Admission = field(init=False)

    def __post_init__(self) -> None:
        """One door for all calls."""
        object.__setattr__(self, "admission", Admission(self.steps, self.config.deadline_s))

    @property
    def rate(self) -> int:
        """What the model hears, in Hz."""
        return self.model.rate

    @property
    def play_rate(self) -> int:
        """What it speaks, in Hz."""
        return self.model.rate

    def busy(self) -> Full | None:
        """Why one more call may not come in; None as well where the cascade would take it."""
        if self.config.when_full is WhenFull.CASCADE and self.successor is not None:
            return None
        return self._full(asyncio.get_running_loop().time())

    def _full(self, now: float) -> Full | None:
        seats = self.model.seats()
        if seats.total == 0 and self.successor is not None:
            return None  # a model that is not there is no crowd: it is asked again, call by call
        return self.admission.full(seats, now)

    async def converse(self, call: Call, trace: Trace) -> None:
        """Hold one conversation; returns when the caller hangs up.

        Raises:
            EngineError: the model failed, and nothing can take over.
        """
        line = Line(call)
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(line.listen(), name="listen")
            try:
                await self._hold(line, trace)
            finally:
                listening.cancel()

    async def _hold(self, line: Line, trace: Trace) -> None:
        before = _Before()
        try:
            await self._duplex(line, trace, before)
        except EngineError as fault:
            if self.successor is None or (isinstance(fault, EngineBusy) and not self._takes_full):
                raise
            trace("error", message=str(fault), fallback="cascade")
            if not line.is_over:
                await self.successor.take_over(line.rest(before.utterances), trace, before.heard)

    @property
    def _takes_full(self) -> bool:
        return self.config.when_full is WhenFull.CASCADE

    async def _duplex(self, line: Line, trace: Trace, before: _Before) -> None:
        """The model's part; `before` is what was heard of it, however it ends."""
        began_s = asyncio.get_running_loop().time()
        if full := self._full(began_s):
            raise EngineBusy("duplex", full.message)
        if (slot := await self._open(line)) is None:
            return
        parts = Parts(self.model, self.config, self.steps, self.delegate)
        talk = Talk(parts, slot, line, trace)
        try:
            await talk.run()
        finally:
            before.heard, before.utterances = tuple(talk.heard), talk.utterances
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self.model.close(slot)
            self.admission.ended(asyncio.get_running_loop().time() - began_s)

    async def _open(self, line: Line) -> Any | None:
        """A seat; None: the caller hung up before it was ready."""
        prompt = DuplexPrompt(self.config.text_prompt, self.config.voice_prompt)
        try:
            async with line.while_there(self.config.open_s):
                return await self.model.open(prompt)
        except TimeoutError as fault:
            if line.is_over:
                return None
            raise EngineTooSlow(
                "duplex", f"expected a seat within {self.config.open_s:g} s, found none"
            ) from fault
