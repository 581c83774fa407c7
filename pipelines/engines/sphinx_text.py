"""Words, grammars and phones as PocketSphinx wants them. Pure."""

import re
from collections.abc import Iterable, Sequence

_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_RULES = re.compile(r"<[^<>]+>\s*=(.*?);", re.DOTALL)
_NOT_WORDS = re.compile(r"<[^<>]+>|\{[^{}]*\}|/[^/\s]*/|[\[\]()|*+\"=;]")
_ALTERNATIVE = re.compile(r"\(\d+\)$")


def clean(hypothesis: str) -> str:
    """The spoken words of a hypothesis: no silences, no noises, no numbers of pronunciations."""
    words = (word for word in hypothesis.split() if word[0] not in "<[+")
    return " ".join(_ALTERNATIVE.sub("", word) for word in words).lower()


def grammar_words(grammar: str) -> list[str]:
    """Every word a JSGF grammar can produce, once, in order."""
    rules = _RULES.findall(_COMMENTS.sub(" ", grammar))
    return list(dict.fromkeys(w for rule in rules for w in _NOT_WORDS.sub(" ", rule).split()))


def grammar_of(phrases: Iterable[str]) -> str:
    """A JSGF grammar that produces exactly these phrases; empty if there are none."""
    rows = dict.fromkeys(" ".join(re.findall(r"[\w'.-]+", phrase.lower())) for phrase in phrases)
    if not any(rows):
        return ""
    body = " | ".join(row for row in rows if row)
    return f"#JSGF V1.0;\ngrammar expected;\npublic <phrase> = {body};\n"


def edits(first: Sequence[str], second: Sequence[str]) -> list[int]:
    """Fewest insertions, deletions and replacements from all of `first` to each head of `second`.

    Entry n is the distance to `second[:n]`, so the last is the distance between the two.
    Source: V. Levenshtein 1966; R. Wagner and M. Fischer 1974.
    """
    row = list(range(len(second) + 1))
    for done, item in enumerate(first, 1):
        above, row = row, [done]
        for place, other in enumerate(second, 1):
            replaced = above[place - 1] + (item != other)
            row.append(min(replaced, above[place] + 1, row[place - 1] + 1))
    return row


def difference(first: Sequence[str], second: Sequence[str]) -> float:
    """0 for equal rows of phones, 1 for nothing in common."""
    longest = max(len(first), len(second))
    return edits(first, second)[-1] / longest if longest else 0.0
