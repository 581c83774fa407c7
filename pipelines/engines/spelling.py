"""How neural recognisers write and how the rest of parley wants to read. Pure."""

import re

_SIGNS = frozenset({"uh-huh", "uh-uh", "mm-hmm", "mm-hm", "uh-oh"})
"""Words whose hyphen belongs to them; any other hyphen joins words that are said apart."""

_SPELLINGS = (
    (re.compile(r"[’‘`´]"), "'"),
    (re.compile(r"\b([ap])\.\s?m\b\.?"), r"\1m"),
    (re.compile(r"(?<=\d)(?=[ap]m\b)"), " "),
    (re.compile(r"(?<=\d),(?=\d{3}\b)"), ""),
    (re.compile(r"%"), " percent "),
    (re.compile(r"&"), " and "),
    (re.compile(r"@"), " at "),
)
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


def spelled(written: str) -> list[str]:
    """The words of a text, lower case, without punctuation: " 7:30pm." is `7 30 pm`."""
    text = written.lower()
    for pattern, spelling in _SPELLINGS:
        text = pattern.sub(spelling, text)
    return [part for word in _WORD.findall(text) for part in _parts(word)]


def _parts(word: str) -> list[str]:
    return [word] if word in _SIGNS else word.split("-")
