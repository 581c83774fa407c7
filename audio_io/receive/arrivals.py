"""How early and how evenly packets come, and how long to wait for one. Pure."""

_RECENT_S = 1.0  # for "lately": one to two of these; 50 ppm of drift is 0.1 ms in it
_MARGIN_S = 0.002  # above the latest packet seen: clocks and event loops are no better
_CALMING = 0.002  # seconds a second that the window shrinks: from 40 to 22 ms in 9 s


class Arrivals:
    """Of one stream, lately."""

    def __init__(self, least_s: float, most_s: float) -> None:
        """Of a window between `least_s` and `most_s`."""
        self._least_s = least_s
        self._most_s = most_s
        self._unrest_s = 0.0
        self.forget()

    def forget(self) -> None:
        """Another stream: its clock has nothing to do with the old one's."""
        self._since: float | None = None
        self._before = self._now = float("inf")
        self._last = 0.0

    @property
    def earliest_s(self) -> float:
        """Loop time minus stream time of the earliest packet, lately."""
        return min(self._before, self._now)

    @property
    def window_s(self) -> float:
        """How long to wait for a packet after its earliest arrival."""
        return min(max(self._unrest_s + _MARGIN_S, self._least_s), self._most_s)

    def add(self, at_s: float, arrived: float) -> None:
        """A packet of stream time `at_s` came at loop time `arrived`."""
        if self._since is None:
            self._since = self._last = arrived
        if arrived - self._since >= _RECENT_S:
            self._before, self._now, self._since = self._now, float("inf"), arrived
        self._now = min(self._now, arrived - at_s)
        late_s = min(arrived - at_s - self.earliest_s, self._most_s)
        calmed_s = self._unrest_s - _CALMING * max(0.0, arrived - self._last)
        self._unrest_s = max(late_s, calmed_s, 0.0)
        self._last = arrived
