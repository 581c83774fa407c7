"""The receive buffer in virtual time: what comes out, when, and how much later than it arrived."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_io.receive.jitter import JitterBuffer, JitterSettings, Lost, Packet, Quiet, Sound
from tests.support.packets import RATE, packets, run

LEAST_S, MOST_S = JitterSettings().window_least_s, JitterSettings().window_most_s


def test_without_loss_every_packet_comes_out_once_and_as_late_as_the_window():
    sent = packets(500)
    got = run(buffer := JitterBuffer(RATE), sent, until=10.2)
    assert got.sounds == list(range(500))
    delays = got.delays(sent)
    assert max(delays.values()) == pytest.approx(LEAST_S, abs=0.0005)
    assert min(delays.values()) == pytest.approx(LEAST_S, abs=0.0005)
    assert (buffer.lost, buffer.late, buffer.duplicates, buffer.dropped) == (0, 0, 0, 0)


def test_nothing_but_silence_comes_out_before_the_first_packet():
    buffer = JitterBuffer(RATE)
    assert buffer.take(0.0) == Quiet(960)
    assert buffer.take(0.02) == Quiet(960)


def test_a_lost_packet_is_recovered_from_the_one_after_it_and_costs_no_delay():
    sent = packets(200)
    got = run(buffer := JitterBuffer(RATE), [p for p in sent if p.payload != b"100"], until=4.0)
    assert got.copies == [101]
    assert got.made_up == 0
    assert buffer.lost == 1
    assert got.delays(sent)[150] == pytest.approx(LEAST_S, abs=0.0005)


@pytest.mark.parametrize("burst", [2, 3, 4, 5])
def test_a_burst_of_loss_is_filled_to_the_tick_and_costs_no_delay(burst):
    sent = packets(200)
    gone = {str(n).encode() for n in range(100, 100 + burst)}
    got = run(buffer := JitterBuffer(RATE), [p for p in sent if p.payload not in gone], until=4.0)
    before = next(at for at, p in got.pieces if isinstance(p, Sound) and p.payload == b"99")
    after = next(
        at
        for at, p in got.pieces
        if isinstance(p, Sound) and p.payload == str(100 + burst).encode()
    )
    assert after - before == pytest.approx((burst + 1) * 0.02, abs=0.0005)
    assert got.copies == [100 + burst]
    assert buffer.lost == burst
    assert got.delays(sent)[190] == pytest.approx(LEAST_S, abs=0.0005)


def test_five_percent_loss_in_bursts_for_ten_minutes_adds_no_delay():
    chance = random.Random(5)
    sent, arriving = packets(30_000), []
    gone = 0
    for packet in sent:
        if gone == 0 and chance.random() < 0.0125:
            gone = chance.choice([3, 4, 5])
        if gone:
            gone -= 1
        else:
            arriving.append(packet)
    got = run(buffer := JitterBuffer(RATE), arriving, until=600.5)
    assert 0.04 < buffer.lost / 30_000 < 0.06
    delays = got.delays(sent)
    assert max(delays.values()) < LEAST_S + 0.001
    assert len(got.sounds) == len(arriving)


@pytest.mark.parametrize("samples", [1, 120])
def test_what_is_made_up_after_a_tiny_packet_comes_in_pieces_of_ten_milliseconds(samples):
    sent = [replace(p, samples=samples) for p in packets(10)]
    got = run(JitterBuffer(RATE), sent[:5] + sent[6:], until=2.0)
    assert got.sounds == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert min(p.samples for _, p in got.pieces if isinstance(p, Lost)) >= 480
    assert len(got.pieces) < 250


def test_packets_in_the_wrong_order_come_out_in_the_right_one():
    sent = packets(100)
    swapped = [replace(p, arrived=p.arrived + 0.0205) if p.payload == b"50" else p for p in sent]
    got = run(buffer := JitterBuffer(RATE), swapped, until=2.0)
    assert got.sounds[:90] == list(range(90))
    assert buffer.lost == 0


def test_duplicates_are_dropped_and_counted():
    sent = packets(50)
    twice = [
        p for packet in sent for p in (packet, replace(packet, arrived=packet.arrived + 0.001))
    ]
    got = run(buffer := JitterBuffer(RATE), twice, until=1.0)
    assert got.sounds == sorted(set(got.sounds))
    assert buffer.duplicates == 50 - (50 - buffer.duplicates)
    assert buffer.duplicates >= 48
    assert buffer.late == 0


def test_a_packet_after_its_time_is_dropped_and_counted():
    sent = packets(100)
    late = [replace(p, arrived=p.arrived + 0.15) if p.payload == b"50" else p for p in sent]
    got = run(buffer := JitterBuffer(RATE), late, until=2.0)
    assert 50 not in got.sounds
    assert (buffer.late, buffer.lost) == (1, 1)


def test_a_restless_network_widens_the_window_up_to_its_limit_and_a_calm_one_narrows_it_again():
    chance = random.Random(1)
    restless = [replace(p, arrived=p.arrived + chance.uniform(0, 0.035)) for p in packets(500)]
    calm = packets(2000)[500:]
    buffer = JitterBuffer(RATE)
    run(buffer, restless, until=10.0)
    assert 0.034 < buffer.window_s <= MOST_S
    got = run(buffer := JitterBuffer(RATE), restless + calm, until=40.0)
    assert buffer.window_s == pytest.approx(LEAST_S, abs=0.0005)
    assert got.delays(packets(2000))[1990] <= LEAST_S + 0.0025
    assert buffer.lost / buffer.received < 0.005


def test_what_the_network_held_up_is_heard_late_and_then_caught_up():
    sent = packets(500)
    stalled = [
        replace(p, arrived=max(p.arrived, 4.25)) if 4.0 < p.arrived < 4.25 else p for p in sent
    ]
    got = run(buffer := JitterBuffer(RATE), stalled, until=10.0)
    assert got.sounds[:490] == list(range(490))
    delays = got.delays(sent)
    assert max(delays.values()) < 0.3
    assert delays[300] < MOST_S + 0.005
    assert buffer.late == 0


def test_a_pause_without_packets_is_silence_and_no_loss():
    sent = packets(300)
    speech = [p for n, p in enumerate(sent) if not 100 <= n < 200]
    unnumbered = [
        p if n < 100 else replace(p, sequence=(p.sequence - 100) % 2**16)
        for n, p in enumerate(speech)
    ]
    got = run(buffer := JitterBuffer(RATE), unnumbered, until=6.06)
    assert buffer.lost == 0
    assert got.copies == []
    assert got.delays(sent)[290] == pytest.approx(LEAST_S, abs=0.0025)
    assert len(got.sounds) == 200


def test_a_voice_after_sparse_packets_of_silence_is_on_time():
    """Opus with DTX sends a packet every 400 ms while nobody speaks."""
    sent = packets(400)
    sparse = [p for n, p in enumerate(sent) if n < 100 or n >= 300 or n % 20 == 0]
    numbered = [replace(p, sequence=n) for n, p in enumerate(sparse)]
    got = run(buffer := JitterBuffer(RATE), numbered, until=7.9)
    assert buffer.lost == 0
    assert got.delays(sent)[301] == pytest.approx(LEAST_S, abs=0.0025)
    assert len(got.sounds) >= len(sparse) - 8


@pytest.mark.parametrize("ptime_s", [0.01, 0.02, 0.03, 0.04, 0.06])
def test_packets_of_any_length_come_out_a_window_after_they_arrived(ptime_s):
    sent = packets(200, ptime_s=ptime_s)
    got = run(JitterBuffer(RATE), sent, until=200 * ptime_s)
    delays = got.delays(sent)
    assert max(delays.values()) == pytest.approx(LEAST_S, abs=0.0005)
    assert got.sounds == list(range(len(got.sounds)))


def test_telephone_clocks_work_too():
    sent = packets(200, rate=8000)
    got = run(JitterBuffer(8000), sent, until=4.0, rate=8000)
    assert max(got.delays(sent).values()) == pytest.approx(LEAST_S, abs=0.0005)


def test_numbers_and_timestamps_may_wrap_around():
    sent = packets(400, first=(2**16 - 100, 2**32 - 200 * 960))
    got = run(buffer := JitterBuffer(RATE), sent, until=8.0)
    assert got.sounds[:390] == list(range(390))
    assert (buffer.lost, buffer.restarts) == (0, 0)


@pytest.mark.parametrize(("drift", "ptime_s"), [(50e-6, 0.02), (50e-6, 0.06), (-50e-6, 0.06)])
def test_an_hour_of_clock_drift_is_made_up_for(drift, ptime_s):
    sent = packets(round(3_600 / ptime_s), ptime_s=ptime_s, drift=drift)
    got = run(buffer := JitterBuffer(RATE), sent, until=3_600.0)
    delays = list(got.delays(sent).values())
    assert max(delays) < LEAST_S + 0.02
    assert delays[-1] - delays[100] < 0.02
    assert got.most_waiting_s <= 0.12
    assert (buffer.lost, buffer.late) == (0, 0)
    assert len(got.sounds) >= 3_599.5 / ptime_s


def test_a_sender_that_begins_anew_is_heard_within_100_ms():
    first, second = packets(100), packets(100, first=(9, 77), start_s=2.0, source=2)
    got = run(buffer := JitterBuffer(RATE), first + second, until=4.0)
    heard = [at for at, p in got.pieces if isinstance(p, Sound) and at > 2.05]
    assert heard[0] < 2.05 + 0.1
    assert (buffer.restarts, buffer.lost) == (1, 0)
    assert len(heard) >= 95


def test_a_jump_of_the_timestamps_is_a_new_beginning_and_one_odd_packet_is_not():
    sent = packets(200)
    jumped = [
        p if n < 100 else replace(p, timestamp=(p.timestamp + 40 * RATE) % 2**32)
        for n, p in enumerate(sent)
    ]
    got = run(buffer := JitterBuffer(RATE), jumped, until=4.0)
    assert buffer.restarts == 1
    assert len(got.sounds) >= 195
    odd = [replace(p, timestamp=5) if n == 50 else p for n, p in enumerate(sent)]
    odd = [
        replace(p, sequence=40_000, timestamp=10**9) if n == 50 else p for n, p in enumerate(odd)
    ]
    run(buffer := JitterBuffer(RATE), odd, until=4.0)
    assert (buffer.restarts, buffer.dropped) == (0, 1)


def test_a_sender_that_stopped_its_clock_for_two_seconds_is_heard_again():
    sent = packets(300)
    paused = [p if n < 100 else replace(p, arrived=p.arrived + 2.0) for n, p in enumerate(sent)]
    got = run(buffer := JitterBuffer(RATE), paused, until=8.0)
    assert len(got.sounds) >= 290
    assert buffer.restarts <= 1


def test_a_sender_ten_times_too_fast_is_held_to_the_limit():
    fast = [replace(p, arrived=p.arrived / 10) for p in packets(5_000)]
    got = run(buffer := JitterBuffer(RATE), fast, until=10.0)
    assert got.most_waiting_s <= JitterSettings().most_s
    assert buffer.dropped > 1_000


def test_packets_without_sound_are_no_loss():
    """Keys travel between the packets of sound, with numbers of the same row."""
    sent = packets(300)
    mixed = [
        replace(p, payload=b"", samples=0, timestamp=sent[100].timestamp) if 100 <= n < 130 else p
        for n, p in enumerate(sent)
    ]
    buffer = JitterBuffer(RATE)
    got = run(buffer, mixed, until=5.9)
    assert (buffer.lost, buffer.late, buffer.restarts) == (0, 0, 0)
    assert len(got.sounds) >= 260


@st.composite
def _networks(draw: st.DrawFn) -> list[Packet]:
    count = draw(st.integers(1, 150))
    sent = packets(
        count,
        ptime_s=draw(st.sampled_from([0.01, 0.02, 0.06])),
        first=(draw(st.integers(0, 2**16 - 1)), draw(st.integers(0, 2**32 - 1))),
    )
    fates = draw(
        st.lists(
            st.one_of(st.none(), st.floats(0, 0.2), st.just(-1.0)), min_size=count, max_size=count
        )
    )
    arriving = []
    for packet, fate in zip(sent, fates, strict=True):
        if fate == -1.0:
            arriving += [packet, packet]
        elif fate is not None:
            arriving.append(replace(packet, arrived=packet.arrived + fate))
    return arriving


@given(_networks())
@settings(max_examples=60, deadline=None)
def test_whatever_the_network_does_order_holds_and_every_packet_is_accounted_for(arriving):
    buffer = JitterBuffer(RATE)
    got = run(buffer, arriving, until=15.0)
    assert got.sounds == sorted(set(got.sounds))
    assert got.most_waiting_s <= JitterSettings().most_s
    gone = buffer.duplicates + buffer.late + buffer.dropped - buffer.restarts
    assert len(got.sounds) + gone == buffer.received == len(arriving)
    assert all(piece.samples > 0 for _, piece in got.pieces)


@given(
    st.lists(
        st.builds(
            Packet,
            sequence=st.integers(0, 2**16 - 1),
            timestamp=st.integers(0, 2**32 - 1),
            samples=st.sampled_from([0, 480, 960, 2880]),
            payload=st.sampled_from([b"1", b""]),
            arrived=st.floats(0, 5),
            source=st.integers(1, 2),
        ),
        max_size=80,
    )
)
@settings(max_examples=60, deadline=None)
def test_packets_of_no_sense_at_all_do_no_harm(arriving):
    arriving = [replace(p, samples=p.samples or 480) if p.payload else p for p in arriving]
    buffer = JitterBuffer(RATE)
    got = run(buffer, arriving, until=8.0)
    assert got.most_waiting_s <= JitterSettings().most_s
    assert all(isinstance(p, Sound | Lost | Quiet) and p.samples > 0 for _, p in got.pieces)
