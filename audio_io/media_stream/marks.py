"""What the caller has heard, as the marks that came back say it. Pure."""

from collections import deque

_EVERY_S = 0.1  # between marks: 10 messages a second, and words are longer
_SILENT_S = 5.0  # a mark that is so late was forgotten


class Marks:
    """Which marks were asked for, and which came back.

    A mark says that all sound before it was played. Between two of them our clock says how much,
    and never more than up to the next mark that has not come back.

    Attributes:
        forgotten: marks that never came back.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._asked: deque[tuple[str, int]] = deque()  # names, and the sound before them
        self._numbers = 0
        self._sent = 0  # samples
        self._marked = 0  # samples before the latest mark asked for
        self._played = 0  # samples that were surely played or taken back
        self.forgotten = 0

    def sent(self, samples: int) -> str | None:
        """So many samples more are on their way; the mark to ask for after them, if any."""
        self._sent += samples
        if self._sent - self._marked < _EVERY_S * self._rate:
            return None
        self._marked = self._sent
        self._numbers += 1
        name = f"p{self._numbers}"
        self._asked.append((name, self._sent))
        return name

    def returned(self, name: str) -> None:
        """A mark came back; those before it count as well. Unknown ones are none of ours."""
        if any(name == asked for asked, _ in self._asked):
            while self._asked:
                first, self._played = self._asked.popleft()
                if first == name:
                    return

    def flush(self, handed: int) -> None:
        """All that was handed over so far, in samples, was played or taken back."""
        self._asked.clear()
        self._sent = self._marked = self._played = handed

    def played(self, by_clock: int) -> int:
        """Samples played or taken back, given what they would be by our clock."""
        while self._asked and by_clock - self._asked[0][1] > _SILENT_S * self._rate:
            self._played = self._asked.popleft()[1]
            self.forgotten += 1
        most = self._asked[0][1] if self._asked else max(by_clock, self._played)
        return min(max(by_clock, self._played), most)
