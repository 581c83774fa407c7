"""Asterisk's two ways in on real sockets: who may come in, and peers who behave badly."""

import asyncio
import base64
import contextlib
import random
import socket
from functools import partial

from pytest import mark, raises
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.admission import ServerSettings
from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed, ConfigError
from agent.entrances.asterisk import AsteriskEntrance, AsteriskSettings
from agent.entrances.audiosocket import AudioSocketEntrance, AudioSocketSettings, TcpStream
from audio_io.asterisk.audiosocket_wire import HANG_UP, sound_message
from audio_io.asterisk.manager import ManagerSettings
from audio_io.websocket import Limits
from tests.support.asterisk import free_port
from tests.support.asterisk_lines import mutated
from tests.support.servers import serve

pytestmark = mark.e2e

ID = "6f1cc0de-9d3b-4c8f-8f4f-0b6f0a2f7a11"
IDENTITY = b"\x01\x00\x10" + bytes.fromhex(ID.replace("-", ""))
SOUND = sound_message(8000, bytes(320))
START = '{"event":"MEDIA_START","format":"slin16","optimal_frame_size":640}'
DIGIT = '{"event":"DTMF_END","digit":"5"}'
MARKED = '{"event":"MEDIA_MARK_PROCESSED","correlation_id":"1600"}'
ATTACKS = 300


async def echo(call):
    with contextlib.suppress(CallClosed):
        async for item in call.frames():
            if isinstance(item, AudioFrame):
                await call.play(item)


class Server:
    """Where both ways in are, and the switchboard's counts."""

    def __init__(self):
        self.port, self.audiosocket = 0, free_port()
        self.switchboard = None

    @contextlib.asynccontextmanager
    async def running(self, *, sockets=None, asterisk=None, agent=echo, **settings):
        audiosocket = AudioSocketSettings(port=self.audiosocket, **(sockets or {}))
        web = AsteriskSettings(**(asterisk or {}))
        ready = asyncio.get_running_loop().create_future()

        def kept(switchboard):
            self.switchboard = switchboard
            return AsteriskEntrance(switchboard, web)

        entrances = (partial(AudioSocketEntrance, settings=audiosocket), kept)
        options = ServerSettings(port=0, **{"limits": Limits(start_s=0.5), **settings})
        async with asyncio.TaskGroup() as group:
            server = group.create_task(serve(options, agent, ready.set_result, entrances))
            try:
                self.port = int((await ready).rpartition(":")[2])
                yield self
            finally:
                server.cancel()

    @contextlib.asynccontextmanager
    async def dialled(self):
        """A TCP connection to the AudioSocket, which may be ready some turns of the loop later."""
        async with asyncio.timeout(5):
            while True:
                with contextlib.suppress(ConnectionRefusedError):
                    address = ("127.0.0.1", self.audiosocket)
                    reader, writer = await asyncio.open_connection(*address)
                    break
                await asyncio.sleep(0.01)
        try:
            yield reader, writer
        finally:
            writer.close()

    def upgraded(self, address="", **headers):
        """A WebSocket as Asterisk opens it."""
        address = address or f"ws://127.0.0.1:{self.port}/asterisk"
        return connect(address, subprotocols=["media"], additional_headers=headers)

    async def emptied(self):
        async with asyncio.timeout(5):
            while self.switchboard.active:  # noqa: ASYNC110  # a count, and nobody tells
                await asyncio.sleep(0.01)


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def over(reader):
    """Everything until the far side closes."""
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionResetError):
            return await reader.read()


# --- who may come in ------------------------------------------------------------------------------


@mark.parametrize(
    ("settings", "sentence"),
    [
        ({"host": "0.0.0.0"}, "neither ids nor networks are set"),
        ({"ids": ("1234",)}, "expected UUIDs such as"),
        ({"networks": ("10.0.0.1/8",)}, "host bits set"),
        ({"port": 70_000}, "expected 0 to 65535"),
    ],
)
def test_settings_that_would_let_anybody_in_or_mean_nothing_are_refused(settings, sentence):
    with raises(ValueError, match=sentence):
        AudioSocketSettings(**settings)


def test_an_audiosocket_beyond_the_loopback_interface_needs_ids_or_networks():
    assert AudioSocketSettings(host="0.0.0.0", ids=(ID,)).port == 9092
    assert AudioSocketSettings(host="0.0.0.0", networks=("10.0.0.0/8",)).port == 9092


@mark.parametrize("settings", [{"path": "asterisk"}, {"path": "/{x}"}, {"user": "a:b"}])
def test_addresses_and_users_that_http_cannot_have_are_refused(settings):
    with raises(ValueError, match="expected"):
        AsteriskSettings(**settings)


def test_a_port_in_use_is_named():
    async def scene(server):
        async with server.running():
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Server()
        server.audiosocket = taken.getsockname()[1]
        with raises(ExceptionGroup) as failed:
            asyncio.run(scene(server))
    (fault,) = _leaves(failed.value)
    assert isinstance(fault, ConfigError)
    assert f"port {server.audiosocket}, found it in use" in str(fault)


def _leaves(group):
    inner = [_leaves(e) if isinstance(e, ExceptionGroup) else [e] for e in group.exceptions]
    return [fault for faults in inner for fault in faults if not isinstance(fault, TimeoutError)]


def test_audiosocket_lets_in_who_is_listed_and_nobody_else():
    async def scene(server):
        async with server.running(sockets={"ids": (ID,)}):
            async with server.dialled() as (reader, writer):
                writer.write(IDENTITY + SOUND * 3)
                first = await reader.readexactly(len(SOUND))
            async with server.dialled() as (reader, writer):
                writer.write(b"\x01\x00\x10" + bytes(16) + SOUND)
                stranger = await over(reader)
        far = {"networks": ("10.0.0.0/8",)}
        async with server.running(sockets=far), server.dialled() as (reader, writer):
            writer.write(IDENTITY + SOUND)
            elsewhere = await over(reader)
        return first, stranger or b"", elsewhere or b""

    first, stranger, elsewhere = asyncio.run(scene(Server()))
    assert first == SOUND
    assert stranger == elsewhere == b""


@mark.parametrize(
    ("settings", "headers", "status"),
    [
        ({"asterisk": {"password": "x"}}, {}, 401),
        ({"asterisk": {"password": "x"}}, {"Authorization": basic("asterisk", "y")}, 401),
        ({"asterisk": {"password": "x"}}, {"Authorization": "Basic %%%"}, 401),
        ({"asterisk": {"password": "x"}}, {"Authorization": "Basic " + "/w=="}, 401),
        ({"asterisk": {"password": "x"}}, {"Authorization": "Bearer x"}, 401),
        ({"tokens": ("t",)}, {"Authorization": basic("asterisk", "")}, 401),
        ({"tokens": ("t",)}, {}, 401),
        ({}, {"Origin": "http://127.0.0.1"}, 403),
        ({"asterisk": {"password": "x"}}, {"Authorization": basic("asterisk", "x")}, 101),
        ({"tokens": ("t",)}, {"Authorization": "Bearer t"}, 101),
        ({}, {}, 101),
    ],
)
def test_asterisk_shows_who_it_is_before_the_upgrade(settings, headers, status):
    async def scene(server):
        async with server.running(**settings):
            try:
                async with server.upgraded(**headers) as line:
                    await line.send(START)
                    await line.send(bytes(640))
                    assert line.subprotocol == "media"
                    assert await line.recv() == bytes(640)
                    return 101
            except InvalidStatus as refused:
                return refused.response.status_code

    assert asyncio.run(scene(Server())) == status


def test_without_a_password_and_tokens_only_this_machines_own_names_are_answered_to():
    async def scene(server):
        async with server.running():
            there = {"host": "127.0.0.1", "port": server.port}
            with raises(InvalidStatus) as refused:
                async with connect("ws://evil.example/asterisk", **there):
                    pass
        return refused.value.response.status_code

    assert asyncio.run(scene(Server())) == 403


def test_a_full_server_says_when_to_try_again_or_closes_at_once():
    async def scene(server):
        async with server.running(max_calls=1), server.upgraded() as line:
            await line.send(START)
            with raises(InvalidStatus) as refused:
                async with server.upgraded():
                    pass
            async with server.dialled() as (reader, _):
                closed = await over(reader)
            return refused.value.response, closed or b"", server.switchboard.counts["refused"]

    response, closed, refused = asyncio.run(scene(Server()))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert (closed, refused) == (b"", 2)


# --- peers who behave badly -----------------------------------------------------------------------


def test_peers_that_say_nothing_are_let_go():
    async def scene(server):
        async with server.running(), server.dialled() as (reader, _), server.upgraded() as line:
            heard = await over(reader)
            with raises(ConnectionClosed):
                await line.recv()
            await server.emptied()
            return heard or b"", dict(server.switchboard.counts)

    heard, counts = asyncio.run(scene(Server()))
    assert heard == b""
    assert (counts["answered"], counts["refused"], counts["failed"]) == (0, 2, 0)


def test_a_channel_that_is_none_ends_the_call_before_it_begins():
    async def scene(server):
        manager = {"manager": ManagerSettings(port=9)}
        async with server.running(asterisk=manager):
            address = f"ws://127.0.0.1:{server.port}/asterisk?channel=a%0d%0ab"
            async with connect(address) as line:
                with raises(ConnectionClosed):
                    await line.recv()
            await server.emptied()
            return server.switchboard.counts["refused"]

    assert asyncio.run(scene(Server())) == 1


def test_a_far_side_that_reads_no_more_is_not_waited_for():
    async def scene():
        ended = asyncio.Event()

        async def connected(reader, writer):
            stream = TcpStream(reader, writer)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await stream.send(bytes(20_000_000))
            await stream.close()
            await stream.close()
            with raises(CallClosed):
                await stream.receive()
            ended.set()

        listener = await asyncio.start_server(connected, "127.0.0.1", 0)
        async with listener:
            address = listener.sockets[0].getsockname()
            _, writer = await asyncio.open_connection(*address, limit=1000)
            async with asyncio.timeout(5):
                await ended.wait()
            writer.close()
        return True

    assert asyncio.run(scene())


async def good_call(server, done):
    """A caller who is never disturbed: each of their frames comes back; how many did not."""
    async with server.dialled() as (reader, writer):
        writer.write(IDENTITY + SOUND)
        lost = 0
        while not done.is_set():
            writer.write(SOUND)
            async with asyncio.timeout(5):
                lost += await reader.readexactly(len(SOUND)) != SOUND
            await asyncio.sleep(0.02)
        writer.write(HANG_UP)
    return lost


async def under_attack(server, attack):
    """Damaged streams one after the other, beside a good call; what the switchboard counted."""
    done, dice = asyncio.Event(), random.Random(7)
    async with server.running(max_calls=5, limits=Limits(start_s=0.05)):
        async with asyncio.TaskGroup() as group:
            good = group.create_task(good_call(server, done))
            await asyncio.sleep(0.05)
            for _ in range(ATTACKS):
                await attack(dice)
            done.set()
        await server.emptied()
        return good.result(), dict(server.switchboard.counts)


def test_damaged_audiosocket_streams_end_their_own_call_only():
    server = Server()

    async def attack(dice):
        async with server.dialled() as (reader, writer):
            with contextlib.suppress(ConnectionError):
                writer.write(mutated(IDENTITY + SOUND * 3 + b"\x03\x00\x015" + SOUND, dice))
                writer.write_eof()
                await over(reader)

    lost, counts = asyncio.run(under_attack(server, attack))
    assert (lost, counts["failed"]) == (0, 0)
    assert counts["answered"] + counts["refused"] == ATTACKS + 1


def test_damaged_websocket_messages_end_their_own_call_only():
    server = Server()

    async def attack(dice):
        with contextlib.suppress(ConnectionClosed):
            async with server.upgraded() as line:
                for message in (START, bytes(640), DIGIT, MARKED, bytes(640)):
                    data = message.encode() if isinstance(message, str) else message
                    data = mutated(data, dice) if dice.randrange(3) == 0 else data
                    is_text = dice.randrange(9) > 0 and isinstance(message, str)
                    await line.send(data.decode("utf-8", "replace") if is_text else data)

    lost, counts = asyncio.run(under_attack(server, attack))
    assert (lost, counts["failed"]) == (0, 0)
    assert counts["answered"] + counts["refused"] == ATTACKS + 1
    assert counts["refused"] > 0
    assert counts["answered"] > 1
