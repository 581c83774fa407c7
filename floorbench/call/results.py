"""The figures of one recorded call as values, and as JSON (schema in docs/results.md)."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from agent.beats import Beat
from agent.connection import Network
from agent.core.calls import Json
from agent.metrics import FloorSpan, Waterfall
from floorbench.activity import Span

SCHEMA = "parley.call/1"


class Outcome(StrEnum):
    """What became of a turn that the agent took."""

    HEARD = "heard"
    WITHDRAWN = "withdrawn"  # cancelled before its first sound, because the caller went on
    MISSED = "missed"  # no sound of it within 5 s
    UNRECORDED = "unrecorded"  # after the end of the recording, or the caller is not to be heard


class Interruption(StrEnum):
    """What the agent did when the caller spoke while it spoke."""

    YIELDED = "yielded"
    KEPT_TALKING = "kept talking"
    WAS_ENDING = "was ending"  # the reply ended by itself within a second; counts as neither


@dataclass(frozen=True, slots=True)
class Distribution:
    """Percentiles of `n` signed delays in seconds; `missed` had none. None when n is 0."""

    n: int = 0
    missed: int = 0
    p50_s: float | None = None
    p90_s: float | None = None
    p95_s: float | None = None


@dataclass(frozen=True, slots=True)
class Waited:
    """What the caller waited for, in seconds; with the remainder the parts make up the delay.

    A part that was done while another was waited for costs nothing and is 0. The network and the
    device lie between our sending and the caller's ear; None where their client reported neither.
    """

    silence_s: float = 0.0
    decision_s: float = 0.0
    model_s: float = 0.0
    voice_s: float = 0.0
    door_s: float = 0.0
    network_s: float | None = None
    device_s: float | None = None
    remainder_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TurnResult:
    """One turn. Spans are seconds of the recording, from the waveform alone.

    Attributes:
        caller_end_s: end of the caller's last sound.
        onset_s: the reply's first sound.
        ear_s: from the one to the other, signed.
        premature: the agent began while the caller was speaking, or too soon for the caller's
            next words to be an answer to it.
        waterfall: the trace's own stamps, after the end of speech it believes in.
        waited: None when the delay could not be measured, or the trace does not explain it.
        end_lag_s: how much later than the ear the voice activity saw the end of speech.
    """

    reply: int
    words: str
    heard: str
    unheard: str
    outcome: Outcome
    cut: bool
    premature: bool
    caller_end_s: float | None
    onset_s: float | None
    ear_s: float | None
    waterfall: Waterfall
    waited: Waited | None
    end_lag_s: float | None
    ahead_s: float
    discarded: int


@dataclass(frozen=True, slots=True)
class Interjection:
    """The caller spoke while the agent spoke.

    Attributes:
        stop_s: from the caller's first sound to the agent's silence, where it yielded.
        duck_s: to the first level 12 dB under the half second before, if there is one within 1 s.
        hole_s: the silence that began meanwhile, where it kept talking; 0 for none.
        undecided_for_s: how long the trace shows the reply ducked.
    """

    start_s: float
    end_s: float
    words: str
    reply: int | None
    outcome: Interruption
    stop_s: float | None
    duck_s: float | None
    hole_s: float | None
    undecided_for_s: float | None


@dataclass(frozen=True, slots=True)
class TalkOver:
    """Seconds in which both spoke, by who came in on the other."""

    caller_s: float
    agent_s: float
    kept_talking_s: float
    per_minute_s: float

    @property
    def total_s(self) -> float:
        """All of it."""
        return self.caller_s + self.agent_s + self.kept_talking_s


@dataclass(frozen=True, slots=True)
class Summary:
    """The call in figures."""

    ear: Distribution
    stop: Distribution
    duck: Distribution
    interjections: int
    yielded: int
    kept_talking: int
    false_holds: int
    premature: int
    unanswered: int
    talk_over: TalkOver
    prepared: int
    discarded: int
    late: int
    late_max_s: float
    missing: int
    dropped: dict[str, int]


@dataclass(frozen=True, slots=True)
class Caption:
    """Words with their place in time. `unheard` follows `text` and was cut off."""

    who: str
    text: str
    unheard: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Marker:
    """Something the agent did at one moment: duck, hold, cancel or resume."""

    kind: str
    at_s: float
    label: str


@dataclass(frozen=True, slots=True)
class CallName:
    """Which call it was."""

    call: str
    agent: str
    wall: str
    parley: str
    duration_s: float
    end: str


@dataclass(frozen=True, slots=True)
class Way:
    """From our sending to the caller's ear: medians of what their client reported `n` times."""

    n: int
    round_trip_s: float | None
    buffer_s: float | None
    output_latency_s: float | None
    jitter_s: float | None


@dataclass(frozen=True, slots=True)
class Connection:
    """The network between us and the caller; None is what the trace does not say."""

    way: Way | None
    network: Network | None


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that is known about one call.

    Attributes:
        connection: None where the trace says nothing of a network.
        beat: None where no duplex model had the call.
    """

    call: CallName
    summary: Summary
    turns: tuple[TurnResult, ...]
    interjections: tuple[Interjection, ...]
    caller: tuple[Span, ...]
    agent: tuple[Span, ...]
    floors: tuple[FloorSpan, ...]
    captions: tuple[Caption, ...]
    markers: tuple[Marker, ...]
    notices: tuple[str, ...] = field(default=())
    connection: Connection | None = None
    beat: Beat | None = None


def distribution(delays_s: Iterable[float | None]) -> Distribution:
    """Percentiles of the delays that are there; those that are None count as missed."""
    every = list(delays_s)
    found = [d for d in every if d is not None]
    if not found:
        return Distribution(missed=len(every))
    p50, p90, p95 = (round(float(np.percentile(found, p)), 4) for p in (50, 90, 95))
    return Distribution(len(found), len(every) - len(found), p50, p90, p95)


def as_json(results: Results) -> dict[str, Json]:
    """What `results.json` holds; seconds rounded to a tenth of a millisecond."""
    fields = dataclasses.asdict(results)
    return {"schema": SCHEMA, **{name: _rounded(value) for name, value in fields.items()}}


def _rounded(value: Json) -> Json:
    match value:
        case float():
            return round(value, 4)
        case dict():
            return {str(key): _rounded(inner) for key, inner in value.items()}
        case tuple() | list():
            return [_rounded(inner) for inner in value]
    return value
