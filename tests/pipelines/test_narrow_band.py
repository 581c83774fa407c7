"""A telephone's sound gets an upper half; sound that has one is left alone."""

import numpy as np
from pytest import mark

from agent.core.audio import AudioFrame
from audio_io.codecs import mulaw_decode, mulaw_encode
from audio_io.resample import resampled
from pipelines.engines.narrow_band import RATE, UpperHalf, is_narrow, mirrored


def hiss(seconds=1.0, tilt_db=0.0):
    """Noise that falls by `tilt_db` from 0 to 8 kHz."""
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(round(seconds * RATE)))
    spectrum *= 10 ** (-np.linspace(0, tilt_db, len(spectrum)) / 20)
    return (0.1 * np.fft.irfft(spectrum)).astype(np.float32)


def by_telephone(samples):
    line = mulaw_decode(mulaw_encode(resampled(samples, RATE, 8_000)))
    return resampled(line, 8_000, RATE)


def frames(samples, count=320):
    starts = range(0, len(samples) - count + 1, count)
    return [AudioFrame(samples[at : at + count], RATE, at) for at in starts]


def level_db(samples, low, high):
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    return 10 * np.log10(power[(hz > low) & (hz < high)].mean())


def test_a_telephone_is_told_from_the_poorest_microphone():
    middle = slice(8_000, 8_320)
    assert is_narrow(by_telephone(hiss())[middle])
    assert not is_narrow(hiss(tilt_db=40)[middle])


def test_the_upper_half_is_the_lower_one_mirrored_and_as_loud():
    line = by_telephone(hiss())
    ear = UpperHalf()
    heard = np.concatenate([ear.add(frame) for frame in frames(line)])[3_200:-3_200]
    plain = line[3_200:-3_200][: len(heard)]
    assert abs(level_db(heard, 500, 3_000) - level_db(plain, 500, 3_000)) < 0.5
    assert abs(level_db(heard, 5_000, 7_500) - level_db(plain, 500, 3_000)) < 1.0


def test_sound_with_an_upper_half_and_silence_are_left_as_they_are():
    for samples in (hiss(tilt_db=40), np.zeros(RATE, np.float32)):
        ear = UpperHalf()
        for frame in frames(samples):
            assert np.array_equal(ear.add(frame), frame.samples)


@mark.parametrize("count", [160, 161, 333])
def test_frames_of_any_length_fit_together(count):
    line = by_telephone(hiss())
    whole = mirrored(line, 0)
    parts = [mirrored(frame.samples, frame.start) for frame in frames(line, count)]
    assert np.array_equal(np.concatenate(parts), whole[: len(parts) * count])
