"""What is heard in place of packets that did not come."""

import numpy as np
from pytest import approx, mark

from agent.core.audio import level_db
from audio_io.receive.concealment import Concealer

RATE = 8000
FRAME = 160


def voice(hz, seconds=1.0, rate=RATE):
    """A steady voice: ten harmonics, falling by 6 dB an octave."""
    at = np.arange(round(seconds * rate)) / rate
    parts = [np.sin(2 * np.pi * hz * n * at) / n for n in range(1, 11) if hz * n < rate / 2]
    return (0.2 * sum(parts)).astype(np.float32)


def noise(seconds=1.0):
    return np.random.default_rng(5).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def heard(sound, lost, rate=RATE):
    """A sound in frames of 20 ms, without those numbered `lost`."""
    concealer, count = Concealer(rate), rate // 50
    frames = np.split(sound, len(sound) // count)
    made = [
        concealer.lost(count) if number in lost else concealer.good(frame)
        for number, frame in enumerate(frames)
    ]
    return np.concatenate(made)


def frames_of(sound, first, count=1):
    return sound[first * FRAME : (first + count) * FRAME]


def roughness(sound):
    """The sharpest bend: a click has one far above the sound's own."""
    return np.abs(np.diff(sound, 2)).max()


def test_what_was_received_whole_passes_as_it_is():
    sound = noise()
    assert np.array_equal(heard(sound, ()), sound)


@mark.parametrize("hz", [80, 115, 160, 220, 330, 395])
@mark.parametrize("rate", [8000, 16000])
def test_a_lost_frame_of_a_voice_is_hardly_missed(hz, rate):
    sound, count = voice(hz, rate=rate), rate // 50
    made = heard(sound, {20}, rate)[20 * count : 21 * count]
    wanted = sound[20 * count : 21 * count]
    alike = np.dot(made, wanted) / np.linalg.norm(made) / np.linalg.norm(wanted)
    assert alike > 0.8  # the period is a whole number of samples, the voice's is not
    assert level_db(made) == approx(level_db(wanted), abs=1.5)


@mark.parametrize("hz", [80, 160, 220, 395])
def test_a_bridged_voice_keeps_its_pitch_and_gains_no_others(hz):
    sound = voice(hz)
    made = heard(sound, {20, 21})[20 * FRAME : 22 * FRAME] * np.hanning(2 * FRAME)
    own = np.arange(1, 11)[:, None] * hz
    bins = np.abs(np.fft.rfft(made, 8000)) ** 2
    near = np.abs(np.arange(4001) - own).min(axis=0) < 60
    assert bins[near].sum() > 0.9 * bins.sum()


@mark.parametrize("sound", [voice(110), voice(180), noise()], ids=["low", "high", "noise"])
@mark.parametrize("lost", [{20}, {20, 21}, {20, 22}, set(range(20, 30))])
def test_there_are_no_clicks(sound, lost):
    # A cut to silence and back is four times sharper than these voices ever are.
    assert roughness(heard(sound, lost)) < 1.6 * roughness(sound)


def test_noise_goes_on_as_noise_of_its_level():
    made = frames_of(heard(noise(), {20}), 20)
    assert level_db(made[:80]) == approx(level_db(noise()), abs=2)


def test_a_long_loss_fades_away_and_comes_back():
    sound = voice(140)
    made = heard(sound, set(range(20, 30)))
    levels = [level_db(frames_of(made, number)) for number in range(20, 30)]
    assert levels == sorted(levels, reverse=True)
    assert not frames_of(made, 23, 7).any()
    assert level_db(frames_of(made, 30)) > level_db(frames_of(sound, 30)) - 3
    assert np.array_equal(frames_of(made, 31, 9), frames_of(sound, 31, 9))


def test_a_loss_before_any_sound_is_silence():
    assert not Concealer(RATE).lost(FRAME).any()


def test_how_a_loss_is_asked_for_makes_no_difference():
    whole, parts = Concealer(RATE), Concealer(RATE)
    for one in (whole, parts):
        one.good(voice(170))
    made = np.concatenate([parts.lost(count) for count in (1, 79, 0, 240)])
    assert np.array_equal(made, whole.lost(320))
    assert np.array_equal(parts.good(voice(170)), whole.good(voice(170)))


def test_pieces_of_any_length_may_come():
    concealer = Concealer(RATE)
    for count in (0, 1, 7, 4000, 3):
        assert len(concealer.good(voice(150)[:count])) == count
        assert len(concealer.lost(count)) == count


def test_one_in_twenty_packets_lost_is_much_nearer_to_the_sound_than_with_silence():
    rng = np.random.default_rng(11)
    glide = np.cumsum(2 * np.pi * (130 + 40 * np.sin(np.arange(40_000) / 6000)) / RATE)
    sound = (0.2 * sum(np.sin(n * glide) / n for n in range(1, 9))).astype(np.float32)
    lost = {number for number in range(5, 250) if rng.random() < 0.05}
    silent = sound.copy()
    for number in lost:
        frames_of(silent, number)[:] = 0
    error = np.sum((heard(sound, lost) - sound) ** 2)
    assert len(lost) > 8
    assert error < 0.35 * np.sum((silent - sound) ** 2)
