r"""Marks of Markdown, which a model writes for eyes, left out of the sound. Pure.

Voices read them out: "**three**" is "asterisk asterisk three", a link its whole address. Which
marks are meant is told by what stands beside them, as in CommonMark, but without looking for the
other half: a reply comes in clauses, and the half may be in the next. What is no mark stays:
2 * 3, 2**3, snake_case, C#, #5, f(x)*g, a lone underscore, an asterisk after a word that has none
before it (a footnote). Struck out text is read; so are bare addresses, which a caller may want.

Source: CommonMark 0.31.2, sections 4.1-4.5, 5.1-5.2 and 6.1-6.4; GitHub's extension for ~~.
"""

import re
from collections.abc import Iterable, Iterator

from pipelines.engines.voice_words import Word

_LINES = re.compile(
    r"""^[^\S\n]*+(?:
    \#{1,6}(?=\s)                                   # a heading
    |[*_-](?:[ \t]+[*_-]){2,}[ \t]*$                # a rule
    |[*•](?=\s)|[-+](?=\s+[^\s\d])                  # an item of a list; "- 3" may be minus three
    |>(?=\s+[^\s\d])                                # a quotation; "> 3" is more than three
    |(?:`{3,}|~{3,})[\w+#-]*                        # a fence, and the language it names
    |[|:]*(?:[-*_=]{2,}+[ \t|:]*+)+$                # another, or the one under a table's heads
    )""",
    re.VERBOSE | re.MULTILINE,
)
_MARKS = re.compile(
    r"""
    (?<![A-Za-z0-9)*])\*{2,}+(?=\S)                                 # bold
    |(?<=[^\s*0-9)])\*{2,}+(?![0-9])|(?<=[0-9)])\*{2,}+(?![A-Za-z0-9(])
    |(?<!\w)__+(?=[^\s_])|(?<=[^\s_])__+(?!\w)
    |~~(?=\S)|(?<=\S)~~                                              # struck out
    |(?<![^\W\d_])`+|`+(?![^\W\d_])                                  # code; don`t is a spelling
    """,
    re.VERBOSE,
)
_STAR = re.compile(r"(?<!\*)\*(?!\*)")
_BEGINS = re.compile(r"[^\W_]|[\"'“‘«(\[¿¡$€£`_~]")
_OPERAND = re.compile(r"[A-Za-z0-9)\]]")
_UNDERSCORES = re.compile(r"(?<!\w)_(?=[^\s_])(?:.{0,200}?[^\s_])_(?!\w)", re.DOTALL)
_TARGET = re.compile(
    r"""\]\((?=[^\s()]{0,500}?[:/.#])[^\s()]++(?:\([^\s()]*+\)[^\s()]*+)*+"""
    r"""(?:\s+"[^"]{0,200}")?\)"""
)
"""Where a link leads. An address has one of : / . #, and a[i](j) has none."""

_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]*~`]*")
"""A bare address: what looks like marks in it is part of it."""


def unmarked(text: str) -> list[Word]:
    """The words between spaces, each as it is written and as it is said: without its marks.

    A word that is nothing but marks is said as nothing.
    """
    silent = bytearray(len(text))
    for start, end in _marks(text):
        silent[start:end] = b"\1" * (end - start)
    return [
        Word(word.group(), "".join(text[n] for n in range(*word.span()) if not silent[n]))
        for word in re.finditer(r"\S+", text)
    ]


def with_marks(marked: Iterable[Word], read: Iterable[Word]) -> list[Word]:
    """Words that were read from what is said of `marked`, as they are written with their marks."""
    left, result = iter(marked), list[Word]()
    for word in read:
        wanted, written = len(word.written.split()), list[str]()
        while wanted:
            one = next(left)
            written.append(one.written)
            wanted -= bool(one.spoken)
        result.append(Word(" ".join(written), word.spoken))
    rest = " ".join(word.written for word in left)
    return [*result, Word(rest, "")] if rest else result


def _marks(text: str) -> Iterator[tuple[int, int]]:
    """Where marks begin and end."""
    kept = bytearray(len(text))
    for address in _ADDRESS.finditer(text):
        kept[slice(*address.span())] = b"\1" * len(address.group())
    yield from (mark for mark in (*_halves(text), *_stars(text)) if not kept[mark[0]])
    yield from (line.span() for line in _LINES.finditer(text))
    yield from _links(text)


def _halves(text: str) -> Iterator[tuple[int, int]]:
    yield from (mark.span() for mark in _MARKS.finditer(text))
    for both in _UNDERSCORES.finditer(text):
        yield both.start(), both.start() + 1
        yield both.end() - 1, both.end()


def _stars(text: str) -> Iterator[tuple[int, int]]:
    """Single stars around something. One that ends is a mark after another, or after a sign."""
    is_open = False
    for star in _STAR.finditer(text):
        start, end = star.span()
        before, after = text[max(0, start - 1) : start], text[end : end + 1]
        is_product = after.isdigit() and text[max(0, start - 2) : start].strip().isdigit()
        if _BEGINS.match(after) and not (_OPERAND.match(before) or is_product):
            is_open = True
            yield start, end
        elif (is_open and before.strip()) or (before and before in ".!?…,:;"):
            is_open = False
            yield start, end


def _links(text: str) -> Iterator[tuple[int, int]]:
    """What is not the text of a link; an image is its description."""
    last = 0
    for target in _TARGET.finditer(text):
        start = text.rfind("[", last, target.start())
        if start >= 0:
            yield start - (text[start - 1 : start] == "!"), start + 1
        yield target.span()
        last = target.end()
