"""The model's frames on their way to the caller: few, and caught up with in pauses. Pure."""

from collections import deque

import numpy as np

from agent.core.audio import Samples
from pipelines.duplex.beat import is_quiet

FRAMES = 8
"""Frames that may wait, 0.64 s at 80 ms: a call that takes its sound later than that does not take
it at all."""


AHEAD_S = 0.02
"""Sound that may be ahead of its turn when a quiet frame comes. It is what evens out steps that are
late; more of it is delay that one slow step left behind, and is taken out again."""


class Outlet:
    """A queue of frames, each with the text that came with it, and whether it is the model's own.

    Attributes:
        dropped: samples dropped because nobody took them.
        skipped: quiet samples left out to catch up.
    """

    def __init__(self, rate: int) -> None:
        self._ahead = round(AHEAD_S * rate)
        self._frames: deque[tuple[Samples, str, bool]] = deque()
        self._text, self._is_own = "", True  # waiting for a frame to come with
        self.dropped = 0
        self.skipped = 0

    def __len__(self) -> int:
        """Frames that wait."""
        return len(self._frames)

    def put(self, samples: Samples, text: str, ahead: int = 0, *, own: bool = True) -> None:
        """Add a frame; of a quiet one what is too much is left out, but not its text.

        Args:
            samples: float32 [n].
            text: what came with them.
            ahead: samples that were taken and have not sounded yet.
            own: the model's. Text that waited for a frame together with another's is not.
        """
        waiting = ahead + sum(len(frame) for frame, *_ in self._frames)
        excess = waiting - self._ahead
        if excess > 0 and is_quiet(samples):
            self.skipped += min(excess, len(samples))
            samples = samples[excess:]
        self._text += text
        self._is_own = self._is_own and own
        if not len(samples):
            return
        if len(self._frames) >= FRAMES:
            self.dropped += len(self._frames.popleft()[0])
        self._frames.append((samples, self._text, self._is_own))
        self._text, self._is_own = "", True

    def take(self) -> tuple[Samples, str, bool] | None:
        """The oldest frame, its text, and whether it is the model's own."""
        return self._frames.popleft() if self._frames else None


def pieces(rest: Samples, samples: Samples, count: int) -> tuple[list[Samples], Samples]:
    """Sound in pieces of exactly `count` samples, and what is left for the next time."""
    whole = np.concatenate((rest, samples))
    cut = len(whole) - len(whole) % count
    return [whole[at : at + count] for at in range(0, cut, count)], whole[cut:]
