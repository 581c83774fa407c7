"""µ-law as the standard tables it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark

from audio_io.codecs import mulaw_decode, mulaw_encode

# ITU-T G.711 (1988), table 2a, columns 3 and 8, positive values: decision values in steps of the
# 14-bit scale, with the code of the interval above; and the decoder's output for the code.
DECISIONS = [(0, 0xFF), (1, 0xFE), (3, 0xFD), (31, 0xEF), (35, 0xEE), (95, 0xDF), (103, 0xDE),
             (223, 0xCF), (239, 0xCE), (479, 0xBF), (511, 0xBE), (991, 0xAF), (1055, 0xAE),
             (2015, 0x9F), (2143, 0x9E), (4063, 0x8F), (4319, 0x8E), (7903, 0x80)]  # fmt: skip
OUTPUTS = [(0xFF, 0), (0xFE, 2), (0xF0, 30), (0xEF, 33), (0xE0, 93), (0xDF, 99), (0xCF, 231),
           (0xBF, 495), (0xAF, 1023), (0x9F, 2079), (0x8F, 4191), (0x80, 8031)]  # fmt: skip
SCALE = 4 / 32768  # from 14 bits to -1..1


def encoded(value):
    return mulaw_encode(np.array([value], np.float32))[0]


@mark.parametrize(("value", "code"), DECISIONS)
def test_an_interval_begins_at_its_decision_value(value, code):
    assert encoded(value * SCALE) == code
    assert value == 0 or encoded((value - 1) * SCALE) == code + 1


@mark.parametrize(("code", "value"), OUTPUTS)
def test_a_code_is_the_value_of_the_table_and_its_mirror_the_negative(code, value):
    assert mulaw_decode(bytes([code, code & 0x7F])).tolist() == [value * SCALE, -value * SCALE]


def test_every_code_comes_back_as_itself_but_the_negative_zero():
    codes = bytes(range(256))
    assert mulaw_encode(mulaw_decode(codes)) == codes.replace(b"\x7f", b"\xff")


@given(st.floats(-1, 1))
def test_what_comes_back_is_within_half_a_step(value):
    (decoded,) = mulaw_decode(bytes([encoded(value)]))
    clipped = max(-8158, min(8158, value / SCALE)) * SCALE
    # A step is at most 1/16 of what the value and the bias of 33 are together.
    assert decoded == approx(clipped, abs=(abs(clipped) + 33 * SCALE) / 32 + SCALE)


def test_what_is_too_loud_is_clipped_and_what_is_no_number_is_silent():
    sound = np.array([2.0, -2.0, np.nan], np.float32)
    assert mulaw_encode(sound) == b"\x80\x00\xff"


def test_no_sound_is_no_bytes():
    assert mulaw_encode(np.zeros(0, np.float32)) == b""
    assert len(mulaw_decode(b"")) == 0
