"""Sound made up for what was lost, where the codec has no way of its own. Pure.

Source: after ITU-T G.711 appendix I (1999): the last period again and again, fading to nothing.
"""

import numpy as np

from agent.core.audio import Samples
from audio_io.receive.pitch import period

_KEPT_S = 0.04
_LONGEST_S = 0.013  # of a period: voices down to 77 Hz
_JOIN_S = 0.001  # within which what is made up leaves the last sample for the period's first
_STEADY_S = 0.01  # the first 10 ms keep their level
_BLEND_S = 0.0025
_GONE_S = 0.06  # then it fades, and after 60 ms nothing is left


class Concealer:
    """Continues a voice by its last period."""

    def __init__(self, rate: int) -> None:
        """For sound of `rate` Hz."""
        self._rate = rate
        self._kept: Samples = np.zeros(round(_KEPT_S * rate), np.float32)
        self._cycle: Samples = self._kept[:0]
        self._step = 0.0  # from where the sound was going to where the period begins
        self._made = 0

    def good(self, samples: Samples) -> Samples:
        """Sound that came, float32 [n]; after a loss its beginning blends with what was made up."""
        if self._made:
            count = min(len(samples), round(_BLEND_S * self._rate))
            share = np.linspace(0.0, 1.0, count, dtype=np.float32)
            begin = samples[:count] * share + self.lost(count) * (1 - share)
            samples = np.concatenate((begin, samples[count:]))
        self._kept = np.concatenate((self._kept, samples))[-len(self._kept) :]
        self._cycle = self._kept[:0]
        self._made = 0
        return samples

    def lost(self, count: int) -> Samples:
        """The next `count` samples, float32 [count], after what came or was made before."""
        if len(self._cycle) == 0:
            backwards = self._kept[::-1]  # what came last counts
            lag, _ = period(backwards, self._rate, _LONGEST_S)
            self._cycle = self._kept[-lag:]
            self._step = float(2 * self._kept[-1] - self._kept[-2] - self._cycle[0])
        at = self._made + np.arange(count)
        self._made += count
        join = self._step * np.clip(1 - at / (_JOIN_S * self._rate), 0, 1)
        fade = (_GONE_S - at / self._rate) / (_GONE_S - _STEADY_S)
        made = (self._cycle[at % len(self._cycle)] + join) * np.clip(fade, 0, 1)
        return np.asarray(made, np.float32)
