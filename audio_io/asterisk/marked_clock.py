"""How much a far loudspeaker has played, by our clock and by what it reports. Pure."""

import math
from collections import deque

_EPSILON_SAMPLES = 1e-6  # loop time is a float: 0.02 s may arrive as 0.0199999999
_ASKED = 64  # questions without an answer; an Asterisk that answers none cannot pile them up


class MarkedClock:
    """Sound plays at `rate` without a pause while there is any; two reports say how far it is.

    A mark that arrives proves that the sound before it is out by now: the estimate moves to
    earlier. How much waited when a question came to the far side, which was after it was asked,
    proves that so much needs at least its own length from there: the estimate moves to later. Both
    hold for a network of any delay, and for clocks that run apart.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._dry_at = 0.0
        self._marked = 0
        self._asked: deque[tuple[int, float]] = deque(maxlen=_ASKED)  # handed by then, and when
        self.handed = 0

    def put(self, samples: int, now: float) -> float:
        """`samples` more were handed over; loop time at which all of it will have sounded."""
        self._dry_at = max(self._dry_at, now) + samples / self._rate
        self.handed += samples
        return self._dry_at

    def mark(self, samples: int, now: float) -> None:
        """The far side has played the first `samples`; marks of what was flushed say nothing."""
        if self._marked < samples <= self.handed:
            self._marked = samples
            self._dry_at = min(self._dry_at, now + (self.handed - samples) / self._rate)

    def ask(self, now: float) -> None:
        """The far side is asked how much waits there; answers come in the order of questions."""
        self._asked.append((self.handed, now))

    def waited(self, samples: int) -> None:
        """So much did, when the oldest question without an answer came there."""
        if not self._asked:
            return
        handed, asked_at = self._asked.popleft()
        if handed > self._marked and samples <= handed - self._marked:
            self._dry_at = max(
                self._dry_at, asked_at + (samples + self.handed - handed) / self._rate
            )

    def pending_s(self, now: float) -> float:
        """Seconds of sound that were handed over and have not sounded."""
        return max(0.0, self._dry_at - now)

    def played(self, now: float) -> int:
        """Samples that have sounded or were flushed."""
        left = math.ceil(self.pending_s(now) * self._rate - _EPSILON_SAMPLES)
        return max(self._marked, self.handed - left)

    def flush(self, now: float) -> None:
        """What has not sounded yet was taken back."""
        self._marked = self.handed
        self._dry_at = min(self._dry_at, now)
