"""One conversation with a duplex model, from a clean slot until it fails or somebody hangs up."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.calls import Json, Note, Trace
from agent.core.duplex import DuplexModel, DuplexOutput
from agent.core.errors import CallClosed, EngineError, EngineFailed, EngineTooSlow
from agent.core.protocols import Message, Role, Speech
from pipelines.duplex.beat import Beat, Taken
from pipelines.duplex.config import DuplexConfig
from pipelines.duplex.continued import Heard
from pipelines.duplex.line import Line
from pipelines.duplex.monologue import Monologue, Utterance
from pipelines.duplex.outlet import Outlet, pieces
from pipelines.duplex.overlay import Overlay, question
from pipelines.duplex.report import BeatReport
from pipelines.duplex.step_times import StepTimes
from pipelines.unspaced import joined

REMEMBERED = 100
"""Utterances kept for who takes over, or is asked: some ten minutes of talk."""


class Delegate(Protocol):
    """Answers a question that the model has passed on."""

    def answer(
        self, question: str, history: Sequence[Message], trace: Trace
    ) -> AsyncGenerator[Speech, None]:
        """The answer as speech at the model's rate.

        Raises:
            EngineError: there is none.
        """


@dataclass(frozen=True, slots=True)
class Parts:
    """What all calls share.

    Attributes:
        model: its slot is its own affair.
        steps: what steps have taken, for the admission of others.
        delegate: answers what the model passes on.
    """

    model: DuplexModel[Any]
    config: DuplexConfig
    steps: StepTimes
    delegate: Delegate | None = None


class Talk:
    """One conversation.

    Attributes:
        heard: what was heard of the model, oldest first. What the caller said is not in it: the
            model does not write that down.
        utterances: how many there were.
    """

    def __init__(self, parts: Parts, slot: Any, line: Line, trace: Trace) -> None:
        model, now = parts.model, asyncio.get_running_loop().time()
        self._model, self._slot, self._line, self._trace = model, slot, line, trace
        self._config, self._delegate = parts.config, parts.delegate
        self._beat = Beat(model.frame_samples, model.rate, now)
        self._outlet, self._made = Outlet(model.rate), asyncio.Event()
        self._taken = 0  # samples taken from the outlet and not handed over yet
        self._overlay = Overlay(round(parts.config.answer_s * model.rate))
        self._monologue = Monologue(line.call.play_rate)
        self._report = BeatReport(trace, parts.steps, self._beat, self._outlet, line)
        self._group = asyncio.TaskGroup()
        self._fetching: asyncio.Task[None] | None = None  # the last answer that was asked for
        self.heard: deque[Heard] = deque(maxlen=REMEMBERED)
        self.utterances = 0

    async def run(self) -> None:
        """Until the caller hangs up.

        Raises:
            EngineError: the model is gone, broke, or fell behind.
        """
        self._trace("duplex", rate=self._model.rate, frame_samples=self._model.frame_samples)
        try:
            async with asyncio.TaskGroup() as outer:
                playing = outer.create_task(self._everything(), name="play")
                try:
                    fault = await self._steps()
                finally:
                    playing.cancel()
        finally:
            self._report.close()
            self._heard()
        if fault:
            raise fault

    async def _everything(self) -> None:
        async with self._group as group:
            group.create_task(self._play(), name="play")

    # --- the caller's sound to the model ------------------------------------------------------

    async def _steps(self) -> EngineError | None:
        """Step after step; why the model cannot go on, or None when the caller has hung up."""
        loop = asyncio.get_running_loop()
        while not self._line.is_over:
            for item in self._line.take():
                if isinstance(item, AudioFrame):
                    self._beat.hear(item.samples)
                else:
                    self._trace("remark", text="entered by the caller; the model takes sound only")
            taken = self._beat.take(loop.time())
            if taken is None:
                await self._line.wait(self._beat.next_s())
                continue
            try:
                await self._step(taken)
            except EngineError as fault:
                return fault
        return None

    async def _step(self, taken: Taken) -> None:
        if taken.lag_s > self._config.max_lag_s:
            self._trace("late", lag_s=taken.lag_s)
            raise EngineTooSlow(
                "duplex",
                f"expected steps at most {self._config.max_lag_s:g} s behind the sound, "
                f"found {taken.lag_s:.2f} s",
            )
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        output = await self._answer(taken.frame)
        self._report.step(taken, output, began_s, loop.time())
        if output.frame is None:
            samples = np.zeros(0, np.float32)
        else:
            samples = output.frame.samples
            _check(output.frame, self._model)
        self._put(samples, output.text)

    async def _answer(self, frame: AudioFrame) -> DuplexOutput:
        try:
            async with asyncio.timeout(self._config.miss_s):
                return await self._model.step(self._slot, frame)
        except TimeoutError as fault:
            raise EngineTooSlow(
                "duplex", f"expected an answer within {self._config.miss_s:g} s, found none"
            ) from fault

    def _put(self, samples: Samples, text: str) -> None:
        ahead = self._line.ahead() + self._taken
        samples, text, own = self._overlay.over(samples, text)
        self._outlet.put(samples, text, ahead, own=own)
        self._made.set()

    # --- the model's sound to the caller ------------------------------------------------------

    async def _play(self) -> None:
        rest = np.zeros(0, np.float32)
        count = self._line.call.frame_samples
        try:
            while True:
                item = self._outlet.take()
                if item is None:
                    self._made.clear()
                    await self._made.wait()
                    continue
                samples, text, own = item
                self._say(text, len(samples), own=own)
                parts, rest = pieces(rest, samples, count)
                self._taken = count * len(parts)
                for part in parts:
                    self._taken -= count
                    await self._line.play(part)
        except CallClosed:
            self._line.hang_up()

    def _say(self, text: str, samples: int, *, own: bool) -> None:
        """The next sound to be handed over, and the text that came with it."""
        start, rate = self._line.handed, self._line.call.play_rate
        number = self._monologue.number
        for word in self._monologue.say(text, start, start + samples, own=own):
            start_s, end_s = round(word.start / rate, 3), round(word.end / rate, 3)
            self._trace("word", utterance=number, text=joined(word.text), start_s=start_s,
                        end_s=end_s)  # fmt: skip
        if text.strip():
            self._tell(number, self._monologue.text, final=False)
        if self._monologue.is_over(start):
            self._ask(self._heard())

    def _heard(self) -> Utterance | None:
        """The utterance is over: what was heard of it."""
        done = self._monologue.finish(self._line.call.played())
        if done is None:
            return None
        self.utterances = done.number
        self._trace("heard", utterance=done.number, text=done.heard, cut=done.cut)
        self._tell(done.number, done.heard, final=True, cut=done.cut)
        if done.heard:
            message = Message(Role.AGENT, done.heard, done.cut)
            start_s, end_s = self._line.when(done.start), self._line.when(done.end)
            self.heard.append(Heard(message, start_s, end_s))
        return done

    def _tell(self, number: int, text: str, **rest: bool) -> None:
        data: dict[str, Json] = {"who": "agent", "reply": number, "text": text, **rest}
        self._line.call.tell(Note("caption", data))

    # --- what the model passes on -------------------------------------------------------------

    def _ask(self, done: Utterance | None) -> None:
        """Pass on what the model itself asked for: an answer may hold a trigger too. One at a time,
        so that a model which asks again while nothing comes is not answered twice."""
        asked = None if done is None else question(done.own, self._config.triggers)
        if asked is None or self._delegate is None:
            return
        if self._fetching is not None and not self._fetching.done():
            self._trace("remark", text=f"not passed on while an answer is made: {asked}")
            return
        self._trace("delegated", question=asked)
        fetch = self._fetch(self._delegate, asked)
        self._fetching = self._group.create_task(fetch, name="delegate")

    async def _fetch(self, delegate: Delegate, asked: str) -> None:
        try:
            history = [heard.message for heard in self.heard]
            async with aclosing(delegate.answer(asked, history, self._trace)) as answer:
                async for speech in answer:
                    if not self._overlay.put(speech.frame.samples, speech.text):
                        self._trace("remark", text="the answer was too long: its rest is left out")
                        return  # what comes later might fit, and would make no sense
        except EngineError as fault:
            self._trace("error", message=str(fault), fallback="no answer")


def _check(frame: AudioFrame, model: DuplexModel[Any]) -> None:
    """What came from the model is a frame of sound.

    Raises:
        EngineFailed: it is not.
    """
    expected = (model.frame_samples, model.rate)
    found = (len(frame.samples), frame.rate)
    if found != expected:
        raise EngineFailed(
            "duplex",
            f"expected frames of {expected[0]} samples at {expected[1]} Hz, "
            f"found {found[0]} at {found[1]} Hz",
        )
    if not np.isfinite(frame.samples).all():
        raise EngineFailed("duplex", "expected sound, found numbers that are not finite")
