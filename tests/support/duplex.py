"""Duplex models that misbehave, calls at a model's own rate, and a whole duplex call."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.calls import CallTraits, Note
from agent.core.duplex import DuplexOutput
from agent.core.errors import CallClosed, EngineFailed
from agent.scenario import Say, Scene, ScriptedSynthesizerSettings, pipeline_of
from agent.session import run_call
from agent.trace import TraceList
from audio_io.pacing import PlayoutClock
from audio_io.room import Room
from pipelines.duplex.config import DuplexConfig
from pipelines.duplex.pipeline import DuplexPipeline
from pipelines.engines.scripted_duplex import ScriptedDuplex, ScriptedDuplexSettings

RATE = 24_000
FRAME = 1920
FRAME_S = 0.08
WORD_S = 0.3


def tone(seconds, hz=300.0, level=0.2, rate=RATE):
    at = np.arange(round(seconds * rate))
    return (level * np.sin(2 * np.pi * hz / rate * at)).astype(np.float32)


def said(end_s, *spans, hz=300.0, rate=RATE):
    """A caller's sound: tones in these spans of seconds, silence elsewhere."""
    sound = np.zeros(round(end_s * rate), np.float32)
    for start_s, stop_s in spans:
        voice = tone(stop_s - start_s, hz, rate=rate)
        sound[round(start_s * rate) : round(start_s * rate) + len(voice)] = voice
    return sound


class TapedCall:
    """A caller whose sound is known beforehand. Plays out by loop time.

    `chunks` says when, in seconds, each piece of the sound arrives, and which; by default 20 ms
    every 20 ms.
    """

    def __init__(self, sound, chunks=None, play_rate=RATE, stays_s=0.0):
        count = round(RATE * 0.02)
        self.chunks = chunks or [
            (start / RATE + 0.02, sound[start : start + count])
            for start in range(0, len(sound), count)
        ]
        self.rate, self.play_rate, self.frame_samples = RATE, play_rate, play_rate // 50
        self.traits = CallTraits()
        self.notes, self.heard = [], []  # heard: when, and which samples
        self.stays_s = stays_s
        self._clock, self._room = PlayoutClock(play_rate), Room()
        self._over = asyncio.Event()
        self.started = asyncio.get_running_loop().time()

    async def frames(self) -> AsyncIterator[AudioFrame]:
        loop, position = asyncio.get_running_loop(), 0
        for at_s, samples in self.chunks:
            await asyncio.sleep(max(0.0, self.started + at_s - loop.time()))
            if self._over.is_set():
                return
            yield AudioFrame(samples, self.rate, position)
            position += len(samples)
        await asyncio.sleep(self.stays_s)
        await self.close()

    async def play(self, frame):
        if self._over.is_set():
            raise CallClosed("over")
        assert len(frame.samples) == self.frame_samples
        now = asyncio.get_running_loop().time()
        sounds_until = self._clock.put(len(frame.samples), now)
        began_s = sounds_until - self.started - frame.duration_s
        self.heard.append((began_s, frame.samples))
        await self._room.wait_until(sounds_until - 0.04)

    def flush(self):
        self._clock.flush(asyncio.get_running_loop().time())
        self._room.make()

    def played(self):
        return self._clock.played(asyncio.get_running_loop().time())

    def tell(self, note: Note):
        self.notes.append(note)

    async def order(self, order):
        raise AssertionError("not ordered here")

    async def close(self):
        self._over.set()
        self._room.make()

    # --- what came of it ----------------------------------------------------------------------

    def agent(self):
        """All that was played, one after the other."""
        return np.concatenate([samples for _, samples in self.heard] or [np.zeros(0, np.float32)])

    def loud_from(self, after_s):
        """When the agent's sound is first heard after that time."""
        return next(at for at, part in self.heard if at >= after_s and np.abs(part).max() > 0.01)


class StuckCall(TapedCall):
    """Takes no sound at all: `play` never returns until the call is over."""

    async def play(self, frame):
        await self._over.wait()
        raise CallClosed("over")


class Wrapped:
    """A duplex model that does something else from one time of each call on."""

    def __init__(self, model, at_s):
        self.model, self.at_s = model, at_s
        self.rate, self.frame_samples = model.rate, model.frame_samples
        self.closed = 0

    def seats(self):
        return self.model.seats()

    async def open(self, prompt):
        return await self.model.open(prompt)

    async def step(self, slot, frame):
        if frame.start >= self.at_s * self.rate:
            return await self.wrong(slot, frame)
        return await self.model.step(slot, frame)

    async def wrong(self, slot, frame):
        raise EngineFailed("scripted", "the worker is gone")

    async def close(self, slot):
        self.closed += 1
        await self.model.close(slot)


class Hanging(Wrapped):
    async def wrong(self, slot, frame):
        await asyncio.Event().wait()


class Slow(Wrapped):
    """Every step takes a tenth longer than a frame."""

    async def wrong(self, slot, frame):
        await asyncio.sleep(1.1 * FRAME_S)
        return await self.model.step(slot, frame)


class Hiccup(Wrapped):
    """One step takes 0.3 s."""

    async def wrong(self, slot, frame):
        if frame.start < self.at_s * self.rate + self.frame_samples:
            await asyncio.sleep(0.3)
        return await self.model.step(slot, frame)


class NotANumber(Wrapped):
    async def wrong(self, slot, frame):
        broken = np.full(self.frame_samples, np.nan, np.float32)
        return DuplexOutput(AudioFrame(broken, self.rate, 0), "")


class TooLong(Wrapped):
    async def wrong(self, slot, frame):
        long = np.zeros(self.frame_samples + 1, np.float32)
        return DuplexOutput(AudioFrame(long, self.rate, 0), "")


@dataclass
class Held:
    """What came of a duplex call."""

    ended: object
    trace: TraceList
    call: TapedCall
    extra: dict = field(default_factory=dict)

    def heard(self):
        return [(line["text"], line["cut"]) for line in self.trace.named("heard")]


def scripted(**settings):
    return ScriptedDuplex(ScriptedDuplexSettings(**{"fixed_s": 0.01, **settings}))


SCRIPT = ("Good day.", "Sorry, that went wrong.", "All right.", "Very well.")


def cascade(*say, end_s=1000.0, replies=SCRIPT, rate=16_000):
    """A scripted cascade; `say` in seconds of its own part of the call.

    Which of its replies comes next is how many the history holds.
    """
    from agent.scenario import ScriptedResponderSettings

    voice = ScriptedSynthesizerSettings(rate=rate)
    lines = tuple(Say(at, text) for at, text in say)
    responder = ScriptedResponderSettings(replies=replies, first_token_s=0.05)
    return pipeline_of(Scene(end_s, lines, responder=responder, synthesizer=voice))


async def hold(call, pipeline, **rest):
    trace = TraceList(asyncio.get_running_loop().time)
    trace("call", version=1, turns={})
    ended = await run_call(call, pipeline, trace, **rest)
    return Held(ended, trace, call)


async def taped(sound, model=None, config=None, *, chunks=None, **parts):
    """A call on a duplex pipeline, on the running loop."""
    pipeline = DuplexPipeline(model or scripted(), config or DuplexConfig(), **parts)
    return await hold(TapedCall(sound, chunks), pipeline)
