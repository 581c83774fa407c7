"""One phrase against the words that were heard: words in order, a little garbage skipped.

A recogniser puts words in that nobody said. Inside a phrase up to `SKIPS` of them are passed over,
each at a cost; around it there may be as many as there like. Fillers cost nothing: they are taken
out before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipelines.cascade.flow.pattern import Either, Maybe, Pattern, Ref, Seq, Word, needs
from pipelines.cascade.flow.values import Reading
from pipelines.cascade.flow.words import FILLERS

SKIPS = 2
"""Foreign words inside one phrase. Recognisers add one now and then; three make another phrase."""

SKIP_COST = 0.75
"""Below one: a phrase of two words with a foreign one inside still beats a phrase of one word."""

Readers = Callable[[str, Sequence[str], int], Iterator[Reading]]
"""Slot name, words, place: the values that start there."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A pattern, and the words without which it cannot match."""

    pattern: Pattern
    needs: frozenset[str]


def phrase(pattern: Pattern) -> Phrase:
    """A pattern made ready to be searched for."""
    return Phrase(pattern, needs(pattern))


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase found in the words.

    Attributes:
        used: the places of the words that belong to it, rising.
        skipped: foreign words between them.
        values: slot and reading for each value inside it.
    """

    used: tuple[int, ...] = ()
    skipped: int = 0
    values: tuple[tuple[str, Reading], ...] = ()

    @property
    def score(self) -> float:
        """Words it explains, less the cost of those it stepped over."""
        return len(self.used) - SKIP_COST * self.skipped


def search(wanted: Phrase, tokens: Sequence[str], read: Readers) -> Iterator[Found]:
    """The best match from each place where the phrase can start."""
    if not wanted.needs.issubset(tokens):
        return
    for start in range(len(tokens)):
        found = _walk((wanted.pattern,), tokens, start, Found(), read)
        best = max((f for f in found if f.used), key=lambda f: f.score, default=None)
        if best:
            yield best


def _walk(
    items: tuple[Pattern, ...], tokens: Sequence[str], at: int, found: Found, read: Readers
) -> Iterator[Found]:
    """Every way in which the items follow each other from here."""
    if not items:
        yield found
        return
    rest = items[1:]
    match items[0]:
        case Seq(items=inner):
            yield from _walk(inner + rest, tokens, at, found, read)
        case Either(options=options):
            for option in options:
                yield from _walk((option, *rest), tokens, at, found, read)
        case Maybe(item=item):
            yield from _walk((item, *rest), tokens, at, found, read)
            yield from _walk(rest, tokens, at, found, read)
        case Word(heard=heard):
            for here, step in _word_ends(heard, tokens, at, found):
                yield from _walk(rest, tokens, here, step, read)
        case Ref(slot=slot):
            for here, step in _value_ends(slot, tokens, at, found, read):
                yield from _walk(rest, tokens, here, step, read)


def _word_ends(
    heard: tuple[str, ...], tokens: Sequence[str], at: int, found: Found
) -> Iterator[tuple[int, Found]]:
    spelled = tuple(word for word in heard if word not in FILLERS)
    if not spelled:
        yield at, found  # fillers were taken out of the words, so the phrase cannot ask for one
        return
    for here, skipped in _starts(tokens, at, found):
        end = here + len(spelled)
        if tuple(tokens[here:end]) == spelled:
            yield end, replace(found, used=found.used + tuple(range(here, end)), skipped=skipped)


def _value_ends(
    slot: str, tokens: Sequence[str], at: int, found: Found, read: Readers
) -> Iterator[tuple[int, Found]]:
    for here, skipped in _starts(tokens, at, found):
        for reading in read(slot, tokens, here):
            used = found.used + tuple(range(here, reading.end))
            yield reading.end, Found(used, skipped, (*found.values, (slot, reading)))


def _starts(tokens: Sequence[str], at: int, found: Found) -> Iterator[tuple[int, int]]:
    """Places to go on from and the words skipped by then; a phrase starts at its first word."""
    spare = SKIPS - found.skipped if found.used else 0
    for here in range(at, min(at + spare + 1, len(tokens))):
        yield here, found.skipped + here - at
