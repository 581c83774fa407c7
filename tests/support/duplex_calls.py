"""A server whose calls are held by a duplex worker, and callers who reach it in different ways."""

import asyncio
import contextlib

import numpy as np

from agent import server
from agent.admission import ServerSettings
from agent.config import Config
from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed, CallError
from agent.duplex_wiring import build_duplex
from agent.session import run_call
from agent.switchboard import Switchboard
from agent.trace import TraceList
from audio_io.recording import recorded
from audio_io.resample import at_rates, resampled
from audio_io.wav_file import Side
from audio_io.websocket_client import connect
from audio_io.wire import Start
from floorbench.targets.moshi import Moshi
from tests.support.duplex import cascade, tone

FRAME_S = 0.02
RATE = 8000
"""Of what is kept of a call: what a telephone hears."""


class Kept:
    """What one call was given to hear, at RATE; and how the call went, once it is over.

    Attributes:
        given: samples that were no silence.
        ended: how it ended; None while it goes on.
    """

    def __init__(self):
        self.rate, self.given, self.ended = RATE, 0, None
        self.trace = TraceList(asyncio.get_running_loop().time)
        self._sounds = [np.zeros(0, np.float32)]

    def append(self, side, frame):
        if side is Side.AGENT:
            self._sounds.append(frame.samples)
            self.given += np.count_nonzero(frame.samples)

    @property
    def sound(self):
        return np.concatenate(self._sounds)


def duplex_of(where, behind):
    """A pipeline whose model is that worker, patient with a busy machine, and a cascade behind."""
    patient = dict.fromkeys(("deadline_s", "max_lag_s", "miss_s"), 60.0)
    worker = {"engine": "worker", "worker": where, "connect_s": 10.0, "answer_s": 20.0}
    tables = {"duplex": patient, "duplex_model": worker}
    return build_duplex(Config("test.toml", "Test", tables), lambda model: model, behind)


def running(where, entrances, *say):
    """A server whose calls are held by that worker, with a cascade behind it that understands
    `say`: its address, and a list of its calls, `Kept`."""
    return serving(duplex_of(where, cascade(*say)), entrances)


@contextlib.asynccontextmanager
async def serving(pipeline, entrances):
    """A server with this pipeline: its address, and a list of its calls, `Kept`."""
    ready, calls = asyncio.get_running_loop().create_future(), []

    async def hold(call):
        kept = Kept()
        calls.append(kept)
        whole = at_rates(recorded(call, kept), pipeline.rate, pipeline.play_rate)
        kept.ended = await run_call(whole, pipeline, kept.trace)

    switchboard = Switchboard(ServerSettings(port=0), hold)
    async with asyncio.TaskGroup() as group:
        made = [make(switchboard) for make in entrances]
        serving = group.create_task(server.serve(switchboard, made, ready.set_result))
        try:
            yield (await ready).removeprefix("http://"), calls
        finally:
            serving.cancel()


async def beats():
    """Every 20 ms, without an end."""
    loop = asyncio.get_running_loop()
    began, n = loop.time(), 0
    while True:
        await asyncio.sleep(max(0.0, began + n * FRAME_S - loop.time()))
        yield n
        n += 1


def never():
    return False


async def over_websocket(address, is_over, hz=300, level=0.2, is_quiet=never):
    """What is heard, at RATE, by who says a tone through parley's own protocol until `is_over()`,
    but not while `is_quiet()`. `hz`: a multiple of 50."""
    heard, sound = [], tone(FRAME_S, hz, level, 16_000)

    async def say():
        with contextlib.suppress(CallClosed):
            async for _ in beats():
                if is_over():
                    break
                await far.speak(0 * sound if is_quiet() else sound)
            await far.hang_up()

    async with connect(f"ws://{address}/ws", Start(1, 16_000)) as far, asyncio.TaskGroup() as group:
        group.create_task(say())
        heard += [a.samples async for a in far.arrivals() if isinstance(a, AudioFrame)]
    return _joined(heard)


async def over_a_line(target, is_over, hz=300, level=0.2):
    """The same through a way in that the bench knows."""
    line, heard, sound = await target.connect(), [], tone(FRAME_S, hz, level, 16_000)

    async def say():
        with contextlib.suppress(CallClosed):
            async for n in beats():
                if is_over():
                    break
                await line.speak(AudioFrame(sound, 16_000, n * len(sound)))
            await line.hang_up()

    async with asyncio.TaskGroup() as group:
        group.create_task(say())
        with contextlib.suppress(CallError):
            heard += [item.samples async for item in line.sound() if isinstance(item, AudioFrame)]
    return _joined(heard)


def over_moshi(address, is_over, hz=300, level=0.2):
    """The same through Moshi's protocol."""
    return over_a_line(Moshi(f"ws://{address}/api/chat"), is_over, hz, level)


def _joined(heard):
    return resampled(np.concatenate([np.zeros(0, np.float32), *heard]), 16_000, RATE)


def after(seconds):
    """Whether so much time has passed since now."""
    now = asyncio.get_running_loop().time
    end = now() + seconds
    return lambda: now() >= end
