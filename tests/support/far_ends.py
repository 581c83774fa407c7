"""Agents to be measured: a real pipeline that understands any speech, and ones that misbehave."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed, CallError, ProtocolError
from agent.core.events import Transcript
from agent.core.protocols import Expectation, Prediction
from agent.core.turns import TurnConfig
from floorbench.session import RATE, Flushed
from floorbench.targets.in_process import InProcessPipeline
from pipelines.cascade.listener import ListenerConfig
from pipelines.cascade.pipeline import CascadeConfig, CascadePipeline, Engines
from pipelines.engines.scripted import (
    EnergyDetector,
    EnergySettings,
    ScriptedResponder,
    ScriptedResponderSettings,
    ScriptedSynthesizer,
    ScriptedSynthesizerSettings,
)

ANSWER = (
    "From Tuesday to Thursday we are open from noon until ten in the evening. "
    "On Friday and Saturday we stay open until eleven. On Sunday we close at eight."
)
FRAME_S = 0.02


class _Anything:
    """A recogniser that understands one sentence, whatever is said."""

    rate = RATE

    async def open(self, segment: int, expected: Expectation) -> "_OneSentence":
        return _OneSentence(segment)

    def close(self) -> None:
        pass


class _OneSentence:
    def __init__(self, segment):
        self._segment = segment

    async def feed(self, frame):
        return []

    async def finish(self):
        await asyncio.sleep(0.05)
        return Transcript(self._segment, "what are your opening hours", final=True)

    async def close(self):
        pass


class _Sure:
    async def predict(self, pause):
        return Prediction(0.8)


def attentive(replies=("Hello, how can I help you?", *(ANSWER,) * 20), rate=RATE):
    """The cascade with engines that take no thread: it answers every turn at length."""
    engines = Engines(
        EnergyDetector(EnergySettings()),
        _Anything(),
        _Sure(),
        ScriptedResponder(ScriptedResponderSettings(replies)),
        ScriptedSynthesizer(ScriptedSynthesizerSettings(rate=rate)),
    )
    pipeline = CascadePipeline(engines, CascadeConfig(TurnConfig(), ListenerConfig()))
    return InProcessPipeline("attentive", pipeline)


class Silent:
    """Takes sound and never makes any."""

    name = "silent"
    takes_keys = False

    def __init__(self):
        self.keys = []
        self.frames = []
        self.calls = 0
        self.open = 0

    async def connect(self):
        self._over = asyncio.Event()
        self.calls += 1
        self.open += 1
        return self

    async def speak(self, frame):
        if self._over.is_set():
            raise CallClosed("over")
        self.frames.append(frame)

    async def press(self, digit):
        if not self.takes_keys:
            raise ProtocolError("no keys here")
        self.keys.append(digit)

    async def sound(self) -> AsyncIterator[AudioFrame | Flushed]:
        await self._over.wait()
        for nothing in ():
            yield nothing

    async def hang_up(self):
        self.open -= not self._over.is_set()
        self._over.set()


class Humming(Silent):
    """Plays a tone from the start, in frames of 20 ms, until told otherwise."""

    name = "humming"

    def __init__(self, for_s=1e9, rate=RATE, then=None):
        super().__init__()
        self._for_s, self._rate, self._then = for_s, rate, then

    async def sound(self):
        count, at = round(self._rate * FRAME_S), 0
        loop = asyncio.get_running_loop()
        started = loop.time()
        while at < self._for_s * self._rate and not self._over.is_set():
            tone = 0.1 * np.sin(2 * np.pi * 300 / self._rate * np.arange(at, at + count))
            yield AudioFrame(tone.astype(np.float32), self._rate, at)
            at += count
            await asyncio.sleep(max(0, started + at / self._rate - loop.time()))
        if isinstance(self._then, Exception):
            raise self._then
        if self._then == "stay":
            await self._over.wait()


class Refusing:
    """Does not take the call."""

    name = "refusing"

    async def connect(self):
        raise CallError("expected a free line, found it engaged")
