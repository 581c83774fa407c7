"""Sound at the protocol's rate and at ours, and how much of it was heard by now. Pure."""

import numpy as np

from agent.core.audio import AudioFrame, Samples
from audio_io.resample import Resampler
from floorbench.session import RATE


class Steady:
    """A resampler that gives back as much as it takes: 20 ms in, 20 ms out.

    Its delay, 3 ms at 8 kHz and 1.5 ms at 24 kHz, is silence at the beginning instead of sound
    that is missing there.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._resampler = Resampler(from_rate, to_rate)
        self._lead = np.zeros(round(self._resampler.delay_s * from_rate), np.float32)
        self.reset()

    def push(self, samples: Samples) -> Samples:
        """Take float32 [n], any n; float32 [n · to_rate / from_rate], give or take one."""
        return self._resampler.push(samples)

    def reset(self) -> None:
        """Forget what waits in the filter."""
        self._resampler.reset()
        self._resampler.push(self._lead)


class Inlet:
    """The agent's sound as it arrives: at `RATE`, and with an account of what was heard of it.

    The caller is taken to play what arrives at once and without a gap; what comes faster waits.
    Times are loop time in seconds.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._steady = Steady(rate, RATE)
        self._position = 0
        self._arrived = 0
        self._end_s = 0.0

    def take(self, samples: Samples, now: float) -> AudioFrame:
        """Sound at the protocol's rate, float32 [n], as a frame at `RATE`."""
        self._arrived += len(samples)
        self._end_s = self.heard_at(now) + len(samples) / self.rate
        frame = AudioFrame(self._steady.push(samples), RATE, self._position)
        self._position = frame.end
        return frame

    def heard_at(self, now: float) -> float:
        """When all that has arrived by `now` will have been heard."""
        return max(now, self._end_s)

    def waiting(self, now: float) -> int:
        """Samples at the protocol's rate that have arrived and were not heard yet."""
        return round((self.heard_at(now) - now) * self.rate)

    def heard(self, now: float) -> int:
        """Samples at the protocol's rate, since the start, that were heard or dropped."""
        return self._arrived - self.waiting(now)

    def flush(self, now: float) -> None:
        """Drop what was not heard yet."""
        self._end_s = now
        self._steady.reset()
