"""What is heard at the end of speech: pitch, level and length, on voices made from numbers."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx, mark

from agent.core.audio import AudioFrame
from pipelines.cascade.turn_end.prosody import ending

RATE = 16_000


def voice(*syllables, rate=RATE, gap_s=0.06):
    """Syllables of (seconds, Hz at the start, Hz at the end, dB at the end), ten harmonics each."""
    out = []
    for seconds, first_hz, last_hz, fade_db in syllables:
        count = round(seconds * rate)
        hz = np.linspace(first_hz, last_hz, count)
        phase = 2 * np.pi * np.cumsum(hz) / rate
        sound = sum(np.sin(k * phase) / k for k in range(1, 11))
        out += [sound * 10 ** (np.linspace(0, fade_db, count) / 20), np.zeros(round(gap_s * rate))]
    return np.concatenate(out[:-1]).astype(np.float32) * 0.1


def heard(sound, silence_s=0.2, rate=RATE):
    quiet = np.zeros(round(silence_s * rate), np.float32)
    return ending(AudioFrame(np.concatenate([sound, quiet]), rate, 0), silence_s)


SPEECH = [(0.15, 130, 125, 0)] * 3
STATEMENT = voice(*SPEECH, (0.25, 120, 85, -20))
OPEN = voice(*SPEECH, (0.15, 130, 128, 0))
FILLER = voice(*SPEECH, (0.45, 105, 104, -3))


def test_the_pitch_of_a_statement_falls():
    assert heard(STATEMENT).low_st > 2


def test_the_pitch_in_the_middle_of_a_sentence_does_not():
    assert abs(heard(OPEN).low_st) < 1


def test_a_question_rises():
    assert heard(voice(*SPEECH, (0.25, 130, 190, 0))).low_st < -1


def test_a_statement_fades_out_and_a_broken_sentence_does_not():
    assert heard(STATEMENT).decay_db > heard(OPEN).decay_db + 6


def test_a_filler_is_a_level_sound_that_is_held():
    assert heard(FILLER).held_s == approx(0.42, abs=0.06)
    assert heard(OPEN).held_s < 0.16
    assert heard(STATEMENT).held_s < 0.16


@mark.parametrize("factor", [0.05, 0.5, 3.0])
def test_the_level_of_the_line_does_not_matter(factor):
    loud, quiet = heard(STATEMENT), heard(STATEMENT * np.float32(factor))
    assert quiet.decay_db == approx(loud.decay_db, abs=0.1)
    assert quiet.low_st == approx(loud.low_st, abs=0.1)


@mark.parametrize("pitch", [0.7, 1.0, 1.8])
def test_how_high_somebody_speaks_does_not_matter(pitch):
    high = voice(*((s, a * pitch, b * pitch, f) for s, a, b, f in [*SPEECH, (0.45, 105, 104, -3)]))
    assert heard(high).held_s == approx(0.42, abs=0.08)


def test_the_length_of_the_silence_after_it_changes_nothing():
    assert heard(STATEMENT, 0.1) == heard(STATEMENT, 1.6)


def test_noise_has_no_melody():
    hiss = np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32)
    assert heard(hiss) is None


@mark.parametrize("samples", [0, 100, 300])
def test_of_too_little_sound_nothing_is_said(samples):
    assert heard(np.ones(samples, np.float32)) is None


def test_broken_sound_has_no_melody():
    assert heard(np.full(RATE, np.nan, np.float32)) is None


def test_eight_kilohertz_are_enough():
    slow = voice(*SPEECH, (0.25, 120, 85, -20), rate=8000)
    assert heard(slow, rate=8000).low_st == approx(heard(STATEMENT).low_st, abs=0.5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1.5), st.integers(0, 24_000))
def test_any_sound_has_finite_figures(seed, silence_s, count):
    rng = np.random.default_rng(seed)
    sound = (rng.normal(0, 1, count) * (rng.random(count) < 0.5)).astype(np.float32)
    told = ending(AudioFrame(sound, RATE, 0), silence_s)
    if told is not None:
        assert np.isfinite(told.low_st) and np.isfinite(told.decay_db)
        assert 0 <= told.held_s <= 1
