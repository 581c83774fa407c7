"""Moshi's WebSocket protocol: binary messages, the first byte says what kind. Pure.

Source: kyutai-labs/moshi, rust/protocol.md; moshi/server.py sends a handshake without versions.
"""

from enum import IntEnum

from agent.core.calls import Note
from agent.core.errors import ProtocolError


class Kind(IntEnum):
    """The first byte. What is not understood is passed over, as the protocol asks."""

    HANDSHAKE = 0
    SOUND = 1
    TEXT = 2
    CONTROL = 3
    METADATA = 4
    ERROR = 5
    PING = 6


def encode(kind: Kind, payload: bytes = b"") -> bytes:
    """A message."""
    return bytes([kind]) + payload


def decode(message: bytes | str) -> tuple[Kind | None, bytes]:
    """The kind of a message and what it carries; None: of a kind that is not known, or empty.

    Raises:
        ProtocolError: it is text, which this protocol does not have.
    """
    if isinstance(message, str):
        raise ProtocolError(f"expected bytes, found text {message[:40]!r}")
    kinds = {int(kind): kind for kind in Kind}
    return kinds.get(message[0]) if message else None, message[1:]


class TextStream:
    """Captions, which are told again and again as they grow, as the text that is new in each."""

    def __init__(self) -> None:
        self._reply = 0
        self._sent = ""

    def news(self, note: Note) -> str:
        """What to send of a note: words with a space before each; empty for most notes."""
        reply, text = note.data.get("reply"), note.data.get("text")
        is_ours = note.kind == "caption" and note.data.get("who") == "agent"
        if not is_ours or not isinstance(reply, int) or not isinstance(text, str):
            return ""
        if reply != self._reply:
            self._reply, self._sent = reply, ""
        if not text.startswith(self._sent):
            return ""  # less was heard than was told; what is written cannot be taken back
        new = text[len(self._sent) :]
        begins = bool(new) and not self._sent
        self._sent = text
        return f" {new}" if begins else new
