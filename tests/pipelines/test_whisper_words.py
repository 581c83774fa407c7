"""Words, certain words and words that nobody said: the pure parts of the Whisper adapter."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from pipelines.engines.spelling import spelled
from pipelines.engines.whisper_agreement import MARGIN, Agreement
from pipelines.engines.whisper_guard import believed, without_loop
from pipelines.engines.whisper_window import BLOCK, RATE, Window, place_to_cut
from pipelines.engines.whisper_words import Hypothesis, hot_words, placed, prompt, texts

STEP = 8_000


def said(text, start=0):
    """Words of half a second each."""
    return tuple(
        word
        for n, written in enumerate(text.split())
        for word in placed(f" {written}", start + n * STEP, start + n * STEP + 6_400)
    )


def window_of(*levels, blocks=25):
    """Half a second of sound for each amplitude."""
    window = Window()
    for amplitude in levels:
        for _ in range(blocks):
            window.append(np.full(BLOCK, amplitude, np.float32))
    return window


# --- words ----------------------------------------------------------------------------------------


@mark.parametrize(
    ("written", "words"),
    [
        (" Hello,", "hello"),
        (" I’d like a table.", "i'd like a table"),
        (" 7:30 p.m.", "7 30 pm"),
        (" at 7pm", "at 7 pm"),
        (" Uh-huh.", "uh-huh"),
        (" twenty-one", "twenty one"),
        (" 1,250 %", "1250 percent"),
        (" Fish & chips…", "fish and chips"),
        (" 'cause 'tis", "cause tis"),
        (" Crème brûlée!", "crème brûlée"),
        (" —", ""),
        (" [BLANK_AUDIO]", "blank audio"),
    ],
)
def test_words_are_lower_case_without_punctuation(written, words):
    assert " ".join(spelled(written)) == words


@given(st.text())
def test_every_word_is_a_word_of_its_own_and_stays_what_it_is(text):
    words = spelled(text)
    assert all(word and not word.isspace() for word in words)
    assert spelled(" ".join(words)) == words


def test_one_writing_of_two_words_is_prompted_once():
    words = [*placed(" At", 0, 1), *placed(" 7:30", 1, 2)]
    assert texts(words) == "at 7 30"
    assert prompt(words, 100) == "At 7:30"


def test_a_prompt_is_the_end_of_what_was_said_in_whole_words():
    assert prompt(said("one two three four"), 10) == "four"
    assert prompt((), 10) == ""


def test_hot_words_are_whole_phrases_each_once_and_bounded():
    assert hot_words(["a table", "yes", "a table", "no"], 100) == "a table, yes, no"
    assert hot_words(["a table", "yes", "no"], 15) == "a table, yes"
    assert hot_words(["yes"], 0) == ""


# --- agreement ------------------------------------------------------------------------------------

FAR = 10**6


def test_a_word_is_certain_once_two_hypotheses_in_a_row_agree():
    known = Agreement()
    known.take(said("a table for"), 0, FAR)
    assert (texts(known.certain), texts(known.guess)) == ("", "a table for")
    known.take(said("a table four people"), 0, FAR)
    assert (texts(known.certain), texts(known.guess)) == ("a table", "four people")
    known.take(said("a table four people"), 0, FAR)
    assert (texts(known.certain), texts(known.guess)) == ("a table four people", "")


def test_a_word_at_the_very_end_is_still_being_said():
    known = Agreement()
    for _ in range(3):
        known.take(said("a ta"), 0, STEP + 6_400 + MARGIN - 1)
    assert (texts(known.certain), texts(known.guess)) == ("a", "ta")


def test_certain_words_are_not_taken_back_by_a_model_that_changes_its_mind():
    known = Agreement()
    known.take(said("a table"), 0, FAR)
    known.take(said("a table"), 0, FAR)
    known.take(said("the cable please"), 0, FAR)
    assert (texts(known.certain), texts(known.guess)) == ("a table", "please")
    known.take((), 0, FAR)
    assert (texts(known.certain), texts(known.guess)) == ("a table", "")


def test_words_that_left_the_window_are_not_looked_for_in_it():
    known = Agreement()
    for _ in range(2):
        known.take(said("no no no no"), 0, FAR)
    known.take(said("no no no", 3 * STEP), 3 * STEP, FAR)
    assert (texts(known.certain), texts(known.guess)) == ("no no no no", "no no")


def test_a_word_said_twice_is_counted_twice():
    known = Agreement()
    known.take(said("no no"), 0, FAR)
    known.take(said("no no"), 0, FAR)
    known.take(said("no no no"), 0, FAR)
    assert (texts(known.certain), texts(known.guess)) == ("no no", "no")


def test_a_guess_can_be_settled_up_to_a_place():
    known = Agreement()
    known.take(said("a table for two"), 0, FAR)
    known.settle(2 * STEP)
    assert (texts(known.certain), texts(known.guess)) == ("a table", "for two")


HYPOTHESES = st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=8)


@given(HYPOTHESES)
def test_certain_words_only_grow_whatever_the_model_says(hypotheses):
    known, before = Agreement(), ""
    for words in hypotheses:
        known.take(said(" ".join(words)), 0, FAR)
        now = texts(known.certain)
        assert now.split()[: len(before.split())] == before.split()
        before = now


@given(st.lists(st.sampled_from("abc"), max_size=6))
def test_what_is_said_three_times_alike_is_what_was_said(words):
    known = Agreement()
    for _ in range(3):
        known.take(said(" ".join(words)), 0, FAR)
    assert texts(known.certain) == " ".join(words)
    assert known.guess == []


# --- window ---------------------------------------------------------------------------------------


def test_a_window_forgets_whole_blocks_before_a_place():
    window = window_of(0.1, 0.2)
    window.cut(STEP + 100)
    assert (window.start, window.end) == (STEP, 2 * STEP)
    assert window.samples().tolist() == window_of(0.2).samples().tolist()
    window.cut(0)
    assert window.start == STEP
    window.cut(10**9)
    assert len(window.samples()) == 0


def test_loud_is_meant_relative_to_the_loudest_sound():
    window = window_of(0.5, 0.001, 0.1)
    assert window.loud(0, STEP) == 25
    assert window.loud(STEP, 2 * STEP) == 0
    assert window.loud(2 * STEP, 3 * STEP) == 25
    assert window.loud(-STEP, 10**9) == 50


def test_digital_silence_is_never_loud():
    assert window_of(0.0, 0.0).loud(0, FAR) == 0


def test_a_short_window_is_not_cut():
    assert place_to_cut(said("a table for two"), 0, 6 * RATE) == 0
    assert place_to_cut((), 0, 9 * RATE) == 0


def test_a_long_window_is_cut_at_a_certain_word_a_second_before_the_last_one():
    words = said("a b c d e f g h i j k l")
    place = place_to_cut(words, 0, 7 * RATE)
    assert place == words[9].end
    assert words[-1].end - place >= RATE
    assert place_to_cut(words[:1], 0, 7 * RATE) == 0


# --- what nobody said -----------------------------------------------------------------------------


def test_what_was_said_is_believed():
    words = said("a table for two")
    assert believed(Hypothesis(words), window_of(*[0.1] * 4)) == list(words)


def test_silence_has_no_words_where_the_model_doubts_twice():
    words = said("thank you")
    loud = window_of(0.1, 0.1)
    assert believed(Hypothesis(words, no_speech=0.9, mean_log_probability=-1.5), loud) == []
    assert believed(Hypothesis(words, no_speech=0.9, mean_log_probability=-0.2), loud) != []
    assert believed(Hypothesis(words, no_speech=0.1, mean_log_probability=-1.5), loud) != []


def test_a_word_where_there_was_no_sound_was_not_said():
    words = said("yes") + said("thank you", 2 * STEP)
    heard = believed(Hypothesis(words), window_of(0.1, 0.0, 0.0, 0.0, 0.0))
    assert texts(heard) == "yes"


def test_a_click_is_too_short_for_a_sentence():
    words = said("thank you for watching")
    window = window_of(0.3, blocks=3)
    words = [w for word in words for w in placed(word.written, 0, 900)]
    assert believed(Hypothesis(tuple(words)), window) == []
    assert texts(believed(Hypothesis(tuple(words[:1])), window)) == "thank"


@mark.parametrize(
    ("words", "kept"),
    [
        ("oh oh oh oh oh", "oh oh oh oh oh"),
        ("so oh oh oh oh oh oh", "so oh"),
        ("so a b c a b c a b c a b c d", "so a b c"),
        ("a b a b a b", "a b a b a b"),
        ("", ""),
    ],
)
def test_words_that_are_said_again_and_again_are_a_loop(words, kept):
    assert texts(without_loop(said(words), 4)) == kept


def test_two_times_are_enough_where_the_text_compresses_too_well():
    words = said("we see you we see you")
    window = window_of(*[0.1] * 6)
    assert texts(believed(Hypothesis(words, compression=2.5), window)) == "we see you"
    assert texts(believed(Hypothesis(words, compression=2.3), window)) == "we see you we see you"
