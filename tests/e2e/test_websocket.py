"""The real server on real sockets: calls, and peers who behave badly."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import urllib.error
import urllib.request

import numpy as np
from pytest import approx, mark, raises
from websockets.asyncio.client import connect as open_websocket

from agent.admission import ServerSettings
from agent.core.audio import AudioFrame, join
from agent.core.calls import Note
from agent.core.errors import CallClosed, CallError, ConfigError
from agent.core.events import Digit
from audio_io.websocket import Limits
from audio_io.websocket_client import connect
from audio_io.wire import Ended, Failure, Flush, Start
from tests.support.servers import serve

pytestmark = mark.e2e

START = Start(1, 16000)


async def echo(call):
    """An agent that says back what it hears, and tells of keys."""
    async for item in call.frames():
        if isinstance(item, Digit):
            call.tell(Note("key", {"digit": item.digit}))
        else:
            await call.play(AudioFrame(item.samples, call.play_rate, item.start))
    await call.close()


@contextlib.asynccontextmanager
async def running(start_call=echo, **settings):
    """The address of a server on a free port, stopped at the end."""
    ready = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        options = ServerSettings(port=0, **settings)
        server = group.create_task(serve(options, start_call, ready.set_result))
        try:
            yield (await ready).removeprefix("http://")
        finally:
            server.cancel()


def websocket(address):
    return f"ws://{address}/ws"


async def fetch(address, path):
    def get():
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    return await asyncio.get_running_loop().run_in_executor(None, get)


def ramp(count, start=0):
    return (np.arange(start, start + count) % 1000 / 2048).astype(np.float32)


async def talk(address, frames, *, start=START):
    """Say a ramp at its pace, hang up, and collect everything that came back."""

    async def say():
        for at in range(frames):
            await far.speak(ramp(320, at * 320))
            await asyncio.sleep(0.02)
        await far.hang_up()

    async with connect(websocket(address), start) as far, asyncio.TaskGroup() as group:
        group.create_task(say())
        return [arrival async for arrival in far.arrivals()]


def sound(arrivals):
    return [arrival for arrival in arrivals if isinstance(arrival, AudioFrame)]


async def first_failure(address, *messages):
    """The sentence a client gets that sends these messages after its start."""
    async with connect(websocket(address), START) as far:
        for message in messages:
            await far.send_raw(message)
        arrivals = [arrival async for arrival in far.arrivals()]
    (failure,) = [arrival for arrival in arrivals if isinstance(arrival, Failure)]
    assert isinstance(arrivals[-1], Ended)
    return failure.message


def test_a_caller_hears_the_agent_and_the_end():
    async def scene():
        async with running() as address:
            return await talk(address, 20)

    arrivals = asyncio.run(scene())
    assert arrivals[-1].reason == "bye"
    heard = join(sound(arrivals))
    assert len(heard.samples) >= 15 * 320
    assert heard.samples == approx(ramp(len(heard.samples)), abs=1e-4)


def test_twenty_calls_at_once_do_not_mix():
    async def scene():
        async with running() as address:
            async with asyncio.TaskGroup() as group:
                calls = [group.create_task(talk(address, 25 + number)) for number in range(20)]
            return [call.result() for call in calls]

    for arrivals in asyncio.run(scene()):
        assert arrivals[-1].reason == "bye"
        heard = join(sound(arrivals))
        assert len(heard.samples) >= 15 * 320
        assert heard.samples == approx(ramp(len(heard.samples)), abs=1e-4)


def test_keys_notes_flushes_and_marks_travel():
    async def agent(call):
        await call.play(AudioFrame(np.zeros(320, np.float32), 16000, 0))
        async for item in call.frames():
            if isinstance(item, Digit):
                call.flush()
                call.tell(Note("played", {"samples": call.played(), "key": item.digit}))

    async def scene():
        async with running(agent) as address:
            start = Start(1, 16000, marks=True)
            async with connect(websocket(address), start) as far:
                arrivals = far.arrivals()
                await anext(arrivals)
                await far.mark(160)
                await far.press("#")
                return [await anext(arrivals), await anext(arrivals)]

    flush, note = asyncio.run(scene())
    assert flush == Flush()
    assert note == Note("played", {"samples": 160, "key": "#"})


def test_peers_who_send_what_they_may_not_are_told_and_others_live_on():
    async def scene():
        async with running() as address, asyncio.TaskGroup() as group:
            good = group.create_task(talk(address, 40))
            sentences = [
                await first_failure(address, "garbage \x00"),
                await first_failure(address, b"abc"),
                await first_failure(address, bytes(65_538)),
                await first_failure(address, '{"type":"dance"}'),
            ]
            return sentences, await good

    sentences, arrivals = asyncio.run(scene())
    assert "expected a JSON object, found 'garbage" in sentences[0]
    assert "even number of bytes" in sentences[1]
    assert "at most 65536 bytes in a message, found 65538" in sentences[2]
    assert "expected one of start, digit, text, played, ear, bye, found 'dance'" in sentences[3]
    assert arrivals[-1].reason == "bye"


def test_a_message_far_over_the_limit_is_cut_off_by_the_library():
    async def scene():
        async with running() as address:
            async with connect(websocket(address), START) as far:
                with contextlib.suppress(CallError):
                    await far.send_raw(bytes(3_000_000))
                arrivals = [arrival async for arrival in far.arrivals()]
            return arrivals, await talk(address, 5)

    arrivals, after = asyncio.run(scene())
    assert not any(isinstance(arrival, Ended) for arrival in arrivals)
    assert after[-1].reason == "bye"


def test_a_peer_who_says_nothing_is_told_and_let_go():
    async def scene():
        limits = Limits(start_s=0.2, idle_s=0.3)
        async with running(limits=limits) as address:
            async with open_websocket(websocket(address)) as silent:
                never_started = [json.loads(message) async for message in silent]
            return never_started, await first_failure(address)

    never_started, fell_silent = asyncio.run(scene())
    assert "a start message within 0.2 s" in never_started[0]["message"]
    assert never_started[1] == {"type": "ended", "reason": "error"}
    assert "found none for 0.3 s" in fell_silent


def test_a_peer_who_vanishes_ends_its_call_only():
    async def scene():
        ended = asyncio.Event()

        async def agent(call):
            await echo(call)
            ended.set()

        async with running(agent) as address:
            async with connect(websocket(address), START) as far:
                await far.speak(ramp(320))
                far._connection.transport.abort()
                await ended.wait()
            return json.loads((await fetch(address, "/health"))[1])["calls"]

    assert asyncio.run(scene()) == 0


def test_over_the_limit_a_caller_is_turned_away_with_a_sentence():
    async def scene():
        async with running(max_calls=1) as address:
            async with connect(websocket(address), START) as far:
                health = await fetch(address, "/health")
                with raises(CallError) as refusal:
                    async with connect(websocket(address), START):
                        pass
                await far.hang_up()
                assert [arrival async for arrival in far.arrivals()]
            return health, str(refusal.value), refusal.value.__cause__.response.headers

    health, sentence, headers = asyncio.run(scene())
    assert json.loads(health[1])["status"] == "full"
    assert "HTTP 503" in sentence
    assert "expected fewer than 1 calls at once, found 1 calls; try again in 5 s" in sentence
    assert headers["Retry-After"] == "5"


def test_a_page_of_another_site_may_not_call():
    async def scene():
        async with running() as address:
            with raises(Exception, match="403"):
                async with open_websocket(websocket(address), origin="http://evil.example"):
                    pass
            async with open_websocket(websocket(address), origin=f"http://{address}"):
                return True

    assert asyncio.run(scene())


def test_a_page_whose_name_was_pointed_at_this_machine_gets_nothing():
    async def get(address, path):
        reader, writer = await asyncio.open_connection(*address.split(":"))
        upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        key = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        hosts = b"Host: evil.example:8080\r\nOrigin: http://evil.example:8080\r\n"
        head = b"GET %b HTTP/1.1\r\n" % path.encode()
        writer.write(head + hosts + (upgrade + key if path == "/ws" else b"") + b"\r\n")
        status = int((await reader.readline()).split()[1])
        writer.close()
        return status

    async def scene():
        async with running() as address:
            return [await get(address, path) for path in ("/ws", "/", "/metrics", "/health")]

    assert asyncio.run(scene()) == [403, 403, 403, 200]


def test_an_agent_that_fails_ends_its_call_with_a_sentence_and_is_counted():
    async def broken(call):
        raise RuntimeError("out of ideas")

    async def scene():
        async with running(broken) as address:
            return await first_failure(address), (await fetch(address, "/metrics"))[1]

    sentence, metrics = asyncio.run(scene())
    assert "the agent failed" in sentence
    assert "parley_calls_failed_total 1" in metrics


def test_health_metrics_and_the_client_are_served():
    async def scene():
        async with running() as address:
            await talk(address, 3)
            return [await fetch(address, path) for path in ("/health", "/metrics", "/", "/none")]

    health, metrics, client, none = asyncio.run(scene())
    assert health[0] == 200
    assert json.loads(health[1]) == {"status": "ok", "calls": 0, "version": "0.1.0"}
    assert "# TYPE parley_calls_answered_total counter" in metrics[1]
    assert "parley_calls_answered_total 1\n" in metrics[1]
    assert "<title>parley</title>" in client[1]
    assert none[0] == 404


@mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_on_a_signal_calls_end_with_the_reason_and_the_server_returns(number):
    async def scene():
        ready = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            group.create_task(serve(ServerSettings(port=0), echo, ready.set_result))
            address = (await ready).removeprefix("http://")
            async with connect(websocket(address), START) as far:
                await far.speak(ramp(320))
                os.kill(os.getpid(), number)
                return [arrival async for arrival in far.arrivals()]

    assert asyncio.run(scene())[-1].reason == "stopping"


def test_a_call_whose_agent_does_not_let_go_is_cut_when_the_server_stops():
    async def stubborn(call):
        await asyncio.Event().wait()

    async def scene():
        async with running(stubborn, stop_s=0.1) as address:
            far = await stack.enter_async_context(connect(websocket(address), START))
        return [arrival async for arrival in far.arrivals()]

    stack = contextlib.AsyncExitStack()

    async def main():
        async with stack:
            return await scene()

    assert asyncio.run(main())[-1].reason == "stopping"


def test_an_entrance_that_cannot_be_opened_ends_the_server_with_its_sentence():
    class Walled:
        def __init__(self, switchboard):
            pass

        def routes(self):
            return []

        async def listen(self):
            raise ConfigError("sip: expected a free port, found none")

    with raises(ConfigError, match="sip: expected a free port"):
        asyncio.run(serve(ServerSettings(port=0), echo, entrances=(Walled,)))


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with raises(ConfigError, match=f"127.0.0.1 port {port}, found it in use"):
            asyncio.run(serve(ServerSettings(port=port), echo))


def test_nobody_listening_is_a_sentence():
    async def scene():
        async with connect("ws://127.0.0.1:9/ws", START):
            pass

    with raises(CallError, match=r"found nobody who answers.*parley serve"):
        asyncio.run(scene())


@mark.parametrize(("field", "value"), [("port", 70000), ("max_calls", 0)])
def test_settings_no_server_can_have_are_refused(field, value):
    with raises(ValueError, match=f"{field}: expected"):
        ServerSettings(**{field: value})


def test_a_slow_reader_is_let_go_and_costs_no_memory():
    async def shouts(call):
        try:
            async with asyncio.timeout(10):
                async for _ in call.frames():
                    pass
        finally:
            ended.append((call.ended, len(call._outbox)))
            over.set()

    async def scene():
        limits = Limits(send_s=0.3, notes=50)

        async def agent(call):
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(shouts(call))
                while not listening.done():
                    call.tell(Note("flood", {"text": "x" * 100_000}))
                    await asyncio.sleep(0.001)

        async with running(agent, limits=limits) as address:
            reader, writer = await asyncio.open_connection(*address.split(":"), limit=1000)
            writer.write(
                b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                b"Upgrade: websocket\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            await reader.readuntil(b"\r\n")
            text = b'{"type":"start","version":1,"rate":16000}'
            writer.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
            await over.wait()
            writer.transport.abort()

    ended, over = [], asyncio.Event()
    asyncio.run(scene())
    assert ended[0][0] == "lost"
    assert ended[0][1] <= 60


def test_a_client_that_reads_nothing_holds_up_little_sound_and_is_let_go():
    async def agent(call):
        calls.append(call)
        silence = np.zeros(call.frame_samples, np.float32)
        with contextlib.suppress(CallClosed):
            while True:
                await call.play(AudioFrame(silence, call.play_rate, 0))

    async def scene():
        async with running(agent, limits=Limits(send_s=0.3)) as address:
            far = socket.socket()
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            far.setblocking(False)
            loop, (host, port) = asyncio.get_running_loop(), address.split(":")
            with far:
                await loop.sock_connect(far, (host, int(port)))
                await loop.sock_sendall(
                    far,
                    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                )
                await loop.sock_recv(far, 12)  # and no more than that it was agreed to
                start = b'{"type":"start","version":1,"rate":48000}'
                await loop.sock_sendall(far, bytes([0x81, 0x80 | len(start)]) + bytes(4) + start)
                while not calls or calls[0].ended is None:  # noqa: ASYNC110  # nobody tells
                    await asyncio.sleep(0.02)
        return calls[0].ended, calls[0]._sent

    calls = []
    ended, sent = asyncio.run(scene())
    assert ended == "lost"
    assert sent < 2 * 48_000  # the buffers of both kernels would hold a minute
