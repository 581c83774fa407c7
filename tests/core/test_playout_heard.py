"""What was heard of a reply: an exact ledger from played samples to words."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from agent.core.audio import AudioFrame
from agent.core.playout import LEDGERS, Playout, words_within
from agent.core.protocols import Speech

RATE = 16_000
FRAME = 320  # 20 ms


def ones(count, text):
    """Sound that covers words."""
    return Speech(AudioFrame(np.ones(count, np.float32), RATE, 0), text)


def speaking(count, text):
    """A playout whose reply 1 is open and has given out its first frame."""
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, ones(count, text))
    playout.release(1)
    playout.next(FRAME)
    return playout


def drain(playout, frames):
    for _ in range(frames):
        playout.next(FRAME)


def test_only_the_newest_ledgers_are_kept():
    playout = Playout(RATE)
    for reply in range(1, LEDGERS + 2):
        playout.open(reply)
        playout.put(reply, ones(FRAME, "hello"))
        playout.release(reply)
        playout.next(FRAME)
    assert playout.heard(1, playout.position) == ""
    assert playout.heard(2, playout.position) == "hello"
    assert playout.heard(LEDGERS + 1, playout.position) == "hello"


def test_nothing_was_heard_of_a_reply_that_nobody_played():
    playout = Playout(RATE)
    assert playout.heard(1, 10**6) == ""
    playout.open(1)
    playout.put(1, ones(RATE, "hello"))
    assert playout.heard(1, 10**6) == ""


def test_a_word_is_heard_once_half_of_it_was():
    playout = speaking(FRAME, "hello")
    assert playout.heard(1, FRAME // 2 - 1) == ""
    assert playout.heard(1, FRAME // 2) == "hello"


def test_words_of_one_piece_take_time_by_their_letters():
    playout = speaking(FRAME, "a longer")  # 1 and 6 letters: middles at 0.5/7 and 4/7
    assert playout.heard(1, int(FRAME * 0.4)) == "a"
    assert playout.heard(1, int(FRAME * 0.6)) == "a longer"


def test_what_was_handed_over_but_not_played_was_not_heard():
    playout = speaking(10 * FRAME, "one two three four five six")
    drain(playout, 9)
    assert playout.heard(1, 5 * FRAME) == "one two three"
    assert playout.heard(1, 10 * FRAME) == "one two three four five six"


def test_pieces_of_one_frame_are_heard_one_after_the_other():
    playout = Playout(RATE)
    playout.open(1)
    for word in ("one", "two", "three"):
        playout.put(1, ones(100, word))
    playout.release(1)
    playout.next(FRAME)
    assert playout.heard(1, 149) == "one"
    assert playout.heard(1, 150) == "one two"
    assert playout.heard(1, 249) == "one two"
    assert playout.heard(1, 250) == "one two three"


def test_what_was_played_before_a_hold_and_after_it_counts_together():
    playout = speaking(4 * FRAME, "one two")
    playout.hold(1)
    drain(playout, 10)
    held = playout.position
    assert playout.heard(1, held) == "one"
    playout.resume(1)
    drain(playout, 4)
    assert playout.heard(1, held) == "one"
    assert playout.heard(1, playout.position) == "one two"


def test_a_ledger_stays_readable_when_its_reply_is_over():
    playout = speaking(FRAME, "hello")
    playout.open(2)
    assert playout.heard(1, FRAME) == "hello"


def test_a_piece_without_sound_was_not_heard():
    playout = Playout(RATE)
    playout.open(1)
    playout.put(1, ones(0, "nothing"))
    playout.put(1, ones(FRAME, "something"))
    playout.release(1)
    playout.next(FRAME)
    assert playout.heard(1, FRAME) == "something"


DOORS = st.lists(
    st.tuples(st.sampled_from(["duck", "hold", "resume", "release"]), st.integers(1, 900)),
    max_size=20,
)
TEXTS = st.lists(st.sampled_from("I would like a table for four".split()), max_size=4)
SPOKEN = st.lists(st.tuples(TEXTS.map(" ".join), st.integers(1, 2000)), min_size=1, max_size=6)


@given(SPOKEN, DOORS, st.lists(st.integers(0, 20_000), max_size=6))
def test_what_was_heard_grows_with_what_was_played_and_begins_the_text(pieces, doors, marks):
    playout = Playout(RATE)
    playout.open(1)
    for text, length in pieces:
        playout.put(1, ones(length, text))
    playout.release(1)
    for what, count in doors:
        getattr(playout, what)(1)
        playout.next(count)
    text = " ".join(" ".join(text for text, _ in pieces).split())
    heard = [playout.heard(1, mark) for mark in sorted([*marks, playout.position])]
    for earlier, later in pairwise(heard):
        assert later.startswith(earlier)
    assert all(text.startswith(h) for h in heard)


@given(SPOKEN)
def test_a_reply_played_to_its_end_was_heard_whole(pieces):
    playout = Playout(RATE)
    playout.open(1)
    for text, length in pieces:
        playout.put(1, ones(length, text))
    playout.release(1)
    playout.next(sum(length for _, length in pieces))
    assert playout.heard(1, playout.position).split() == " ".join(t for t, _ in pieces).split()


@mark.parametrize(
    ("share", "heard"),
    [(0.0, ""), (0.1, ""), (0.25, "abcd"), (0.74, "abcd"), (0.75, "abcd efgh"), (1.0, "abcd efgh")],
)
def test_a_share_of_letters_is_a_share_of_words(share, heard):
    assert words_within("abcd efgh", share) == heard


def test_no_words_are_no_words_at_any_share():
    assert words_within("  ", 1.0) == ""
