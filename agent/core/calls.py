"""One open connection to a person, and what is told of it. Structural."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from agent.core.audio import AudioFrame
from agent.core.events import Digit, Typed

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


class Clock(StrEnum):
    """Who decides when the next agent frame is due."""

    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Connect the caller to somebody else, and leave.

    Attributes:
        to: whom, in the transport's own way: an extension, a telephone number, a SIP address.
        summary: what the call was about, for whoever takes it, where the transport can pass it on.
    """

    to: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Press keys towards the far side: any of 0-9 * # A-D."""

    digits: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Put the far side on hold, or take it back."""

    on: bool


Order = Transfer | SendDigits | Hold
"""What a call can be told to do beside carrying sound. To hang up is `Call.close`."""

Incoming = AudioFrame | Digit | Typed
"""What comes from the caller."""


@dataclass(frozen=True, slots=True)
class CallTraits:
    """What a transport can do, declared once.

    Attributes:
        clock: who owns the playout clock.
        flushes: sound already handed over can be taken back from the far side.
        rewinds: and at once, `played` being exact to the sample: what was taken back can be handed
            over again, more quietly or later, and nothing is lost or heard twice.
        marks: the far side reports what it has played.
        marks_on_flush: it also reports marks of sound that was flushed.
        orders: which orders it carries out; it refuses the others.
    """

    clock: Clock = Clock.OURS
    flushes: bool = True
    rewinds: bool = False
    marks: bool = False
    marks_on_flush: bool = False
    orders: frozenset[type[Order]] = frozenset()


@dataclass(frozen=True, slots=True)
class Note:
    """Something to tell the far side beside the sound: a caption, the floor, a tool call."""

    kind: str
    data: Mapping[str, Json] = field(default_factory=dict)


class Call(Protocol):
    """One open two-way audio connection. Used from the event loop only."""

    @property
    def rate(self) -> int:
        """Samples per second of what `frames` yields, in Hz."""

    @property
    def play_rate(self) -> int:
        """Samples per second of what `play` takes, in Hz."""

    @property
    def frame_samples(self) -> int:
        """`play` takes frames of exactly this many samples."""

    @property
    def traits(self) -> CallTraits:
        """What this transport can do."""

    def frames(self) -> AsyncIterator[Incoming]:
        """The caller's sound without gaps, and keys as they are pressed. Ends when they hang up."""

    async def play(self, frame: AudioFrame) -> None:
        """Hand over the next frame; returns when the one after it may be handed over.

        A flush makes it return at once: there is room again.

        Raises:
            CallClosed: nobody is there any more.
        """

    def flush(self) -> None:
        """Take back what was handed over and not yet played, where the transport can."""

    def played(self) -> int:
        """Samples of ours, at `play_rate`, that the far side has played or flushed."""

    def tell(self, note: Note) -> None:
        """Tell the far side something. Never waits; a note that cannot be sent is dropped."""

    async def order(self, order: Order) -> None:
        """Have it done; returns when the far side has agreed.

        Raises:
            OrderRefused: this transport cannot, or the far side would not.
            CallClosed: nobody is there any more.
        """

    async def close(self) -> None:
        """Hang up and release everything. May be called twice."""


class Trace(Protocol):
    """The only way to report. Never waits, never raises."""

    def __call__(self, event: str, /, **fields: Json) -> None: ...
