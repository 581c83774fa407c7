"""What the media stream of a telephone provider says, as values, whatever its dialect. Pure."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agent.core.audio import Samples
from agent.core.errors import ProtocolError
from agent.core.events import Digit
from audio_io.codecs import from_alaw, from_pcm16, mulaw_decode, mulaw_encode, to_alaw, to_pcm16
from audio_io.wire import RATES

Message = str | bytes

_DIGITS = "0123456789*#ABCD"
_PARAMETERS = 64  # more than any provider lets anybody set
_PARAMETER_LETTERS = 512


class UnknownSound(ProtocolError):
    """A stream that begins with sound of a kind we do not read."""


class Coding(StrEnum):
    """How sound is written down."""

    MULAW = "mulaw"
    ALAW = "alaw"
    LINEAR = "linear"  # 16 bits, little-endian

    @property
    def sample_bytes(self) -> int:
        """How many bytes each sample takes."""
        return 2 if self is Coding.LINEAR else 1


def encoded(coding: Coding, samples: Samples) -> bytes:
    """Float32 [n] as a provider wants it."""
    match coding:
        case Coding.MULAW:
            return mulaw_encode(samples)
        case Coding.ALAW:
            return to_alaw(samples)
        case Coding.LINEAR:
            return to_pcm16(samples)


def decoded(coding: Coding, data: bytes) -> Samples:
    """A provider's sound as float32 [n].

    Raises:
        ProtocolError: half a sample at the end.
    """
    match coding:
        case Coding.MULAW:
            return mulaw_decode(data)
        case Coding.ALAW:
            return from_alaw(data)
        case Coding.LINEAR:
            return from_pcm16(data)


# --- from the provider --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begun:
    """The stream begins.

    Attributes:
        stream: its name, where the provider gives it one.
        coding: of both sides' sound.
        rate: of both sides' sound, in Hz.
        about: what the provider tells of the call: `call`, `account`, `from` and `to` where it
            has them, and the parameters that were set for it. Holds telephone numbers: it is
            never logged.
    """

    stream: str
    coding: Coding
    rate: int
    about: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse rates that no telephone has."""
        if self.rate not in RATES:
            raise UnknownSound(
                f"start: expected a rate of {', '.join(map(str, RATES))} Hz, found {self.rate}"
            )


@dataclass(frozen=True, slots=True)
class Sound:
    """The caller's sound: its number in the stream and its place in ms, where they are told."""

    payload: bytes
    chunk: int | None = None
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """The sound before this mark was played, or taken back."""

    name: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The caller hung up, or the provider ends the stream."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing that concerns us; providers add events."""


Heard = Begun | Sound | Digit | Marked | Stopped | Ignored


class Gaps(StrEnum):
    """What tells that sound is missing."""

    NOTHING = "nothing"
    TIME = "time"  # the place in ms
    CHUNK = "chunk"  # the number, which also tells the order


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one provider says it.

    Attributes:
        name: of the provider.
        read: a message, and which stream it names, or an empty name. Raises ProtocolError, whose
            sentence holds nothing of the message.
        sound: a message that carries our sound, coded.
        mark: a message that asks for a mark after the sound so far; None: it reports none.
        clear: messages that take back our sound; None: it cannot.
        digits: a message that presses keys; None: it cannot.
        hang_up: a message that ends the call; None: closing the socket does.
        marks_on_flush: it reports the marks of sound that was taken back.
        gaps: what tells that sound is missing.
        least_bytes: of sound in a message of ours.
        implied: what the stream is when it begins with sound.
        subprotocol: of the WebSocket, which must be agreed to.
        goes_on: after the stream it asks what to do with the call: it can be transferred.
    """

    name: str
    read: Callable[[Message], tuple[str, Heard]]
    sound: Callable[[Begun, bytes], Message]
    mark: Callable[[Begun, str], str] | None = None
    clear: Callable[[Begun], tuple[str, ...]] | None = None
    digits: Callable[[Begun, str], str] | None = None
    hang_up: str | None = None
    marks_on_flush: bool = False
    gaps: Gaps = Gaps.NOTHING
    least_bytes: int = 0
    implied: Begun | None = None
    subprotocol: str = ""
    goes_on: bool = False


# --- reading JSON -------------------------------------------------------------------------------


def table_of(message: Message) -> Mapping[str, object]:
    """A JSON object. Raises ProtocolError."""
    if isinstance(message, bytes):
        raise ProtocolError(f"message: expected JSON text, found {len(message)} bytes of binary")
    try:
        table = json.loads(message)
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        raise ProtocolError(f"message: expected a JSON object, found {len(message)} other letters")
    return table


def inner(table: Mapping[str, object], key: str) -> Mapping[str, object]:
    """A table in a table. Raises ProtocolError."""
    found = table.get(key)
    if not isinstance(found, Mapping):
        raise ProtocolError(f"{key}: expected an object, found {type(found).__name__}")
    return found


def text(table: Mapping[str, object], key: str) -> str:
    """A string that is not empty. Raises ProtocolError."""
    found = table.get(key)
    if not isinstance(found, str) or not found:
        raise ProtocolError(f"{key}: expected text, found {type(found).__name__}")
    return found


def whole(table: Mapping[str, object], key: str) -> int | None:
    """A whole number, which many providers write as text; None where there is none.

    Raises:
        ProtocolError: it is something else.
    """
    found = table.get(key)
    if found is None:
        return None
    if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**63:
        return found
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 19:
        return int(found)
    raise ProtocolError(f"{key}: expected a whole number, found {type(found).__name__}")


def payload(value: object) -> bytes:
    """Sound in base64, strictly. Raises ProtocolError."""
    if not isinstance(value, str):
        raise ProtocolError(f"payload: expected base64 text, found {type(value).__name__}")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise ProtocolError(f"payload: expected base64, found {len(value)} letters") from fault


def key_of(value: object) -> Digit:
    """A key of the caller's. Raises ProtocolError."""
    if not isinstance(value, str) or len(value) != 1 or value.upper() not in _DIGITS:
        raise ProtocolError(f"digit: expected one of {_DIGITS}, found something else")
    return Digit(value.upper())


def texts(table: object) -> dict[str, str]:
    """The text and the numbers of a table, as text; what is too much is left out."""
    if not isinstance(table, Mapping):
        return {}
    kept = [(k, v) for k, v in table.items() if isinstance(v, str | int)][:_PARAMETERS]
    return {str(k)[:_PARAMETER_LETTERS]: str(v)[:_PARAMETER_LETTERS] for k, v in kept}


def base64_of(data: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(data).decode("ascii")
