"""The messages of a parley WebSocket call, version 1, as values. Pure.

docs/protocol.md describes them for whoever writes a client.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from agent.core.calls import Json, Note
from agent.core.errors import ConfigError, ProtocolError
from agent.core.events import Digit, Typed
from agent.core.settings import read

T = TypeVar("T")

VERSION = 1
FORMAT = "pcm_s16le"
RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Rates a client may ask for, in Hz: what telephones, models, browsers and sound cards use."""

TEXT_BYTES = 4096
"""The longest JSON message a client may send; the longest that is defined has about 120 bytes."""

EAR_S = 10.0
"""The longest a client may say that a part of the way to the ear takes."""

_DIGITS = "0123456789*#ABCD"

# --- from the client ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """The first message: what the client will send, and wants to get.

    Attributes:
        version: of this protocol.
        rate: of the caller's sound, in Hz.
        format: of both sides' sound.
        play_rate: of the agent's sound, in Hz; None for the caller's.
        marks: the client will send `played` marks.
    """

    version: int
    rate: int
    format: str = FORMAT
    play_rate: int | None = None
    marks: bool = False

    def __post_init__(self) -> None:
        """Refuse what this version does not have."""
        if self.version != VERSION:
            raise ValueError(f"version: expected {VERSION}, found {self.version}")
        if self.format != FORMAT:
            raise ValueError(f"format: expected {FORMAT}, found {self.format[:40]!r}")
        for name, rate in (("rate", self.rate), ("play_rate", self.play_rate or self.rate)):
            if rate not in RATES:
                allowed = ", ".join(map(str, RATES))
                raise ValueError(f"{name}: expected one of {allowed} Hz, found {rate}")


@dataclass(frozen=True, slots=True)
class Press:
    """A key: one of 0-9 * # A-D."""

    digit: str

    def __post_init__(self) -> None:
        """Refuse other keys."""
        if len(self.digit) != 1 or self.digit not in _DIGITS:
            raise ValueError(f"digit: expected one of {_DIGITS}, found {self.digit[:40]!r}")


@dataclass(frozen=True, slots=True)
class Line:
    """Words that the caller wrote."""

    text: str

    def __post_init__(self) -> None:
        """Refuse a line without words."""
        if not self.text.strip():
            raise ValueError("text: expected words, found none")


@dataclass(frozen=True, slots=True)
class Played:
    """How many samples of the agent's the client has played or dropped since the start."""

    samples: int


@dataclass(frozen=True, slots=True)
class Ear:
    """What the client knows of the way from us to the caller's ear; None where it does not know.

    Attributes:
        played_samples: as in `Played`.
        output_latency_s: from the client's output to the ear.
        buffer_s: in the client's receive buffer.
        round_trip_s: of the network.
        jitter_s: of our packets' arrival.
        loss: share of our packets lost since the last report, 0–1.
    """

    played_samples: int | None = None
    output_latency_s: float | None = None
    buffer_s: float | None = None
    round_trip_s: float | None = None
    jitter_s: float | None = None
    loss: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no client can mean."""
        durations = ("output_latency_s", "buffer_s", "round_trip_s", "jitter_s")
        values = (self.output_latency_s, self.buffer_s, self.round_trip_s, self.jitter_s)
        for name, value in zip(durations, values, strict=True):
            if value is not None and not 0 <= value <= EAR_S:
                raise ValueError(f"{name}: expected 0 to {EAR_S:g}, found {value}")
        if self.loss is not None and not 0 <= self.loss <= 1:
            raise ValueError(f"loss: expected 0 to 1, found {self.loss}")

    @property
    def delay_s(self) -> float | None:
        """From our sending to the ear, of what is known; None where nothing is."""
        network_s = None if self.round_trip_s is None else self.round_trip_s / 2
        known = [p for p in (network_s, self.buffer_s, self.output_latency_s) if p is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Bye:
    """The caller hangs up."""


ClientMessage = Start | Digit | Typed | Played | Ear | Bye


def from_client(text: str) -> ClientMessage:
    """A client's JSON message.

    Raises:
        ProtocolError: it is none; the message says what is allowed.
    """
    if len(text.encode(errors="replace")) > TEXT_BYTES:
        raise ProtocolError(f"text: expected at most {TEXT_BYTES} bytes, found {len(text)} letters")
    kind, fields = _table(text)
    if kind == "start":
        return _read(Start, fields, kind)
    if kind == "digit":
        return Digit(_read(Press, fields, kind).digit)
    if kind == "text":
        return Typed(_read(Line, fields, kind).text)
    if kind == "played":
        return _read(Played, fields, kind)
    if kind == "ear":
        return _read(
            Ear, {name: value for name, value in fields.items() if value is not None}, kind
        )
    if kind == "bye":
        return _read(Bye, fields, kind)
    raise ProtocolError(
        f"type: expected one of start, digit, text, played, ear, bye, found {kind[:40]!r}"
    )


# --- from the server ----------------------------------------------------------------------------


class End(StrEnum):
    """Why a call ended."""

    BYE = "bye"
    HUNG_UP = "hung_up"
    LOST = "lost"
    IDLE = "idle"
    ERROR = "error"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Started:
    """The answer to `start`: the sound that will come."""

    call: str
    rate: int
    play_rate: int
    frame_samples: int
    version: int = VERSION
    format: str = FORMAT


@dataclass(frozen=True, slots=True)
class Flush:
    """Drop what was not played yet, and count it as played."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A sentence about what went wrong; the call ends."""

    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The last message."""

    reason: End


ServerMessage = Started | Flush | Note | Failure | Ended


def from_server(text: str) -> ServerMessage:
    """A server's JSON message.

    Raises:
        ProtocolError: it is none.
    """
    kind, fields = _table(text)
    if kind == "note":
        data = fields.get("data")
        return Note(str(fields.get("kind")), data if isinstance(data, Mapping) else {})
    if kind == "started":
        return _read(Started, fields, kind)
    if kind == "flush":
        return _read(Flush, fields, kind)
    if kind == "error":
        return _read(Failure, fields, kind)
    if kind == "ended":
        return _read(Ended, fields, kind)
    raise ProtocolError(
        f"type: expected one of started, flush, note, error, ended, found {kind[:40]!r}"
    )


# --- both ---------------------------------------------------------------------------------------


def encode(message: ClientMessage | ServerMessage) -> str:
    """A message as JSON.

    Raises:
        ValueError: a note holds what JSON cannot.
    """
    fields: dict[str, Json] = {"type": _kind(message)}
    for field in dataclasses.fields(message):
        value = getattr(message, field.name)  # a field of our own, by its own name
        if value is not None:
            fields[field.name] = value
    try:
        return json.dumps(fields, allow_nan=False, separators=(",", ":"))
    except TypeError as fault:
        raise ValueError(f"note: expected what JSON can hold, found {fault}") from fault


def _kind(message: ClientMessage | ServerMessage) -> str:
    match message:
        case Digit():
            return "digit"
        case Typed():
            return "text"
        case Failure():
            return "error"
        case _:
            return type(message).__name__.lower()


def _table(text: str) -> tuple[str, dict[str, object]]:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise ProtocolError(f"text: expected a JSON object, found {text[:40]!r}") from fault
    if not isinstance(table, dict) or not isinstance(table.get("type"), str):
        raise ProtocolError(f'text: expected a JSON object with a "type", found {text[:40]!r}')
    kind: str = table.pop("type")
    return kind, table


def _read(cls: type[T], fields: dict[str, object], kind: str) -> T:
    try:
        return read(cls, fields, kind)
    except ConfigError as fault:
        raise ProtocolError(str(fault)) from fault
