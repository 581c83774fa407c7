"""Somebody else's answer, laid over the model's sound frame by frame. Pure."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from agent.core.audio import Samples


class Overlay:
    """Sound that replaces the model's while there is any; the model goes on hearing meanwhile.

    Attributes:
        left_out: samples that were more than may wait.
    """

    def __init__(self, limit: int) -> None:
        """`limit`: samples that may wait."""
        self._limit = limit
        self._waiting: deque[tuple[Samples, str]] = deque()
        self._count = 0
        self.left_out = 0

    def put(self, samples: Samples, text: str) -> bool:
        """Add sound and the words it covers; False: it is too much, and none of it was added."""
        if self._count + len(samples) > self._limit:
            self.left_out += len(samples)
            return False
        self._waiting.append((samples, text))
        self._count += len(samples)
        return True

    def over(self, samples: Samples, text: str) -> tuple[Samples, str, bool]:
        """A frame and its text, the model's or what is said instead; whether it is the model's."""
        if not self._count:
            return samples, text, True
        parts: list[Samples] = []
        words: list[str] = []
        missing = len(samples)
        while missing and self._waiting:
            piece, said = self._waiting.popleft()
            parts.append(piece[:missing])
            words.append(said)
            if len(piece) > missing:
                self._waiting.appendleft((piece[missing:], ""))
            missing -= len(parts[-1])
        self._count -= len(samples) - missing
        said = "".join(f" {word}" for word in words if word)
        return np.concatenate((*parts, np.zeros(missing, np.float32))), said, False


def question(said: str, triggers: Sequence[str]) -> str | None:
    """What the responder is asked: what follows the trigger, or all of it; None without a trigger.

    Case and punctuation make no difference to where a trigger is found.
    """
    words = said.split()
    plain = [_plain(word) for word in words]
    for trigger in triggers:
        wanted = [_plain(word) for word in trigger.split()]
        for at in range(len(plain) - len(wanted) + 1):
            if plain[at : at + len(wanted)] == wanted:
                return " ".join(words[at + len(wanted) :]) or said
    return None


def _plain(word: str) -> str:
    return word.strip(".,;:!?…\"'()").casefold()
