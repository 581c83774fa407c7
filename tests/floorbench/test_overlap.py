"""Stops, ducks, holes and talk-over, worked out by hand."""

import pytest

from floorbench.activity import Span, levels_db
from floorbench.overlap import duck_s, hole_s, stop_s, talk_over, unanswered
from tests.support.recordings import RATE, sounding


def test_a_stop_is_the_end_of_the_episode_the_caller_came_in_on():
    assert stop_s([Span(1.0, 5.35)], 5.0, 5.3) == pytest.approx(0.35)


def test_sound_that_begins_before_the_verdict_still_had_to_be_talked_over():
    agent = [Span(1.0, 5.1), Span(5.5, 5.9), Span(8.0, 9.0)]
    assert stop_s(agent, 5.0, 5.8) == pytest.approx(0.9)


def test_an_agent_that_is_silent_already_does_not_stop():
    assert stop_s([Span(1.0, 4.0), Span(8.0, 9.0)], 5.0, 5.5) is None


def ducked(from_s, to_s, by_db):
    loud = sounding([(1.0, from_s), (to_s, 6.0)], 7.0)
    return levels_db(loud + sounding([(from_s, to_s)], 7.0, level_db=-20.0 - by_db), RATE)


def test_a_duck_is_found_within_10_ms():
    assert duck_s(ducked(3.12, 3.5, 15), 3.0) == pytest.approx(0.12, abs=0.0101)


def test_a_duck_in_the_first_half_second_is_found_by_what_there_was_before():
    levels = ducked(3.12, 3.5, 15)[280:]
    assert duck_s(levels, 0.2) == pytest.approx(0.12, abs=0.0101)


@pytest.mark.parametrize(("to_s", "by_db"), [(3.2, 15), (3.5, 10)])
def test_a_dip_too_short_or_too_small_is_no_duck(to_s, by_db):
    assert duck_s(ducked(3.12, to_s, by_db), 3.0) is None


def test_a_duck_after_a_second_is_not_about_this():
    assert duck_s(ducked(4.1, 4.6, 15), 3.0) is None


def test_a_hole_is_the_longest_silence_that_began_meanwhile():
    agent = [Span(1.0, 3.0), Span(3.4, 4.0), Span(4.6, 6.0), Span(9.0, 10.0)]
    assert hole_s(agent, Span(2.9, 3.2)) == pytest.approx(0.6)
    assert hole_s(agent, Span(1.2, 1.5)) == 0.0


def test_talk_over_belongs_to_whoever_came_in_second():
    caller = [Span(1.0, 2.0), Span(5.0, 6.0), Span(8.0, 8.3)]
    agent = [Span(1.8, 4.0), Span(4.5, 5.4), Span(7.0, 9.0)]
    found = talk_over(caller, agent, [Span(8.0, 8.3)], 60.0)
    assert found.agent_s == pytest.approx(0.2)
    assert found.caller_s == pytest.approx(0.4)
    assert found.kept_talking_s == pytest.approx(0.3)
    assert found.per_minute_s == pytest.approx(found.total_s) == pytest.approx(0.9)


def test_no_recording_has_no_talk_over():
    assert talk_over([], [], [], 0.0).per_minute_s == 0.0


def test_words_that_nobody_answers_for_five_seconds_are_counted():
    caller = [Span(1.0, 2.0), Span(2.5, 3.0), Span(20.0, 21.0)]
    assert unanswered(caller, [Span(4.0, 5.0)], 40.0) == [Span(20.0, 21.0)]
    assert unanswered(caller, [Span(4.0, 5.0)], 25.0) == []  # they hung up before
    assert unanswered(caller, [Span(4.0, 22.0)], 40.0) == []  # it was speaking all along
