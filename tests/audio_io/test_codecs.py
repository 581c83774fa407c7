"""Samples survive the wire."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from agent.core.errors import ProtocolError
from audio_io.codecs import from_pcm16, to_pcm16


@given(st.lists(st.integers(-32768, 32767)))
def test_every_16_bit_value_comes_back_as_itself(values):
    data = np.array(values, "<i2").tobytes()
    assert to_pcm16(from_pcm16(data)) == data


@mark.parametrize(
    ("sample", "value"),
    [
        (0.0, 0),
        (1.0, 32767),
        (2.0, 32767),
        (-1.0, -32768),
        (-7.0, -32768),
        (np.nan, 0),
        (0.5, 16384),
    ],
)
def test_what_is_beyond_full_scale_is_clipped(sample, value):
    assert np.frombuffer(to_pcm16(np.array([sample], np.float32)), "<i2") == [value]


def test_bytes_are_little_endian():
    assert to_pcm16(np.array([1 / 32768], np.float32)) == b"\x01\x00"


def test_half_a_sample_is_refused_with_a_sentence():
    with raises(ProtocolError, match="even number of bytes, 2 for each 16-bit sample, found 3"):
        from_pcm16(b"abc")
