"""A bad line loses, delays and narrows sound as it was told to, and does the same each time."""

import numpy as np
from pytest import approx, mark

from floorbench.link import LossyLink
from floorbench.losses import BURST_PACKETS
from floorbench.scenarios.plan import Network
from floorbench.session import RATE, Flushed
from floorbench.stimuli.library import seeded

PACKET = 320


def packets(count):
    return [np.full(PACKET, n + 1, np.float32) for n in range(count)]


def sent(network, count=1, seed=1):
    """Everything that arrives, and when, of packets sent each 20 ms."""
    link, out = LossyLink(network, seeded(seed)), []
    for n, packet in enumerate(packets(count)):
        link.send(packet, n * 0.02)
    for step in range(count * 20 + 2000):
        out += [(step / 1000, item) for item in link.due(step / 1000)]
    return link, out


def runs(lost):
    """Lengths of the stretches of lost packets."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], lost, [0]))))
    return edges[1::2] - edges[::2]


def test_a_perfect_line_changes_nothing():
    link, arrived = sent(Network(), 50)
    assert [(at_s, float(item[0])) for at_s, item in arrived] == [
        (approx(n * 0.02), n + 1) for n in range(50)
    ]
    assert (link.losses.sent, link.losses.lost) == (50, 0)


@mark.parametrize("loss", [0.01, 0.02, 0.05])
def test_as_much_is_lost_as_was_asked_for(loss):
    link = LossyLink(Network(loss=loss), seeded(3))
    for n in range(100_000):
        link.send(np.ones(PACKET, np.float32), n * 0.02)
    assert link.losses.lost / link.losses.sent == approx(loss, rel=0.15)


def test_losses_come_in_bursts_of_60_to_200_ms_and_leave_silence_of_their_length():
    _, arrived = sent(Network(loss=0.05), 5000)
    lost = np.array([not item.any() for _, item in arrived], int)
    lengths = runs(lost)
    assert sum(len(item) for _, item in arrived) == 5000 * PACKET
    assert len(lengths) > 20
    assert min(lengths) >= BURST_PACKETS[0]
    assert np.mean(lengths <= BURST_PACKETS[1]) > 0.9  # two bursts may touch


def test_jitter_keeps_the_order_and_never_hurries():
    _, arrived = sent(Network(jitter_s=0.03), 500)
    assert [int(item[0]) for _, item in arrived] == list(range(1, 501))
    late_s = np.array([at_s - n * 0.02 for n, (at_s, _) in enumerate(arrived)])
    assert late_s.min() > -0.002
    assert 0.015 < late_s.mean() < 0.06


def test_a_delay_is_added_to_every_packet():
    _, arrived = sent(Network(delay_s=0.15), 10)
    assert [at_s for at_s, _ in arrived] == approx([0.15 + n * 0.02 for n in range(10)], abs=0.0011)


def test_an_order_to_drop_what_waits_keeps_its_place():
    link = LossyLink(Network(jitter_s=0.03), seeded(1))
    link.send(packets(1)[0], 0.0)
    link.send(Flushed(), 0.0)
    link.send(packets(1)[0], 0.0)
    kinds = [isinstance(item, Flushed) for item in link.due(1.0)]
    assert kinds == [False, True, False]


def test_the_same_seed_loses_the_same_packets():
    network = Network(loss=0.05, jitter_s=0.01)
    first, again, other = (sent(network, 2000, seed)[1] for seed in (1, 1, 2))
    assert [(t, i.tobytes()) for t, i in first] == [(t, i.tobytes()) for t, i in again]
    assert [i.tobytes() for _, i in first] != [i.tobytes() for _, i in other]


def test_a_telephone_keeps_speech_and_cuts_what_is_above_4_khz():
    at = np.arange(RATE) / RATE
    low, high = (0.2 * np.sin(2 * np.pi * hz * at).astype(np.float32) for hz in (1000, 6000))
    outs = []
    for sound in (low, high):
        link = LossyLink(Network(mu_law=True), seeded(1))
        for packet in np.split(sound, len(sound) // PACKET):
            link.send(packet, 0.0)
        outs.append(np.concatenate(link.due(0.0)))
    assert len(outs[0]) == RATE
    assert np.std(outs[1][1000:]) < 0.01
    delay = 160
    noise = outs[0][1000 + delay :] - low[1000 : RATE - delay]
    assert 20 * np.log10(np.std(low) / np.std(noise)) > 30  # 8 bits on a logarithmic scale
