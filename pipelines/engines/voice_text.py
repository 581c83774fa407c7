"""A clause as its responder wrote it, to passages as a voice can speak them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from pipelines.engines.espeak_native import WordStart
from pipelines.engines.voice_marks import unmarked, with_marks
from pipelines.engines.voice_markup import PLAIN, Manner, Markup, Span, spans
from pipelines.engines.voice_numbers import cardinal, digits, ordinal
from pipelines.engines.voice_words import Word, date, phone, spelt, words
from pipelines.unspaced import parts

LETTER = 1
"""A word's share of the sound is that of its spoken letters and this for itself."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Words that are spoken in one breath and one manner, or a silence.

    Attributes:
        words: in order; none in a silence.
        manner: how.
        pause_s: how long the silence is.
    """

    words: tuple[Word, ...] = ()
    manner: Manner = PLAIN
    pause_s: float = 0.0

    @property
    def written(self) -> str:
        """What the history keeps."""
        return " ".join(word.written for word in self.words)

    @property
    def spoken(self) -> str:
        """What the engine is given."""
        return " ".join(word.spoken for word in self.words if word.spoken)


def passages(clause: str, before: Markup, language: str) -> tuple[list[Passage], Markup]:
    """The passages of one clause and what its tags leave to the next.

    Joined by spaces, what is written in all passages is the clause without its tags. Its Markdown
    is written, and not spoken.
    """
    found, after = spans(clause, before)
    return passages_of(found, language), after


def passages_of(found: Iterable[Span], language: str) -> list[Passage]:
    """Neighbouring spans in one manner are one passage."""
    result: list[Passage] = []
    is_glued = False  # no space since the last word: "W3C</sub>." is one word
    for span in found:
        if not span.text:
            result.append(Passage(pause_s=span.pause_s))
            is_glued = False
            continue
        said = list(_said(span, language))
        if said and is_glued and not span.text[0].isspace():
            result[-1] = _glued(result[-1], said.pop(0))
        if said and result and result[-1].words and result[-1].manner == span.manner:
            result[-1] = replace(result[-1], words=(*result[-1].words, *said))
        elif said:
            result.append(Passage(tuple(said), span.manner))
        is_glued = bool(result and result[-1].words) and not span.text[-1].isspace()
    return result


def _glued(passage: Passage, word: Word) -> Passage:
    last = passage.words[-1]
    both = Word(last.written + word.written, last.spoken + word.spoken)
    return replace(passage, words=(*passage.words[:-1], both))


def _said(span: Span, language: str) -> Iterable[Word]:
    text = " ".join(span.text.split())
    if not text:
        return []
    if span.alias is not None:
        return [Word(text, span.alias)]
    language = span.manner.language or language
    is_number = text.isascii() and text.isdigit()
    match span.kind:
        case "characters" | "spell-out" | "verbatim":
            return [Word(word, spelt(word)) for word in text.split()]
        case "digits":
            return [Word(word, digits(word) or word) for word in text.split()]
        case "telephone" | "phone":
            return [Word(text, phone(text) or text)]
        case "date" if span.form in ("mdy", "dmy", "ymd"):
            return [Word(text, date(text, span.form))]
        case "cardinal" | "number" if is_number:
            return [Word(text, cardinal(int(text)))]
        case "ordinal" if is_number:
            return [Word(text, ordinal(int(text)))]
        case _:
            marked = unmarked(span.text)
            said = " ".join(word.spoken for word in marked if word.spoken)
            return with_marks(marked, words(said, language, span.form))


def starts(passage: Passage, count: int, spoken: Sequence[int] = ()) -> list[WordStart]:
    """Where each part of what is written begins: its character, and its sample in the sound.

    A word takes its part of the sound by the length of what is said for it, so that 3.50 has the
    time of its five words. Words that are said as one thing share its time by their letters, and so
    do the parts of a word in a script without spaces.

    Args:
        passage: the words.
        count: samples of its whole sound.
        spoken: the first sample of each spoken word, where the engine knows them all.
    """
    edges = _edges(passage, count, spoken)
    character, found = 0, []
    for word, (start, end) in zip(passage.words, pairwise(edges), strict=True):
        letters = len(word.written) + LETTER
        for part in parts(word.written):
            share = part.start / letters
            found.append(WordStart(character + part.start, round(start + (end - start) * share)))
        character += len(word.written) + 1
    return found


def _edges(passage: Passage, count: int, spoken: Sequence[int]) -> list[float]:
    """Where each word of the passage begins, and the end of the last one."""
    counts = [len(word.spoken.split()) for word in passage.words]
    if spoken and len(spoken) == sum(counts):
        all_edges = [*spoken, count]
        return [float(all_edges[n]) for n in accumulate(counts, initial=0)]
    weights = [len(word.spoken) + LETTER if word.spoken else 0 for word in passage.words]
    total = sum(weights) or 1
    return [count * done / total for done in accumulate(weights, initial=0)]
