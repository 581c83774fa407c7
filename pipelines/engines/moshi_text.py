"""Text tokens to text, one at a time. Pure."""

import codecs
import re
from collections.abc import Iterable, Sequence

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")

_WORD = "▁"
"""How sentencepiece writes the blank before a word."""


class Vocabulary:
    """The pieces of a text vocabulary by token; some tokens are no text."""

    def __init__(self, pieces: Sequence[str], silent: Iterable[int]) -> None:
        """`silent`: tokens that stand for no text: padding and its like."""
        self._bytes = [_bytes(piece) for piece in pieces]
        for token in silent:
            if 0 <= token < len(self._bytes):
                self._bytes[token] = b""

    def __len__(self) -> int:
        """How many tokens there are."""
        return len(self._bytes)

    def bytes_of(self, token: int) -> bytes:
        """UTF-8 of one token, perhaps a part of a character; nothing for a token that is none."""
        return self._bytes[token] if 0 <= token < len(self._bytes) else b""


class TextStream:
    """The text of one call. A character whose bytes are several tokens comes with the last one."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, token: int) -> str:
        """What this token adds; a piece that begins a word begins with a blank."""
        return self._decoder.decode(self._vocabulary.bytes_of(token))


def _bytes(piece: str) -> bytes:
    if found := _BYTE.fullmatch(piece):
        return bytes([int(found[1], 16)])
    if re.fullmatch(r"<[^<>]*>", piece):  # <unk>, <s>, <pad>: marks, not text
        return b""
    return piece.replace(_WORD, " ").encode()
