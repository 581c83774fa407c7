"""Two sides of a call on one time line, as they become whole. Pure."""

from enum import IntEnum

import numpy as np

from agent.core.audio import AudioFrame, Samples


class Side(IntEnum):
    """Who is on which channel of a recording."""

    CALLER = 0
    AGENT = 1


class Rows:
    """Both sides, each put in at its own position, come out together.

    Sound comes out when both sides have it, or when one side is `window_s` ahead: the other is then
    silent, and what comes for that stretch later is counted in `lost`. So memory is bounded. Less
    than `step_s` does not come out before the end.
    """

    def __init__(self, rate: int, window_s: float = 0.5, step_s: float = 0.1) -> None:
        self._step = max(1, round(rate * step_s))
        self._window = max(self._step, round(rate * window_s))
        self._rows: Samples = np.zeros((2 * self._window, 2), np.float32)
        self._out = 0  # rows that came out
        self._ends = [0, 0]
        self.lost = 0

    def put(self, side: Side, frame: AudioFrame) -> Samples:
        """Sound of one side at `frame.start`; what is whole now, float32 [n, 2]."""
        late = min(max(0, self._out - frame.start), len(frame.samples))
        self.lost += late
        starts = range(late, len(frame.samples), self._window)
        parts = [self._put(side, frame, at) for at in starts]
        return np.concatenate([np.zeros((0, 2), np.float32), *parts])

    def rest(self) -> Samples:
        """All that waits, float32 [n, 2]; nothing more will come."""
        return self._until(max(self._ends))

    def _put(self, side: Side, frame: AudioFrame, at: int) -> Samples:
        samples = frame.samples[at : at + self._window]
        end = frame.start + at + len(samples)
        whole = self._until(end - self._window)
        place = frame.start + at - self._out
        self._rows[place : place + len(samples), side] = samples
        self._ends[side] = max(self._ends[side], end)
        if min(self._ends) - self._out < self._step:
            return whole
        return np.concatenate((whole, self._until(min(self._ends))))

    def _until(self, end: int) -> Samples:
        parts = [np.zeros((0, 2), np.float32)]
        while self._out < end:
            count = min(end - self._out, self._window)
            parts.append(self._rows[:count].copy())
            self._rows[:-count] = self._rows[count:]
            self._rows[-count:] = 0.0
            self._out += count
        return np.concatenate(parts)
