"""The noise behind a voice, for the time in which nothing comes. Pure."""

import numpy as np

from agent.core.audio import Samples

_BLOCK_S = 0.02
_RISE = 1.02  # a block; the floor doubles in 0.7 s, so that a new noise is followed
_MOST = 0.01  # −40 dBFS: what is louder is not a floor


class ComfortNoise:
    """Noise as loud as the quietest that was heard lately; the same for the same sound."""

    def __init__(self, rate: int, seed: int = 1) -> None:
        """For sound of `rate` Hz."""
        self._block = round(rate * _BLOCK_S)
        self._random = np.random.default_rng(seed)
        self._floor: float | None = None

    @property
    def level(self) -> float:
        """Its RMS, 0–1."""
        return 0.0 if self._floor is None else self._floor

    def heard(self, samples: Samples) -> None:
        """Sound that came from the far side."""
        for start in range(0, len(samples) - self._block + 1, self._block):
            block = samples[start : start + self._block]
            level = min(_MOST, float(np.sqrt(np.dot(block, block) / len(block))))
            self._floor = level if self._floor is None else min(level, self._floor * _RISE + 1e-7)

    def make(self, count: int) -> Samples:
        """`count` samples of it, float32 [count]."""
        noise = self._random.standard_normal(count).astype(np.float32)
        return noise * np.float32(self.level)
