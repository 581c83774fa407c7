"""Whether the turn is over, by words, melody, silence and the caller's own pauses together."""

import asyncio
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx, mark

from agent.core.audio import AudioFrame
from agent.core.protocols import Expectation, Pause
from agent.core.turn_config import TurnConfig
from pipelines.cascade.turn_end.hazard import HazardPredictor, judge_pause
from pipelines.cascade.turn_end.pauses import LONGEST_S, USUAL_S, mean_s
from tests.pipelines.test_turn_end_prosody import FILLER, OPEN, RATE, STATEMENT

DESK = Expectation(
    ("hello", "where are you located", "when do you close", "i'd like a table", "for four")
)
PEOPLE = Expectation(("four", "four people", "for four"))
PATIENT = TurnConfig(pause_min_s=0.05, pause_max_s=2.5)
HANG_OVER_S = 0.13  # of the voice activity
EVERY_S = 0.05


def pause(text, sound=STATEMENT, silence_s=0.2, expected=DESK, own=()):
    quiet = np.zeros(round(silence_s * RATE), np.float32)
    frame = AudioFrame(np.concatenate([sound, quiet]), RATE, 0)
    return Pause(frame, silence_s, text, expected, own)


def decided_s(text, sound=STATEMENT, **known):
    """The silence after which a machine that asks again and again takes the turn."""
    for step in range(100):
        silence_s = HANG_OVER_S + step * EVERY_S
        over = judge_pause(pause(text, sound, silence_s, **known)).probability
        if silence_s - HANG_OVER_S >= PATIENT.pause_s(over):
            return silence_s
    raise AssertionError("it waits for ever")


def test_a_sure_end_is_taken_in_a_breath():
    assert decided_s("where are you located") <= 0.25


def test_an_answer_that_was_expected_is_taken_in_a_breath():
    assert decided_s("four", expected=PEOPLE) <= 0.25


@mark.parametrize(
    ("text", "sound", "least_s"),
    [
        ("i'd like a table for", OPEN, 1.6),
        ("it's five five", OPEN, 1.3),
        ("i'd like a table for um", FILLER, 2.0),
        ("i'd like a table for them", FILLER, 1.5),
        ("hello", STATEMENT, 1.0),
    ],
)
def test_what_is_plainly_unfinished_is_waited_for(text, sound, least_s):
    assert decided_s(text, sound) >= least_s


def test_how_long_it_waits_is_no_choice_between_two():
    texts = ["where are you located", "when do you close", "i'd like a table",
             "hello", "i'd like a table for", "i'd like a table for um"]  # fmt: skip
    waits = [decided_s(text) for text in texts]
    assert waits == sorted(waits)
    assert all(late - soon < 1.0 for soon, late in pairwise(waits))
    assert len({round(wait, 2) for wait in waits}) >= 5


def test_the_same_words_are_over_sooner_when_the_voice_falls_and_fades():
    assert decided_s("when do you close", STATEMENT) < decided_s("when do you close", OPEN)


def test_a_held_sound_is_a_hesitation_whatever_the_recogniser_made_of_it():
    assert decided_s("when do you close", FILLER) > decided_s("when do you close", OPEN) + 0.3


def test_a_caller_who_pauses_long_is_waited_for_longer():
    slow, quick = (decided_s("i'd like a table", own=own) for own in ((1.5,) * 6, (0.25,) * 6))
    assert slow > quick + 0.1


def test_the_mean_pause_goes_from_what_is_usual_to_what_this_caller_does():
    assert mean_s(()) == USUAL_S
    assert USUAL_S < mean_s((1.2,)) < mean_s((1.2,) * 5) < 1.2
    assert mean_s((0.2,) * 1000) == approx(0.2, abs=0.01)
    assert mean_s((30.0,)) == mean_s((LONGEST_S,))


def test_the_reason_names_the_words_and_the_sound():
    reason = judge_pause(pause("where are you located", STATEMENT)).reason
    assert "an expected phrase" in reason and "pitch fell" in reason
    assert "held" in judge_pause(pause("when do you close", FILLER)).reason
    assert judge_pause(pause("where are you located", np.zeros(0, np.float32))).reason


def test_the_same_pause_gets_the_same_answer_from_a_predictor_that_keeps_nothing():
    predictor = HazardPredictor()
    first = asyncio.run(predictor.predict(pause("i'd like a table")))
    asyncio.run(predictor.predict(pause("four", FILLER, expected=PEOPLE)))
    assert asyncio.run(predictor.predict(pause("i'd like a table"))) == first


WORDS = st.lists(st.sampled_from("i'd like a table for four um hello please".split()), max_size=6)


@settings(max_examples=15, deadline=None)
@given(WORDS.map(" ".join), st.sampled_from([STATEMENT, OPEN, FILLER]))
def test_the_longer_the_silence_the_likelier_the_end(text, sound):
    over = [judge_pause(pause(text, sound, s)).probability for s in (0.1, 0.5, 1.0, 2.0, 6.0)]
    assert over == sorted(over)
    assert 0 < over[0] <= over[-1] <= 1


def test_no_turn_waits_for_ever():
    assert decided_s("i'd like a table for um", FILLER, own=(2.0,) * 16) <= 2.65
