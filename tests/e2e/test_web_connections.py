"""Clients that never finish a request: on uvicorn's protocol in virtual time, and on sockets."""

import asyncio
import contextlib

from pytest import approx, mark
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from uvicorn import Config
from uvicorn.server import ServerState

from agent.admission import ServerSettings
from agent.entrances.media_stream import _fields
from agent.entrances.webrtc import _body, _Refused
from agent.virtual_loop import run_virtual
from agent.web_connections import LAST_BYTES, MOST_WAITING, HttpConnection, WebSocketConnection
from tests.support.servers import serve

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class Wire(asyncio.Transport):
    """A client's connection in memory."""

    def __init__(self, state, app):
        super().__init__()
        config = Config(
            app, http=HttpConnection, ws=WebSocketConnection, lifespan="off", log_config=None
        )
        config.load()
        self.far = HttpConnection(config, state, {})
        self.got, self.closed_at = b"", None
        self.protocol = self.far
        self.far.connection_made(self)

    def get_protocol(self):
        return self.protocol

    def set_protocol(self, protocol):
        self.protocol = protocol

    def get_extra_info(self, name, default=None):
        return ("127.0.0.1", 1) if name in ("sockname", "peername") else default

    def set_write_buffer_limits(self, high=None, low=None):
        self.most = high

    def write(self, data):
        self.got += data

    def is_closing(self):
        return self.closed_at is not None

    def close(self):
        if self.closed_at is None:
            loop = asyncio.get_running_loop()
            self.closed_at = loop.time()
            loop.call_soon(self.protocol.connection_lost, None)

    abort = close

    def pause_reading(self):
        pass

    resume_reading = pause_reading

    async def closed(self):
        while self.closed_at is None:  # noqa: ASYNC110  # in virtual time
            await asyncio.sleep(0.1)
        await asyncio.sleep(0)
        return self.closed_at


def answering(ask=None):
    async def there(request):
        return PlainTextResponse(str(await ask(request)) if ask else "there")

    return Starlette(routes=[Route("/", there, methods=["GET", "POST"])])


@mark.parametrize("start", [b"", b"GET / HT", HEAD, HEAD + b"12345"])
def test_a_request_that_does_not_become_whole_in_10_s_is_not_waited_for(start):
    async def scene():
        wire = Wire(ServerState(), answering(_fields))
        if start:
            wire.far.data_received(start)
        return await wire.closed()

    assert run_virtual(scene()) == approx(10)


def test_a_request_that_trickles_is_not_waited_for_either():
    async def scene():
        wire = Wire(ServerState(), answering(_fields))
        for at in range(100):
            if wire.closed_at is None:
                wire.far.data_received(HEAD[at : at + 1] if at < 30 else b"x")
                await asyncio.sleep(0.5)
        return wire.closed_at

    assert run_virtual(scene()) == approx(10)


def test_a_slow_answer_is_no_slow_request_and_the_next_request_has_its_own_time():
    async def slow(request):
        if await _fields(request):
            await asyncio.sleep(20)
        return asyncio.get_running_loop().time()

    async def scene():
        wire = Wire(ServerState(), answering(slow))
        wire.far.data_received(HEAD + b"a=23456789")
        await asyncio.sleep(22)
        wire.far.data_received(HEAD)
        return await wire.closed(), wire.got

    closed_at, got = run_virtual(scene())
    assert closed_at == approx(32)
    assert got.endswith(b"20.0")


def test_of_many_that_wait_the_oldest_goes():
    async def scene():
        state, wires = ServerState(), []
        for _ in range(MOST_WAITING + 5):
            wires.append(Wire(state, answering()))
            await asyncio.sleep(0.01)
        closed = [number for number, wire in enumerate(wires) if wire.closed_at is not None]
        for wire in wires:
            wire.close()
        await asyncio.sleep(0)
        return closed, len(state.connections)

    assert run_virtual(scene()) == ([0, 1, 2, 3, 4], 0)


@mark.parametrize("ask", [_body, _fields])
def test_whoever_reads_a_body_that_stays_away_goes_on(ask, caplog):
    found = []

    async def asked(request):
        try:
            found.append(await ask(request))
        except _Refused as refused:
            found.append(refused.status)
        return "done"

    async def scene():
        wire = Wire(ServerState(), answering(asked))
        wire.far.data_received(HEAD + b"{")
        await wire.closed()
        await asyncio.sleep(0.1)

    run_virtual(scene())
    assert found in ([408], [()])
    assert not caplog.records


def test_little_of_a_websocket_is_read_at_a_time_and_nothing_more_of_who_was_told_that_it_is_over():
    async def scene():
        state = ServerState()
        wire = Wire(state, hanging_up)
        wire.far.data_received(UPGRADE)
        await asyncio.sleep(1)
        socket, taken = wire.protocol, 0
        while wire.closed_at is None:
            piece = socket.get_buffer(1_000_000)
            piece[:] = b"\x82\x80\0\0\0\0" * (len(piece) // 6) + b"\x82\x80\0\0"
            socket.buffer_updated(len(piece) // 6 * 6)
            taken += len(piece)
        await asyncio.sleep(0)
        return (len(piece), wire.most), taken, b" 101 " in wire.got, len(state.connections)

    async def hanging_up(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})

    sizes, taken, agreed, left = run_virtual(scene())
    assert (agreed, sizes, left) == (True, (4096, 0), 0)
    assert taken <= LAST_BYTES + 2 * 4096


@mark.e2e
def test_hundreds_of_connections_without_a_request_leave_room_for_one_with():
    async def nobody(call):
        await call.close()

    async def scene():
        ready = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group, contextlib.AsyncExitStack() as stack:
            serving = group.create_task(serve(ServerSettings(port=0), nobody, ready.set_result))
            port = int((await ready).rpartition(":")[2])
            for _ in range(400):
                _, idle = await asyncio.open_connection("127.0.0.1", port)
                stack.callback(idle.close)
                idle.write(b"GET /hea")
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            line = await reader.readline()
            writer.close()
            serving.cancel()
            return line

    assert b"200" in asyncio.run(scene())
