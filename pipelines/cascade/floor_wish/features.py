"""What the network hears of each 32 ms: a coarse spectrum, voicing and pitch. Pure and causal.

Loudness is told relative to the loudest so far, so that the level of the line does not matter.
"""

from dataclasses import dataclass

import numpy as np

from agent.core.audio import Samples

RATE = 16_000
STEP = 512
"""Samples of a step; it holds two frames."""

HOP = 256
WINDOW = 512
BANDS = 24
WIDTH = 2 * (BANDS + 2)
"""Features of a step: of each of its two frames the bands, the voicing and the pitch."""

_SIZE = 1024  # of the transform: the autocorrelation must not wrap around
_LOW_HZ, _HIGH_HZ = 60.0, 7600.0
_FLOOR = 1e-9  # power that counts as nothing, some 90 dB under a full-scale tone
_DEPTH = 7.0  # nepers of power, 30 dB: what is that far under the loudest is not told apart
_SHORTEST, _LONGEST = 40, 256  # lags of 400 Hz and 62.5 Hz, in samples


@dataclass(frozen=True, slots=True, eq=False)
class Ear:
    """Tables; made once, never written.

    Attributes:
        window: float32 [WINDOW].
        bands: float32 [_SIZE // 2 + 1, BANDS], triangles on the mel scale.
        fading: float32 [_LONGEST + 1], autocorrelation of the window itself, 1 at lag 0.
    """

    window: Samples
    bands: Samples
    fading: Samples


def ear() -> Ear:
    """The tables."""
    window = np.hanning(WINDOW).astype(np.float32)
    power = np.abs(np.fft.rfft(window, _SIZE)) ** 2
    fading = np.fft.irfft(power)[: _LONGEST + 1]
    return Ear(window, _triangles(), (fading / fading[0]).astype(np.float32))


def _triangles() -> Samples:
    """Bands of equal width in mel. Source: O'Shaughnessy 1987, mel = 1127 ln(1 + f / 700)."""
    low, high = (1127 * np.log1p(hz / 700) for hz in (_LOW_HZ, _HIGH_HZ))
    corners = 700 * np.expm1(np.linspace(low, high, BANDS + 2) / 1127)
    hz = np.fft.rfftfreq(_SIZE, 1 / RATE)[:, None]
    rise = (hz - corners[:-2]) / (corners[1:-1] - corners[:-2])
    fall = (corners[2:] - hz) / (corners[2:] - corners[1:-1])
    bands: Samples = np.maximum(0.0, np.minimum(rise, fall)).astype(np.float32)
    return bands


def heard(ear: Ear, samples: Samples) -> tuple[Samples, Samples]:
    """What there is in whole steps of sound.

    Args:
        ear: the tables.
        samples: float32 [HOP + STEP * n]; the first `HOP` are the end of the step before.

    Returns:
        float32 [n, 2, BANDS + 2]: natural logs of power in each band, voicing 0..1, pitch in
        octaves about 160 Hz; float32 [n]: the log of the loudest band of each step.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * ear.window, _SIZE)) ** 2
    out = np.empty((len(frames), BANDS + 2), np.float32)
    out[:, :BANDS] = np.log(power @ ear.bands + _FLOOR)
    echo = np.fft.irfft(power)[:, : _LONGEST + 1]
    alike = echo[:, _SHORTEST:] / ear.fading[_SHORTEST:]
    lag = alike.argmax(1)
    loudness = echo[:, 0] + _FLOOR
    out[:, BANDS] = np.minimum(1.0, alike[np.arange(len(lag)), lag] / loudness)
    out[:, BANDS + 1] = np.log2(100.0 / (lag + _SHORTEST))
    steps = out.reshape(-1, 2, BANDS + 2)
    return steps, steps[:, :, :BANDS].max((1, 2))


def relative(steps: Samples, loudest: Samples) -> Samples:
    """The features of steps, float32 [n, WIDTH], about -1..1.

    Args:
        steps: float32 [n, 2, BANDS + 2] as `heard` tells them.
        loudest: float32 [n], the greatest log of power in any band up to each step.
    """
    out = steps.copy()
    bands = out[:, :, :BANDS]
    bands -= loudest[:, None, None]
    np.maximum(bands, -_DEPTH, out=bands)
    bands *= 2 / _DEPTH
    bands += 1.0
    return out.reshape(-1, WIDTH)
