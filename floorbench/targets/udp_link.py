"""A bad network between two UDP peers: packets lost in bursts, delayed, out of order, by a seed.

Both peers are told an address of the relay's instead of the other's. What keeps the connection up
(STUN, DTLS) is delayed like the rest but never lost: it is the sound that is measured.
"""

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from floorbench.losses import Losses

Address = tuple[str, int]
"""A host and its port."""

_FIRST_RTP, _LAST_RTP = 128, 191
"""First byte of RTP and RTCP. Source: RFC 7983, section 7."""

_HERE = "127.0.0.1"  # where the relay stands: it is for peers on this machine


@dataclass(frozen=True, slots=True)
class UdpNetwork:
    """What each way of the network does to packets.

    Attributes:
        loss: share of the sound's packets lost, 0..1.
        burst: shortest and longest run of lost packets.
        jitter_s: standard deviation of the delay; packets may overtake one another.
        delay_s: one way.
        seed: of what chance does.
    """

    loss: float = 0.0
    burst: tuple[int, int] = (3, 5)
    jitter_s: float = 0.0
    delay_s: float = 0.0
    seed: int = 1


class Way:
    """One direction of the network: what becomes of each packet. Pure."""

    def __init__(self, network: UdpNetwork, rng: np.random.Generator) -> None:
        self._network = network
        self._rng = rng
        self.losses = Losses(network.loss, rng, network.burst)

    def delay_s(self, packet: bytes) -> float | None:
        """How long this packet is under way; None: it is lost."""
        jitter_s = abs(float(self._rng.normal(0.0, 1.0))) * self._network.jitter_s
        is_sound = bool(packet) and _FIRST_RTP <= packet[0] <= _LAST_RTP
        if is_sound and self.losses.next():
            return None
        return self._network.delay_s + jitter_s


class UdpLink:
    """A relay with one socket towards each peer; opened by `open_link`.

    Each side's packets go to where the other side's last came from, or, before any did, to where
    `expect` says.

    Attributes:
        ways: near to far, far to near; they count what they lost.
    """

    def __init__(self, network: UdpNetwork) -> None:
        seeds = np.random.SeedSequence(network.seed).spawn(2)
        self.ways = [Way(network, np.random.default_rng(seed)) for seed in seeds]
        self._sockets: list[asyncio.DatagramTransport] = []
        self._peers: list[Address | None] = [None, None]

    @property
    def addresses(self) -> tuple[Address, Address]:
        """What the near peer must be told is the far one's address, and the other way round."""
        near, far = (socket.get_extra_info("sockname")[:2] for socket in self._sockets)
        return near, far

    def expect(self, far: Address) -> None:
        """The far peer listens there; it may not have sent anything yet."""
        self._peers[1] = far

    def close(self) -> None:
        """Carry nothing any more. May be called twice."""
        for socket in self._sockets:
            socket.close()

    async def open(self) -> None:
        """Take two ports; `open_link` does it."""
        loop = asyncio.get_running_loop()
        for side in (0, 1):
            socket, _ = await loop.create_datagram_endpoint(
                functools.partial(_Side, self._arrived, side), local_addr=(_HERE, 0)
            )
            self._sockets.append(socket)

    def _arrived(self, side: int, packet: bytes, source: Address) -> None:
        self._peers[side] = source
        delay_s = self.ways[side].delay_s(packet)
        if delay_s is not None:
            asyncio.get_running_loop().call_later(delay_s, self._forward, 1 - side, packet)

    def _forward(self, side: int, packet: bytes) -> None:
        peer = self._peers[side]
        if peer is not None and not self._sockets[side].is_closing():
            self._sockets[side].sendto(packet, peer)


async def open_link(network: UdpNetwork) -> UdpLink:
    """A relay that carries packets until it is closed."""
    link = UdpLink(network)
    await link.open()
    return link


class _Side(asyncio.DatagramProtocol):
    def __init__(self, arrived: Callable[[int, bytes, Address], None], side: int) -> None:
        self._arrived, self._side = arrived, side

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._arrived(self._side, data, addr)
