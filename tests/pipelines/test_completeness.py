"""Whether a turn is over, by its words and by what was expected."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from agent.core.audio import silence
from agent.core.protocols import Expectation, Pause
from pipelines.cascade.completeness import CompletenessPredictor, judge

EXPECTED = Expectation(
    (
        "seven",
        "seven thirty",
        "half past seven",
        "at half past seven",
        "for four people",
        "on friday",
        "i'd like a table",
        "i'd like to book a table",
        "what are your opening hours",
        "there will be four of us",
        "uh-huh",
        "yes",
    )
)
PIN = Expectation(("one two three four", "i don't know"))
NOTHING = Expectation()


@mark.parametrize(
    "text",
    [
        "half past seven",
        "at half past seven",
        "hello what are your opening hours",
        "i'd like a table for four people on friday",
        "yes",
        "uh-huh",
        "half past seven please",
        "thank you on friday",
        "bla bla on friday thank you",
    ],
)
def test_a_whole_expected_phrase_ends_the_turn(text):
    assert judge(text, EXPECTED).probability >= 0.9


@mark.parametrize(
    "text",
    [
        "i'd like a table for",
        "i'd like",
        "i'd like to",
        "i'd like to book",
        "what are your",
        "at half",
        "at half past",
        "for four people at",
        "for four people and",
        "on friday um",
        "um",
        "we want to come with the",
        "there will be four of",
        "half past please",
        "for",
    ],
)
def test_a_sentence_that_cannot_end_here_goes_on(text):
    assert judge(text, EXPECTED).probability <= 0.15


@mark.parametrize("text", ["we want to come with the", "my name is", "i would like to", "er"])
def test_that_needs_no_expectation(text):
    assert judge(text, NOTHING).probability <= 0.15


@mark.parametrize("text", ["", "bananas", "my name is john", "colourless green ideas sleep"])
def test_what_is_neither_is_in_between(text):
    assert 0.3 <= judge(text, EXPECTED).probability <= 0.7


def test_a_phrase_that_may_go_on_is_less_sure_than_one_that_may_not():
    assert 0.6 < judge("seven", EXPECTED).probability < judge("seven thirty", EXPECTED).probability


def test_the_more_of_a_phrase_is_missing_the_surer_it_goes_on():
    nearly = judge("what are your opening", EXPECTED).probability
    barely = judge("what are", EXPECTED).probability
    assert barely < nearly <= 0.15


def test_dictated_digits_end_the_turn_when_there_are_enough():
    probabilities = [
        judge(" ".join("one two double four five".split()[:n]), PIN).probability
        for n in range(1, 5)
    ]
    assert probabilities == sorted(probabilities)
    assert probabilities[2] <= 0.15 and probabilities[3] >= 0.9
    assert judge("it is one two", PIN).probability <= 0.15
    assert judge("one two three 4", PIN).probability >= 0.9
    assert judge("one two three four five", PIN).probability >= 0.9
    assert judge("i don't know", PIN).probability >= 0.9


def test_a_judgement_gives_its_reason():
    assert judge("a table for", EXPECTED).reason == "a sentence does not end in 'for'"
    assert judge("one two", PIN).reason == "2 of 4 digits"


def test_the_predictor_is_asked_with_sound_it_does_not_need():
    pause = Pause(silence(1600, 16_000), 0.1, "on friday", EXPECTED)
    assert asyncio.run(CompletenessPredictor().predict(pause)) == judge("on friday", EXPECTED)


WORD = st.sampled_from("i'd like a table for four on friday seven thirty um please one two".split())


@given(st.lists(WORD, max_size=12).map(" ".join) | st.text(), st.sampled_from([EXPECTED, PIN]))
def test_it_is_always_a_probability_with_a_reason(text, expected):
    judgement = judge(text, expected)
    assert 0 <= judgement.probability <= 1
    assert judgement.reason


@given(st.lists(WORD, max_size=8).map(" ".join))
def test_a_hesitation_never_makes_the_end_likelier(text):
    after = judge(f"{text} um", EXPECTED).probability
    assert after <= 0.15
