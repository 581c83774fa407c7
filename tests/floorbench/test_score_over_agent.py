"""Interruptions, and sounds that are nothing, worked out by hand."""

import numpy as np
import pytest

from floorbench.score.ignored import group_of, repeated_s
from floorbench.score.outcome import Outcome
from tests.support.floor import RATE, Said, Stage, event, ignored, interruption, only, results, turn

BARGE = interruption(5.0, 6.0)


def barged(agent, **how):
    return only([BARGE], agent, **how)


def test_a_stop_is_counted_from_the_first_sound_of_the_caller():
    found = barged([(2.0, 5.35), (6.7, 9.0)])
    assert found.outcome is Outcome.YIELDED
    assert found.figures["stop_s"] == found.figures["stop_of_all_s"] == pytest.approx(0.35)
    assert found.figures["post_gap_s"] == pytest.approx(0.7)
    assert found.figures["post_missed"] == 0


@pytest.mark.parametrize(
    ("stop_s", "shares"),
    [(0.5, (1, 1, 1)), (0.51, (1, 1, 0)), (1.0, (1, 1, 0)), (1.01, (1, 0, 0)), (2.0, (1, 0, 0))],
)
def test_yields_are_counted_within_two_one_and_half_a_second(stop_s, shares):
    figures = barged([(2.0, 5.0 + stop_s)]).figures
    assert tuple(figures[f"yield_{name}"] for name in ("2s", "1s", "05s")) == shares


def test_an_agent_that_talks_on_counts_as_two_seconds_and_has_missed_the_answer():
    found = barged([(2.0, 7.01), (8.0, 10.0)])
    assert found.outcome is Outcome.NOT_YIELDED
    assert found.figures["yield_2s"] == 0
    assert found.figures["stop_of_all_s"] == 2.0
    assert "stop_s" not in found.figures
    assert found.figures["post_missed"] == 1


def test_an_agent_that_falls_silent_just_before_the_end_is_not_said_to_have_talked_on():
    found = barged([(2.0, 6.9)], duration_s=7.1)
    assert found.outcome is Outcome.NOT_COUNTED
    assert "before it could be seen to yield" in found.reason


def test_a_gap_of_300_ms_is_no_stop_and_one_of_310_ms_is():
    assert barged([(2.0, 5.2), (5.5, 9.0)]).outcome is Outcome.NOT_YIELDED
    assert barged([(2.0, 5.2), (5.51, 5.9)]).figures["stop_s"] == pytest.approx(0.2)


def test_an_agent_that_starts_again_before_the_caller_is_done_has_not_yielded():
    long = interruption(5.0, 9.0)
    assert only([long], [(2.0, 5.3), (6.0, 7.5)]).outcome is Outcome.NOT_YIELDED
    assert only([long], [(2.0, 5.3), (6.0, 6.8)]).outcome is Outcome.YIELDED  # a short one
    assert only([long], [(2.0, 5.3), (8.8, 10.5)]).outcome is Outcome.YIELDED  # an early answer


def test_an_agent_that_stops_and_never_answers_has_missed():
    found = barged([(2.0, 5.3)])
    assert found.outcome is Outcome.YIELDED
    assert found.figures["post_missed"] == 1
    assert "post_gap_s" not in found.figures


def test_an_answer_that_the_recording_does_not_hold_is_not_a_miss():
    found = barged([(2.0, 5.3)], duration_s=8.0)
    assert "post_missed" not in found.figures
    assert "its reply does not count" in found.reason


def test_an_interruption_of_a_silent_agent_does_not_count():
    assert "not talking" in barged([(1.0, 4.0), (7.0, 9.0)]).reason


def test_a_recording_that_ends_while_the_agent_talks_proves_no_refusal():
    assert "could be seen to yield" in barged([(2.0, 6.5)], duration_s=6.5).reason


def test_a_duck_is_found_and_no_duck_is_no_figure():
    stage = Stage("S4")
    stage.events.append(BARGE)
    stage.said += [Said(2.0, 5.08), Said(5.08, 5.6, -35.0)]
    from floorbench.score.session import score_session

    found = score_session(stage.session(1)).events[0]
    assert found.figures["duck_s"] == pytest.approx(0.08, abs=0.0101)
    assert found.figures["stop_s"] == pytest.approx(0.6, abs=0.0101)
    assert "duck_s" not in barged([(2.0, 9.0)]).figures


# --- what is nothing ------------------------------------------------------------------------------

HUM = ignored("backchannel", 5.0, 5.4)


def hummed(agent, **how):
    return only([HUM], agent, **how)


def test_talking_on_through_a_backchannel_is_right():
    found = hummed([(2.0, 9.0)])
    assert found.outcome is Outcome.TALKED_ON
    assert found.figures == {"false_stop": 0, "kept_bc": 1}


@pytest.mark.parametrize(("end_s", "stopped"), [(5.1, 1), (6.4, 1), (6.41, 0), (7.0, 0)])
def test_a_false_stop_begins_from_the_sound_to_one_second_after_it(end_s, stopped):
    found = hummed([(2.0, end_s)])
    assert (found.figures["false_stop"], found.figures["kept_bc"]) == (stopped, 1 - stopped)


def test_a_stop_that_is_resumed_leaves_a_hole():
    found = hummed([(2.0, 5.3), (6.1, 9.0)])
    assert found.outcome is Outcome.STOPPED
    assert found.figures["hole_s"] == pytest.approx(0.8)
    assert found.figures["abandon"] == 0


def test_a_reply_to_what_the_caller_says_next_does_not_resume_the_stopped_one():
    cough, asked = ignored("cough", 5.0, 5.4), turn((6.0, 6.5))
    found = only([cough, asked], [(2.0, 5.5), (6.9, 9.0)])
    assert found.outcome is Outcome.STOPPED
    assert "abandon" not in found.figures and "hole_s" not in found.figures
    assert "spoke on before it could come back" in found.reason


@pytest.mark.parametrize(("back_s", "abandon"), [(7.4, 0), (7.41, 1)])
def test_a_reply_that_is_not_resumed_within_two_seconds_is_abandoned(back_s, abandon):
    found = hummed([(2.0, 5.3), (back_s, 9.0)])
    assert found.figures["abandon"] == abandon
    assert ("hole_s" in found.figures) is (abandon == 0)


def test_a_stop_for_the_callers_next_words_is_not_blamed_on_the_hum():
    found, _ = results([HUM, turn((6.0, 7.0))], [(2.0, 6.2), (7.5, 9.0)])
    assert found["backchannel@5.0"].outcome is Outcome.TALKED_ON


def test_a_backchannel_to_a_silent_agent_does_not_count():
    assert "not talking" in hummed([(7.0, 9.0)]).reason


@pytest.mark.parametrize(
    ("kind", "params", "group"),
    [
        ("backchannel", {}, "S_BC"),
        ("cough", {}, "S_VT"),
        ("noise", {"noise": "cough"}, "S_VT"),
        ("noise", {"noise": "Laugh-003.wav"}, "S_VT"),
        ("noise", {"noise": "door"}, "S_NOISE"),
        ("side_talk", {"text": "cough"}, "S_ND"),
        ("background", {}, "S_ND"),
        ("key", {}, ""),
        ("fax_tone", {}, ""),
    ],
)
def test_every_kind_has_its_selectivity(kind, params, group):
    assert group_of(kind, params) == group


def test_keys_are_a_false_stop_but_in_no_selectivity():
    found = only([ignored("key", 5.0, 5.1)], [(2.0, 5.3)])
    assert found.figures["false_stop"] == 1
    assert not any(name.startswith("kept") for name in found.figures)


QUIETLY = ignored("noise", 5.0, 5.5, over=False)


@pytest.mark.parametrize(("onset_s", "answered"), [(5.0, 1), (6.0, 1), (7.5, 1), (7.51, 0)])
def test_an_onset_within_two_seconds_of_a_noise_is_a_false_response(onset_s, answered):
    found = only([QUIETLY], [(onset_s, 9.0)])
    assert found.figures == {"false_response": answered}
    assert found.outcome is (Outcome.ANSWERED if answered else Outcome.QUIET)


def test_the_next_sentence_of_the_agent_is_no_false_response():
    assert "between two sentences" in only([QUIETLY], [(2.0, 4.1), (6.0, 9.0)]).reason
    assert only([QUIETLY], [(2.0, 4.0), (6.0, 9.0)]).outcome is Outcome.ANSWERED


def test_a_reply_that_is_still_due_is_no_false_response():
    found, _ = results([turn((2.0, 4.0)), QUIETLY], [(6.0, 8.0)])
    assert "owed" in found["noise@5.0"].reason
    found, _ = results([turn((1.0, 2.0)), QUIETLY], [(2.5, 3.5), (6.0, 8.0)])
    assert found["noise@5.0"].outcome is Outcome.ANSWERED


@pytest.mark.parametrize(("prompts", "answered"), [(0, 0), (1, 0), (2, 1)])
def test_a_long_silence_allows_one_prompt(prompts, answered):
    silence = event("silence", HUM.expect, (2.0, 18.0))
    empty = type(silence)("silence", "silence", 2.0, 18.0, (), silence.expect)
    agent = [(6.0 + 4 * i, 7.5 + 4 * i) for i in range(prompts)]
    found, _ = results([turn((0.2, 0.8)), empty], [(1.0, 1.7), *agent])
    assert found["silence"].figures == {"false_response": answered}


# --- said twice -----------------------------------------------------------------------------------


def test_words_said_again_after_a_hole_are_found_and_measured():
    rng = np.random.default_rng(3)
    voice = rng.standard_normal(8 * RATE).astype(np.float32) * np.float32(0.1)
    again = voice.copy()
    again[5 * RATE : 7 * RATE] = voice[round(3.4 * RATE) : round(5.4 * RATE)] * np.float32(0.5)
    assert repeated_s(again, RATE, 4.0, 5.0) == pytest.approx(0.6)
    assert repeated_s(voice, RATE, 4.0, 5.0) == 0.0
    assert repeated_s(np.zeros(8 * RATE, np.float32), RATE, 4.0, 5.0) == 0.0
    assert repeated_s(voice, RATE, 0.1, 0.2) == 0.0
