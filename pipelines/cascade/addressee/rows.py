"""One detector step of sound as a row of numbers: all that is kept of it. Pure.

A row is float64 [`ROW`]: the power in each band, and that of the high tones in each quarter of the
step, by which decays are seen at 8 ms.
"""

import numpy as np
from numpy.typing import NDArray

from agent.core.audio import Samples

Rows = NDArray[np.float64]
"""float64 [n, `ROW`], or one of them, or a part of one."""

RATE = 16_000
STEP = 512

EDGES_HZ = (150, 300, 450, 600, 800, 1000, 1300, 1600, 2000, 2500, 3100, 3800, 4800, 6000, 7500)
"""Limits of the bands: about as wide as those of the ear. The telephone fills all but the last
three, and what lies below 150 Hz is hum and wind."""

BANDS = slice(0, len(EDGES_HZ) - 1)
QUARTERS = slice(BANDS.stop, BANDS.stop + 4)
ROW = QUARTERS.stop

QUIET = 1e-9
"""Power below which nothing is told apart: -90 dBFS, under the grid of 16-bit sound."""

_WINDOW = np.hanning(2 * STEP)
_SCALE = 2.0 / (np.sum(_WINDOW**2) * 2 * STEP)
"""So that the bands of a spectrum add up to the mean square of the samples."""
_LIMITS = np.searchsorted(np.fft.rfftfreq(2 * STEP, 1 / RATE), EDGES_HZ)


def rows_of(sound: Samples) -> Rows:
    """The rows of all whole steps but the first, which only gives the second its past.

    Args:
        sound: float32 [n], n at least two steps; what is over at its start is left out.
    """
    count = len(sound) // STEP
    steps = sound[len(sound) - count * STEP :].astype(np.float64).reshape(count, STEP)
    heard = np.hstack((steps[:-1], steps[1:]))
    power = np.abs(np.fft.rfft(heard * _WINDOW)) ** 2
    bands = _SCALE * np.add.reduceat(power, _LIMITS, axis=1)[:, :-1]
    highs = np.diff(heard[:, STEP - 1 :]).reshape(count - 1, 4, STEP // 4)
    return np.hstack((bands, np.mean(highs**2, axis=2)))


def decibels(power: Rows) -> Rows:
    """Power as dB; what is under `QUIET` counts as that."""
    out: Rows = 10 * np.log10(np.maximum(power, QUIET))
    return out
