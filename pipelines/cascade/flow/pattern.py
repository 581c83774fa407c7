"""The notation of phrases: `what are your [opening] hours`, `when (are | do) you open`, `on {day}`.

`[a]` may be left out, `(a | b)` is one of them, `{slot}` is a value of that slot. It is the part of
JSGF people read at sight, so a phrase can be handed to a grammar almost as it stands.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import islice

from pipelines.cascade.flow.words import FILLERS, words


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it was written, with its spelling in `words`: i'd is `i would`."""

    written: str
    heard: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """A value of a slot; the empty name is the slot whose phrase this is."""

    slot: str


@dataclass(frozen=True, slots=True)
class Seq:
    """One after the other."""

    items: tuple["Pattern", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Exactly one of them."""

    options: tuple["Pattern", ...]


@dataclass(frozen=True, slots=True)
class Maybe:
    """May be left out."""

    item: "Pattern"


Pattern = Word | Ref | Seq | Either | Maybe

_TOKEN = re.compile(r"\{\w*\}|[()\[\]|]|[^\s()\[\]|{}]+|\S")
_CLOSING = {"(": ")", "[": "]"}


def parse(phrase: str) -> Pattern:
    """A phrase in the notation.

    Raises:
        ValueError: a bracket is not closed, or something is empty.
    """
    tokens = _TOKEN.findall(phrase)
    pattern, at = _either(tokens, 0)
    if at < len(tokens):
        raise ValueError(f"the phrase {phrase!r} has a {tokens[at]} that nothing opened")
    if _can_be_silent(pattern):
        raise ValueError(f"the phrase {phrase!r} has no word that must be said")
    return pattern


def _either(tokens: list[str], at: int) -> tuple[Pattern, int]:
    options: list[Pattern] = []
    while True:
        option, at = _seq(tokens, at)
        options.append(option)
        if at == len(tokens) or tokens[at] != "|":
            return (options[0] if len(options) == 1 else Either(tuple(options))), at
        at += 1


def _seq(tokens: list[str], at: int) -> tuple[Pattern, int]:
    items: list[Pattern] = []
    while at < len(tokens) and tokens[at] not in ")]|":
        item, at = _item(tokens, at)
        items.append(item)
    if not items:
        raise ValueError(f"the phrase {' '.join(tokens)!r} has an empty part")
    return (items[0] if len(items) == 1 else Seq(tuple(items))), at


def _item(tokens: list[str], at: int) -> tuple[Pattern, int]:
    token = tokens[at]
    if token in _CLOSING:
        inner, end = _either(tokens, at + 1)
        if end == len(tokens) or tokens[end] != _CLOSING[token]:
            raise ValueError(f"the phrase {' '.join(tokens)!r} has a {token} that is not closed")
        return (Maybe(inner) if token == "[" else inner), end + 1
    if token.startswith("{") and token.endswith("}"):
        return Ref(token[1:-1]), at + 1
    heard = words(token)
    if not heard:
        raise ValueError(f"the phrase {' '.join(tokens)!r} has {token!r}, which is not a word")
    return Word(token.lower(), heard), at + 1


def needs(pattern: Pattern) -> frozenset[str]:
    """Words without which it cannot match: a quick test before a slow one."""
    match pattern:
        case Word(heard=heard):
            return frozenset(heard) - FILLERS
        case Ref() | Maybe():
            return frozenset()
        case Seq(items=items):
            return frozenset().union(*map(needs, items))
        case Either(options=options):
            return reduce(frozenset.intersection, map(needs, options))


def _can_be_silent(pattern: Pattern) -> bool:
    match pattern:
        case Word(heard=heard):
            return FILLERS.issuperset(heard)
        case Ref():
            return False
        case Maybe():
            return True
        case Seq(items=items):
            return all(map(_can_be_silent, items))
        case Either(options=options):
            return any(map(_can_be_silent, options))


def slots(pattern: Pattern) -> frozenset[str]:
    """The slots it mentions."""
    match pattern:
        case Word():
            return frozenset()
        case Ref(slot=slot):
            return frozenset({slot})
        case Maybe(item=item):
            return slots(item)
        case Seq(items=items) | Either(options=items):
            return frozenset().union(*map(slots, items))


def expand(pattern: Pattern, values: Mapping[str, tuple[str, ...]], limit: int) -> Iterator[str]:
    """Sentences it stands for, at most `limit`; optional parts are left out first."""
    return islice(_expand(pattern, values), limit)


def _expand(pattern: Pattern, values: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    match pattern:
        case Word(written=written):
            yield written
        case Ref(slot=slot):
            yield from values.get(slot, ())
        case Maybe(item=item):
            yield ""
            yield from _expand(item, values)
        case Either(options=options):
            for option in options:
                yield from _expand(option, values)
        case Seq(items=items):
            yield from _expand_all(items, values)


def _expand_all(items: tuple[Pattern, ...], values: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    if not items:
        yield ""
        return
    for head in _expand(items[0], values):
        for tail in _expand_all(items[1:], values):
            yield f"{head} {tail}".strip()
