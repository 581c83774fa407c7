"""Arithmetic on sound, in float64, so that a stimulus is the same on every machine. Pure.

What leaves this package lies on the grid of 16-bit samples: differences in the last bit of a sine
or a transform between machines do not reach it, and the hash of a stimulus is that of its samples.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from agent.core.audio import Samples
from floorbench.activity import FRAME_S, Levels, Span, active_db, caller_parts, levels_db
from floorbench.session import RATE

Signal = NDArray[np.float64]
"""float64 [n] at `RATE`, about -1..1."""

ACTIVE_DB = -23.0
"""Active level of a stimulus, in dBFS; it counts as audible from 22 dB under that, at -45 dBFS.

Source: ITU-T P.56 says how an active level is measured.
"""

_FADE_S = 0.005
_FULL_SCALE = 32767 / 32768


def gain(db: float) -> float:
    """A level difference in dB as a factor."""
    return float(10 ** (db / 20))


def at_level(signal: Signal, level_db: float = ACTIVE_DB) -> Signal:
    """The same with its active level at `level_db` dBFS; silence stays silence."""
    levels = levels_db(padded(signal).astype(np.float32), RATE)
    now_db = active_db(levels)
    return signal if now_db <= -100 else signal * gain(level_db - now_db)


def on_grid(signal: Signal) -> Samples:
    """float32 on the grid of 16-bit samples; what is beyond full scale is clipped."""
    clipped = np.clip(signal, -1.0, _FULL_SCALE)
    return (np.rint(clipped * 32768) / 32768).astype(np.float32)


def sha256(samples: Samples) -> str:
    """Hash of the samples as 16-bit little-endian integers."""
    return hashlib.sha256(np.rint(samples * 32768).astype("<i2").tobytes()).hexdigest()


def parts_of(samples: Samples) -> tuple[Span, ...]:
    """Where a stimulus is audible, in seconds from its first sample (floorbench.activity rules).

    Judged between two stretches of silence, as it will lie in a channel: so the threshold depends
    on the stimulus alone.
    """
    margin_s = _margin(len(samples)) / RATE
    levels: Levels = levels_db(padded(samples.astype(np.float64)).astype(np.float32), RATE)
    length_s = len(samples) / RATE
    return tuple(
        Span(round(max(0.0, p.start_s - margin_s), 2), round(min(p.end_s - margin_s, length_s), 2))
        for p in caller_parts(levels)
    )


def padded(signal: Signal) -> Signal:
    """With half its length of silence before and after it, in whole frames."""
    margin = np.zeros(_margin(len(signal)))
    return np.concatenate((margin, signal, margin))


def _margin(count: int) -> int:
    frame = round(RATE * FRAME_S)
    return (count // 2 // frame + 1) * frame


def faded(signal: Signal) -> Signal:
    """With 5 ms of fade at both ends, so that a cut inside a word does not click."""
    count = min(round(_FADE_S * RATE), len(signal) // 2)
    ramp = np.linspace(0.0, 1.0, count, endpoint=False)
    out = signal.copy()
    out[:count] *= ramp
    out[len(out) - count :] *= ramp[::-1]
    return out


def stretched(signal: Signal, factor: float) -> Signal:
    """The same, `factor` times as long and so much lower: another speaker with the same words."""
    count = max(2, round(len(signal) * factor))
    spectrum = np.fft.rfft(signal)
    kept = np.zeros(count // 2 + 1, complex)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    out: Signal = np.fft.irfft(kept, count) * (count / len(signal))
    return out


def silent(seconds: float) -> Signal:
    """Nothing, for so long."""
    return np.zeros(round(seconds * RATE))


def filtered(signal: Signal, taps: Signal) -> Signal:
    """Convolved with an impulse response; as long as the signal and the response together."""
    count = len(signal) + len(taps) - 1
    size = 1 << (count - 1).bit_length()
    out: Signal = np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(taps, size), size)[:count]
    return out


def shaped(signal: Signal, frequencies: Signal, gains_db: Signal) -> Signal:
    """With each frequency raised or lowered: a curve through points of Hz and dB, zero phase."""
    size = 1 << max(0, len(signal) - 1).bit_length()
    curve = np.interp(np.fft.rfftfreq(size, 1 / RATE), frequencies, gains_db)
    out: Signal = np.fft.irfft(np.fft.rfft(signal, size) * 10 ** (curve / 20), size)[: len(signal)]
    return out
