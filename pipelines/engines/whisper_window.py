"""The sound that Whisper is given next: bounded, cut at words that are already certain. Pure.

It grows with the segment until it is longer than SOFT_S; then everything before the last certain
words goes. Where nothing becomes certain it is cut at the hard limit all the same, so that a step
never costs more than one of that length.
"""

from collections.abc import Sequence

import numpy as np

from agent.core.audio import QUIET_DB, Samples, level_db
from pipelines.engines.whisper_words import Word, ended

RATE = 16_000
BLOCK = 320  # 20 ms: short enough to see the silence before a stop, long enough for a level

SOFT_S = 6.0
"""Longer windows do not help words at their end; every second of one costs decoding again."""

KEEP_S = 1.0
"""Certain sound that stays before the first uncertain word, so that no word begins in a cut."""

RANGE_DB = 25.0
"""A block this far below the loudest one is quiet: speech has a dynamic range of about 30 dB.
Source: ANSI S3.5-1997 (speech intelligibility index), whose range is 30 dB; 5 dB of margin so that
a room's noise at 25 dB of signal-to-noise is still quiet."""

FLOOR_DB = -60.0
"""Nothing below it is speech, in dBFS."""


class Window:
    """Blocks of sound from one place of the segment to its end, and how loud each is."""

    def __init__(self) -> None:
        self.start = 0  # of its first sample, counted from the first sample of the segment
        self._blocks: list[Samples] = []
        self._levels: list[float] = []
        self._loudest = QUIET_DB

    @property
    def end(self) -> int:
        """The sample after its last."""
        return self.start + len(self._blocks) * BLOCK

    def append(self, block: Samples) -> bool:
        """Add float32 [BLOCK]; whether it is loud, compared with the loudest of the segment."""
        level = level_db(block)
        self._blocks.append(block)
        self._levels.append(level)
        self._loudest = max(self._loudest, level)
        return level >= self._quiet_below

    def samples(self) -> Samples:
        """All of it, float32 [end - start]."""
        return np.concatenate([np.zeros(0, np.float32), *self._blocks])

    def loud(self, start: int, end: int) -> int:
        """How many loud blocks touch the samples from `start` to `end` of the segment."""
        first = max(0, (start - self.start) // BLOCK)
        last = max(0, -((self.start - end) // BLOCK))
        least = self._quiet_below
        return sum(level >= least for level in self._levels[first:last])

    def cut(self, position: int) -> None:
        """Forget what lies before `position`, in whole blocks."""
        count = min(len(self._blocks), max(0, (position - self.start) // BLOCK))
        del self._blocks[:count], self._levels[:count]
        self.start += count * BLOCK

    @property
    def _quiet_below(self) -> float:
        return max(FLOOR_DB, self._loudest - RANGE_DB)


def place_to_cut(certain: Sequence[Word], start: int, end: int) -> int:
    """Where a window from `start` to `end` should begin now; `start` to leave it as it is.

    Args:
        certain: the words that will not change, in order.
        start: its first sample, counted from the first sample of the segment.
        end: the sample after its last.
    """
    if end - start <= SOFT_S * RATE or not certain:
        return start
    count = ended(certain, certain[-1].end - round(KEEP_S * RATE))
    return max(start, certain[count - 1].end) if count else start
