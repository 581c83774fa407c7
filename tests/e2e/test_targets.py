"""Other people's agents, called through the protocol they speak: stubs on real sockets."""

import asyncio
import contextlib
import json
import logging

import numpy as np
from pytest import approx, fixture, mark, raises

from agent.admission import ServerSettings
from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed, CallError, ConfigError, ProtocolError
from agent.virtual_loop import run_virtual
from audio_io.codecs import from_pcm16, to_pcm16
from audio_io.resample import resampled
from floorbench.session import Flushed
from floorbench.targets import link
from floorbench.targets.media_stream import MediaStream
from floorbench.targets.moshi import Moshi
from floorbench.targets.parley_ws import ParleyWs
from floorbench.targets.pcm_ws import PcmWs
from floorbench.targets.realtime import Realtime
from tests.support.agents import (
    RATE,
    SECOND,
    alike,
    answering,
    call,
    calling,
    everything,
    frames,
    heard,
    ready,
    send,
    tone,
)
from tests.support.servers import serve

pytestmark = mark.e2e

KEY = "sk-very-secret"

TARGETS = {
    "parley": ParleyWs,
    "pcm": PcmWs,
    "realtime": Realtime,
    "twilio": MediaStream,
    "moshi": Moshi,
}
EVERY = mark.parametrize("kind", TARGETS.values(), ids=TARGETS.keys())
ANSWERING = mark.parametrize(
    "kind", (ParleyWs, Realtime, Moshi), ids=("parley", "realtime", "moshi")
)


# --- our own ------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def parley(agent):
    ready = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        server = group.create_task(serve(ServerSettings(port=0), agent, ready.set_result))
        try:
            yield (await ready).replace("http://", "ws://") + "/ws"
        finally:
            server.cancel()


def test_parley_hears_the_caller_and_is_heard_and_hangs_up():
    async def agent(call):
        async for item in call.frames():
            if not isinstance(item, AudioFrame):
                call.flush()
                await call.close()
                return
            await call.play(AudioFrame(item.samples, call.play_rate, item.start))

    async def scene():
        async with parley(agent) as url, calling(ParleyWs(url)) as line:
            for frame in frames(SECOND)[:25]:
                await line.speak(frame)
                await asyncio.sleep(0.02)
            await line.press("5")
            items = await everything(line)
            with raises(CallClosed):
                await line.speak(frames(SECOND)[0])
            return items

    items = asyncio.run(scene())
    assert isinstance(items[-1], Flushed)
    sound = heard(items)
    assert len(sound) >= 15 * 320
    assert sound == approx(SECOND[: len(sound)], abs=1e-4)


def test_parley_is_told_what_was_heard_of_it():
    marks = []

    async def agent(socket):
        assert json.loads(await socket.recv())["marks"] is True
        await send(socket, type="started", call="x", rate=RATE, play_rate=RATE, frame_samples=320)
        await socket.send(to_pcm16(SECOND))
        async for message in socket:
            if isinstance(message, str) and json.loads(message)["type"] == "played":
                marks.append(json.loads(message)["samples"])
                if len(marks) == 8:
                    await send(socket, type="flush")
                if len(marks) == 10:
                    await send(socket, type="ended", reason="hung_up")
                    return

    async def scene():
        async with answering(agent) as address, calling(ParleyWs(f"ws://{address}/")) as line:
            await asyncio.sleep(1.0)  # so that the first mark is due
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(everything(line))
                while not listening.done():
                    with contextlib.suppress(CallClosed):
                        await line.speak(frames(SECOND)[0])
                    await asyncio.sleep(0.02)

    run_virtual(scene())
    assert marks[1] - marks[0] == approx(1600, abs=320)
    assert marks[:8] == sorted(marks[:8])
    assert marks[7] < len(SECOND)
    assert marks[9] == len(SECOND)  # dropped by the flush counts as played


def test_an_error_that_parley_names_is_the_reason():
    async def agent(socket):
        await socket.recv()
        await send(socket, type="started", call="x", rate=RATE, play_rate=RATE, frame_samples=320)
        await send(socket, type="error", message="the agent failed")

    with raises(CallError, match=r"ws://127.* the agent says: the agent failed"):
        asyncio.run(call(agent, ParleyWs))


# --- plain PCM ----------------------------------------------------------------------------------


@mark.parametrize("rate", [8000, 16000, 24000, 44100])
def test_plain_pcm_goes_both_ways_at_the_agents_rate(rate):
    taken = []

    async def agent(socket):
        await socket.send('{"type":"hello"}')
        while sum(map(len, taken)) < rate * 0.9:
            taken.append(from_pcm16(await socket.recv()))
        await socket.send(to_pcm16(tone(1.0, rate)))

    items = asyncio.run(call(agent, lambda url: PcmWs(url, rate)))
    assert alike(resampled(np.concatenate(taken), rate, RATE), SECOND) > 0.99
    assert alike(heard(items), SECOND) > 0.99
    assert len(heard(items)) == approx(RATE, abs=1)


def test_half_a_sample_of_plain_pcm_is_a_sentence():
    async def agent(socket):
        await socket.send(b"abc")

    with raises(ProtocolError, match="even number of bytes"):
        asyncio.run(call(agent, PcmWs))


def test_the_key_is_sent_and_is_in_no_name_message_or_log(monkeypatch, caplog):
    monkeypatch.setenv("MY_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    seen = []

    def refuse(connection, request):
        seen.append(request.headers["Authorization"])
        return connection.respond(401, f"{seen[0]} is not known here")

    async def scene():
        async with answering(None, process_request=refuse) as address:
            target = PcmWs(f"ws://{address}/", key_env="MY_KEY")
            with raises(CallError) as refusal:
                await target.connect()
            return f"{target.name} {refusal.value}"

    words = asyncio.run(scene())
    assert seen == [f"Bearer {KEY}"]
    assert "HTTP 401 Bearer *** is not known here" in words
    assert KEY not in words
    ours = [r.getMessage() for r in caplog.records if r.name == "floorbench.targets"]
    assert not any(KEY in message for message in ours)


def test_a_key_is_refused_to_travel_in_the_open_and_missed_where_there_is_none(monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with raises(ConfigError, match=r"\$NO_SUCH_KEY, found none"):
        asyncio.run(PcmWs("ws://localhost:1/", key_env="NO_SUCH_KEY").connect())
    with raises(ConfigError, match="expected wss:// or https:// where a key"):
        asyncio.run(PcmWs("ws://agent.example/", key_env="NO_SUCH_KEY").connect())


# --- all of them --------------------------------------------------------------------------------


@EVERY
def test_nobody_there_is_a_sentence(kind):
    with raises(CallError, match=r"ws://127.0.0.1:9/x.*found nobody who answers"):
        asyncio.run(kind("ws://127.0.0.1:9/x").connect())


@EVERY
def test_a_refusal_is_a_sentence_with_its_reason(kind):
    async def scene():
        def refuse(connection, request):
            return connection.respond(503, "we are full")

        async with answering(None, process_request=refuse) as address:
            await kind(f"ws://{address}/").connect()

    with raises(CallError, match=r"HTTP 503:? we are full"):
        asyncio.run(scene())


@EVERY
@mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2\r\n"], ids=["closes", "other"])
def test_something_that_is_no_websocket_is_a_sentence(kind, greeting):
    async def other(reader, writer):
        writer.write(greeting)
        writer.close()
        await writer.wait_closed()

    async def scene():
        async with await asyncio.start_server(other, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await kind(f"ws://127.0.0.1:{port}/").connect()

    with raises(CallError, match=r"expected a (WebSocket|parley) ?\w*, found"):
        asyncio.run(scene())


@ANSWERING
def test_an_agent_that_hangs_up_before_it_is_ready_is_a_sentence(kind):
    async def agent(socket):
        await socket.close()

    with raises(CallError, match=r"hung up|hang-up"):
        asyncio.run(call(agent, kind))


@ANSWERING
def test_an_agent_that_never_says_that_it_is_ready_is_a_sentence(kind):
    async def agent(socket):
        await socket.wait_closed()

    with raises(CallError, match="within 10 s, found nothing"):
        run_virtual(call(agent, kind))


@EVERY
def test_an_agent_that_says_nonsense_is_a_sentence(kind):
    async def agent(socket):
        await socket.send("} nonsense {")
        await socket.wait_closed()

    async def scene():
        async with answering(agent) as address, calling(kind(f"ws://{address}/")) as line:
            return await asyncio.wait_for(anext(line.sound()), 1.0)

    if kind is PcmWs:  # text is not for it
        with raises(TimeoutError):
            run_virtual(scene())
    else:
        with raises(ProtocolError, match="found"):
            asyncio.run(scene())


@fixture(params=TARGETS.values(), ids=TARGETS.keys())
def kind(request):
    return request.param


@mark.parametrize("how", ["goodbye", "lost"])
def test_an_agent_that_hangs_up_early_ends_the_sound_and_refuses_more(kind, how):
    async def agent(socket):
        await ready(socket, kind)
        if how == "lost":
            await asyncio.sleep(0.05)
            socket.transport.abort()

    async def scene():
        async with answering(agent) as address, calling(kind(f"ws://{address}/")) as line:
            items = await everything(line)
            with raises(CallClosed):
                for frame in frames(SECOND):
                    await line.speak(frame)
            return items

    assert run_virtual(scene()) == []


def test_an_agent_that_makes_no_sound_is_listened_to_until_it_hangs_up(kind):
    async def agent(socket):
        await ready(socket, kind)
        await asyncio.sleep(30)

    assert run_virtual(call(agent, kind, said=SECOND[:0])) == []


@mark.parametrize("code", [1008, 1011, 3000])
def test_a_close_code_that_is_a_complaint_is_a_sentence(kind, code):
    async def agent(socket):
        await ready(socket, kind)
        await asyncio.sleep(1)
        await socket.close(code, "too many calls")

    if kind is ParleyWs:
        assert run_virtual(call(agent, kind, said=SECOND[:0])) == []  # says so in JSON instead
    else:
        with raises(CallError, match=f"ended the call with code {code}: too many calls"):
            run_virtual(call(agent, kind, said=SECOND[:0]))


def test_a_message_of_no_end_is_a_sentence(monkeypatch):
    monkeypatch.setattr(link, "MESSAGE_BYTES", 1000)

    async def agent(socket):
        await socket.send(bytes(2000))

    with raises(ProtocolError, match=r"at most 1000 bytes, found .* 1009"):
        asyncio.run(call(agent, PcmWs, said=SECOND[:0]))


@mark.parametrize("kind", [PcmWs, Realtime, Moshi])
def test_where_there_are_no_keys_none_can_be_pressed(kind):
    async def agent(socket):
        await ready(socket, kind)
        await socket.wait_closed()

    async def scene():
        async with answering(agent) as address, calling(kind(f"ws://{address}/")) as line:
            await line.press("5")

    with raises(ProtocolError, match=r"no keys, found 5"):
        asyncio.run(scene())


def test_hanging_up_on_an_agent_that_was_not_listened_to_takes_no_time():
    async def agent(socket):
        for _ in range(1000):
            await socket.send(bytes(3200))
        await socket.wait_closed()

    async def scene():
        before = asyncio.get_running_loop().time()
        async with answering(agent) as address, calling(PcmWs(f"ws://{address}/")) as line:
            await line.speak(frames(SECOND)[0])
        return asyncio.get_running_loop().time() - before

    assert run_virtual(scene()) <= link.ANSWER_S
