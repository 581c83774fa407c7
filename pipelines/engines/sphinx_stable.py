"""Which words of a changing hypothesis will stay. Pure.

Source: local agreement, Liu, Spanakis and Niehues 2020, "Low-latency sequence-to-sequence speech
recognition and translation by partial hypothesis selection": what several hypotheses in a row
agree on is kept.
"""

from collections import deque

from pipelines.engines.sphinx_text import edits


class Agreement:
    """Stable and unstable words of one segment, from one hypothesis after another.

    A word is stable once `agreeing` hypotheses in a row begin with it and all words before it and
    go on after it: the last word is still being said. Stable words are never taken back; what a
    later hypothesis says instead of them is left out.
    """

    def __init__(self, agreeing: int) -> None:
        self._latest: deque[list[list[str]]] = deque(maxlen=agreeing)
        self._stable: list[str] = []

    def take(self, hypothesis: str, *rivals: str) -> tuple[str, str]:
        """Stable and unstable words after one more hypothesis.

        Args:
            hypothesis: what is believed now.
            rivals: what may be believed later; they have to agree as well.
        """
        words = hypothesis.split()
        self._latest.append([words, *(rival.split() for rival in rivals)])
        if len(self._latest) == self._latest.maxlen:
            agreed = _common([row for rows in self._latest for row in rows])
            if agreed[: len(self._stable)] == self._stable:
                self._stable = agreed
        return " ".join(self._stable), " ".join(self._rest(words))

    def finish(self, hypothesis: str) -> str:
        """The final words: the last hypothesis behind the stable words."""
        return " ".join([*self._stable, *self._rest(hypothesis.split())])

    def _rest(self, words: list[str]) -> list[str]:
        """What follows in `words` after the part that best matches the stable words."""
        if words[: len(self._stable)] == self._stable:
            return words[len(self._stable) :]
        distances = edits(self._stable, words)
        return words[distances.index(min(distances)) :]


def _common(rows: list[list[str]]) -> list[str]:
    """The words that all rows begin with, without the last word of any row."""
    shortest = min(len(row) for row in rows)
    count = 0
    while count < shortest - 1 and len({row[count] for row in rows}) == 1:
        count += 1
    return rows[0][:count]
