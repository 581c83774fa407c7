"""Sentences that were spoken before: greetings, questions asked again, "one moment"."""

from collections import OrderedDict
from collections.abc import Sequence

from agent.core.protocols import Speech
from pipelines.engines.voice_text import Passage

MAX_PASSAGE_S = 10.0
"""A longer passage is not kept: it will hardly be said twice."""


class SpokenBefore:
    """The sound of passages of one voice, by what is written, what is said, and how.

    When it is full, what was not said for the longest time is forgotten.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._held_s = 0.0
        self._passages: OrderedDict[Passage, tuple[Speech, ...]] = OrderedDict()

    @property
    def held_s(self) -> float:
        """Seconds of sound in memory."""
        return self._held_s

    def find(self, passage: Passage) -> tuple[Speech, ...]:
        """Its pieces from sample 0 on; none if it is not known."""
        if passage in self._passages:
            self._passages.move_to_end(passage)
        return self._passages.get(passage, ())

    def keep(self, passage: Passage, pieces: Sequence[Speech]) -> None:
        """Remember a passage that was made to its end."""
        length_s = _length_s(pieces)
        if passage in self._passages or not 0 < length_s <= min(MAX_PASSAGE_S, self._limit_s):
            return
        self._passages[passage] = tuple(pieces)
        self._held_s += length_s
        while self._held_s > self._limit_s:
            _, oldest = self._passages.popitem(last=False)
            self._held_s -= _length_s(oldest)


def _length_s(pieces: Sequence[Speech]) -> float:
    return sum(piece.frame.duration_s for piece in pieces)
