"""Which words of Whisper's successive hypotheses will stay. Pure.

Source: local agreement, Liu, Spanakis and Niehues 2020, "Low-latency sequence-to-sequence speech
recognition and translation by partial hypothesis selection"; with word times for Whisper,
Macháček, Dabre and Bojar 2023, "Turning Whisper into Real-Time Transcription System".
"""

from collections.abc import Sequence
from itertools import takewhile

from pipelines.engines.sphinx_text import edits
from pipelines.engines.whisper_words import Word, ended

MARGIN = 3_200
"""A word that ends less than 0.2 s before the window does may still be being said."""


class Agreement:
    """Certain words, which are never taken back, and the last guess at what follows them."""

    def __init__(self) -> None:
        self.certain: list[Word] = []
        self.guess: list[Word] = []

    def take(self, words: Sequence[Word], start: int, end: int) -> None:
        """One more hypothesis: what it shares with the one before becomes certain.

        Args:
            words: all words of a window, those that are already certain included.
            start: the window's first sample; certain words that end before it are not in `words`.
            end: the sample after its last.
        """
        rest = self._new(words, start)
        both = takewhile(
            lambda pair: pair[0].text == pair[1].text and pair[0].end <= end - MARGIN,
            zip(rest, self.guess, strict=False),
        )
        agreed = [new for new, _ in both]
        self.certain += agreed
        self.guess = rest[len(agreed) :]

    def settle(self, position: int) -> None:
        """Make certain what was guessed before `position`, agreed or not."""
        early = list(takewhile(lambda word: word.end <= position, self.guess))
        self.certain += early
        del self.guess[: len(early)]

    def _new(self, words: Sequence[Word], start: int) -> list[Word]:
        """What follows in `words` after the part that best matches the certain ones.

        Among equally good places it is the one nearest in time to the end of the certain words.
        """
        known = self.certain[ended(self.certain, start) :]
        if not known:
            return list(words)
        distances = edits([w.text for w in known], [w.text for w in words])
        ends = [known[0].start, *(word.end for word in words)]
        late = [abs(end - known[-1].end) for end in ends]
        return list(words[min(range(len(ends)), key=lambda n: (distances[n], late[n])) :])
