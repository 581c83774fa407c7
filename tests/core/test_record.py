"""Events and actions survive the way through a trace."""

import dataclasses
import json
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from agent.core.events import (
    Action,
    Backchannel,
    Digit,
    Event,
    PrepareReply,
    Prompt,
    Reason,
    ReplyReady,
    SpeechJudged,
    SpeechStarted,
    Transcript,
    TurnEndPredicted,
)
from agent.core.record import action_from, event_from, to_fields

MEASURED = (TurnEndPredicted, SpeechJudged, Digit)  # a number that is none equals nothing
SHARE = st.floats(0, 1)
EVENTS = st.one_of(
    st.builds(TurnEndPredicted, st.integers(), SHARE, st.text()),
    st.builds(SpeechJudged, st.integers(), SHARE, SHARE, st.text()),
    st.builds(Digit, st.text(), st.none() | SHARE),
    *[st.from_type(kind) for kind in get_args(Event) if kind not in MEASURED],
)
ACTIONS = st.one_of([st.from_type(kind) for kind in get_args(Action)])


def through_json(value):
    """Into a line of text and back, as a trace does it."""
    return json.loads(json.dumps({"t": 0.5, "event": "told", "now": 1.5, **to_fields(value)}))


@given(EVENTS)
def test_every_event_comes_back_as_it_was(event):
    assert event_from(through_json(event)) == event


@given(ACTIONS)
def test_every_action_comes_back_as_it_was(action):
    back = action_from(through_json(action))
    assert back == action
    assert type(back) is type(action)


def test_a_reason_comes_back_as_a_reason():
    back = action_from(through_json(Prompt(3, Reason.SILENCE)))
    assert isinstance(back.reason, Reason)


def test_a_value_is_written_with_its_name_and_its_fields():
    assert to_fields(Transcript(2, "a table", "for", final=False)) == {
        "what": "Transcript",
        "segment": 2,
        "stable": "a table",
        "unstable": "for",
        "final": False,
    }


def test_an_unknown_event_is_refused_with_all_known_ones():
    with raises(ValueError, match=r"expected one of CallAnswered, SpeechStarted, .*found 'Sneeze'"):
        event_from({"what": "Sneeze"})


def test_a_line_without_a_name_is_refused():
    with raises(ValueError, match=r"expected one of PrepareReply, .*found None"):
        action_from({"reply": 1})


def test_an_action_is_no_event_and_an_event_no_action():
    with raises(ValueError, match="found 'PrepareReply'"):
        event_from(to_fields(PrepareReply(1, "hello")))
    with raises(ValueError, match="found 'SpeechStarted'"):
        action_from(to_fields(SpeechStarted(1)))


@mark.parametrize("value", [Transcript(1, "a"), Digit("4")])
def test_every_missing_field_of_an_event_is_named(value):
    with raises(ValueError, match="missing") as refused:
        event_from({"what": type(value).__name__})
    needed = [f.name for f in dataclasses.fields(value) if f.default is dataclasses.MISSING]
    assert needed
    assert all(name in str(refused.value) for name in needed)


def test_a_trace_written_before_a_field_existed_is_still_read():
    assert event_from({"what": "ReplyReady", "reply": 3}) == ReplyReady(3)


def test_a_missing_field_of_an_action_is_named():
    with raises(ValueError, match="Backchannel: kind missing"):
        action_from({"what": Backchannel.__name__})


def test_a_reason_that_is_none_is_refused():
    with raises(ValueError, match="'boredom' is not a valid Reason"):
        action_from({"what": "Prompt", "reply": 1, "reason": "boredom"})


@mark.parametrize(
    ("fields", "sentence"),
    [
        ({"what": "SpeechStarted", "segment": "one"}, "segment: expected int, found 'one'"),
        ({"what": "SpeechStarted", "segment": True}, "segment: expected int, found True"),
        ({"what": "SpeechStarted", "segment": 1.0}, "segment: expected int, found 1.0"),
        (
            {"what": "TurnEndPredicted", "segment": 1, "probability": None},
            "probability: expected float, found None",
        ),
        ({"what": "Transcript", "segment": 1, "stable": [1]}, r"stable: expected str, found \[1\]"),
        ({"what": "Digit", "digit": "1", "pause_s": "2"}, "expected float or NoneType, found '2'"),
    ],
)
def test_a_field_of_another_type_is_named(fields, sentence):
    with raises(ValueError, match=rf"^{fields['what']}: .*{sentence}"):
        event_from(fields)


def test_a_whole_number_of_seconds_is_read_as_it_is_written():
    assert event_from({"what": "Digit", "digit": "1", "pause_s": 2}) == Digit("1", 2)
    assert event_from({"what": "Digit", "digit": "1", "pause_s": None}) == Digit("1")


def test_segments_have_their_stable_and_unstable_words_in_one():
    assert Transcript(1, "a table", "for").text == "a table for"
    assert Transcript(1, "", "for").text == "for"
    assert Transcript(1, "a table").text == "a table"
