"""Messages between the recogniser and its worker processes.

The fork server is given orders: a number, with which the line to a new decoder comes if it is 0, or
else the process that shall be killed.

A decoder is asked: one request, one answer. A request is one letter for what to do, four bytes of
length (little endian) and that many bytes; an answer has the same shape, with OK or FAILED for its
letter. Before the first answer it says its process number, as an answer that nobody asked for.
"""

import struct
from enum import Enum
from typing import IO

ORDER = struct.Struct("<I")
"""An order to the fork server."""

_HEAD = struct.Struct("<cI")

KEPT = 8
"""Grammars that a decoder remembers: a dialogue goes back and forth between a handful, and to
compile one takes up to 0.1 s and 20 MB."""

LIMIT_BYTES = 4_000_000
"""Two minutes of sound at 16 kHz; a grammar is far smaller."""


class Letter(Enum):
    """What a message is."""

    OPEN = b"o"  # UTF-8: a JSGF grammar, or nothing. Answer: nothing
    NARROW = b"n"  # The segment comes over a telephone. Answer: nothing
    FEED = b"f"  # 16-bit little-endian samples. Answer: JSON: list of [stable, unstable]
    FINISH = b"e"  # Answer: JSON: the final words
    OK = b"k"
    FAILED = b"x"  # UTF-8: a sentence


def send(pipe: IO[bytes], letter: Letter, body: bytes = b"") -> None:
    """Write one message.

    Raises:
        ValueError: it is longer than LIMIT_BYTES.
        OSError: the other side is gone.
    """
    if len(body) > LIMIT_BYTES:
        raise ValueError(f"expected a message of at most {LIMIT_BYTES} bytes, found {len(body)}")
    pipe.write(_HEAD.pack(letter.value, len(body)) + body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[Letter, bytes] | None:
    """Read one message; None when the other side is gone."""
    head = pipe.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    letter, length = _HEAD.unpack(head)
    body = pipe.read(length)
    return (Letter(letter), body) if len(body) == length else None
