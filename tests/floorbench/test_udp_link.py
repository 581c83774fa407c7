"""A bad network between two UDP peers loses and delays sound, by its seed, and nothing else."""

import asyncio
import contextlib
import socket

import numpy as np
from pytest import approx

from floorbench.targets.udp_link import UdpNetwork, Way, open_link

SOUND = bytes([0x80, 111]) + bytes(60)
STUN = bytes([0x00, 0x01]) + bytes(18)


def way(network):
    return Way(network, np.random.default_rng(network.seed))


def test_as_much_sound_is_lost_as_was_asked_for_in_bursts_of_60_to_100_ms():
    line = way(UdpNetwork(loss=0.05))
    lost = np.array([line.delay_s(SOUND) is None for _ in range(50_000)], int)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], lost, [0]))))
    lengths = edges[1::2] - edges[::2]
    assert lost.mean() == approx(0.05, rel=0.15)
    assert min(lengths) >= 3
    assert np.mean(lengths <= 5) > 0.9  # two bursts may touch


def test_what_keeps_the_connection_up_is_never_lost():
    line = way(UdpNetwork(loss=0.9))
    assert all(line.delay_s(STUN) is not None for _ in range(500))
    assert line.losses.sent == 0


def test_the_same_seed_does_the_same_and_another_something_else():
    def delays(seed):
        line = way(UdpNetwork(loss=0.1, jitter_s=0.01, delay_s=0.02, seed=seed))
        return [line.delay_s(SOUND) for _ in range(200)]

    assert delays(1) == delays(1) != delays(2)
    assert min(d for d in delays(1) if d is not None) >= 0.02


async def carried(network, count):
    """Datagrams that got from one socket through the relay to another and back."""
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as open_ones:
        near, far = (open_ones.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in "ab")
        for end in (near, far):
            end.setblocking(False)
            end.bind(("127.0.0.1", 0))
        link = await open_link(network)
        open_ones.callback(link.close)
        link.expect(far.getsockname())
        to_far, to_near = link.addresses
        for number in range(count):
            await loop.sock_sendto(near, SOUND + bytes([number]), to_far)
        there = [await loop.sock_recv(far, 100) for _ in range(count)]
        await loop.sock_sendto(far, b"back", to_near)
        return there, await loop.sock_recv(near, 100)


def test_the_relay_carries_packets_both_ways():
    there, back = asyncio.run(carried(UdpNetwork(), 20))
    assert there == [SOUND + bytes([number]) for number in range(20)]
    assert back == b"back"


def test_packets_overtake_one_another_where_there_is_jitter():
    there, _ = asyncio.run(carried(UdpNetwork(jitter_s=0.02), 20))
    assert sorted(there) == [SOUND + bytes([number]) for number in range(20)]
    assert there != sorted(there)
