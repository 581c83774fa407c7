"""How far a run is, and how long it will still take."""

from collections.abc import Callable

BAR = 24


class Progress:
    """A bar that is drawn over itself on a terminal, and a line now and then elsewhere."""

    def __init__(
        self, total: int, write: Callable[[str], None], clock: Callable[[], float], *, bar: bool
    ) -> None:
        """Begin with nothing done.

        Args:
            total: sessions to hold.
            write: takes text as it is, line ends included.
            clock: seconds of real time.
            bar: there is a terminal that can go back to the start of a line.
        """
        self._total = total
        self._write = write
        self._clock = clock
        self._bar = bar
        self._began = clock()
        self._done = 0
        self._faults = 0
        self._told = 0  # tenths of the run that were told of

    def done(self, name: str, fault: str) -> None:
        """One more session is over; a fault is worth a line of its own."""
        self._done += 1
        if fault:
            self._faults += 1
            self._write(f"{self._clear()}{name}: {fault}\n")
        if self._bar:
            self._write(f"{self._clear()}{self._line(name)}")
        elif self._done * 10 // self._total > self._told or self._done == self._total:
            self._told = self._done * 10 // self._total
            self._write(f"{self._line(name)}\n")

    def end(self) -> None:
        """Leave the line of the bar."""
        if self._bar:
            self._write("\n")

    def _clear(self) -> str:
        return "\r\x1b[K" if self._bar else ""

    def _line(self, name: str) -> str:
        filled = BAR * self._done // self._total
        bar = "█" * filled + "░" * (BAR - filled)
        spent_s = self._clock() - self._began
        left_s = spent_s / self._done * (self._total - self._done)
        faults = f", {self._faults} with a fault" if self._faults else ""
        return f"{bar} {self._done}/{self._total} {name}, {in_words(left_s)} left{faults}"


def in_words(seconds: float) -> str:
    """A time as somebody says it: 8 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
