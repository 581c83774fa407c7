"""Sound as a value: where a frame is, joining, splitting, levels."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pytest import approx, mark, raises

from agent.core.audio import QUIET_DB, AudioFrame, join, level_db, silence, split

RATE = 16_000
SOUNDS = arrays(np.float32, st.integers(0, 200), elements=st.floats(-1, 1, width=32))


def counted(start, end, rate=RATE):
    """A frame whose samples are their own positions."""
    return AudioFrame(np.arange(start, end, dtype=np.float32), rate, start)


def test_a_frame_knows_where_it_ends_and_how_long_it_lasts():
    frame = counted(100, 420)
    assert frame.end == 420
    assert frame.duration_s == 0.02


def test_silence_is_zeros_at_a_place():
    frame = silence(160, RATE, start=5)
    assert (frame.start, frame.end, frame.rate) == (5, 165, RATE)
    assert frame.samples.dtype == np.float32
    assert not frame.samples.any()


def test_frames_that_follow_each_other_join_into_one():
    whole = join([counted(10, 20), counted(20, 21), counted(21, 40)])
    assert (whole.start, whole.rate) == (10, RATE)
    assert list(whole.samples) == list(range(10, 40))


def test_joining_nothing_is_refused():
    with raises(ValueError, match="expected at least one frame"):
        join([])


def test_a_gap_between_frames_is_refused_with_both_places_named():
    with raises(ValueError, match="expected a frame at 20 of 16000 Hz, found one at 21 of 16000"):
        join([counted(10, 20), counted(21, 30)])


def test_frames_of_two_rates_do_not_join():
    with raises(ValueError, match="of 16000 Hz, found one at 20 of 8000 Hz"):
        join([counted(10, 20), counted(20, 30, rate=8000)])


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 60))
def test_what_is_split_joins_to_the_same_frame(start, length, count):
    frame = counted(start, start + length)
    head, tail = split(frame, count)
    assert len(head.samples) == min(count, length)
    whole = join([head, tail])
    assert (whole.start, whole.rate) == (frame.start, frame.rate)
    assert np.array_equal(whole.samples, frame.samples)


def test_splitting_copies_nothing():
    frame = counted(0, 10)
    head, tail = split(frame, 4)
    assert np.shares_memory(head.samples, frame.samples)
    assert np.shares_memory(tail.samples, frame.samples)


@mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(160, np.float32)])
def test_silence_and_nothing_are_quiet(samples):
    assert level_db(samples) == QUIET_DB


def test_a_full_scale_square_wave_is_zero_db():
    assert level_db(np.array([1, -1] * 80, np.float32)) == approx(0.0, abs=1e-6)


def test_a_full_scale_sine_is_three_db_below():
    sine = np.sin(2 * np.pi * np.arange(1600) / 16).astype(np.float32)
    assert level_db(sine) == approx(-10 * math.log10(2), abs=1e-4)


@given(SOUNDS)
def test_a_level_lies_between_quiet_and_full_scale(samples):
    assert QUIET_DB <= level_db(samples) <= 1e-6


def test_sound_below_what_is_called_quiet_is_quiet():
    assert level_db(np.full(10, 1e-7, np.float32)) == QUIET_DB
