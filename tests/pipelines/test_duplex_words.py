"""Text pieces to words with times, to what was heard, and to what somebody else is asked."""

import numpy as np
from pytest import mark

from pipelines.duplex.monologue import LONGEST, WORDS, Monologue, Word
from pipelines.duplex.overlay import Overlay, question

RATE, COUNT = 24_000, 1920


def said(pieces, played=10**9):
    """Pieces frame by frame: the words, and what was heard of it all."""
    monologue, words = Monologue(RATE), []
    for number, piece in enumerate(pieces):
        words += monologue.say(piece, number * COUNT, (number + 1) * COUNT)
    return words, monologue.finish(played)


def test_pieces_become_words_with_the_times_of_their_frames():
    words, utterance = said([" hel", "lo", "", " the", "re,", " you"])
    assert words == [Word("hello", 0, 2 * COUNT), Word("there,", 3 * COUNT, 5 * COUNT)]
    assert utterance.said == "hello there, you"


def test_a_piece_with_several_words_is_several_words():
    words, utterance = said([" one two thr", "ee"])
    assert [word.text for word in words] == ["one", "two"]
    assert utterance.said == "one two three"


def test_a_word_is_complete_when_nothing_has_followed_for_a_while():
    words, _ = said([" yes", *[""] * 6])
    assert [word.text for word in words] == ["yes"]


def test_only_what_was_played_was_heard():
    _, utterance = said([" one", " two", " three"], played=COUNT + 1)
    assert (utterance.heard, utterance.cut) == ("one two", True)
    _, whole = said([" one", " two"])
    assert (whole.heard, whole.cut) == ("one two", False)


def test_utterances_are_numbered_and_end_in_a_pause():
    monologue = Monologue(RATE)
    assert not monologue.is_over(10**6)
    monologue.say(" hello", 0, COUNT)
    assert not monologue.is_over(2 * COUNT)
    assert monologue.is_over(20 * COUNT)
    assert monologue.finish(10**6).number == 1
    assert monologue.finish(10**6) is None
    monologue.say(" again", 30 * COUNT, 31 * COUNT)
    assert monologue.finish(10**6).number == 2


def test_words_laid_over_the_models_are_heard_but_are_not_its_own():
    monologue = Monologue(RATE)
    monologue.say(" one mo", 0, COUNT)
    words = monologue.say("we are", COUNT, 2 * COUNT, own=False)
    monologue.say(" indeed", 2 * COUNT, 3 * COUNT)
    assert words == [Word("mo", 0, COUNT), Word("we", COUNT, 2 * COUNT, own=False)]
    utterance = monologue.finish(10**9)
    assert (utterance.heard, utterance.own) == ("one mo we are indeed", "one mo indeed")


def test_a_model_that_never_pauses_still_ends_its_utterances():
    monologue = Monologue(RATE)
    for number in range(WORDS + 1):
        monologue.say(f" w{number}", number * COUNT, (number + 1) * COUNT)
    assert monologue.is_over((WORDS + 1) * COUNT)


def test_of_a_script_without_spaces_each_sign_is_heard_alone():
    words, utterance = said(["東京", "です", "。", "はい"], played=COUNT + 1)
    assert (utterance.said, utterance.heard) == ("東京です。はい", "東京です。")
    assert [word.start for word in words] == [0, 0, COUNT, COUNT, 3 * COUNT]


def test_a_model_that_never_writes_a_space_still_ends_its_words_and_utterances():
    monologue, frames, words = Monologue(RATE), 0, []
    while not monologue.is_over(frames * COUNT):
        words += monologue.say("ha", frames * COUNT, (frames + 1) * COUNT)
        frames += 1
        assert frames <= WORDS * LONGEST
    assert max(len(word.text) for word in words) == LONGEST


# --- what the model passes on -------------------------------------------------------------------


@mark.parametrize(
    ("text", "asked"),
    [
        ("Sure. Let me check the opening hours.", "the opening hours."),
        ("let me check.", "let me check."),
        ("Let me, check", "Let me, check"),
        ("", None),
        ("outlet me check", None),
    ],
)
def test_a_trigger_is_found_by_its_words(text, asked):
    assert question(text, ("let me check",)) == asked


def test_an_answer_is_laid_over_the_models_sound_sample_for_sample():
    overlay = Overlay(limit=5000)
    mine = np.arange(COUNT, dtype=np.float32)
    assert overlay.over(mine, " mine")[1] == " mine"
    overlay.put(np.full(2000, 0.5, np.float32), "we are")
    overlay.put(np.full(500, 0.25, np.float32), "open")
    first, text, own = overlay.over(mine, " mine")
    assert (text, set(first.tolist()), own) == (" we are", {0.5}, False)
    second, text, own = overlay.over(mine, " mine")
    assert (text, own) == (" open", False)
    assert (second[:80] == 0.5).all()
    assert (second[80:580] == 0.25).all()
    assert (second[580:] == 0).all()
    assert overlay.over(mine, " mine") == (mine, " mine", True)


def test_an_answer_that_is_too_long_is_cut_and_counted():
    overlay = Overlay(limit=1000)
    assert overlay.put(np.zeros(800, np.float32), "a")
    assert not overlay.put(np.zeros(800, np.float32), "b")
    assert overlay.left_out == 800
