"""How a scripted caller hears whether the agent is speaking."""

import numpy as np

from agent.core.audio import Samples, level_db

LOUD_DB = -50.0
"""RMS of 10 ms, in dBFS, from which the agent counts as speaking: over the noise of a quiet line,
under the softest speech sound."""

_WINDOW_S = 0.01
_SAME_SOUND_S = 0.5  # a pause inside a reply is shorter: between clauses synthesizers leave 0.1-0.4


class Ear:
    """When the agent last began and stopped sounding, from an unbroken stream of its sound. Pure.

    Attributes:
        onset_s: when its last sound began, in seconds of the stream; None before the first. A
            pause shorter than 0.5 s belongs to the sound.
        loud_until_s: when the last loud 10 ms ended; 0 before the first.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._window = max(1, round(rate * _WINDOW_S))
        self._rest: Samples = np.zeros(0, np.float32)
        self._position = 0
        self.onset_s: float | None = None
        self.loud_until_s = 0.0

    def sounds(self, now_s: float) -> bool:
        """Whether its last sound goes on at `now_s`, counting a pause of less than 0.5 s."""
        return self.onset_s is not None and now_s - self.loud_until_s < _SAME_SOUND_S

    def hear(self, samples: Samples) -> None:
        """The next samples, float32 [n], any n."""
        waiting = np.concatenate((self._rest, samples))
        count = len(waiting) // self._window
        for window in np.split(waiting[: count * self._window], count) if count else []:
            self._judge(window)
        self._rest = waiting[count * self._window :].copy()

    def _judge(self, window: Samples) -> None:
        start_s = self._position / self._rate
        self._position += self._window
        if level_db(window) < LOUD_DB:
            return
        if not self.sounds(start_s):
            self.onset_s = start_s
        self.loud_until_s = self._position / self._rate
