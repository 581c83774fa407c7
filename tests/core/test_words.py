"""The caller's words: what is unanswered, whatever is late, changed, or taken back."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from agent.core.events import Transcript
from agent.core.words import SEGMENTS_KEPT, CallerWords, unanswered

WORDS = st.lists(st.sampled_from("a table for four please".split()), max_size=5).map(" ".join)


def words_of(*segments):
    """Words where each (number, text, final) was said and ended."""
    words = CallerWords()
    for number, text, final in segments:
        words.start(number)
        words.end(number)
        words.hear(Transcript(number, text, final=final))
    return words


@mark.parametrize(
    ("text", "answered", "left"),
    [
        ("a table for four", "a table", "for four"),
        ("a table", "a table", ""),
        ("a table", "", "a table"),
        ("", "a table", ""),
        ("a table", "a table for", ""),
        ("the table for four", "a table", "the table for four"),
        ("a tablet", "a table", "a tablet"),
        ("a a", "a", "a"),
    ],
)
def test_what_is_left_after_an_answer(text, answered, left):
    assert unanswered(text, answered) == left


@given(WORDS, WORDS)
def test_words_added_to_answered_ones_are_all_that_is_left(text, more):
    assert unanswered(f"{text} {more}", text) == more


@given(WORDS, WORDS)
def test_what_is_left_is_the_end_of_what_was_said(text, answered):
    assert text.endswith(unanswered(text, answered))


def test_segments_are_joined_in_the_order_in_which_they_were_said():
    words = words_of((1, "a table", True), (2, "for four", True))
    assert words.text() == "a table for four"


def test_a_segment_without_words_leaves_no_blank():
    words = words_of((1, "a table", True), (2, "", True), (3, "for four", True))
    assert words.text() == "a table for four"


def test_uncertain_words_count_until_they_change():
    words = words_of((1, "a table", False))
    words.hear(Transcript(1, "a table", "for far"))
    assert words.text() == "a table for far"
    words.hear(Transcript(1, "a table for four", final=True))
    assert words.text() == "a table for four"


def test_the_caller_speaks_until_every_segment_has_ended():
    words = CallerWords()
    words.start(1)
    words.start(2)
    words.end(1)
    assert words.speaking()
    words.end(2)
    assert not words.speaking()


def test_the_current_segment_is_the_last_that_began():
    words = words_of((1, "a", True), (2, "b", True))
    words.hear(Transcript(1, "a again", final=True))
    assert words.current == 2


def test_the_end_of_a_segment_is_owed_once_it_is_over():
    words = CallerWords()
    words.start(1)
    assert not words.waiting()
    words.end(1)
    assert words.waiting()
    words.hear(Transcript(1, "hello"))
    assert words.waiting()
    words.hear(Transcript(1, "hello", final=True))
    assert not words.waiting()


def test_giving_up_waiting_ends_what_is_owed_and_nothing_that_is_still_spoken():
    words = words_of((1, "a table", False))
    words.start(2)
    words.give_up_waiting()
    assert not words.waiting()
    words.end(2)
    assert words.waiting()


def test_words_that_come_after_waiting_was_given_up_still_count():
    words = words_of((1, "a table", False))
    words.give_up_waiting()
    words.hear(Transcript(1, "a table for four", final=True))
    assert words.text() == "a table for four"


def test_a_key_is_a_word_among_words():
    words = words_of((1, "my number is", True))
    words.enter("4")
    words.enter("#")
    assert words.text() == "my number is 4 #"
    assert not words.waiting()
    assert not words.speaking()


def test_a_key_is_a_segment_of_its_own_that_no_sound_has():
    words = words_of((1, "hello", True))
    words.enter("4")
    first = words.current
    words.enter("4")
    assert first < 0
    assert words.current < 0
    assert words.current != first


def test_an_answer_takes_its_words_and_leaves_later_ones():
    words = words_of((1, "a table", True))
    claim = words.claim()
    words.start(2)
    words.end(2)
    words.hear(Transcript(2, "for four", final=True))
    words.answer(claim)
    assert words.text() == "for four"


def test_words_that_come_late_to_an_answered_segment_are_not_answered():
    words = words_of((1, "a table", False))
    words.answer(words.claim())
    words.hear(Transcript(1, "a table for four", final=True))
    assert words.text() == "for four"


def test_words_taken_back_after_their_answer_are_not_new():
    words = words_of((1, "a table for", False))
    words.answer(words.claim())
    words.hear(Transcript(1, "a table", final=True))
    assert words.text() == ""


def test_an_answered_segment_that_was_misheard_is_new():
    words = words_of((1, "a tablet", False))
    words.answer(words.claim())
    words.hear(Transcript(1, "the table", final=True))
    assert words.text() == "the table"


def test_an_old_claim_that_comes_again_takes_nothing_back():
    words = words_of((1, "hello", False))
    old = words.claim()
    words.answer(old)
    words.hear(Transcript(1, "hello uh-huh", final=True))
    words.answer(words.claim())
    words.answer(old)
    assert words.text() == ""


def many(count):
    """So many segments, each answered when it was said."""
    words, claims = CallerWords(), []
    for number in range(1, count + 1):
        words.start(number)
        words.end(number)
        words.hear(Transcript(number, f"w{number}", final=True))
        claims.append(words.claim())
        words.answer(claims[-1])
    return words, claims


def test_a_late_transcript_of_a_recent_segment_finds_what_was_answered():
    words, _ = many(100)
    oldest = 101 - SEGMENTS_KEPT
    words.hear(Transcript(oldest, f"w{oldest} late", final=True))
    assert words.text() == "late"


def test_a_long_call_remembers_no_more_than_its_limit():
    words, _ = many(500)
    assert len(words._segments) == SEGMENTS_KEPT


def test_an_old_claim_does_not_bring_forgotten_segments_back():
    words, claims = many(100)
    words.answer(claims[50])
    assert len(words._segments) == SEGMENTS_KEPT
    assert not words.waiting()


def test_segments_that_are_spoken_or_unanswered_are_never_forgotten():
    words, _ = many(100)
    words.start(101)
    for number in range(200, 300):
        words.start(number)
        words.end(number)
        words.hear(Transcript(number, f"w{number}", final=True))
    words.answer(((200, "w200"),))
    assert words.speaking()
    assert words.text().split() == [f"w{n}" for n in range(201, 300)]


def test_a_segment_that_is_spoken_for_very_long_is_not_forgotten():
    words = CallerWords()
    words.start(1)
    for number in range(2, 200):
        words.start(number)
        words.end(number)
        words.hear(Transcript(number, f"w{number}", final=True))
        words.answer(words.claim())
    assert words.speaking()


def test_segments_shortened_after_their_answer_are_forgotten_too():
    words = CallerWords()
    for number in range(1, 100):
        words.start(number)
        words.end(number)
        words.hear(Transcript(number, "a b", ""))
        words.answer(words.claim())
        words.hear(Transcript(number, "a", final=True))
    assert len(words._segments) <= SEGMENTS_KEPT + 1
