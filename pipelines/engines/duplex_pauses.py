"""When a model that has listened for too long may begin anew without being missed. Pure."""

from dataclasses import dataclass

import numpy as np

from agent.core.audio import Samples

QUIET = 0.01
"""A peak below −40 dBFS holds no word."""


@dataclass(frozen=True, slots=True)
class RecyclePolicy:
    """After how many frames, and in what pause.

    Attributes:
        after: frames since the model began; 0: never.
        pause: frames in a row in which nobody said anything.
    """

    after: int
    pause: int


class Age:
    """How long a slot's model has been listening, and how long both have been quiet."""

    def __init__(self, policy: RecyclePolicy) -> None:
        self._policy = policy
        self._frames = 0
        self._quiet = 0

    def is_due(self, heard: Samples, said: Samples | None, text: str) -> bool:
        """Count a frame; True once, when the model had better begin anew now."""
        silent = not text and is_quiet(heard) and (said is None or is_quiet(said))
        self._frames += 1
        self._quiet = self._quiet + 1 if silent else 0
        due = 0 < self._policy.after <= self._frames and self._quiet >= self._policy.pause
        if due:
            self._frames = self._quiet = 0
        return due


def is_quiet(samples: Samples) -> bool:
    """Whether a frame holds no word."""
    return len(samples) == 0 or float(np.max(np.abs(samples))) < QUIET
