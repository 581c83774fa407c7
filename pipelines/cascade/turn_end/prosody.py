"""How speech sounded just before it stopped: level, pitch, and whether a sound was held. Pure.

Only the last second of speech is looked at, and everything is relative to the caller's own voice in
that second, so that neither the microphone nor how high somebody speaks matters. Tried and left
out, since they said nothing about recorded people that these figures do not: the length of the last
syllable against the others, the voiced part of the end, the slope of the pitch.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.core.audio import AudioFrame

Track = NDArray[np.float64]
"""float64 [n]: one figure for each frame of the speech."""

WINDOW_S = 1.0
"""Speech that is looked at: four or five syllables."""

HOP_S = 0.01
FRAME_S = 0.04
"""Long enough for two and a half periods of the lowest voice."""

LOWEST_HZ, HIGHEST_HZ = 65.0, 400.0

VOICED = 0.5
"""Autocorrelation, 0..1 of the frame's power, from which a frame is voiced.
Source: Boersma, "Accurate short-term analysis of the fundamental frequency" (1993), takes 0.45."""

AUDIBLE_DB = -30.0
"""Frames this far under the loudest one are silence, breath or room."""

FADE_S = 0.1
"""The end whose level is compared with the loudest tenth: half a syllable."""

LAST_TONE = 8
"""Voiced frames at the end whose median is the final pitch."""

LEVEL_ST = 0.6
"""A sound whose pitch stays within this many semitones is level; last syllables glide by more."""

FINAL = 20
"""Frames at the end of a voiced stretch whose median is the pitch that it holds."""

EDGE = 3
"""Frames at the end of a voiced stretch that overlap what follows: their pitch is uncertain."""

_RATE = 8000  # pitch needs no more; half the work of 16 kHz
_FFT = 512  # a frame and the longest lag
_LEAP_ST = 14.0  # nearer to an octave than to any step of a voice


@dataclass(frozen=True, slots=True)
class Prosody:
    """The end of a stretch of speech.

    Attributes:
        decay_db: how far the level of its end lies under the loudest tenth.
        low_st: semitones that its final pitch lies under the median; negative is above.
        held_s: how long the last voiced sound has kept its pitch; 0 where it glides.
    """

    decay_db: float
    low_st: float
    held_s: float


def ending(audio: AudioFrame, silence_s: float) -> Prosody | None:
    """What the speech sounded like that ended `silence_s` before the end of `audio`.

    Args:
        audio: at a multiple of 8 kHz.
        silence_s: how long nothing has been said.

    Returns:
        None where there is too little voice for a melody.
    """
    end = len(audio.samples) - max(0, round(silence_s * audio.rate))
    begin = max(0, end - round(WINDOW_S * audio.rate))
    frames = _frames(
        _at_8khz(audio.samples[begin : max(begin, end)].astype(np.float64), audio.rate)
    )
    if not np.isfinite(frames).all() or not len(frames):
        return None
    level_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    audible = level_db > level_db.max() + AUDIBLE_DB
    last = int(np.flatnonzero(audible)[-1]) + 1
    pitch_st, strength = _pitch(frames[:last])
    voiced = (strength >= VOICED) & audible[:last]
    tune = pitch_st[voiced]
    if len(tune) < LAST_TONE:
        return None
    median_st = float(np.median(tune))
    pitch_st = _folded(pitch_st, median_st)
    return Prosody(
        decay_db=_decay_db(level_db[:last]),
        low_st=median_st - float(np.median(pitch_st[voiced][-LAST_TONE:])),
        held_s=_held(_last_run(pitch_st, voiced)) * HOP_S,
    )


def _at_8khz(sound: Track, rate: int) -> Track:
    """Averages of neighbours: a low pass that is good enough to find a pitch."""
    factor = rate // _RATE
    whole = len(sound) // factor * factor
    return np.asarray(sound[:whole].reshape(-1, factor).mean(axis=1))


def _frames(sound: Track) -> Track:
    """float64 [frames, samples], counted from the end, so that the last one is the last sound."""
    size, hop = round(FRAME_S * _RATE), round(HOP_S * _RATE)
    if len(sound) < size:
        return np.zeros((0, size))
    sound = sound[(len(sound) - size) % hop :]
    return np.lib.stride_tricks.sliding_window_view(sound, size)[::hop]


def _pitch(frames: Track) -> tuple[Track, Track]:
    """Pitch of each frame in semitones above LOWEST_HZ, and its strength 0..1.

    The autocorrelation of a windowed frame over that of the window. Source: Boersma (1993).
    """
    window = np.hanning(frames.shape[1] + 2)[1:-1]
    shape = np.fft.irfft(np.abs(np.fft.rfft(window, _FFT)) ** 2)
    spectrum = np.abs(np.fft.rfft((frames - frames.mean(axis=1, keepdims=True)) * window, _FFT))
    lags = np.arange(round(_RATE / HIGHEST_HZ), round(_RATE / LOWEST_HZ) + 1)
    correlation = np.fft.irfft(spectrum**2, axis=1)
    power = np.maximum(correlation[:, :1], 1e-12)
    strength = (correlation / power)[:, lags] / (shape[lags] / shape[0])
    best = strength.max(axis=1)
    # The shortest lag that is nearly as good, so as not to land an octave too low.
    first = np.argmax(strength >= 0.9 * best[:, np.newaxis], axis=1)
    chosen = _climbed(strength, first)
    return 12 * np.log2(_RATE / lags[chosen] / LOWEST_HZ), np.clip(best, 0, 1)


def _climbed(strength: Track, first: NDArray[np.intp]) -> NDArray[np.intp]:
    """From the first good lag to the top of its peak, at most five lags further."""
    near = np.minimum(first[:, np.newaxis] + np.arange(6), strength.shape[1] - 1)
    rows = np.arange(len(first))
    return np.asarray(near[rows, np.argmax(strength[rows[:, np.newaxis], near], axis=1)])


def _folded(pitch_st: Track, centre_st: float) -> Track:
    """Octaves that the autocorrelation was wrong by, put right."""
    return pitch_st - 12 * np.round((pitch_st - centre_st) / _LEAP_ST)


def _decay_db(level_db: Track) -> float:
    end = level_db[-round(FADE_S / HOP_S) :]
    return float(np.quantile(level_db, 0.9) - np.mean(end))


def _last_run(pitch_st: Track, voiced: NDArray[np.bool_]) -> Track:
    """The pitch of the last voiced stretch, without its uncertain edge."""
    end = int(np.flatnonzero(voiced)[-1]) + 1 - EDGE
    gaps = np.flatnonzero(~voiced[: max(0, end)])
    begin = int(gaps[-1]) + 1 if len(gaps) else 0
    return pitch_st[begin : max(begin, end)]


def _held(run: Track) -> int:
    """For how many frames it has been level; a blurred end of up to two edges is passed over."""
    if len(run) < 2 * EDGE:
        return 0
    level = np.flatnonzero(np.abs(run - np.median(run[-FINAL:])) <= LEVEL_ST)
    if not len(level) or len(run) - level[-1] > 2 * EDGE:
        return 0
    run = run[: level[-1] + 1]
    off = np.flatnonzero(np.abs(run - np.median(run[-FINAL:])) > LEVEL_ST)
    return len(run) - (int(off[-1]) + 1 if len(off) else 0)
