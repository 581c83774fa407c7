"""Messages say what they mean, and nothing else is taken."""

import json

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from agent.core.calls import Note
from agent.core.errors import ProtocolError
from agent.core.events import Digit
from audio_io.wire import (
    Bye,
    End,
    Ended,
    Failure,
    Flush,
    Played,
    Start,
    Started,
    encode,
    from_client,
    from_server,
)

START = {"type": "start", "version": 1, "rate": 16000, "format": "pcm_s16le"}


@mark.parametrize(
    "message",
    [Start(1, 16000), Start(1, 48000, play_rate=24000, marks=True), Digit("#"), Played(7), Bye()],
)
def test_what_a_client_says_is_understood(message):
    assert from_client(encode(message)) == message


@mark.parametrize(
    "message",
    [
        Started("ab12", 16000, 24000, 480),
        Flush(),
        Note("caption", {"text": "hé", "words": ["a", 1, None]}),
        Failure("expected this, found that"),
        Ended(End.STOPPING),
    ],
)
def test_what_a_server_says_is_understood(message):
    assert from_server(encode(message)) == message


def test_the_messages_are_as_documented():
    assert from_client(json.dumps(START)) == Start(1, 16000)
    assert json.loads(encode(Failure("no"))) == {"type": "error", "message": "no"}
    assert json.loads(encode(Ended(End.BYE))) == {"type": "ended", "reason": "bye"}
    assert json.loads(encode(Flush())) == {"type": "flush"}
    assert json.loads(encode(Note("floor", {"who": "agent"}))) == {
        "type": "note",
        "kind": "floor",
        "data": {"who": "agent"},
    }
    assert json.loads(encode(Started("ab", 16000, 16000, 320))) == {
        "type": "started",
        "call": "ab",
        "version": 1,
        "rate": 16000,
        "play_rate": 16000,
        "frame_samples": 320,
        "format": "pcm_s16le",
    }


@mark.parametrize(
    ("message", "sentence"),
    [
        ("", "expected a JSON object, found ''"),
        ("{", "expected a JSON object, found '{'"),
        ("[" * 4000, "expected a JSON object"),
        ("[1]", 'expected a JSON object with a "type"'),
        ('{"type": 3}', 'expected a JSON object with a "type"'),
        (
            '{"type": "words"}',
            "expected one of start, digit, text, played, ear, bye, found 'words'",
        ),
        (json.dumps(START | {"version": 2}), "version: expected 1, found 2"),
        (json.dumps(START | {"rate": 11025}), "rate: expected one of 8000, .* Hz, found 11025"),
        (json.dumps(START | {"play_rate": -1}), "play_rate: expected one of"),
        (json.dumps(START | {"rate": "16000"}), "rate: expected a whole number, found '16000'"),
        (json.dumps(START | {"format": "opus"}), "format: expected pcm_s16le, found 'opus'"),
        (json.dumps(START | {"colour": 1}), "unknown key colour"),
        ('{"type": "start", "version": 1}', "rate is missing"),
        ('{"type": "digit", "digit": "12"}', "digit: expected one of .*, found '12'"),
        ('{"type": "digit", "digit": ""}', "digit: expected one of .*, found ''"),
        ('{"type": "played"}', "samples is missing"),
        ('{"type": "bye", "why": "x"}', "unknown key why"),
        ('{"type": "bye"}' + " " * 5000, "expected at most 4096 bytes"),
    ],
)
def test_anything_else_is_refused_in_words(message, sentence):
    with raises(ProtocolError, match=sentence):
        from_client(message)


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_no_text_whatever_breaks_the_reader(text):
    for parse in (from_client, from_server):
        with raises(ProtocolError):
            parse(text)


@mark.parametrize("data", [{"x": object()}, {"x": float("nan")}])
def test_a_note_json_cannot_hold_is_refused(data):
    with raises(ValueError, match=r"JSON"):
        encode(Note("bad", data))
