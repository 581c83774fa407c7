"""Text in pieces as a model writes it, to clauses as a voice can speak them."""

import re
from collections.abc import AsyncGenerator, AsyncIterator

from pipelines.cascade.abbreviations import goes_on
from pipelines.unspaced import SIGNS

FIRST_WORDS = 4
"""Words after which the first clause may end at a comma: speech starts early, and four words last
about a second, in which the next clause is made."""

LATER_WORDS = 8
"""The same for later clauses: longer ones sound better, and there is time."""

MAX_WORDS = 30
"""A clause never grows beyond this, whatever the punctuation."""

# A run of signs is looked at from its first and given up at once, not from each of them again:
# that took minutes for the 5,000 "!" that a model in a loop had written. The signs of Hindi,
# Arabic and Urdu have a space after them as ours do, those of Chinese and Japanese have none.
_END = re.compile(
    r"(?<![.!?…।॥؟۔])[.!?…।॥؟۔]++[\"'”’)\]*_~`]*+\s+"
    r"|(?<![。！？｡])[。！？｡]++[」』）】〉》”’)\"'*_~`]*+(?!\Z)\s*"
    r"|\n\s*"
)
_COMMA = re.compile(r"[,;:–—،؛][*_~]*+\s+|[、，；：][*_~]*+(?!\Z|\d)\s*")

# Two signs of Chinese or Japanese are as long as a word of English: of the news, some 300 signs are
# read in a minute, or 150 words.
_WORD = rf"(?:[{SIGNS}]{{1,2}}+|[^\s{SIGNS}]++)"
_WORDS = re.compile(_WORD)
_LONG = re.compile(rf"\s*(?:{_WORD}(?!\Z)\s*+){{{MAX_WORDS}}}")


def cut(text: str, least_words: int) -> tuple[str, str]:
    """The first clause of `text`, empty if none is sure yet, and the rest.

    The end of a sentence or of a line always ends a clause, so that a list is spoken item by item,
    a comma only after `least_words` words. Punctuation counts once something follows it: "3." may
    become "3.5", and an abbreviation's point ends no sentence. What lies beyond the longest clause
    is not looked at, so that the pieces in which a text comes make no difference.
    """
    text = text.lstrip()
    long = _LONG.match(text)
    limit = long.end() if long else len(text)
    end = _end(text, limit)
    for comma in _COMMA.finditer(text, 0, end.start() if end else limit):
        if len(_WORDS.findall(text, 0, comma.start())) >= least_words:
            return text[: comma.end()].strip(), text[comma.end() :]
    if end:
        return text[: end.end()].strip(), text[end.end() :]
    return (text[:limit].strip(), text[limit:]) if long else ("", text)


def _end(text: str, limit: int) -> re.Match[str] | None:
    """Where the first sentence or line of `text` ends before `limit`, with the space after it."""
    for end in _END.finditer(text, 0, limit):
        after = text[end.end() : min(end.end() + 1, limit)]
        is_point = end.group().rstrip() == "." and "\n" not in end.group()
        if not (is_point and goes_on(text[: end.start()], after)):
            return end
    return None


async def clauses(pieces: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """Clauses as soon as each is complete, the first one early."""
    text, least = "", FIRST_WORDS
    async for piece in pieces:
        text += piece
        while True:
            clause, text = cut(text, least)
            if not clause:
                break
            yield clause
            least = LATER_WORDS
    if text.strip():
        yield text.strip()
