"""Turns and pauses, worked out by hand. Speech is 1.0 to 3.0 s unless a test says otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbench.score.outcome import Outcome
from floorbench.session import Expect
from tests.support.floor import event, ignored, interruption, only, pause, results, turn

ASKED = turn((1.0, 3.0))


@pytest.mark.parametrize("gap_s", [-0.25, -0.2, 0.0, 0.62, 1.0, 4.99])
def test_a_gap_keeps_its_sign_and_its_length(gap_s):
    found = only([ASKED], [(3.0 + gap_s, 6.0 + gap_s)])
    assert found.outcome is Outcome.REPLIED
    assert found.figures["gap_s"] == pytest.approx(gap_s, abs=1e-6)


@given(st.integers(-25, 499))
def test_every_gap_on_the_grid_comes_back_exactly(hundredths):
    gap_s = hundredths / 100
    found = only([ASKED], [(3.0 + gap_s, 5.0 + gap_s)], duration_s=12.0)
    assert found.figures["gap_s"] == pytest.approx(gap_s, abs=1e-6)


def test_no_reply_within_five_seconds_is_a_miss_and_has_no_gap():
    found = only([ASKED], [(8.01, 10.0)])
    assert found.outcome is Outcome.MISSED
    assert found.figures["missed"] == 1
    assert "gap_s" not in found.figures


@pytest.mark.parametrize(
    ("gap_s", "slow_1s", "slow_2s"), [(1.0, 0, 0), (1.01, 1, 0), (2.0, 1, 0), (2.01, 1, 1)]
)
def test_slow_is_more_than_one_and_more_than_two_seconds(gap_s, slow_1s, slow_2s):
    figures = only([ASKED], [(3.0 + gap_s, 7.0)]).figures
    assert (figures["slow_1s"], figures["slow_2s"]) == (slow_1s, slow_2s)


def test_a_hum_before_the_reply_is_not_the_reply():
    found = only([ASKED], [(3.1, 3.4), (4.2, 6.0)])
    assert found.figures["gap_s"] == pytest.approx(1.2)
    assert found.figures["first_sound_s"] == pytest.approx(0.1)


def test_a_short_answer_that_nothing_follows_is_a_reply():
    assert only([ASKED], [(3.5, 4.2)]).figures["gap_s"] == pytest.approx(0.5)


def test_an_episode_of_exactly_one_second_is_short():
    assert only([ASKED], [(3.1, 4.1), (4.6, 6.0)]).figures["gap_s"] == pytest.approx(1.6)


def test_a_short_pause_in_the_reply_does_not_make_it_two():
    assert only([ASKED], [(3.5, 3.9), (4.2, 5.5)]).figures["gap_s"] == pytest.approx(0.5)


def test_an_agent_that_begins_inside_the_turn_and_never_again_cut_in_and_missed():
    found = only([ASKED], [(2.5, 5.0)])
    assert found.outcome is Outcome.CUT_IN
    assert (found.figures["missed"], found.figures["cut_in"]) == (1, 1)
    assert found.figures["premature_turn"] == 1


def test_an_agent_that_begins_too_early_and_answers_again_has_both():
    found = only([ASKED], [(1.5, 2.6), (3.4, 6.0)])
    assert found.outcome is Outcome.REPLIED
    assert found.figures["premature_turn"] == 1
    assert found.figures["gap_s"] == pytest.approx(0.4)


def test_a_sound_of_listening_inside_a_turn_is_not_premature():
    assert only([ASKED], [(1.5, 1.9), (3.4, 6.0)]).figures["premature_turn"] == 0


def test_an_agent_that_was_talking_all_along_missed_the_turn_without_cutting_in():
    found = only([turn((2.0, 3.0))], [(0.5, 6.0)])
    assert (found.outcome, found.figures["cut_in"]) == (Outcome.MISSED, 0)


def test_a_reply_must_come_before_the_caller_speaks_again():
    found, _ = results([ASKED, turn((6.0, 7.0))], [(7.5, 9.0)])
    assert found["turn@1.0"].outcome is Outcome.MISSED
    assert found["turn@6.0"].figures["gap_s"] == pytest.approx(0.5)


def test_a_turn_that_the_caller_follows_at_once_does_not_count():
    found, _ = results([ASKED, turn((4.9, 6.0))], [(6.5, 8.0)])
    assert found["turn@1.0"].outcome is Outcome.NOT_COUNTED
    assert "spoke on after 1.90 s" in found["turn@1.0"].reason


def test_a_noise_after_the_turn_does_not_end_the_wait_for_the_reply():
    noise = ignored("noise", 3.5, 3.8, over=False)
    found, _ = results([ASKED, noise], [(4.5, 6.0)])
    assert found["turn@1.0"].figures["gap_s"] == pytest.approx(1.5)
    assert "owed" in found["noise@3.5"].reason


def test_a_recording_that_ends_too_soon_proves_no_miss():
    found = only([ASKED], [], duration_s=7.9)
    assert found.outcome is Outcome.NOT_COUNTED
    assert "ends 4.90 s after it" in found.reason
    assert only([ASKED], [], duration_s=8.0).outcome is Outcome.MISSED


def test_an_agent_that_hangs_up_instead_of_answering_has_missed():
    found = only([ASKED], [], duration_s=4.0, fault="the agent hung up after 4 s")
    assert found.outcome is Outcome.MISSED


# --- pauses: a turn of 1.0 to 2.0 and 3.0 to 4.0 --------------------------------------------------

HALVES = ((1.0, 2.0), (3.0, 4.0))
TURN, PAUSE = turn(*HALVES), pause(*HALVES)


def paused(agent, **how):
    return results([TURN, PAUSE], agent, **how)[0]["pause@1.0"]


def test_a_pause_is_the_silence_between_its_two_parts():
    found = paused([(4.5, 6.0)])
    assert (found.start_s, found.end_s) == (2.0, 3.0)
    assert found.outcome is Outcome.HELD
    assert found.figures == {"premature_pause": 0, "pause_s": 1.0}


@pytest.mark.parametrize(
    ("agent", "premature"),
    [
        ((2.0, 3.5), 1),  # at once
        ((2.9, 4.5), 1),  # just before the caller goes on
        ((3.5, 4.8), 1),  # over the second half
        ((3.94, 5.5), 1),  # 60 ms before the end, and it becomes sustained
        ((3.96, 5.5), 0),  # 40 ms before the end is an answer
        ((2.3, 2.4), 1),  # 100 ms of speech
        ((2.3, 2.38), 0),  # 80 ms
        ((3.9, 4.2), 0),  # 50 ms before the edge, and not sustained
    ],
)
def test_a_pause_is_taken_by_a_sustained_onset_or_by_100_ms_of_speech(agent, premature):
    assert paused([agent]).figures["premature_pause"] == premature


def test_two_short_sounds_add_up_to_100_ms():
    assert paused([(2.2, 2.26), (2.7, 2.76)]).figures["premature_pause"] == 1


def test_a_take_over_is_blamed_on_the_pause_it_happened_in():
    parts = ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0))
    events = [turn(*parts), pause(*parts[:2]), pause(*parts[1:])]
    found, _ = results(events, [(4.3, 6.8)])
    assert found["pause@1.0"].outcome is Outcome.HELD
    assert found["pause@3.0"].outcome is Outcome.PREMATURE
    assert found["turn@1.0"].figures["premature_turn"] == 1
    found, _ = results(events, [(2.3, 7.0)])
    assert found["pause@1.0"].outcome is Outcome.PREMATURE
    assert "had taken the turn before" in found["pause@3.0"].reason


@pytest.mark.parametrize("agent", [(1.95, 2.8), (1.5, 4.5)])
def test_speech_that_begins_in_the_turn_and_fills_the_pause_has_taken_it(agent):
    assert paused([agent]).outcome is Outcome.PREMATURE


def test_speech_that_begins_in_the_turn_and_hardly_reaches_the_pause_is_not_blamed_on_it():
    assert "had taken the turn before" in paused([(1.5, 2.08)]).reason


def test_sound_of_listening_that_runs_into_a_pause_of_a_monologue_takes_nothing():
    assert "premature_pause" not in paused([(1.8, 2.4)], scenario="S15").figures


def test_speech_that_begins_just_before_the_second_pause_is_blamed_on_that_one():
    parts = ((1.0, 2.0), (3.0, 4.0), (6.0, 7.0))
    events = [turn(*parts), pause(*parts[:2]), pause(*parts[1:])]
    found, _ = results(events, [(3.93, 4.72), (7.3, 9.0)])
    assert found["pause@1.0"].outcome is Outcome.HELD
    assert found["pause@3.0"].outcome is Outcome.PREMATURE
    assert found["turn@1.0"].figures["premature_turn"] == 1


def test_an_agent_that_is_still_talking_is_not_asked_to_hold():
    assert "still talking" in paused([(0.2, 2.5)]).reason


def test_in_a_monologue_a_sound_of_listening_is_welcome_and_a_sentence_is_not():
    assert paused([(2.2, 2.7)], scenario="S15").outcome is Outcome.HELD
    assert paused([(2.2, 3.4)], scenario="S15").outcome is Outcome.PREMATURE
    assert paused([(2.2, 2.7)], scenario="S2").outcome is Outcome.PREMATURE


def test_a_pause_without_a_turn_around_it_lasts_to_its_own_end():
    found = only([PAUSE], [(3.5, 5.0)])
    assert found.outcome is Outcome.PREMATURE


def test_a_pause_of_no_length_is_none():
    assert "no pause" in only([pause((1.0, 2.0), (2.0, 3.0))], []).reason


# --- whatever the session -------------------------------------------------------------------------

EVENTS = [
    TURN, PAUSE, interruption(7.0, 8.0), ignored("backchannel", 12.0, 12.4),
    event("turn", ASKED.expect, (14.5, 16.0)),
]  # fmt: skip
AGENT = [(4.6, 7.4), (8.7, 14.0), (16.5, 18.0)]


def figures(shift_s=0.0, tail_s=0.0):
    events = [
        event(e.kind, e.expect, *((p.start_s + shift_s, p.end_s + shift_s) for p in e.parts),
              over=e.needs_agent_talking, id_=str(i))
        for i, e in enumerate(EVENTS)
    ]  # fmt: skip
    agent = [(a + shift_s, b + shift_s) for a, b in AGENT]
    found, _ = results(events, agent, duration_s=24.0 + shift_s + tail_s)
    return {
        key: (e.outcome, {name: round(value, 4) for name, value in e.figures.items()})
        for key, e in found.items()
    }


@given(st.integers(0, 500))
def test_silence_at_the_end_changes_nothing(hundredths):
    assert figures(tail_s=hundredths / 100) == figures()


@given(st.integers(0, 500))
def test_shifting_everything_in_time_changes_nothing(hundredths):
    assert figures(shift_s=hundredths / 100) == figures()


# --- what only some scenarios ask ---------------------------------------------------------------


def double(*agent, **more):
    asked = event("double_turn", Expect.REPLY, (1.0, 2.0), (2.6, 3.6))
    return only([asked], agent, scenario="S12", **more).figures["one_reply"]


@pytest.mark.parametrize(
    ("agent", "one"),
    [
        ([(4.2, 6.5)], 1),
        ([(4.2, 6.5), (7.0, 9.0)], 1),  # a pause between its sentences
        ([(4.2, 6.5), (7.1, 9.0)], 0),  # 0.6 s later it answers the second sentence too
        ([(4.2, 6.5), (7.5, 8.0)], 1),  # a hum is no reply
        ([(2.1, 3.2), (4.2, 6.5)], 0),  # it had begun to answer the first
        ([], 0),
    ],
)
def test_a_double_turn_gets_exactly_one_reply(agent, one):
    assert double(*agent) == one


def test_a_reply_to_the_next_turn_is_no_second_reply_to_this_one():
    asked = event("double_turn", Expect.REPLY, (1.0, 2.0), (2.6, 3.6), id_="one")
    then = turn((8.0, 9.0))
    found = results([asked, then], [(4.2, 6.5), (9.8, 12.0)], scenario="S12")[0]
    assert found["one"].figures["one_reply"] == 1


def test_only_a_double_turn_is_asked_for_exactly_one_reply():
    assert "one_reply" not in only([ASKED], [(3.5, 5.0)]).figures


@pytest.mark.parametrize(
    ("condition", "measure"), [("cold", "cold_gap_s"), ("called again", "again_gap_s")]
)
def test_the_first_turn_of_a_rough_call_has_a_gap_of_its_own(condition, measure):
    first = event("turn", Expect.REPLY, (1.0, 3.0), id_="one", condition=condition)
    second = event("turn", Expect.REPLY, (8.0, 9.0), id_="two", condition=condition)
    found = results([first, second], [(3.7, 6.0), (9.5, 12.0)], scenario="S14")[0]
    assert found["one"].figures[measure] == pytest.approx(0.7)
    assert measure not in found["two"].figures


@pytest.mark.parametrize(("fault", "let_go"), [("", 1), ("hanging up: still running", 0)])
def test_a_hang_up_in_mid_reply_is_taken_well_where_nothing_is_wrong_after_it(fault, let_go):
    asked = event("turn", Expect.REPLY, (1.0, 3.0), condition="hangs up on the agent")
    found = only([asked], [(3.5, 4.5)], duration_s=4.5, scenario="S14", fault=fault)
    assert found.figures["let_go"] == let_go
