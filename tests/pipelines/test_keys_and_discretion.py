"""How long a key is waited for, and what of an event may be shown."""

from pytest import mark

from agent.core.events import (
    CancelReply,
    Digit,
    PrepareReply,
    SpeechEnded,
    SpeechStarted,
    Transcript,
    TurnEndPredicted,
    Typed,
)
from agent.core.protocols import Keys
from pipelines.cascade.discretion import Discretion
from pipelines.cascade.keypad import awaited

FOUR = Keys(4, "#", 3.0)


@mark.parametrize(
    ("key", "entered", "keys", "pause_s"),
    [
        ("1", "", FOUR, 3.0),
        ("1", "4 7 1", FOUR, 0.0),
        ("1", "4 7 1 1", FOUR, 0.0),
        ("#", "4", FOUR, 0.0),
        ("#", "4", Keys(4, "", 2.0), 2.0),
        ("1", "my number is 4 7 1", FOUR, 0.0),
        ("1", "4 7 1 i mean", FOUR, 3.0),
        ("1", "", Keys(1, "", 0.0), 0.0),
        ("1", "", None, None),
    ],
)
def test_an_entry_is_complete_with_its_last_key_or_its_end(key, entered, keys, pause_s):
    assert awaited(Digit(key), entered, keys) == Digit(key, pause_s)


def test_a_pause_that_was_given_stays():
    assert awaited(Digit("1", 9.0), "", FOUR) == Digit("1", 9.0)


def discreet():
    made = Discretion(1.5)
    made.is_on = True
    return made


@mark.parametrize(
    ("event", "shown"),
    [
        (Transcript(1, "one two", "three"), Transcript(1, "••• •••", "•••")),
        (Transcript(1, "", final=True), Transcript(1, "", final=True)),
        (Digit("4"), Digit("•••", 1.5)),
        (Digit("#"), Digit("•••", 0.0)),
        (Digit("4", 3.0), Digit("•••", 3.0)),
        (Typed("12 34"), Typed("••• •••")),
        (TurnEndPredicted(1, 0.5, "ends in 'four'"), TurnEndPredicted(1, 0.5)),
        (SpeechStarted(1), SpeechStarted(1)),
        (SpeechEnded(1), SpeechEnded(1)),
    ],
)
def test_while_it_is_on_no_word_and_no_key_is_shown(event, shown):
    assert discreet().shown(event) == shown
    if event != shown:
        assert Discretion(1.5).shown(event) == event


def test_while_it_is_on_no_question_is_shown():
    assert discreet().shown_action(PrepareReply(1, "4 7"), ()) == PrepareReply(1, "••• •••")
    assert discreet().shown_action(CancelReply(1), ()) == CancelReply(1)
    assert Discretion(1.5).shown_action(PrepareReply(1, "4 7"), ()) == PrepareReply(1, "4 7")


def test_a_segment_that_was_sensitive_stays_so():
    made = discreet()
    made.shown(SpeechStarted(3))
    made.shown(Transcript(3, "one", "two"))
    made.is_on = False
    assert made.shown(Transcript(3, "one two three", final=True)).text == "••• ••• •••"
    assert made.shown_action(PrepareReply(1, "three"), [3]) == PrepareReply(1, "•••")
    assert made.shown(TurnEndPredicted(3, 0.5, "ends in 'three'")).reason == ""
    assert made.shown(TurnEndPredicted(4, 0.5, "a wish")).reason == "a wish"
    assert made.shown(Transcript(4, "my balance", final=True)).text == "my balance"
    assert made.shown_action(PrepareReply(2, "my balance"), [4]).text == "my balance"


def test_keys_that_were_sensitive_are_hidden_wherever_they_turn_up_again():
    made = Discretion(1.5)
    made.shown(Digit("1"))
    made.is_on = True
    made.shown(Digit("4"))
    made.shown(Typed("4 7"))
    made.is_on = False
    made.shown(Digit("2"))
    assert [made.hides([segment]) for segment in (-1, -2, -3, -4)] == [False, True, True, False]
    assert made.shown_action(PrepareReply(1, "4 hello"), [-2, 5]).text == "••• •••"
    assert made.shown_action(PrepareReply(2, "2 hello"), [-4, 5]).text == "2 hello"
