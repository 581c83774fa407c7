"""The worker's protocol: what is written is read, whatever comes in between is a sentence."""

import json
import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from agent.core.errors import ProtocolError
from pipelines.engines.duplex_wire import (
    LONGEST_BYTES,
    VERSION,
    Answer,
    Close,
    Frame,
    Hello,
    Messages,
    Open,
    Opened,
    Refused,
    Times,
    Why,
    encode,
)

SOUND = np.linspace(-1, 1, 1920).astype(np.float32)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)

SAMPLES = st.builds(
    lambda seed, count: np.random.default_rng(seed).normal(size=count).astype(np.float32),
    st.integers(0, 1000),
    st.integers(0, 1920),
)
U16, U32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
SECONDS = st.floats(0, 100, width=32)
TOKENS = st.none() | st.integers(0, 2**31 - 1)
TIMES = st.builds(Times, SECONDS, SECONDS, U16)
MESSAGES = st.one_of(
    st.builds(Hello, U16, TEXTS, U32, U16, U16, U16, U16),
    st.builds(Open, U16, TEXTS, TEXTS, TEXTS),
    st.builds(Opened),
    st.builds(Refused, st.sampled_from(Why), TEXTS),
    st.builds(Frame, U32, SAMPLES),
    st.builds(Answer, U32, SAMPLES, TEXTS, TOKENS, TIMES, U16, U16),
    st.builds(Close),
)


def plain(message):
    """A message as something that can be compared."""
    if isinstance(message, Frame):
        return ("frame", message.number, message.samples.tobytes())
    if isinstance(message, Answer):
        rest = (message.text, message.token, message.times, message.taken, message.total)
        return ("answer", message.number, message.samples.tobytes(), *rest)
    return message


@given(st.lists(MESSAGES, max_size=6), st.data())
def test_what_is_written_is_read_however_it_is_cut(messages, data):
    stream = b"".join(map(encode, messages))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder, found = Messages(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += decoder.feed(stream[start:end])
    assert [plain(m) for m in found] == [plain(m) for m in messages]


@given(st.binary(max_size=300))
def test_whatever_comes_is_messages_or_one_sentence(data):
    try:
        found = Messages().feed(data)
    except ProtocolError as fault:
        assert str(fault)
    else:
        assert all(isinstance(m, Frame | Answer | Hello | Open | Opened | Refused | Close)
                   for m in found)  # fmt: skip


@given(MESSAGES, st.data())
def test_a_message_with_a_wrong_byte_is_a_message_or_one_sentence(message, data):
    stream = bytearray(encode(message))
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] = data.draw(st.integers(0, 255))
    try:
        found = Messages().feed(bytes(stream))
    except ProtocolError as fault:
        assert str(fault)
    else:
        assert len(found) <= len(stream) // 5


def packed(body):
    return struct.pack("<I", len(body)) + body


@mark.parametrize(
    ("body", "why"),
    [
        (b"", "expected a message of 1 to"),
        (b"Z", "expected a message of this protocol"),
        (b"F", "message F"),
        (b"F" + bytes(4 + 7), "message F"),
        (b"A" + bytes(10), "message A"),
        (b"A" + struct.pack("<IffHHHiH", 0, 0, 0, 1, 1, 1, 0, 99), "expected 99 bytes of text"),
        (b"Onot json", "message O"),
        (b"O" + b"[" * 60_000, "message O"),
        (b"O[]", "expected a table"),
        (b'O{"version": "one"}', "version"),
        (b'O{"version": 1, "wish": 1}', "unknown key"),
        (b"O" + json.dumps({"text": "x" * 16_001}).encode(), "at most 16000 characters"),
        (b'R{"why": "tired", "message": ""}', "why"),
        (b"O\xff\xfe{}", "message O"),
    ],
)
def test_a_message_that_is_none_is_said_so(body, why):
    with raises(ProtocolError, match=why):
        Messages().feed(packed(body))


def test_a_length_beyond_the_limit_is_refused_before_anything_is_kept():
    with raises(ProtocolError, match="is this a duplex worker's port"):
        Messages().feed(struct.pack("<I", LONGEST_BYTES + 1))
    with raises(ProtocolError, match="is this a duplex worker's port"):
        Messages().feed(b"GET / HTTP/1.1\r\n")


def test_a_frame_of_80_ms_fits_eight_times_into_the_longest_message():
    times = Times(1, 1, 128)
    longest = encode(Answer(2**32 - 1, SOUND, "x" * 5000, 2**31 - 1, times, 128, 128))
    assert 5 * len(longest) < LONGEST_BYTES
    assert encode(Open(VERSION, "x" * 16_000, "", "x" * 16_000))[4:5] == b"O"
