"""This project, in this process: the agent of a configuration, without any transport."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from agent.config import load
from agent.core.audio import AudioFrame
from agent.core.calls import Call, CallTraits, Incoming, Json, Note, Order, Trace
from agent.core.errors import CallClosed, CallError
from agent.core.events import Digit
from agent.core.protocols import Pipeline
from agent.session import MAX_CALL_S, Ended, Ending, run_call
from agent.trace import VERSION, TraceList
from agent.wiring import build
from audio_io.circuit import LEAD_S
from audio_io.framing import frame_samples
from audio_io.orders import refusal
from audio_io.pacing import PlayoutClock
from audio_io.resample import at_rates
from audio_io.room import Room
from floorbench.session import RATE, Flushed, Line
from pipelines.mailbox import Mailbox

_WAITING = 100
"""The caller's frames kept for an agent that is late: 2 s, as a socket would. The oldest go."""

_LEAVES_S = 5.0
"""How long a pipeline may take to end once the caller has hung up."""


Fit = Callable[[Call, Trace], Call]


@dataclass(frozen=True, slots=True)
class InProcessPipeline:
    """A pipeline that somebody else loads and closes.

    Attributes:
        max_call_s: longest call.
        turns: settings of its turn machine, for the traces.
        fit: makes of a call what the pipeline wants; its rates, if there is none.
    """

    name: str
    pipeline: Pipeline
    max_call_s: float = MAX_CALL_S
    turns: Mapping[str, Json] = field(default_factory=dict)
    fit: Fit | None = None

    async def connect(self) -> Line:
        """A new call; it must be hung up by the task that made it."""
        line = _InProcessLine(self.pipeline.play_rate)
        line.traced("call", version=VERSION, agent=self.name, turns=self.turns)
        await line.open(self.pipeline, self.fit or self._at_its_rates, self.max_call_s)
        return line

    def _at_its_rates(self, call: Call, trace: Trace) -> Call:
        del trace
        return at_rates(call, self.pipeline.rate, self.pipeline.play_rate)


class InProcess:
    """The agent of a configuration file. Its engines are loaded once; closing ends them."""

    def __init__(self, spec: str, overrides: Sequence[str] = ()) -> None:
        """Load an agent.

        Args:
            spec: a TOML file, or the name of one that comes with parley, such as `offline`.
            overrides: `section.key=value` each.

        Raises:
            ConfigError: a setting is wrong.
            EngineUnavailable: a package or a file of an engine is missing.
        """
        self._agent = build(load(spec, overrides))
        self._calls = InProcessPipeline(
            f"in process: {self._agent.name}", self._agent.pipeline, self._agent.calls.max_s,
            self._agent.turns_fields(), self._agent.fit,
        )  # fmt: skip

    @property
    def name(self) -> str:
        """The agent's name."""
        return self._calls.name

    async def connect(self) -> Line:
        """A new call; it must be hung up by the task that made it."""
        return await self._calls.connect()

    def close(self) -> None:
        """End the engines."""
        self._agent.close()

    def __enter__(self) -> Self:
        """The target itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the engines."""
        self.close()


@dataclass(frozen=True, slots=True)
class _Over:
    """The agent has hung up."""

    ended: Ended


class _InProcessLine:
    """The caller's end and the agent's end of one call."""

    def __init__(self, play_rate: int) -> None:
        self._to_caller: Mailbox[AudioFrame | Flushed | _Over] = Mailbox(limit=4096)
        self._near = _NearCall(play_rate, self._to_caller)
        self._group = asyncio.TaskGroup()
        self._hung_up = False
        self.traced = TraceList(asyncio.get_running_loop().time)

    @property
    def trace(self) -> Sequence[Mapping[str, Json]]:
        """What the agent was told and asked for so far."""
        return self.traced.lines

    async def open(self, pipeline: Pipeline, fit: Fit, max_call_s: float) -> None:
        """Let the agent answer."""
        await self._group.__aenter__()
        call = fit(self._near, self.traced)
        self._group.create_task(self._converse(pipeline, call, max_call_s), name="agent")

    async def _converse(self, pipeline: Pipeline, call: Call, max_call_s: float) -> None:
        ended = await run_call(call, pipeline, self.traced, max_call_s=max_call_s)
        self._to_caller.put(_Over(ended))

    async def speak(self, frame: AudioFrame) -> None:
        """The caller's next 20 ms."""
        self._near.take(frame)

    async def press(self, digit: str) -> None:
        """A key."""
        self._near.take(Digit(digit))

    async def sound(self) -> AsyncIterator[AudioFrame | Flushed]:
        """What the agent plays, as soon as it is handed over."""
        while True:
            item = await self._to_caller.take(None)
            if isinstance(item, _Over):
                if item.ended.ending is Ending.FAILED:
                    raise CallError(item.ended.message)
                return
            if item is not None:
                yield item

    async def hang_up(self) -> None:
        """End the call, and the agent's tasks."""
        await self._near.close()
        if not self._hung_up:
            self._hung_up = True
            try:
                async with asyncio.timeout(_LEAVES_S):
                    await self._group.__aexit__(None, None, None)
            except TimeoutError as fault:
                raise CallError(
                    f"expected the agent to end within {_LEAVES_S:.0f} s of the hang-up, "
                    "found it still running; it was stopped"
                ) from fault


class _NearCall:
    """The call as the agent sees it."""

    def __init__(self, play_rate: int, to_caller: Mailbox[AudioFrame | Flushed | _Over]) -> None:
        self._play_rate = play_rate
        self._to_caller = to_caller
        self._from_caller: deque[Incoming] = deque(maxlen=_WAITING)
        self._arrived = asyncio.Event()
        self._over = asyncio.Event()
        self._clock = PlayoutClock(play_rate)
        self._room = Room()

    @property
    def rate(self) -> int:
        return RATE

    @property
    def play_rate(self) -> int:
        return self._play_rate

    @property
    def frame_samples(self) -> int:
        return frame_samples(self._play_rate)

    @property
    def traits(self) -> CallTraits:
        return CallTraits(rewinds=True)

    def take(self, item: Incoming) -> None:
        """Something from the caller. Raises CallClosed once the agent has hung up."""
        if self._over.is_set():
            raise CallClosed("the agent has hung up")
        self._from_caller.append(item)
        self._arrived.set()

    async def frames(self) -> AsyncIterator[Incoming]:
        while not self._over.is_set():
            while self._from_caller and not self._over.is_set():
                yield self._from_caller.popleft()
            self._arrived.clear()
            if not self._over.is_set():
                await self._arrived.wait()

    async def play(self, frame: AudioFrame) -> None:
        if self._over.is_set():
            raise CallClosed("the caller has hung up")
        dry_at = self._clock.put(len(frame.samples), asyncio.get_running_loop().time())
        self._to_caller.put(frame)
        await self._room.wait_until(dry_at - LEAD_S)

    def flush(self) -> None:
        self._clock.flush(asyncio.get_running_loop().time())
        self._to_caller.put(Flushed())
        self._room.make()

    def played(self) -> int:
        return self._clock.played(asyncio.get_running_loop().time())

    def tell(self, note: Note) -> None:
        """Nobody looks at notes."""

    async def order(self, order: Order) -> None:
        """None is carried out."""
        raise refusal(order, "a call within this process")

    async def close(self) -> None:
        self._over.set()
        self._arrived.set()
        self._room.make()
