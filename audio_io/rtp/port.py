"""A pair of UDP sockets for the sound of one call."""

import asyncio
import secrets
from collections.abc import Callable

from agent.core.errors import DeviceError
from audio_io.sip.message import Address

Hear = Callable[[bytes, Address, float], None]
"""A datagram, where it came from, and the loop time at which it did."""


class RtpPort:
    """Sound at an even port, reports at the one after it. Used from the event loop only."""

    def __init__(
        self, host: str, sound: asyncio.DatagramTransport, reports: asyncio.DatagramTransport
    ) -> None:
        self._sound = sound
        self._reports = reports
        self.address: Address = (host, sound.get_extra_info("sockname")[1])

    def send(self, data: bytes, to: Address) -> None:
        """Send sound; what the machine cannot send is lost, as it would be on the way."""
        if not self._sound.is_closing():
            self._sound.sendto(data, to)

    def report(self, data: bytes, to: Address) -> None:
        """Send a report to the port after that of the far side's sound."""
        if not self._reports.is_closing() and to[1] < 65535:
            self._reports.sendto(data, (to[0], to[1] + 1))

    def close(self) -> None:
        """Give both ports back. May be called twice."""
        self._sound.close()
        self._reports.close()


async def open_port(host: str, ports: range, hear: Hear) -> RtpPort:
    """A free pair of ports; `hear` is told what arrives.

    Raises:
        DeviceError: none is free.
    """
    evens = [port for port in ports if port % 2 == 0]
    start = secrets.randbelow(len(evens)) if evens else 0
    for port in evens[start:] + evens[:start]:
        pair = await _pair(host, port, hear)
        if pair is not None:
            return pair
    raise DeviceError(
        f"sip: expected two free UDP ports between {ports.start} and {ports.stop - 1}, found none; "
        "widen rtp_first and rtp_last"
    )


async def _pair(host: str, port: int, hear: Hear) -> RtpPort | None:
    loop = asyncio.get_running_loop()
    try:
        sound, _ = await loop.create_datagram_endpoint(lambda: _Ears(hear), (host, port))
    except OSError:
        return None
    try:
        reports, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, (host, port + 1))
    except OSError:
        sound.close()
        return None
    except BaseException:
        sound.close()
        raise
    return RtpPort(host, sound, reports)


class _Ears(asyncio.DatagramProtocol):
    """Hands each datagram on, with the time at which it came."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._loop = asyncio.get_running_loop()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """From the loop."""
        self._hear(data, (addr[0], addr[1]), self._loop.time())

    def error_received(self, exc: Exception) -> None:
        """The far side's port is closed: the call's own silence limit sees to that."""
        del exc
