"""Sentences as words: lower case, no punctuation, contractions spelled out, fillers known."""

import re
from collections.abc import Sequence

Words = tuple[str, ...]

FILLERS = frozenset({"um", "uh", "er", "erm", "ah", "hm", "hmm", "mm", "please"})
"""Words that carry nothing here; they are heard and passed over."""

KEYS = frozenset("0123456789*#")
"""What a telephone's keypad can say."""

_SPELLINGS = (
    (re.compile(r"[’`]"), "'"),
    (re.compile(r"\bmm-hmm\b|\bmhm-hm\b|\bmm hmm\b"), "mhm"),
    (re.compile(r"\b([ap])\.? ?m\b\.?"), r"\1m"),
    (re.compile(r"(?<=\d)(?=[ap]m\b)"), " "),
    (re.compile(r"\blet's\b"), "let us"),
    (re.compile(r"\bcan't\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"(?<=[a-z])n't\b"), " not"),
    (re.compile(r"(?<=[a-z])'d\b"), " would"),
    (re.compile(r"(?<=[a-z])'m\b"), " am"),
    (re.compile(r"(?<=[a-z])'re\b"), " are"),
    (re.compile(r"(?<=[a-z])'ll\b"), " will"),
    (re.compile(r"(?<=[a-z])'ve\b"), " have"),
    (re.compile(r"(?<=[a-z])'s\b"), " is"),
)
_WORD = re.compile(r"uh-huh|[*#]|[^\W_]+(?:'[^\W_]+)*")


def words(text: str) -> Words:
    """The words of a sentence in one spelling: "I'd like 7:30pm." is `i would like 7 30 pm`."""
    text = text.lower()
    for pattern, spelling in _SPELLINGS:
        text = pattern.sub(spelling, text)
    return tuple(_WORD.findall(text))


def word_at(tokens: Sequence[str], at: int) -> str:
    """The word at this place, or the empty word outside."""
    return tokens[at] if 0 <= at < len(tokens) else ""


def pressed(tokens: Sequence[str]) -> bool:
    """Only keys of a telephone, such as `1` or `4 2 #`; a spoken number comes as a word."""
    return bool(tokens) and all(token in KEYS for token in tokens)


def clauses(text: str) -> tuple[str, ...]:
    """A sentence to be spoken, in pieces that end at punctuation; joined they are the text.

    A piece has at least 20 characters where it can, so that no clause is a lonely word.
    """
    pieces: list[str] = []
    for part in re.findall(r"[^.?!;:,]*[.?!;:,]*\s*", text):
        if pieces and len(pieces[-1]) < 20:
            pieces[-1] += part
        elif part:
            pieces.append(part)
    return tuple(pieces)
