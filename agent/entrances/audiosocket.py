"""Calls over Asterisk's AudioSocket, at a TCP port of their own."""

import asyncio
import contextlib
import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from uuid import UUID

from starlette.routing import BaseRoute

from agent.admission import is_loopback
from agent.core.errors import CallClosed, ConfigError
from agent.switchboard import ServedCall, Switchboard
from audio_io.asterisk.audiosocket import answer

_Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]

_READ_BYTES = 16_384  # half a second at 16 kHz: what is taken in one turn


@dataclass(frozen=True, slots=True)
class AudioSocketSettings:
    """The table [audiosocket]. AudioSocket knows no passwords, so only what is listed may call.

    Attributes:
        host: address to listen on; anything but the loopback interface needs `ids` or `networks`.
        port: TCP port; 0 for any free one.
        ids: the UUIDs that may call; empty: any.
        networks: where calls may come from, such as 10.0.0.0/8; empty: anywhere.
        idle_s: without any sound of the caller's, as on a line that died.
    """

    host: str = "127.0.0.1"
    port: int = 9092
    ids: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    idle_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what would let anybody call, and what is no id or network."""
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port: expected 0 to 65535, found {self.port}")
        if not (self.ids or self.networks or is_loopback(self.host)):
            raise ValueError(
                f"host: expected 127.0.0.1 or ::1 where neither ids nor networks are set, found "
                f"{self.host}; whoever can reach the port could call"
            )
        for network in self.networks:
            ip_network(network)
        for name in self.ids:
            _uuid(name)


def _uuid(name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        raise ValueError(
            f"ids: expected UUIDs such as 40325ec2-5efd-4bd3-805f-53576e581d13, found {name[:40]!r}"
        ) from None


class AudioSocketEntrance:
    """Asterisk's application `AudioSocket` and its channel of that name."""

    def __init__(self, switchboard: Switchboard, settings: AudioSocketSettings) -> None:
        self._switchboard = switchboard
        self._settings = settings
        self._ids = frozenset(_uuid(name) for name in settings.ids)
        self._networks = [ip_network(network) for network in settings.networks]
        self._limits = replace(switchboard.settings.limits, idle_s=settings.idle_s)

    def routes(self) -> Sequence[BaseRoute]:
        """None: it is no HTTP."""
        return []

    async def listen(self) -> None:
        """Take calls until cancelled.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        async with asyncio.TaskGroup() as group:

            def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                group.create_task(self._connect(TcpStream(reader, writer)))

            with contextlib.closing(await self._server(connected)):
                await asyncio.Event().wait()

    async def _server(self, connected: _Connected) -> asyncio.Server:
        host, port = self._settings.host, self._settings.port
        try:
            return await asyncio.start_server(connected, host, port, limit=_READ_BYTES)
        except OSError as fault:
            found = "it in use" if fault.errno == errno.EADDRINUSE else str(fault.strerror)
            raise ConfigError(
                f"audiosocket: expected to listen on {host} port {port}, found {found}; "
                "choose another host or port, or stop the program that has it"
            ) from fault

    async def _connect(self, stream: "TcpStream") -> None:
        try:
            if not self._may_come_in(stream.address):
                self._switchboard.refused()
                return

            async def answered(name: str) -> ServedCall:
                return await answer(stream, self._ids, self._limits)

            await self._switchboard.connect(stream.address, answered)
        finally:
            await stream.close()

    def _may_come_in(self, address: str) -> bool:
        if self._networks and not any(ip_address(address) in there for there in self._networks):
            return False
        return self._switchboard.refusal(address) is None


class TcpStream:
    """The `audio_io.asterisk.audiosocket.Stream` of a TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        writer.transport.set_write_buffer_limits(_READ_BYTES)  # a slow reader is to be noticed

    @property
    def address(self) -> str:
        """Where the connection comes from."""
        host: str = self._writer.get_extra_info("peername")[0]
        return host.removeprefix("::ffff:")

    async def receive(self) -> bytes:
        """The next bytes; raises CallClosed when there will be none."""
        try:
            data = await self._reader.read(_READ_BYTES)
        except OSError as gone:
            raise CallClosed("the far side is gone") from gone
        if not data:
            raise CallClosed("the far side hung up")
        return data

    async def send(self, data: bytes) -> None:
        """Send them; raises CallClosed when the far side is gone."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as gone:
            raise CallClosed("the far side is gone") from gone

    async def close(self) -> None:
        """Close it. What was sent still arrives, but nobody waits for a far side that reads no
        more."""
        if self._writer.transport.get_write_buffer_size():
            self._writer.transport.abort()
        else:
            self._writer.close()
