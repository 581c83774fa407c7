"""AudioSocket's messages, byte by byte, and what is none of them."""

import random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import mark, raises

from agent.core.errors import ProtocolError
from agent.core.events import Digit
from audio_io.asterisk.audiosocket_wire import (
    HANG_UP,
    RATES,
    Failed,
    HungUp,
    Identity,
    MessageReader,
    Sound,
    sound_message,
)
from tests.support.asterisk_lines import mutated

ID = UUID("6f1cc0de-9d3b-4c8f-8f4f-0b6f0a2f7a11")
IDENTITY = b"\x01\x00\x10" + ID.bytes
CALL = IDENTITY + (b"\x10\x01\x40" + bytes(320)) * 3 + b"\x03\x00\x015" + b"\xff\x00\x01\x02"
FRAMES_EACH = 40


def read(data):
    return MessageReader().feed(data)


def test_each_kind_is_told_from_the_others():
    assert read(CALL) == [
        Identity(ID),
        *[Sound(8000, bytes(320))] * 3,
        Digit("5"),
        Failed(2),
    ]
    assert read(HANG_UP) == [HungUp()]
    assert read(b"\xff\x00\x00") == [Failed(None)]


@mark.parametrize(("kind", "rate"), RATES.items())
def test_each_rate_has_its_kind_both_ways(kind, rate):
    message = bytes((kind, 1, 2)) + bytes(range(256)) + b"\x00\x80"
    assert read(message) == [Sound(rate, bytes(range(256)) + b"\x00\x80")]
    assert sound_message(rate, bytes(range(256)) + b"\x00\x80") == message


@mark.parametrize("length", [0, 2, 80, 480, 960, 65_534])
def test_sound_of_any_even_length_is_taken(length):
    assert read(sound_message(8000, bytes(length))) == [Sound(8000, bytes(length))]


@mark.parametrize(
    ("message", "sentence"),
    [
        (b"\x10\x00\x03abc", "an even number of bytes"),
        (b"\x01\x00\x0f" + bytes(15), "a UUID of 16 bytes, found 15"),
        (b"\x03\x00\x01x", "one of 0123456789"),
        (b"\x03\x00\x0212", "found 2 bytes"),
        (b"\x03\x00\x00", "found 0 bytes"),
    ],
)
def test_a_message_that_is_not_what_its_kind_says_is_refused(message, sentence):
    with raises(ProtocolError, match=sentence):
        read(message)


def test_a_kind_nobody_knows_is_left_out():
    assert read(b"\x42\x00\x02ab" + HANG_UP) == [HungUp()]


@mark.parametrize(("rate", "length"), [(22_050, 2), (8000, 65_536)])
def test_sound_that_does_not_fit_is_not_made_into_a_message(rate, length):
    with raises(ValueError, match="sound: expected one of 8000"):
        sound_message(rate, bytes(length))


@given(st.lists(st.integers(1, 400), max_size=30))
def test_how_a_stream_is_cut_changes_nothing(cuts):
    reader, at, found = MessageReader(), 0, []
    for cut in cuts:
        found += reader.feed(CALL[at : at + cut])
        at += cut
    found += reader.feed(CALL[at:])
    assert found == read(CALL)


@settings(max_examples=300)
@given(st.integers(0, 2**32))
def test_twelve_thousand_damaged_streams_are_read_or_refused_and_nothing_else(seed):
    dice = random.Random(seed)
    for _ in range(FRAMES_EACH):
        reader = MessageReader()
        try:
            reader.feed(mutated(CALL, dice))
        except ProtocolError as fault:
            assert "expected" in str(fault)
        assert len(reader._rest) <= 65_535 + 3
