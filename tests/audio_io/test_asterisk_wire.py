"""chan_websocket's control messages in both styles, and what is none of them."""

import json
import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx, mark, raises

from agent.core.errors import ProtocolError
from agent.core.events import Digit
from audio_io.asterisk.wire import (
    FORMATS,
    Command,
    Complaint,
    Held,
    Marked,
    MediaStart,
    Other,
    QueueFull,
    Style,
    command,
    event,
)
from tests.support.asterisk_lines import mutated

START = {
    "event": "MEDIA_START",
    "connection_id": "e226e283-c90a-4ea9-9e37-389000b9ef47",
    "channel": "WebSocket/parley/0x7f",
    "channel_id": "pbx1-1789.12",
    "format": "slin16",
    "optimal_frame_size": 640,
    "ptime": 20,
    "channel_variables": {"SIPDOMAIN": "127.0.0.1", "DIALEDPEERNUMBER": "parley"},
}
JSON_EVENTS = [
    START,
    {"event": "DTMF_END", "channel_id": "pbx1-1789.12", "digit": "5"},
    {"event": "MEDIA_MARK_PROCESSED", "channel_id": "pbx1-1789.12", "correlation_id": "4800"},
    {"event": "MEDIA_XOFF", "channel_id": "pbx1-1789.12"},
    {"event": "STATUS", "queue_length": 43, "queue_full": False},
    {"event": "ERROR", "error_text": "could not parse"},
]
PLAIN_EVENTS = [
    "MEDIA_START connection_id:e226 channel:WebSocket/parley/0x7f channel_id:pbx1-1789.12 "
    "format:ulaw optimal_frame_size:160 ptime:20",
    "DTMF_END channel_id:pbx1-1789.12 digit:#",
    "MEDIA_MARK_PROCESSED correlation_id:4800",
    "MEDIA_XON",
    "STATUS channel_id:pbx1-1789.12 queue_length:2 xon_level:800 queue_full:false",
    "QUEUE_DRAINED",
]
FRAMES_EACH = 40


def test_events_are_understood_in_json():
    found = [event(json.dumps(fields)) for fields in JSON_EVENTS]
    start = MediaStart(FORMATS["slin16"], 640, Style.JSON)
    assert found == [start, Digit("5"), Marked("4800"), QueueFull(True), Held(43), Complaint()]


def test_events_are_understood_in_plain_text():
    found = [event(text) for text in PLAIN_EVENTS]
    start = MediaStart(FORMATS["ulaw"], 160, Style.PLAIN)
    assert found == [start, Digit("#"), Marked("4800"), QueueFull(False), Held(2), Other()]


def test_a_mark_without_a_key_is_understood_too():
    assert event("MEDIA_MARK_PROCESSED 4800") == Marked("4800")


def test_commands_are_written_in_the_style_of_the_channel():
    assert command(Command.FLUSH, Style.PLAIN) == "FLUSH_MEDIA"
    assert command(Command.MARK, Style.PLAIN, "320") == "MARK_MEDIA 320"
    assert json.loads(command(Command.HANG_UP, Style.JSON)) == {"command": "HANGUP"}
    marked = {"command": "MARK_MEDIA", "correlation_id": "320"}
    assert json.loads(command(Command.MARK, Style.JSON, "320")) == marked


@mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "a JSON object"),
        ("{" * 5000, "a JSON object"),
        ('{"event": 3}', 'with an "event"'),
        ('{"no": "event"}', 'with an "event"'),
        ("", "a name in capitals"),
        ("\x00\x01", "a name in capitals"),
        ("[1, 2]", "a name in capitals"),
        ("A" * 20_000, "at most 16384 letters, found 20000"),
        ('{"event": "DTMF_END"}', "one of 0123456789"),
        ("DTMF_END digit:55", "found 2 letters"),
        ("MEDIA_START format:opus optimal_frame_size:1", r"found 'opus'; choose one in the dial"),
        (
            "MEDIA_START format:slin16 optimal_frame_size:641",
            "whole samples up to 65500, found 641",
        ),
        ("MEDIA_START format:slin16 optimal_frame_size:-4", "found 0"),
        ("MEDIA_START format:slin16 optimal_frame_size:99999999999", "found 0"),
        ("MEDIA_START format:slin16 optimal_frame_size:65502", "found 65502"),
    ],
)
def test_what_is_no_event_is_refused_in_words(text, sentence):
    with raises(ProtocolError, match=sentence):
        event(text)


@mark.parametrize("name", FORMATS)
def test_sound_in_every_format_comes_back_as_it_was(name):
    sound = (0.5 * np.sin(np.arange(480) / 7)).astype(np.float32)
    coded = FORMATS[name].encode(sound)
    assert len(coded) == 480 * FORMATS[name].sample_bytes
    assert FORMATS[name].decode(coded) == approx(sound, abs=0.02)


def test_half_a_sample_is_refused():
    with raises(ProtocolError, match="an even number of bytes"):
        FORMATS["slin16"].decode(b"abc")


@settings(max_examples=300)
@given(st.integers(0, 2**32))
def test_twelve_thousand_damaged_events_are_understood_or_refused_and_nothing_else(seed):
    dice = random.Random(seed)
    texts = [json.dumps(fields) for fields in JSON_EVENTS] + PLAIN_EVENTS
    for _ in range(FRAMES_EACH):
        text = mutated(dice.choice(texts).encode(), dice).decode("utf-8", "replace")
        try:
            found = event(text)
        except ProtocolError as fault:
            assert "expected" in str(fault)
        else:
            assert not isinstance(found, MediaStart) or 0 < found.frame_bytes <= 65_500
