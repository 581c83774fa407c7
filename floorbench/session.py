"""One measured session: what the caller did, and the two channels it left. Shared by all parts.

Seconds count from the first sample of the recording. Both channels are on the caller's clock:
channel 0 the caller as sent, channel 1 the agent as played at the caller's end.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from agent.core.audio import AudioFrame
from agent.core.calls import Json
from floorbench.activity import Span
from floorbench.recording import Recording

RATE = 16_000
"""Rate of stimuli and recordings, in Hz."""


class Expect(StrEnum):
    """What a good agent does about an event."""

    REPLY = "reply"  # answer once it is over
    YIELD = "yield"  # fall silent, then answer
    HOLD = "hold"  # stay silent: the caller only pauses
    IGNORE = "ignore"  # go on as if nothing had happened


@dataclass(frozen=True, slots=True)
class CallerEvent:
    """Something the caller, or the room, did.

    Attributes:
        id: unique within the session.
        kind: what it was: turn, pause, backchannel, interruption, side_talk, noise, key …
        t_on: start of its first audible part, in seconds.
        t_off: end of its last audible part.
        parts: its audible parts (floorbench.activity rules); a pause has the two around it.
        expect: what a good agent does.
        needs_agent_talking: it only counts if the agent was speaking when it began.
        params: what was varied: pause length, SNR, voice, sha256 of the stimulus …
    """

    id: str
    kind: str
    t_on: float
    t_off: float
    parts: tuple[Span, ...]
    expect: Expect
    needs_agent_talking: bool = False
    params: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Session:
    """One measured session.

    Attributes:
        id: unique within a run.
        scenario: S1 … S15, or the name that somebody gave their own recording.
        recording: the two channels.
        events: what happened, by time.
        caller_lag_s: p99 lateness of the caller's own frames; above 5 ms the session is void.
        fault: why the session ended early or is void, in a sentence; empty if all went well.
    """

    id: str
    scenario: str
    recording: Recording
    events: tuple[CallerEvent, ...]
    caller_lag_s: float = 0.0
    fault: str = ""


class Flushed:
    """The far side told us to drop what we have not played yet (Twilio's clear, our flush)."""


class Line(Protocol):
    """An open connection to the agent that is measured: a Call seen from the other side."""

    async def speak(self, frame: AudioFrame) -> None:
        """Send the caller's next 20 ms at `RATE`; the caller paces. Raises CallClosed."""

    async def press(self, digit: str) -> None:
        """Press a key; a protocol that has none raises ProtocolError."""

    def sound(self) -> AsyncIterator[AudioFrame | Flushed]:
        """The agent's sound as it arrives, any frame length and rate; ends when it hangs up."""

    async def hang_up(self) -> None:
        """End the call and release everything. May be called twice."""


@runtime_checkable
class TracedLine(Protocol):
    """A line to an agent of ours: it also says what the agent was told, and what it decided."""

    @property
    def trace(self) -> Sequence[Mapping[str, Json]]:
        """The lines of the call's trace so far, header first, as in a `trace.jsonl`."""


class Target(Protocol):
    """Who is measured."""

    @property
    def name(self) -> str:
        """For reports: the protocol and the address, without secrets."""

    async def connect(self) -> Line:
        """A new call. Raises CallError with a sentence when it is refused."""
