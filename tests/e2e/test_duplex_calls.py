"""A tiny random Moshi in a worker of its own answers calls through a real server; and is killed."""

import asyncio
import contextlib
import os
import signal

import numpy as np
from pytest import fixture, mark

from agent import server
from agent.admission import ServerSettings
from agent.config import Config
from agent.core.audio import AudioFrame
from agent.core.errors import CallError
from agent.duplex_wiring import build_duplex
from agent.entrances.moshi import MoshiEntrance, MoshiSettings
from agent.entrances.websocket import WebSocketEntrance
from agent.session import run_call
from agent.switchboard import Switchboard
from agent.trace import TraceList
from audio_io.resample import at_rates
from audio_io.websocket_client import connect
from audio_io.wire import Start
from floorbench.targets.moshi import Moshi
from tests.support.duplex import cascade, tone
from tests.support.duplex_workers import running_worker, write_tiny_moshi

pytestmark = [mark.e2e, mark.models, mark.peers]

FRAME_S = 0.02


@fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_tiny_moshi(tmp_path_factory.mktemp("tiny"))


@contextlib.asynccontextmanager
async def running(where):
    """A server whose calls are held by that worker, with a cascade behind it."""
    patient = {"max_lag_s": 20.0, "miss_s": 20.0}  # of a machine that is busy with other things
    worker = {"engine": "worker", "worker": where, "connect_s": 10.0, "answer_s": 20.0}
    tables = {"duplex": patient, "duplex_model": worker}
    pipeline = build_duplex(Config("test.toml", "Test", tables), lambda model: model, cascade())
    ready, traces = asyncio.get_running_loop().create_future(), []

    async def hold(call):
        traces.append(TraceList(asyncio.get_running_loop().time))
        await run_call(at_rates(call, pipeline.rate, pipeline.play_rate), pipeline, traces[-1])

    switchboard = Switchboard(ServerSettings(port=0), hold)
    entrances = [WebSocketEntrance(switchboard), MoshiEntrance(switchboard, MoshiSettings())]
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(switchboard, entrances, ready.set_result))
        try:
            yield (await ready).removeprefix("http://"), traces
        finally:
            serving.cancel()


async def beats(seconds):
    """Every 20 ms, for so long."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for n in range(round(seconds / FRAME_S)):
        await asyncio.sleep(max(0.0, began + n * FRAME_S - loop.time()))
        yield n


async def over_websocket(address, seconds, level=0.2):
    """What is heard by who says a tone through parley's own protocol."""
    rate, heard = 16_000, []
    count, sound = round(rate * FRAME_S), tone(seconds + 1, level=level, rate=rate)

    async def say():
        async for n in beats(seconds):
            await far.speak(sound[n * count : (n + 1) * count])
        await far.hang_up()

    async with connect(f"ws://{address}/ws", Start(1, rate)) as far, asyncio.TaskGroup() as group:
        group.create_task(say())
        heard += [a.samples async for a in far.arrivals() if isinstance(a, AudioFrame)]
    return np.concatenate(heard) if heard else np.zeros(0, np.float32)


async def over_moshi(address, seconds, level=0.2):
    """The same through Moshi's protocol."""
    line, heard = await Moshi(f"ws://{address}/api/chat").connect(), []
    sound = tone(seconds + 1, level=level, rate=16_000)

    async def say():
        async for n in beats(seconds):
            await line.speak(AudioFrame(sound[n * 320 : (n + 1) * 320], 16_000, n * 320))
        await line.hang_up()

    async with asyncio.TaskGroup() as group:
        group.create_task(say())
        with contextlib.suppress(CallError):
            heard += [frame.samples async for frame in line.sound()]
    return np.concatenate(heard) if heard else np.zeros(0, np.float32)


def test_eight_calls_at_once_are_answered_by_one_model(checkpoint):
    async def scene(where):
        async with running(where) as (address, traces), asyncio.TaskGroup() as group:
            ways = [over_websocket, over_moshi] * 4
            calls = [group.create_task(way(address, 4.0)) for way in ways]
        return [call.result() for call in calls], traces

    with running_worker(checkpoint, slots=8) as (_, where):
        heard, traces = asyncio.run(scene(where))
    assert len(traces) == 8
    for sound in heard:
        assert np.abs(sound).max() > 0
    for trace in traces:
        assert trace.named("error") == []
        assert sum(beat["steps"] for beat in trace.named("beat")) > 5


def test_a_worker_that_is_killed_is_replaced_by_the_cascade_in_mid_call(checkpoint, capsys):
    async def scene(process, where):
        async with running(where) as (address, traces):
            async with asyncio.TaskGroup() as group:
                group.create_task(over_websocket(address, 5.0, level=0.0))
                group.create_task(over_moshi(address, 5.0, level=0.0))
                await asyncio.sleep(2.0)
                os.kill(process.pid, signal.SIGKILL)
                killed_s = asyncio.get_running_loop().time()
            await over_websocket(address, 1.5, level=0.0)  # the next call, without a worker
        return killed_s, traces

    with running_worker(checkpoint, slots=8) as (process, where):
        killed_s, traces = asyncio.run(scene(process, where))
    assert len(traces) == 3
    for trace in traces:
        (fault,) = trace.named("error")
        assert fault["fallback"] == "cascade"
        audible = [x for x in trace.named("told") if x["what"] == "ReplyAudible"]
        assert audible
        if trace is not traces[2]:
            found, heard = (trace._zero + float(x["t"]) - killed_s for x in (fault, audible[0]))
            with capsys.disabled():
                print(f"\nkill -9: noticed {found:.3f} s, heard {heard:.3f} s")  # noqa: T201  # figures
    assert "the worker is gone" in traces[0].named("error")[0]["message"]
    assert "expected a duplex worker" in traces[2].named("error")[0]["message"]
