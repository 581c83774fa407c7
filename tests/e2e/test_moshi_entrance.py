"""Moshi's wire protocol on real sockets: its own client, floorbench's, and peers who misbehave."""

import asyncio
import contextlib
from pathlib import Path

import numpy as np
from pytest import mark, raises
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import InvalidStatus

from agent import server
from agent.admission import ServerSettings
from agent.core.audio import AudioFrame
from agent.core.errors import CallError
from agent.duplex_wiring import busy
from agent.entrances.moshi import MoshiEntrance, MoshiSettings
from agent.entrances.websocket import WebSocketEntrance
from agent.session import run_call
from agent.switchboard import Switchboard
from agent.trace import TraceList
from audio_io.moshi.ogg import OggWriter
from audio_io.moshi.opus import OpusEncoder
from audio_io.moshi.wire import Kind
from audio_io.resample import at_rates
from audio_io.websocket import Limits
from audio_io.websocket_client import connect
from audio_io.wire import Start
from floorbench.targets.moshi import Moshi
from pipelines.duplex.pipeline import DuplexPipeline
from tests.support.duplex import cascade, scripted, tone
from tests.support.tools import moshi_python

pytestmark = [mark.e2e, mark.peers]

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "tests" / "support" / "moshi_client.py"
QUICK = {"greeting": "Hello there.", "replies": ("Indeed.",), "fixed_s": 0.002, "stream_s": 0.0}


@contextlib.asynccontextmanager
async def running(pipeline, full=lambda: None, **settings):
    """A server with both entrances on a free port: its address, and the traces of its calls."""
    ready, traces = asyncio.get_running_loop().create_future(), []

    async def hold(call):
        traces.append(TraceList(asyncio.get_running_loop().time))
        fitting = at_rates(call, pipeline.rate, pipeline.play_rate)
        await run_call(fitting, pipeline, traces[-1])

    switchboard = Switchboard(ServerSettings(port=0, **settings), hold, full)
    entrances = [WebSocketEntrance(switchboard), MoshiEntrance(switchboard, MoshiSettings())]
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(switchboard, entrances, ready.set_result))
        try:
            yield (await ready).removeprefix("http://"), traces
        finally:
            serving.cancel()


def chat(address):
    return f"ws://{address}/api/chat"


async def talk(address, said, listen_s):
    """What floorbench's client hears while it says this, both in 20 ms frames at 16 kHz."""
    line = await Moshi(chat(address)).connect()
    heard: list[np.ndarray] = []

    async def say():
        sound = np.concatenate((said, np.zeros(round(listen_s * 16_000), np.float32)))
        loop = asyncio.get_running_loop()
        began = loop.time()
        for at in range(0, len(sound) - 319, 320):
            await line.speak(AudioFrame(sound[at : at + 320], 16_000, at))
            await asyncio.sleep(max(0.0, began + (at + 320) / 16_000 - loop.time()))
        await line.hang_up()

    async with asyncio.TaskGroup() as group:
        group.create_task(say())
        with contextlib.suppress(CallError):
            heard += [frame.samples async for frame in line.sound()]
    return np.concatenate(heard)


def loud(samples):
    return int(np.count_nonzero(np.abs(samples) > 0.02))


@mark.parametrize("pipeline", [lambda: DuplexPipeline(scripted(**QUICK)), cascade])
def test_a_moshi_client_talks_to_any_pipeline(pipeline):
    async def scene():
        async with running(pipeline()) as (address, _):
            return await talk(address, tone(0.0, rate=16_000), 1.5)

    heard = asyncio.run(scene())
    assert loud(heard) > 0.2 * 16_000
    assert len(heard) < 2.5 * 16_000


def test_calls_over_both_protocols_share_one_model_and_do_not_mix():
    async def plain(address):
        async with connect(f"ws://{address}/ws", Start(1, 24_000)) as far:
            for _ in range(40):
                await far.speak(np.zeros(480, np.float32))
                await asyncio.sleep(0.02)
            await far.hang_up()
            return [a async for a in far.arrivals() if isinstance(a, AudioFrame)]

    async def scene():
        pipeline = DuplexPipeline(scripted(greeting="", replies=("Yes.",), fixed_s=0.002))
        async with running(pipeline) as (address, traces), asyncio.TaskGroup() as group:
            silent = [group.create_task(plain(address)) for _ in range(2)]
            speaking = group.create_task(talk(address, tone(0.4, rate=16_000), 1.2))
        return [task.result() for task in silent], speaking.result(), traces

    silent, answered, traces = asyncio.run(scene())
    assert loud(answered) > 0
    assert [loud(np.concatenate([f.samples for f in frames])) for frames in silent] == [0, 0]
    assert sorted(len(trace.named("heard")) for trace in traces) == [0, 0, 1]


async def messages(address, *sent, limit_s=5.0):
    """What a raw client gets that sends these, until the server hangs up."""
    async with open_websocket(chat(address)) as socket, asyncio.timeout(limit_s):
        for message in sent:
            await socket.send(message)
        return [message async for message in socket]


def sound(payload):
    return bytes([Kind.SOUND]) + payload


def garbled_page():
    encoder, writer = OpusEncoder(24_000), OggWriter(7)
    return writer.begin(encoder.head) + writer.page(b"\xff\xff no opus", 960)


@mark.parametrize(
    ("message", "sentence"),
    [
        ("text", b"expected bytes, found text 'text'"),
        (sound(b"no pages at all"), b"expected an Ogg page, found b'no pages"),
        (sound(OggWriter(1).page(b"opus before its head", 0)), b"expected an OpusHead first"),
        (sound(garbled_page()), b"expected an Opus packet"),
        (sound(bytes(70_000)), b"expected at most 65536 bytes in a message, found 70000"),
    ],
)
def test_what_is_no_sound_is_a_sentence_and_the_end_of_that_call(message, sentence):
    async def scene():
        async with running(DuplexPipeline(scripted(**QUICK))) as (address, _):
            got = await messages(address, message)
            return got, await talk(address, tone(0.2, rate=16_000), 0.4)

    got, after = asyncio.run(scene())
    errors = [text[1:] for text in got if text[0] == Kind.ERROR]
    assert len(errors) == 1
    assert sentence in errors[0]
    assert loud(after) > 0


def test_kinds_nobody_knows_are_passed_over_and_text_comes_word_by_word():
    async def scene():
        limits = Limits(idle_s=1.0)
        async with running(DuplexPipeline(scripted(**QUICK)), limits=limits) as (address, _):
            odd = [bytes([kind]) + b"whatever" for kind in (2, 3, 4, 6, 77)]
            return await messages(address, *odd, b"")

    got = asyncio.run(scene())
    assert got[0] == bytes([Kind.HANDSHAKE])
    text = b"".join(message[1:] for message in got if message[0] == Kind.TEXT)
    assert text == b" Hello there."
    assert b"expected sound all the time" in got[-1]


def test_a_client_without_room_gets_503_and_a_time_to_come_back():
    async def scene():
        pipeline = DuplexPipeline(scripted(slots=1))
        async with running(pipeline, lambda: busy(pipeline)) as (address, _):
            async with open_websocket(chat(address)) as first:
                await first.recv()
                await first.recv()
                with raises(InvalidStatus) as refused:
                    await messages(address)
            return refused.value.response

    response = asyncio.run(scene())
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "60"
    assert b"found all 1 taken; you are number 1 in the queue" in response.body


def test_moshis_own_client_talks_to_parley_unchanged(tmp_path):
    python, played = moshi_python(), tmp_path / "played.npy"

    async def scene():
        async with running(DuplexPipeline(scripted(**QUICK))) as (address, traces):
            client = await asyncio.create_subprocess_exec(
                python, str(CLIENT), f"ws://{address}", "4", str(played),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            said, faults = await client.communicate()  # it says apart, in mid-word, that it lags
            return said.decode(), faults.decode(), traces

    said, faults, traces = asyncio.run(scene())
    assert "Hello there." in said, said + faults
    assert "Indeed." in said, said + faults
    assert [line["text"] for line in traces[0].named("heard")] == ["Hello there.", "Indeed."]
    assert loud(np.load(played)) > 0.3 * 24_000
