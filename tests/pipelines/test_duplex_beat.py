"""The beat: exact frames when they are due, silence for what is missing, and nothing piles up."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark

from pipelines.duplex.beat import Beat, BeatConfig, is_quiet
from pipelines.duplex.outlet import FRAMES, Outlet, pieces

RATE, COUNT, PERIOD_S = 24_000, 1920, 0.08
CHUNK = 480
LOUD = np.full(CHUNK, 0.1, np.float32)


def ran(arrivals, until_s, *, look_s=0.0):
    """A beat that is told of sound as it arrives, (time, samples) each, and asked when it says so.

    `look_s`: how much later than it asks for each look comes.
    """
    beat, taken = Beat(COUNT, RATE, 0.0), []
    left = sorted(arrivals, key=lambda arrival: arrival[0])
    now = 0.0
    while now < until_s:
        while left and left[0][0] <= now + 1e-9:
            beat.hear(left.pop(0)[1])
        while (frame := beat.take(now)) is not None:
            taken.append((now, frame))
        due = beat.next_s() + look_s
        now = max(now, min(due, left[0][0] if left else due))
    return beat, taken


def steady(seconds, *, delay_s=0.0, speed=1.0):
    """Chunks of 20 ms, as a caller's network brings them."""
    count = round(seconds / 0.02)
    return [((n + 1) * 0.02 / speed + delay_s, LOUD) for n in range(count)]


def test_steady_sound_goes_frame_by_frame_the_moment_each_is_whole():
    beat, taken = ran(steady(4.0), 4.0)
    assert [frame.frame.start for _, frame in taken] == [n * COUNT for n in range(len(taken))]
    assert [at for at, _ in taken] == approx([0.08 * (n + 1) for n in range(len(taken))])
    assert len(taken) >= 49
    assert not any(frame.filled or frame.skipped or frame.lag_s for _, frame in taken)
    assert beat.dropped == 0


def test_a_caller_who_sends_nothing_is_silence_on_the_beat():
    _, taken = ran([], 60.0)
    assert len(taken) == approx(60 / PERIOD_S, abs=2)
    assert all(frame.filled == COUNT and frame.lag_s == 0 for _, frame in taken)
    gaps = np.diff([at for at, _ in taken])
    assert gaps.max() == approx(PERIOD_S)


def test_jitter_within_the_patience_costs_no_sample():
    rng = np.random.default_rng(1)
    jittery = [(at + rng.uniform(0, 0.05), chunk) for at, chunk in steady(20.0)]
    jittery.sort(key=lambda arrival: arrival[0])
    beat, taken = ran(jittery, 20.0)
    assert sum(frame.filled for _, frame in taken) == 0
    assert beat.dropped == 0


def test_sound_that_comes_in_a_burst_after_a_stall_is_heard_and_the_delay_is_bounded():
    sound = steady(2.0) + [(3.0, chunk) for _, chunk in steady(0.4)] + [
        (at + 3.0, chunk) for at, chunk in steady(2.0)
    ]  # fmt: skip
    beat, taken = ran(sound, 5.0)
    loud = sum(int(np.count_nonzero(frame.frame.samples)) for _, frame in taken)
    assert loud + beat.dropped >= 4.3 * RATE - 8 * COUNT
    assert len(taken) <= 5.0 / PERIOD_S + 2


def test_quiet_is_left_out_to_catch_up():
    quiet = np.zeros(COUNT, np.float32)
    beat = Beat(COUNT, RATE, 0.0)
    for samples in (quiet, quiet, np.tile(LOUD, 4)):
        beat.hear(samples)
    taken = beat.take(PERIOD_S)
    assert taken.skipped == 2 * COUNT
    assert not is_quiet(taken.frame.samples)


@mark.parametrize("speed", [1.5, 10.0])
def test_a_caller_who_sends_too_fast_is_heard_at_the_pace_of_the_clock(speed):
    beat, taken = ran(steady(20.0, speed=speed), 20.0 / speed)
    assert len(taken) <= 20.0 / speed / PERIOD_S + 2
    assert beat.dropped > 0
    assert all(frame.lag_s == 0 for _, frame in taken)


def test_a_clock_that_is_a_thousandth_off_never_runs_away():
    for speed in (0.999, 1.001):
        _, taken = ran(steady(120.0, speed=speed), 119.0)
        assert len(taken) == approx(119 / PERIOD_S, abs=3)
        assert max(frame.lag_s for _, frame in taken) == 0


def test_who_looks_late_is_told_how_late():
    _, taken = ran([], 1.0, look_s=0.25)
    assert taken[0][1].lag_s == approx(0.25)


def test_what_is_no_number_becomes_silence_and_what_is_too_loud_is_clipped():
    beat = Beat(COUNT, RATE, 0.0)
    sound = np.full(COUNT, 7.0, np.float32)
    sound[:3] = np.nan, np.inf, -np.inf
    beat.hear(sound)
    samples = beat.take(PERIOD_S).frame.samples
    assert beat.broken == 3
    assert samples[:4].tolist() == [0, 0, 0, 1]


def test_a_frame_of_an_hour_is_cut_to_what_may_wait():
    beat = Beat(COUNT, RATE, 0.0, BeatConfig(keep_s=0.48))
    beat.hear(np.full(RATE * 3600, 0.1, np.float32))
    assert beat.dropped == RATE * 3600 - round(0.48 * RATE)


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 4000)), max_size=60))
def test_whatever_comes_frames_are_exact_and_follow_each_other(arrivals):
    sound = [(at, np.full(count, 0.1, np.float32)) for at, count in arrivals]
    beat, taken = ran(sound, 4.0)
    frames = [frame for _, frame in taken]
    assert all(len(frame.frame.samples) == COUNT for frame in frames)
    assert [frame.frame.start for frame in frames] == [n * COUNT for n in range(len(frames))]
    assert len(frames) <= 4.0 / PERIOD_S + 2
    heard = sum(len(chunk) for at, chunk in sound)
    given_out = sum(COUNT - frame.filled + frame.skipped for frame in frames)
    assert given_out + beat.dropped <= heard


# --- the way out --------------------------------------------------------------------------------


def test_an_outlet_gives_frames_in_order_with_their_text():
    outlet = Outlet(RATE)
    loud = np.full(COUNT, 0.1, np.float32)
    outlet.put(loud, " one")
    outlet.put(loud * 2, "")
    assert outlet.take()[1] == " one"
    assert outlet.take()[0][0] == approx(0.2)
    assert outlet.take() is None


def test_an_outlet_nobody_takes_from_keeps_few_and_counts_the_rest():
    outlet = Outlet(RATE)
    for number in range(1000):
        outlet.put(np.full(COUNT, 0.1, np.float32), f" {number}")
    assert len(outlet) == FRAMES
    assert outlet.dropped == (1000 - FRAMES) * COUNT
    assert outlet.take()[1] == f" {1000 - FRAMES}"


def test_silence_is_left_out_while_frames_wait_but_its_text_is_not():
    outlet = Outlet(RATE)
    loud, quiet = np.full(COUNT, 0.1, np.float32), np.zeros(COUNT, np.float32)
    for samples, text in ((loud, " a"), (loud, " b"), (quiet, " c"), (loud, " d")):
        outlet.put(samples, text)
    assert [outlet.take()[1] for _ in range(3)] == [" a", " b", " c d"]
    assert outlet.skipped == COUNT


def test_text_that_came_with_anothers_is_not_the_models():
    outlet = Outlet(RATE)
    loud, quiet = np.full(COUNT, 0.1, np.float32), np.zeros(COUNT, np.float32)
    outlet.put(loud, "")
    outlet.put(loud, " a")
    outlet.put(quiet, " b", own=False)
    outlet.put(loud, " c")
    outlet.put(loud, " d")
    assert [outlet.take()[1:] for _ in range(4)] == [
        ("", True), (" a", True), (" b c", False), (" d", True),
    ]  # fmt: skip


def test_of_silence_only_so_much_is_left_out_as_the_sound_is_ahead():
    outlet = Outlet(RATE)
    outlet.put(np.zeros(COUNT, np.float32), "", ahead=round(0.02 * RATE))
    outlet.put(np.zeros(COUNT, np.float32), "", ahead=0)
    assert [len(outlet.take()[0]), len(outlet.take()[0])] == [COUNT, COUNT - (COUNT - 480)]
    outlet.put(np.zeros(COUNT, np.float32), "", ahead=round(0.05 * RATE))
    assert len(outlet.take()[0]) == COUNT - round(0.03 * RATE)
    outlet.put(np.full(COUNT, 0.1, np.float32), "", ahead=RATE)
    assert len(outlet.take()[0]) == COUNT


@given(st.lists(st.integers(0, 1000), max_size=20), st.integers(1, 500))
def test_pieces_are_exact_and_lose_nothing(lengths, count):
    rest, out = np.zeros(0, np.float32), []
    whole = np.arange(sum(lengths), dtype=np.float32)
    for start, length in zip(np.cumsum([0, *lengths]), lengths, strict=False):
        parts, rest = pieces(rest, whole[start : start + length], count)
        out += parts
    assert all(len(part) == count for part in out)
    assert np.array_equal(np.concatenate([*out, rest]), whole)


def test_frames_of_all_calls_are_whole_at_the_same_times_whenever_they_began():
    for began in (0.0, 0.003, 1.041, 2.079):
        beat = Beat(COUNT, RATE, began)
        until = math.floor(began / 0.08) * 0.08 + 0.08
        heard = round((until - began) * RATE)
        beat.hear(np.full(heard, 0.5, np.float32))
        assert beat.next_s() <= until
        first = beat.take(until)
        assert first is not None
        assert (first.filled, first.lag_s) == (0, 0.0)
        # Silence, and then all that was heard.
        assert np.count_nonzero(first.frame.samples) == heard
        assert first.frame.samples[-1] == (0.5 if heard else 0.0)
