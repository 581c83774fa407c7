"""Words as Whisper writes them and as the rest of parley wants them. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipelines.engines.spelling import spelled


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its place.

    Attributes:
        text: lower case, without punctuation.
        written: as Whisper wrote it, with the space before it; empty for a further part of the
            same writing: `7:30` is `7`, written ` 7:30`, and `30`, written as nothing.
        start: its first sample, counted from the first sample of the segment.
        end: the sample after its last.
    """

    text: str
    written: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What the model made of one window.

    Attributes:
        words: in order.
        no_speech: 0..1, that there was no speech at all.
        mean_log_probability: of its tokens, natural; 0 is certain.
        compression: how many times shorter the text gets when compressed; loops shrink most.
        language: of the words, such as `en`.
    """

    words: tuple[Word, ...] = ()
    no_speech: float = 0.0
    mean_log_probability: float = 0.0
    compression: float = 1.0
    language: str = "en"

    def moved(self, samples: int) -> "Hypothesis":
        """The same with every word that much later."""
        later = (replace(w, start=w.start + samples, end=w.end + samples) for w in self.words)
        return replace(self, words=tuple(later))


def placed(written: str, start: int, end: int) -> list[Word]:
    """One piece of Whisper's writing as words; they share its place. None for mere punctuation."""
    texts = spelled(written)
    return [Word(text, "" if n else written, start, end) for n, text in enumerate(texts)]


def ended(words: Sequence[Word], position: int) -> int:
    """How many of the words, which are in order, end at `position` or before."""
    return bisect_right(words, position, key=lambda word: word.end)


def texts(words: Iterable[Word]) -> str:
    """The words with a space between them."""
    return " ".join(word.text for word in words)


def prompt(words: Sequence[Word], most: int) -> str:
    """The last `most` characters of what was written, without half words; empty for no words."""
    text = "".join(word.written for word in words).strip()
    return text if len(text) <= most else text[-most:].partition(" ")[2]


def hot_words(phrases: Iterable[str], most: int) -> str:
    """Phrases in order, each once, as many as fit into `most` characters."""
    kept: list[str] = []
    room = most
    for phrase in dict.fromkeys(phrases):
        room -= len(phrase) + 2
        if room < 0:
            break
        kept.append(phrase)
    return ", ".join(kept)
