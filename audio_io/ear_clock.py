"""How much of what was sent has reached an ear some time away. Pure: told the time."""

from collections import deque

from audio_io.pacing import position

_MOST = 1000  # entries, 20 s; a far ear is one second away at most


class EarClock:
    """Sound in the order it was sent or taken back, and when each piece reaches the ear.

    Attributes:
        delay_s: from sending to the ear, for what is sent from now on.
    """

    def __init__(self, rate: int, delay_s: float) -> None:
        """Of sound of `rate` Hz, `delay_s` away."""
        self._rate = rate
        self._on_its_way: deque[tuple[float, int]] = deque()  # when it begins at the ear, samples
        self._settled = 0
        self.delay_s = delay_s

    def sent(self, samples: int, now: float) -> None:
        """So many went out at loop time `now`, to be heard in one go."""
        self._settle(now)
        starts_at = max(now + self.delay_s, self._last())
        self._on_its_way.append((starts_at, samples))
        if len(self._on_its_way) > _MOST:
            self._settled += self._on_its_way.popleft()[1]

    def flushed(self, samples: int, now: float) -> None:
        """So many were taken back: they count as played once what was sent before them is."""
        self._settle(now)
        if self._on_its_way:
            self._on_its_way.append((self._last() - samples / self._rate, samples))
        else:
            self._settled += samples

    def played(self, now: float) -> int:
        """Samples that have reached the ear, or were flushed."""
        self._settle(now)
        if not self._on_its_way:
            return self._settled
        starts_at, samples = self._on_its_way[0]
        return self._settled + min(samples, max(0, position(now - starts_at, self._rate)))

    def _last(self) -> float:
        if not self._on_its_way:
            return float("-inf")
        starts_at, samples = self._on_its_way[-1]
        return starts_at + samples / self._rate

    def _settle(self, now: float) -> None:
        while self._on_its_way:
            starts_at, samples = self._on_its_way[0]
            if starts_at + samples / self._rate > now + 1e-9:
                return
            self._settled += samples
            self._on_its_way.popleft()
