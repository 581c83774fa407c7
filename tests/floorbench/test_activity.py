"""Edges are found within 10 ms of where they were put."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbench.activity import (
    Span,
    active_db,
    agent_episodes,
    caller_parts,
    levels_db,
    merged,
    noise_db,
    overlaps,
)
from tests.support.recordings import RATE, sounding

EDGE_S = 0.0101


def caller(spans, duration_s=6.0, **how):
    return caller_parts(levels_db(sounding(spans, duration_s, **how), RATE))


def agent(spans, duration_s=6.0, **how):
    return agent_episodes(levels_db(sounding(spans, duration_s, **how), RATE))


def same(found, expected):
    return len(found) == len(expected) and all(
        abs(f.start_s - start) <= EDGE_S and abs(f.end_s - end) <= EDGE_S
        for f, (start, end) in zip(found, expected, strict=True)
    )


@st.composite
def spells(draw, least_gap_s):
    """Up to six spells of 50 ms to 2 s with at least `least_gap_s` between them, to the sample."""
    at, spans = 0, []
    for _ in range(draw(st.integers(0, 6))):
        start = at + draw(st.integers(round(least_gap_s * RATE), 24_000))
        at = start + draw(st.integers(800, 32_000))
        spans.append((start / RATE, at / RATE))
    return spans, at / RATE + 1.0


@given(spells(0.33))
def test_the_agents_episodes_come_back_whatever_they_are(call):
    spans, duration_s = call
    assert same(agent(spans, duration_s), spans)


@given(spells(0.17))
def test_the_callers_parts_come_back_whatever_they_are(call):
    spans, duration_s = call
    assert same(caller(spans, duration_s), spans)


@given(spells(0.33), st.floats(-40, -6))
def test_loudness_does_not_matter(call, level_db):
    spans, duration_s = call
    assert same(agent(spans, duration_s, level_db=level_db), spans)
    assert same(caller(spans, duration_s, level_db=level_db), spans)


@given(spells(0.33))
def test_steady_noise_40_db_under_the_speech_is_not_speech(call):
    spans, duration_s = call
    assert same(agent(spans, duration_s, noise_db=-60), spans)
    assert same(caller(spans, duration_s, noise_db=-60), spans)


def test_a_level_is_the_rms_of_whole_10_ms_frames():
    levels = levels_db(sounding([(0.0, 0.02)], 0.0351, level_db=-20.0), RATE)
    assert levels == pytest.approx([-20.0, -20.0, -120.0], abs=0.01)


def test_less_than_a_frame_has_no_level_and_holds_no_speech():
    levels = levels_db(np.zeros(159, np.float32), RATE)
    assert (len(levels), caller_parts(levels), agent_episodes(levels)) == (0, [], [])


@pytest.mark.parametrize(("gap_s", "parts"), [(0.14, 1), (0.15, 2), (0.2, 2)])
def test_a_dip_of_the_caller_under_150_ms_is_bridged(gap_s, parts):
    assert len(caller([(1.0, 2.0), (2.0 + gap_s, 3.0)])) == parts


@pytest.mark.parametrize(("gap_s", "episodes"), [(0.25, 1), (0.3, 1), (0.31, 2), (0.4, 2)])
def test_pauses_of_the_agent_up_to_300_ms_are_part_of_an_episode(gap_s, episodes):
    assert len(agent([(1.0, 2.0), (2.0 + gap_s, 3.0)])) == episodes


def test_an_onset_needs_three_frames_in_a_row():
    assert agent([(1.0, 1.02)]) == []
    assert caller([(1.0, 1.02), (3.0, 4.0)]) == [Span(3.0, 4.0)]
    assert agent([(1.0, 1.03)]) == [Span(1.0, 1.03)]


def test_a_click_just_before_speech_is_not_its_start_and_one_just_after_is_its_end():
    assert caller([(1.88, 1.89), (2.0, 3.0), (3.08, 3.1)]) == [Span(2.0, 3.1)]


def test_the_hang_over_is_not_part_of_the_episode():
    assert agent([(1.0, 2.0)]) == [Span(1.0, 2.0)]


def test_the_callers_threshold_is_22_db_under_the_speech():
    loud, soft = sounding([(1.0, 2.0)], 6.0), sounding([(3.0, 4.0)], 6.0, level_db=-41.0)
    softer = sounding([(3.0, 4.0)], 6.0, level_db=-43.0)
    assert same(caller_parts(levels_db(loud + soft, RATE)), [(1.0, 2.0), (3.0, 4.0)])
    assert same(caller_parts(levels_db(loud + softer, RATE)), [(1.0, 2.0)])


def test_the_agents_threshold_is_50_db_under_full_scale():
    assert len(agent([(1.0, 2.0)], level_db=-49.0)) == 1
    assert agent([(1.0, 2.0)], level_db=-51.0) == []


def test_a_microphone_in_which_nobody_speaks_holds_no_speech():
    assert caller([], noise_db=-55) == []
    assert caller([], noise_db=-70) == []
    assert caller([]) == []


def test_somebody_who_never_pauses_is_not_noise():
    assert same(caller([(0.0, 6.0)]), [(0.0, 6.0)])
    assert same(agent([(0.0, 6.0)]), [(0.0, 6.0)])


def test_the_active_level_is_that_of_the_speech_however_much_silence_there_is():
    assert active_db(levels_db(sounding([(1.0, 1.5)], 30.0), RATE)) == pytest.approx(-20, abs=0.1)


def test_noise_is_what_a_tenth_of_the_frames_stay_under():
    assert noise_db(levels_db(sounding([(1.0, 2.0)], 6.0, noise_db=-60), RATE)) == pytest.approx(
        -60, abs=1
    )
    assert noise_db(levels_db(sounding([(1.0, 2.0)], 6.0), RATE)) == -120.0


def test_spans_merge_in_order_of_time_and_know_what_they_share():
    spans = [Span(3.0, 4.0), Span(1.0, 2.0), Span(2.2, 2.5), Span(1.5, 1.7)]
    assert merged(spans, 0.3) == [Span(1.0, 2.5), Span(3.0, 4.0)]
    assert overlaps([Span(0.0, 1.0)], [Span(0.5, 2.0), Span(1.0, 3.0)]) == [
        (Span(0.0, 1.0), Span(0.5, 2.0), 0.5)
    ]
