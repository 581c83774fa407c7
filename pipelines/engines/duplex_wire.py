"""What a duplex worker and its clients say to each other, version 1. Pure.

A message is its length (u32, little endian), a letter, and that many bytes less one: JSON for what
is rare, packed numbers for frames. docs/duplex_worker.md describes it for other clients.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import ConfigError, ProtocolError
from agent.core.settings import read

VERSION = 1

LONGEST_BYTES = 64 * 1024
"""Eight times a frame of 80 ms at 24 kHz, which is the longest message there is."""

LONGEST_TEXT = 16_000
"""Characters of a prompt: far beyond what fits into a model's context."""

LONGEST_PIECE = 1024
"""Characters of the text of one step, a word at most in practice."""

_LENGTH = struct.Struct("<I")
_FRAME = struct.Struct("<I")
_ANSWER = struct.Struct("<IffHHHiH")


@dataclass(frozen=True, slots=True)
class Hello:
    """The worker's first word.

    Attributes:
        version: of this protocol.
        model: what it runs, for people.
        rate: of its sound, in Hz.
        frame_samples: samples of a frame.
        taken: slots in use.
        total: slots there are.
        batch: streams computed together.
    """

    version: int
    model: str
    rate: int
    frame_samples: int
    taken: int
    total: int
    batch: int


@dataclass(frozen=True, slots=True)
class Open:
    """The client wants a slot; its prompt, and the worker's token where it has one."""

    version: int = VERSION
    text: str = ""
    voice: str = ""
    token: str = ""

    def __post_init__(self) -> None:
        """Refuse what no prompt can be."""
        if max(len(self.text), len(self.voice), len(self.token)) > LONGEST_TEXT:
            raise ValueError(f"expected texts of at most {LONGEST_TEXT} characters")
        for text in (self.text, self.voice, self.token):
            text.encode()  # JSON can write half a character, which nothing behind this can read


@dataclass(frozen=True, slots=True)
class Opened:
    """The client has a slot, and its prompt was taken in."""


class Why(StrEnum):
    """Why a client gets no slot, or its slot is taken from it."""

    BUSY = "busy"
    UNABLE = "unable"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Refused:
    """The worker's last word: no slot, or no longer one."""

    why: Why
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The caller's next frame, float32 [frame_samples]; `number` counts from 0."""

    number: int
    samples: Samples


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: how long the frame waited, how long the step took, for how many streams."""

    waited_s: float = 0.0
    step_s: float = 0.0
    batch: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What came of the frame of that number.

    Attributes:
        number: which frame.
        samples: float32 [frame_samples], or none.
        text: the text of this step.
        token: its text token, padding included; None: it has none.
        times: what it took.
        taken: slots in use at the worker.
        total: slots there are.
    """

    number: int
    samples: Samples
    text: str
    token: int | None
    times: Times
    taken: int
    total: int


@dataclass(frozen=True, slots=True)
class Close:
    """The client gives its slot back, or never wants one."""


Message = Hello | Open | Opened | Refused | Frame | Answer | Close

_NO_TOKEN = -(2**31)

J = TypeVar("J", Hello, Open, Opened, Refused, Close)


def encode(message: Message) -> bytes:
    """A message as it goes over the wire."""
    match message:
        case Frame():
            body = b"F" + _FRAME.pack(message.number) + _sound(message.samples)
        case Answer():
            body = b"A" + _answer(message)
        case _:
            words = json.dumps(asdict(message)).encode()
            body = _LETTERS[type(message)] + words
    return _LENGTH.pack(len(body)) + body


class Messages:
    """Bytes as they come, to messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole now.

        Raises:
            ProtocolError: what came is none; nothing after it can be understood.
        """
        self._rest += data
        found: list[Message] = []
        while (body := self._next()) is not None:
            found.append(_decoded(body))
        return found

    def _next(self) -> bytes | None:
        if len(self._rest) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._rest)
        if not 1 <= length <= LONGEST_BYTES:
            raise ProtocolError(
                f"expected a message of 1 to {LONGEST_BYTES} bytes, found {length}; "
                "is this a duplex worker's port?"
            )
        end = _LENGTH.size + length
        if len(self._rest) < end:
            return None
        body = bytes(self._rest[_LENGTH.size : end])
        del self._rest[:end]
        return body


def _decoded(body: bytes) -> Message:
    letter, rest = body[:1], body[1:]
    reader = _READERS.get(letter)
    if reader is None:
        raise ProtocolError(f"expected a message of this protocol, found one that is {letter!r}")
    try:
        return reader(rest)
    except (struct.error, ValueError, ConfigError, RecursionError) as fault:
        raise ProtocolError(f"message {letter.decode()}: {fault}") from fault


def _json(cls: type[J]) -> Callable[[bytes], J]:
    return lambda rest: read(cls, json.loads(rest), cls.__name__)


def _sound(samples: Samples) -> bytes:
    return samples.astype("<f4", copy=False).tobytes()


def _samples(data: bytes) -> Samples:
    return np.frombuffer(data, "<f4").astype(np.float32)


def _frame(rest: bytes) -> Frame:
    (number,) = _FRAME.unpack_from(rest)
    return Frame(number, _samples(rest[_FRAME.size :]))


def _answer(message: Answer) -> bytes:
    times = message.times
    text = message.text[:LONGEST_PIECE].encode()
    head = _ANSWER.pack(
        message.number,
        times.waited_s,
        times.step_s,
        times.batch,
        message.taken,
        message.total,
        _NO_TOKEN if message.token is None else message.token,
        len(text),
    )
    return head + text + _sound(message.samples)


def _read_answer(rest: bytes) -> Answer:
    number, waited_s, step_s, batch, taken, total, token, length = _ANSWER.unpack_from(rest)
    text, sound = rest[_ANSWER.size :][:length], rest[_ANSWER.size + length :]
    if len(text) < length:
        raise ValueError(f"expected {length} bytes of text, found {len(text)}")
    found = None if token == _NO_TOKEN else token
    times = Times(waited_s, step_s, batch)
    return Answer(number, _samples(sound), text.decode(), found, times, taken, total)


_LETTERS: dict[type, bytes] = {Hello: b"H", Open: b"O", Opened: b"P", Refused: b"R", Close: b"C"}

_READERS: dict[bytes, Callable[[bytes], Message]] = {
    b"F": _frame,
    b"A": _read_answer,
    b"H": _json(Hello),
    b"O": _json(Open),
    b"P": _json(Opened),
    b"R": _json(Refused),
    b"C": _json(Close),
}
