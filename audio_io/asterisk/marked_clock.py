"""How much a far loudspeaker has played, by our clock and by its marks. Pure."""

import math

NETWORK_S = 0.1
"""A mark as late as this may owe it to the way there and back, not to a slow clock: nothing is
moved for it. With it the far side holds at most this much more than it is meant to."""

SLEW_S = 0.001
"""The most that one mark moves the estimate to later. At ten marks a second that follows a clock
that is 1 % slow; crystals differ by 0.01 %."""

_EPSILON_SAMPLES = 1e-6  # loop time is a float: 0.02 s may arrive as 0.0199999999


class MarkedClock:
    """Sound plays at `rate` without a pause while there is any; marks say how far it has come.

    A mark that arrives proves that the sound before it is out by now, so it moves the estimate to
    earlier at once; to later only when it is too late for any network, and slowly.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._dry_at = 0.0
        self._marked = 0
        self.handed = 0

    def put(self, samples: int, now: float) -> float:
        """`samples` more were handed over; loop time at which all of it will have sounded."""
        self._dry_at = max(self._dry_at, now) + samples / self._rate
        self.handed += samples
        return self._dry_at

    def mark(self, samples: int, now: float) -> None:
        """The far side has played the first `samples`; marks of what was flushed say nothing."""
        if not self._marked < samples <= self.handed:
            return
        self._marked = samples
        latest = now + (self.handed - samples) / self._rate
        if latest > self._dry_at + NETWORK_S:
            self._dry_at += SLEW_S
        self._dry_at = min(latest, self._dry_at)

    def played(self, now: float) -> int:
        """Samples that have sounded or were flushed."""
        left = math.ceil((self._dry_at - now) * self._rate - _EPSILON_SAMPLES)
        return max(self._marked, self.handed - max(0, left))

    def flush(self, now: float) -> None:
        """What has not sounded yet was taken back."""
        self._marked = self.handed
        self._dry_at = min(self._dry_at, now)
