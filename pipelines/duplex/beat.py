"""When the model hears what: one exact frame a beat, silence where the caller's is missing. Pure.

The beat is the input: a frame goes as soon as it is whole. Times are loop time in seconds.
"""

import math
from dataclasses import dataclass

import numpy as np

from agent.core.audio import AudioFrame, Samples, level_db

QUIET_DB = -50.0
"""A frame below this level holds no word: it may be left out to catch up."""

_EPSILON_S = 1e-9


@dataclass(frozen=True, slots=True)
class BeatConfig:
    """How patient the beat is.

    Attributes:
        patience_s: how much later than its turn sound may come; then silence goes in its place.
            60 ms covers the jitter of a good line, and is added to the answer only when needed.
        early_s: how much earlier than its turn a whole frame may go.
        keep_s: sound that may wait; the oldest beyond it is dropped.
    """

    patience_s: float = 0.06
    early_s: float = 0.08
    keep_s: float = 0.48


@dataclass(frozen=True, slots=True)
class Taken:
    """A frame for the model.

    Attributes:
        frame: exactly as long as it wants.
        filled: samples of silence in it because the caller's sound was missing.
        skipped: quiet samples that were left out before it, to catch up.
        lag_s: how much later than its turn and the patience it was taken.
    """

    frame: AudioFrame
    filled: int
    skipped: int
    lag_s: float


class Beat:
    """Cuts the caller's sound into the model's frames, and says when each is due.

    Turns come every frame's length, on our clock, and at the same times for all calls, so that one
    step of the model serves all of them: silence before the call's first sample makes its first
    frame whole. A caller whose clock is slow runs short of a sample now and then, one whose clock
    is fast is caught up with in their pauses.

    Attributes:
        dropped: samples dropped because too many waited.
        broken: samples that were no numbers, and are silence now.
    """

    def __init__(
        self, frame_samples: int, rate: int, now: float, config: BeatConfig | None = None
    ) -> None:
        self._count, self._rate = frame_samples, rate
        self._config = config or BeatConfig()
        self._period_s = frame_samples / rate
        self._turn = (math.floor(now / self._period_s) + 1) * self._period_s
        before_s = now + self._period_s - self._turn
        self._waiting: Samples = np.zeros(round(before_s * rate), np.float32)
        self._position = 0
        self.dropped = 0
        self.broken = 0

    def hear(self, samples: Samples) -> None:
        """Take sound, float32 [n], any n; what is no number becomes silence."""
        keep = round(self._config.keep_s * self._rate)
        self.dropped += max(0, len(samples) - keep)
        samples = samples[-keep:]  # first: nobody may have us look at an hour of sound
        finite = np.isfinite(samples)
        if not finite.all():
            self.broken += int(np.count_nonzero(~finite))
            samples = np.where(finite, samples, np.float32(0))
        whole = np.concatenate((self._waiting, np.clip(samples, -1.0, 1.0)))
        excess = max(0, len(whole) - keep)
        self.dropped += excess
        self._waiting = whole[excess:]

    def next_s(self) -> float:
        """Loop time at which `take` has something, if nothing more is heard until then."""
        if len(self._waiting) >= self._count:
            return self._turn - self._config.early_s
        return self._turn + self._config.patience_s

    def take(self, now: float) -> Taken | None:
        """The next frame, or None when it is not its turn yet."""
        if now < self.next_s() - _EPSILON_S:
            return None
        lag_s = max(0.0, now - self._turn - self._config.patience_s)
        skipped = self._skip()
        head = self._waiting[: self._count]
        self._waiting = self._waiting[self._count :].copy()
        filled = self._count - len(head)
        if filled:
            head = np.concatenate((head, np.zeros(filled, np.float32)))
        frame = AudioFrame(head, self._rate, self._position)
        self._position = frame.end
        self._turn += self._period_s
        return Taken(frame, filled, skipped, lag_s if lag_s > _EPSILON_S else 0.0)

    def _skip(self) -> int:
        """Leave out quiet frames while two whole ones wait."""
        before = len(self._waiting)
        while len(self._waiting) >= 2 * self._count and is_quiet(self._waiting[: self._count]):
            self._waiting = self._waiting[self._count :]
        return before - len(self._waiting)


def is_quiet(samples: Samples) -> bool:
    """Whether it holds no word."""
    return level_db(samples) < QUIET_DB
