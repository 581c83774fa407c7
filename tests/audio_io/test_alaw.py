"""A-law as the standard tables it, for every 16-bit value there is."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark

from audio_io.codecs import from_alaw, mulaw_encode, to_alaw

EVERY = np.arange(-32768, 32768)
SCALE = 8 / 32768  # from the 13 bits of the table to -1..1

# ITU-T G.711 (1988), table 1a, columns 3, 6 and 8, positive values: decision values x(n) in steps
# of the 13-bit scale, the code sent above them (even bits inverted), and the decoder's output.
TABLE = [(0, 0xD5, 1), (2, 0xD4, 3), (62, 0xCA, 63), (64, 0xF5, 66), (124, 0xFA, 126),
         (128, 0xE5, 132), (256, 0x95, 264), (512, 0x85, 528), (1024, 0xB5, 1056),
         (2048, 0xA5, 2112), (3968, 0xAA, 4032)]  # fmt: skip


def oracle_alaw(value):
    """A-law by its definition, a segment at a time; `value` is of 16 bits."""
    negative, step = value < 0, (~value if value < 0 else value) >> 4
    segment = 0
    while step > 31 or (segment == 0 and step > 15):
        if segment == 0:
            segment = 1
            continue
        step >>= 1
        segment += 1
    code = (segment << 4) | (step & 0xF)
    return (code if negative else code | 0x80) ^ 0x55


def oracle_mulaw(value):
    """µ-law by its definition, a segment at a time; `value` is of 16 bits."""
    negative = value < 0
    magnitude = min(((~value if negative else value) >> 2) + 33, 8191)
    segment = 0
    while magnitude >> (segment + 6):
        segment += 1
    code = (segment << 4) | ((magnitude >> (segment + 1)) & 0xF) | (0x80 if negative else 0)
    return ~code & 0xFF


def samples(values):
    return (np.asarray(values) / 32768).astype(np.float32)


@mark.parametrize(
    ("encode", "oracle"), [(to_alaw, oracle_alaw), (mulaw_encode, oracle_mulaw)], ids=["A", "µ"]
)
def test_every_16_bit_value_has_the_code_of_the_definition(encode, oracle):
    assert encode(samples(EVERY)) == bytes(oracle(int(value)) for value in EVERY)


@mark.parametrize(("decision", "code", "output"), TABLE)
def test_a_row_of_the_table(decision, code, output):
    assert to_alaw(samples([decision * 8])) == bytes([code])
    assert decision == 0 or to_alaw(samples([decision * 8 - 1])) != bytes([code])
    assert from_alaw(bytes([code, code ^ 0x80])).tolist() == [output * SCALE, -output * SCALE]


def test_every_code_comes_back_as_itself():
    codes = bytes(range(256))
    assert to_alaw(from_alaw(codes)) == codes


@given(st.floats(-1, 1))
def test_what_comes_back_is_within_half_a_step(value):
    decoded = float(from_alaw(to_alaw(np.array([value], np.float32)))[0])
    clipped = max(-4096, min(4095, value / SCALE)) * SCALE
    assert decoded == approx(clipped, abs=max(abs(clipped) / 32, SCALE) + SCALE)


def test_what_is_too_loud_is_clipped_and_what_is_no_number_is_silent():
    sound = np.array([2.0, -2.0, np.nan], np.float32)
    assert to_alaw(sound) == b"\xaa\x2a\xd5"


def test_no_sound_is_no_bytes():
    assert to_alaw(np.zeros(0, np.float32)) == b""
    assert len(from_alaw(b"")) == 0
