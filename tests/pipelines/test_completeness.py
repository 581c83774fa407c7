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


@mark.parametrize("text", ["i hardly know her", "yes it is", "can i have some more"])
def test_a_sentence_may_end_in_a_word_that_mostly_leads_on(text):
    assert judge("we come with the", NOTHING).probability < judge(text, NOTHING).probability < 0.4


@mark.parametrize("text", ["", "bananas", "my name is john", "colourless green ideas sleep"])
def test_where_nothing_is_expected_words_say_little(text):
    assert 0.4 <= judge(text, NOTHING).probability <= 0.6


def test_words_that_nobody_expected_are_waited_for_the_fewer_they_are_the_longer():
    few, more, most = (
        judge(text, EXPECTED).probability
        for text in ("bananas", "bananas on toast", "my brother told me about your bananas")
    )
    assert few < more < most <= 0.5


def test_a_phrase_that_may_go_on_in_many_ways_is_less_sure_than_one_that_may_not():
    hours = ("seven", *(f"seven {minutes}" for minutes in ("ten", "fifteen", "twenty", "thirty")))
    open_, whole = (judge(text, Expectation(hours)).probability for text in ("seven", "seven ten"))
    assert 0.6 < open_ < whole


def test_an_answer_is_sure_although_one_word_could_follow_it():
    counts = Expectation(("four", "four people", "for four people"))
    assert judge("four", counts).probability >= 0.95


DESK = Expectation(
    (
        "hello",
        "i'd like a table",
        "i want to make a booking",
        "i want to book a table",
        "when do you close",
        "when are you open",
        "when are you open on friday",
        "where are you located",
        "for two",
        "for four",
        "on friday",
        "at seven o'clock",
    )
)


@mark.parametrize(
    ("surer", "less"),
    [
        ("where are you located", "when do you close"),
        ("i'd like a table for four", "i'd like a table"),
        ("i'd like a table for four on friday", "i'd like a table for four"),
        ("i'd like a table please", "i'd like a table"),
        ("i'd like a table for four", "for four"),
        ("when do you close", "i want to make a booking"),
        ("hello where are you located", "hello"),
    ],
)
def test_a_sentence_to_which_people_add_something_is_less_sure(surer, less):
    assert judge(surer, DESK).probability > judge(less, DESK).probability + 0.05


def test_a_detail_that_sounds_like_digits_and_belongs_to_nothing_may_be_the_first_of_a_number():
    counts = Expectation(("for four", "for six people"))
    assert judge("for four", counts).probability < judge("for six people", counts).probability


@mark.parametrize("text", ["hello", "good morning", "when are you open them", "for four"])
def test_what_nearly_always_goes_on_is_unlikely_to_be_over(text):
    assert judge(text, DESK).probability <= 0.3


def test_a_detail_that_was_asked_for_is_an_answer():
    asked = Expectation((*DESK.phrases, "four"))
    assert judge("for four", asked).probability >= 0.9


@mark.parametrize("text", ["it's five five", "oh two oh seven nine four", "it's five five kato"])
def test_digits_that_nobody_asked_for_are_a_number_that_goes_on(text):
    assert judge(text, DESK).probability <= 0.15


def test_a_whole_number_may_be_over():
    assert judge("oh two oh seven nine four six one one", DESK).probability >= 0.4


def test_a_misheard_word_after_a_whole_phrase_is_likelier_an_end_than_in_the_middle_of_one():
    after = judge("where are you located plays", DESK).probability
    middle = judge("when are you open them", DESK).probability
    assert middle < 0.3
    assert 0.5 < after < 0.7


@mark.parametrize("text", ["i'd like a table for uh-huh", "i'd like a table for huh"])
def test_a_hum_after_words_is_a_hesitation(text):
    assert judge(text, DESK).probability <= 0.1


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


# --- numbers that were misheard ------------------------------------------------------------------


def test_a_number_of_which_some_digits_were_misheard_is_the_likelier_whole_the_longer_it_is():
    texts = [
        "four four one six tree",
        "four four one six tree line",
        "four four one six tree line six",
    ]
    texts.append("four four one six tree line six so")
    judged = [judge(text, EXPECTED).probability for text in texts]
    assert judged == sorted(set(judged))
    assert judged[0] < 0.2
    assert 0.6 < judged[-1] < 0.8


def test_a_hesitation_after_a_number_is_one():
    assert judge("four four one six tree line six um", EXPECTED).probability < 0.1


def test_how_many_digits_were_asked_for_says_more():
    assert judge("one two tree four five six seven", PIN) == judge("tree four five six seven", PIN)


def test_a_sentence_with_three_digits_in_it_is_no_number():
    text = "i would like to come with two or three friends at seven on sunday evening"
    assert "number" not in judge(text, EXPECTED).reason
