"""Sound at 16 kHz to 24 kHz, for models that hear at that rate. Pure."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from agent.core.audio import Samples

_UP, _DOWN = 3, 2
_TAPS = 24  # per phase: flat to 6.5 kHz, where the images are 55 dB down
_HALF = _TAPS // 2


class Upsampler:
    """One stream. Its output does not depend on the pieces in which the sound comes.

    What comes out is `_HALF` samples late at the input: 0.75 ms.
    """

    def __init__(self) -> None:
        self._past = np.zeros(_TAPS - 1, np.float32)
        self._next = 0  # in thirds of an input sample, from the first of those that come

    def push(self, samples: Samples) -> Samples:
        """As much as the sound so far allows, float32 [about 1.5 n]."""
        whole = np.concatenate((self._past, samples.astype(np.float32, copy=False)))
        self._past = whole[len(samples) :]
        thirds = np.arange(self._next, _UP * len(samples), _DOWN)
        self._next = self._next + _DOWN * len(thirds) - _UP * len(samples)
        if not len(thirds):
            return np.zeros(0, np.float32)
        windows = sliding_window_view(whole, _TAPS)[thirds // _UP]
        made: Samples = (windows * _FILTERS[thirds % _UP]).sum(axis=1, dtype=np.float32)
        return made


def _filters() -> Samples:
    """By phase: a windowed sinc around a place between two samples, each summing to one."""
    rows = []
    for phase in range(_UP):
        at = np.arange(_TAPS) - (_HALF - 1) - phase / _UP
        window = 0.5 + 0.5 * np.cos(math.pi * np.clip(at / _HALF, -1, 1))
        row = 0.95 * np.sinc(0.95 * at) * window
        rows.append(row / row.sum())
    return np.array(rows, np.float32)


_FILTERS = _filters()
