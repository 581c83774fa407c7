"""The control messages of Asterisk's chan_websocket, in JSON and in the older plain text. Pure.

Source: Asterisk's documentation, "WebSocket channel driver", for Asterisk 22.8 and later.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from agent.core.audio import Samples
from agent.core.errors import ProtocolError
from agent.core.events import Digit
from audio_io.codecs import (
    from_alaw,
    from_pcm16,
    mulaw_decode,
    mulaw_encode,
    to_alaw,
    to_pcm16,
)

MESSAGE_BYTES = 65_500
"""The longest message Asterisk takes; a longer one ends the call."""

_TEXT_LETTERS = 16_384  # of one event: MEDIA_START may carry many channel variables
_DIGITS = "0123456789*#ABCD"


class Style(StrEnum):
    """How a channel writes its control messages: `f(json)` in the dial string, or nothing."""

    JSON = "json"
    PLAIN = "plain"


class Command(StrEnum):
    """What a channel can be told."""

    HANG_UP = "HANGUP"
    FLUSH = "FLUSH_MEDIA"
    MARK = "MARK_MEDIA"
    STATUS = "GET_STATUS"


class Coding(StrEnum):
    """How a sample is written."""

    LINEAR = "linear"
    MULAW = "mulaw"
    ALAW = "alaw"


@dataclass(frozen=True, slots=True)
class Format:
    """One of Asterisk's formats for sound: its rate in Hz, and how a sample is written."""

    rate: int
    coding: Coding = Coding.LINEAR

    @property
    def sample_bytes(self) -> int:
        """How long a sample is on the wire."""
        return 2 if self.coding is Coding.LINEAR else 1

    def encode(self, samples: Samples) -> bytes:
        """Float32 [n] as it goes over the wire."""
        match self.coding:
            case Coding.LINEAR:
                return to_pcm16(samples)
            case Coding.MULAW:
                return mulaw_encode(samples)
            case Coding.ALAW:
                return to_alaw(samples)

    def decode(self, data: bytes) -> Samples:
        """What came over the wire as float32 [n].

        Raises:
            ProtocolError: half a sample at the end.
        """
        match self.coding:
            case Coding.LINEAR:
                return from_pcm16(data)
            case Coding.MULAW:
                return mulaw_decode(data)
            case Coding.ALAW:
                return from_alaw(data)


FORMATS = MappingProxyType(
    {
        "ulaw": Format(8_000, Coding.MULAW),
        "alaw": Format(8_000, Coding.ALAW),
        "slin": Format(8_000),
        "slin12": Format(12_000),
        "slin16": Format(16_000),
        "slin24": Format(24_000),
        "slin32": Format(32_000),
        "slin44": Format(44_100),
        "slin48": Format(48_000),
    }
)
"""The formats of a channel that need no codec library, by Asterisk's names."""

# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MediaStart:
    """The first event: the sound of this call.

    Attributes:
        format: its format.
        frame_bytes: messages of a multiple of this are passed on whole.
        style: how this channel writes, and wants to be written to.
    """

    format: Format
    frame_bytes: int
    style: Style


@dataclass(frozen=True, slots=True)
class Marked:
    """A mark came to the front of Asterisk's queue; `id` is what we called it."""

    id: str


@dataclass(frozen=True, slots=True)
class Held:
    """How many frames waited at Asterisk when it came to a question of ours."""

    frames: int


@dataclass(frozen=True, slots=True)
class QueueFull:
    """Asterisk drops what is sent from now on (`full`), or has room again."""

    full: bool


@dataclass(frozen=True, slots=True)
class Complaint:
    """Asterisk did not understand a command of ours; the call goes on."""


@dataclass(frozen=True, slots=True)
class Other:
    """An event that changes nothing for us; Asterisk adds some from time to time."""


Event = MediaStart | Digit | Marked | Held | QueueFull | Complaint | Other


def event(text: str) -> Event:
    """An event of Asterisk's, in either style.

    Raises:
        ProtocolError: it is none.
    """
    if len(text) > _TEXT_LETTERS:
        raise ProtocolError(f"event: expected at most {_TEXT_LETTERS} letters, found {len(text)}")
    style = Style.JSON if text.lstrip().startswith("{") else Style.PLAIN
    fields = _json(text) if style is Style.JSON else _plain(text)
    match fields.get("event"):
        case "MEDIA_START":
            return _media_start(fields, style)
        case "DTMF_END":
            return _digit(fields)
        case "MEDIA_MARK_PROCESSED":
            return Marked(_text(fields, "correlation_id"))
        case "STATUS":
            return Held(_number(fields, "queue_length"))
        case "MEDIA_XOFF":
            return QueueFull(True)
        case "MEDIA_XON":
            return QueueFull(False)
        case "ERROR":
            return Complaint()
        case _:
            return Other()


def command(name: Command, style: Style, mark: str = "") -> str:
    """A command for Asterisk; `mark` names a mark."""
    if style is Style.PLAIN:
        return f"{name} {mark}".strip()
    fields = {"command": name.value} | ({"correlation_id": mark} if mark else {})
    return json.dumps(fields, separators=(",", ":"))


def _json(text: str) -> Mapping[str, object]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise ProtocolError(f"event: expected a JSON object, found {len(text)} letters") from fault
    if not isinstance(fields, dict) or not isinstance(fields.get("event"), str):
        raise ProtocolError('event: expected a JSON object with an "event", found another')
    return fields


def _plain(text: str) -> Mapping[str, object]:
    """`NAME key:value key:value`; a mark comes back without a key."""
    name, *words = text.split() or [""]
    if not name.replace("_", "").isalpha():
        raise ProtocolError(f"event: expected a name in capitals, found {len(text)} letters")
    fields: dict[str, object] = {}
    for word in words:
        key, colon, value = word.partition(":")
        fields[key if colon else "correlation_id"] = value if colon else word
    return fields | {"event": name}


def _media_start(fields: Mapping[str, object], style: Style) -> MediaStart:
    name = _text(fields, "format")
    found = FORMATS.get(name)
    if found is None:
        raise ProtocolError(
            f"MEDIA_START: expected one of the formats {', '.join(FORMATS)}, found {name[:20]!r}; "
            "choose one in the dial string, as in c(slin16)"
        )
    frame_bytes = _number(fields, "optimal_frame_size")
    if not 0 < frame_bytes <= MESSAGE_BYTES or frame_bytes % found.sample_bytes:
        raise ProtocolError(
            f"MEDIA_START: expected an optimal_frame_size of whole samples up to {MESSAGE_BYTES}, "
            f"found {frame_bytes}"
        )
    return MediaStart(found, frame_bytes, style)


def _digit(fields: Mapping[str, object]) -> Digit:
    key = _text(fields, "digit").upper()
    if len(key) != 1 or key not in _DIGITS:
        raise ProtocolError(f"DTMF_END: expected one of {_DIGITS}, found {len(key)} letters")
    return Digit(key)


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name, "")
    return value if isinstance(value, str) else str(value)[:40]


def _number(fields: Mapping[str, object], name: str) -> int:
    value = _text(fields, name)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
