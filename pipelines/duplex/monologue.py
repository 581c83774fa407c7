"""The model's text, piece by piece, as words with times; and what of it was heard. Pure.

Positions are samples of the agent's sound as it was handed to the call.
"""

from dataclasses import dataclass

from pipelines.unspaced import joined, parts

WORD_S = 0.4
"""A word is complete when no piece has come for this long: five frames of 80 ms; within a word
pieces follow each other in neighbouring frames."""

PAUSE_S = 1.2
"""An utterance is over when no word has come for this long: longer than the gaps between words and
clauses, shorter than a turn."""

WORDS = 60
"""Words after which an utterance is over in any case: each of them is told with all before it."""

LONGEST = 100
"""Characters after which a word is complete in any case: longer than any that is spoken."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, where its pieces were said, and whether it is the model's own."""

    text: str
    start: int
    end: int
    own: bool = True


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something the agent said without a long pause.

    Attributes:
        number: counts up from 1 in a call.
        said: all of its words.
        heard: those whose sound was played.
        start: where the first of its words began,
        end: and where the last that was heard ended.
        own: the words heard that are the model's own, not another's answer laid over them.
    """

    number: int
    said: str
    heard: str
    start: int = 0
    end: int = 0
    own: str = ""

    @property
    def cut(self) -> bool:
        """Whether its end was not heard."""
        return self.heard != self.said


class Monologue:
    """Joins pieces to words and words to utterances. Holds one utterance."""

    def __init__(self, rate: int) -> None:
        self._word_samples = round(WORD_S * rate)
        self._pause_samples = round(PAUSE_S * rate)
        self._open: Word | None = None
        self._words: list[Word] = []
        self._last = 0  # end of the last piece
        self.number = 1

    @property
    def text(self) -> str:
        """The words of the utterance so far, the unfinished one too."""
        return _joined(self._words if self._open is None else [*self._words, self._open])

    def say(self, text: str, start: int, end: int, *, own: bool = True) -> list[Word]:
        """The text that came with the sound from `start` to `end`; the words it completes.

        A piece that begins with a space begins a word, and so does one of somebody else's, and each
        sign of a script without spaces; empty text is a pause.
        """
        done: list[Word] = []
        is_late = not text and start - self._last >= self._word_samples
        if self._open and (is_late or self._open.own is not own):
            done += self._complete()
        for place, part in enumerate(text.split(" ")):
            if place:  # a space came before it
                done += self._complete()
            if part:
                done += self._go_on(Word(part, start, end, own))
        return done

    def is_over(self, position: int) -> bool:
        """Whether the utterance has ended, at this position of the sound."""
        said = self._open or self._words
        long_ago = position - self._last >= self._pause_samples
        return bool(said) and (long_ago or len(self._words) >= WORDS)

    def finish(self, played: int) -> Utterance | None:
        """The utterance is over: what was heard of it; None if nothing was said."""
        self._complete()
        if not self._words:
            return None
        heard = [word for word in self._words if word.start < played]
        start = self._words[0].start
        end = min(played, heard[-1].end) if heard else start
        own = _joined([word for word in heard if word.own])
        done = Utterance(self.number, _joined(self._words), _joined(heard), start, end, own)
        self._words = []
        self.number += 1
        return done

    def _go_on(self, piece: Word) -> list[Word]:
        """The open word goes on; without spaces it ends where its last sign begins."""
        done = self._complete() if self._open and len(self._open.text) >= LONGEST else []
        before = self._open or Word("", piece.start, piece.end, piece.own)
        length = len(before.text)
        for part in parts(before.text + piece.text):
            done += self._complete() if part.start else []
            start = before.start if part.start < length else piece.start
            end = before.end if part.end <= length else piece.end
            self._open = Word(part.text, start, end, piece.own)
        self._last = piece.end
        return done

    def _complete(self) -> list[Word]:
        done = [] if self._open is None else [self._open]
        self._words += done
        self._open = None
        return done


def _joined(words: list[Word]) -> str:
    return joined(" ".join(word.text for word in words))
