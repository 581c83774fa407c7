"""Sound as a value: mono float32 samples with a rate and a place in their stream."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

QUIET_DB = -120.0
"""Level reported for digital silence, in dBFS; log of zero has no value."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioFrame:
    """A stretch of mono sound.

    Attributes:
        samples: float32 [n], −1..1, never written again once it is in a frame.
        rate: samples per second, in Hz.
        start: index of the first sample in its stream.
    """

    samples: Samples
    rate: int
    start: int

    @property
    def end(self) -> int:
        """Index of the sample after the last one."""
        return self.start + len(self.samples)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


def silence(count: int, rate: int, start: int = 0) -> AudioFrame:
    """`count` samples of nothing."""
    return AudioFrame(np.zeros(count, np.float32), rate, start)


def join(frames: Sequence[AudioFrame]) -> AudioFrame:
    """One frame from frames that follow each other without a gap.

    Raises:
        ValueError: there are none, rates differ, or a frame does not start where the last ended.
    """
    if not frames:
        raise ValueError("join: expected at least one frame, found none")
    for before, after in pairwise(frames):
        if (after.rate, after.start) != (before.rate, before.end):
            raise ValueError(
                f"join: expected a frame at {before.end} of {before.rate} Hz, "
                f"found one at {after.start} of {after.rate} Hz"
            )
    first = frames[0]
    return AudioFrame(np.concatenate([f.samples for f in frames]), first.rate, first.start)


def split(frame: AudioFrame, count: int) -> tuple[AudioFrame, AudioFrame]:
    """The first `count` samples and the rest; views, nothing is copied."""
    head, tail = frame.samples[:count], frame.samples[count:]
    return (
        AudioFrame(head, frame.rate, frame.start),
        AudioFrame(tail, frame.rate, frame.start + len(head)),
    )


def level_db(samples: Samples) -> float:
    """RMS level in dBFS (a full-scale square wave is 0); QUIET_DB for silence or no samples."""
    if len(samples) == 0:
        return QUIET_DB
    power = float(np.dot(samples, samples)) / len(samples)
    return max(QUIET_DB, 10 * math.log10(power)) if power > 0 else QUIET_DB
