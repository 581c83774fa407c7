"""Scripts that write no spaces between their words: Chinese and Japanese. Pure.

Without spaces a whole sentence is one word, and of a word it is heard all or nothing. So a voice
hands it out in parts, each with the sound it ends, and what was heard of it is joined again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

SIGNS = "\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uffef\U00020000-\U0003ffff"
"""Kana, ideographs, their punctuation and full-width forms, as in a regular expression's brackets.

Source: the blocks of Unicode 15. Korean has spaces; Thai, Lao, Khmer and Burmese have them between
phrases at least, and where their words end only a dictionary knows.
"""

_JOINER = "\u2060"  # WORD JOINER: invisible, no space, and in no text that a model writes
_OPENING = "「『（【〈《〔［｛"
_CLINGING = "、。，．・：；？！」』）】〉》〕］｝々ー〜ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
_BETWEEN = re.compile(rf"(?<=[{SIGNS}])(?<![{_OPENING}])(?=[{SIGNS}])(?![{_CLINGING}])")


@dataclass(frozen=True, slots=True)
class Part:
    """Something that can be heard alone, with its place in the text, in characters.

    Attributes:
        text: as it was written; a part that its word goes on after ends with an invisible joiner.
        start: its first character,
        end: and the one after its last.
    """

    text: str
    start: int
    end: int


def parts(text: str) -> Iterator[Part]:
    """The words between spaces, and in scripts without spaces the signs."""
    for word in re.finditer(r"\S+", text):
        start = word.start()
        for piece in _BETWEEN.split(word.group()):
            end = start + len(piece)
            yield Part(piece if end == word.end() else piece + _JOINER, start, end)
            start = end


def joined(text: str) -> str:
    """Parts that were joined by spaces, as they were written."""
    return text.replace(f"{_JOINER} ", "").replace(_JOINER, "")
