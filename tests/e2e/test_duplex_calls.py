"""A tiny random Moshi in a worker of its own answers calls through a real server; and is killed."""

import asyncio
import os
import signal

import numpy as np
from pytest import fixture, mark

from agent.entrances.moshi import MoshiEntrance, MoshiSettings
from agent.entrances.websocket import WebSocketEntrance
from tests.support.duplex_calls import after, over_moshi, over_websocket, running
from tests.support.duplex_workers import running_worker, write_tiny_moshi

pytestmark = [mark.e2e, mark.models, mark.peers]


@fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_tiny_moshi(tmp_path_factory.mktemp("tiny"))


def websocket_and_moshi(where, *say):
    """The server with both ways in; its cascade understands `say`."""
    ways = (WebSocketEntrance, lambda board: MoshiEntrance(board, MoshiSettings()))
    return running(where, ways, *say)


def test_eight_calls_at_once_are_answered_by_one_model(checkpoint):
    async def scene(where):
        async with websocket_and_moshi(where) as (address, kept), asyncio.TaskGroup() as group:
            ways = [over_websocket, over_moshi] * 4
            calls = [group.create_task(way(address, after(4.0))) for way in ways]
        return [call.result() for call in calls], [call.trace for call in kept]

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
        words = [(n / 2, "hello") for n in range(20)]  # wherever something is said
        async with websocket_and_moshi(where, *words) as (address, kept):
            async with asyncio.TaskGroup() as group:
                group.create_task(over_websocket(address, after(5.0), is_quiet=after(1.0)))
                group.create_task(over_moshi(address, after(5.0), level=0.0))
                await asyncio.sleep(2.0)
                os.kill(process.pid, signal.SIGKILL)
                killed_s = asyncio.get_running_loop().time()
            # The next call, without a worker.
            await over_websocket(address, after(1.5), level=0.0)
        return killed_s, [call.trace for call in kept]

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
    # One caller said something until a second before; the second never said a word.
    (spoke, silent) = sorted(traces[:2], key=lambda trace: -len(trace.named("recalled")))
    assert "hello" in spoke.named("recalled")[0]["text"]
    assert silent.named("recalled") == []
    assert "the worker is gone" in traces[0].named("error")[0]["message"]
    assert "expected a duplex worker" in traces[2].named("error")[0]["message"]
