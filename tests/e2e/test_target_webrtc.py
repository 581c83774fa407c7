"""The bench as a caller over WebRTC: our own entrance, over good and bad networks, and others."""

import asyncio
import contextlib
import json

import numpy as np
from pytest import mark, raises

from agent.admission import ServerSettings
from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed, CallError, ProtocolError
from agent.core.events import Digit
from agent.entrances.webrtc import WebRtcEntrance
from audio_io.resample import at_rates
from audio_io.webrtc.settings import WebRtcSettings
from floorbench.session import Flushed
from floorbench.targets.udp_link import UdpNetwork
from floorbench.targets.webrtc import Dialect, WebRtc
from tests.support.agents import RATE, calling, frames, heard, tone
from tests.support.servers import serve

pytestmark = mark.e2e

SAID = tone(1.0)


async def echo(call):
    """Gives back what it hears, until a key is pressed."""
    call = at_rates(call, RATE, RATE)
    async for item in call.frames():
        if isinstance(item, Digit):
            call.flush()
            return
        await call.play(AudioFrame(item.samples, call.play_rate, item.start))


@contextlib.asynccontextmanager
async def parley(agent=echo, **settings):
    ready = asyncio.get_running_loop().create_future()

    def entrance(switchboard):
        return WebRtcEntrance(switchboard, WebRtcSettings())

    async with asyncio.TaskGroup() as group:
        options = ServerSettings(port=0, **settings)
        server = group.create_task(serve(options, agent, ready.set_result, (entrance,)))
        try:
            yield f"{await ready}/api/offer"
        finally:
            server.cancel()


async def conversation(line, said=SAID):
    """Says something, presses a key, and listens until the agent hangs up."""
    items = []

    async def listen():
        items.extend([item async for item in line.sound()])

    async with asyncio.timeout(15), asyncio.TaskGroup() as group:
        group.create_task(listen())
        for frame in frames(said):
            await line.speak(frame)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        await line.press("5")
    return items


def share_of_tone(sound):
    """How much of what was heard is the tone that was said; and how long that lasted, in seconds.

    On a busy machine sound is made up and shortened here and there: the phase of it is lost.
    """
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    loud = np.abs(sound).reshape(-1)[: len(sound) // 320 * 320].reshape(-1, 320).max(axis=1) > 0.1
    return power[np.abs(hz - 440) < 20].sum() / power.sum(), loud.sum() * 0.02


def test_parley_hears_the_caller_and_is_heard_and_hangs_up():
    async def scene():
        async with parley() as url, calling(WebRtc(url)) as line:
            items = await conversation(line)
            with raises(CallClosed):
                await line.speak(frames(SAID)[0])
            return items

    items = asyncio.run(scene())
    assert any(isinstance(item, Flushed) for item in items)
    share, lasted_s = share_of_tone(heard(items))
    assert share > 0.8
    assert lasted_s > 0.7


def test_a_network_that_loses_sound_is_between_them_and_the_call_goes_on():
    async def scene():
        network = UdpNetwork(loss=0.05, jitter_s=0.004, delay_s=0.01)
        async with parley() as url, calling(WebRtc(url, network=network)) as line:
            items = await conversation(line)
            ways = line._peer._link.ways
            return items, [way.losses.sent for way in ways]

    items, sent = asyncio.run(scene())
    assert min(sent) > 40
    share, lasted_s = share_of_tone(heard(items))
    assert share > 0.6
    assert lasted_s > 0.5


def test_a_full_server_refuses_with_its_sentence():
    async def scene():
        async with parley(max_calls=1) as url, calling(WebRtc(url)):
            with raises(CallError, match=r"HTTP 503.*expected fewer than 1 calls at once"):
                await WebRtc(url).connect()

    asyncio.run(scene())


@contextlib.asynccontextmanager
async def answering(body, status="200 OK"):
    """An agent that answers every offer with this."""

    async def agent(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(agent, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/offer"


@mark.parametrize(
    ("dialect", "body", "error", "sentence"),
    [
        (Dialect.PARLEY, b"hello", ProtocolError, "expected JSON with an sdp, found 'hello'"),
        (Dialect.RTVI, json.dumps({"sdp": 5}).encode(), ProtocolError, "JSON with an sdp"),
        (Dialect.REALTIME, b"v=0\r\nnonsense", CallError, "expected an answer in SDP"),
    ],
)
def test_an_answer_that_is_none_is_a_sentence(dialect, body, error, sentence):
    async def scene():
        async with answering(body) as url:
            await WebRtc(url, dialect).connect()

    with raises(error, match=sentence):
        asyncio.run(scene())


def test_nobody_listening_is_a_sentence():
    with raises(CallError, match="found nobody who answers"):
        asyncio.run(WebRtc("http://127.0.0.1:9/api/offer").connect())
