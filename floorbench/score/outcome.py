"""What became of one event and of one session. Every figure is made of these alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agent.core.calls import Json
from floorbench.activity import Span
from floorbench.session import CallerEvent, Expect


class Outcome(StrEnum):
    """What the agent did about an event."""

    REPLIED = "replied"
    MISSED = "missed"
    CUT_IN = "cut in"  # it began inside the turn, and never again after it; counts as missed
    HELD = "held"
    PREMATURE = "premature"
    YIELDED = "yielded"
    NOT_YIELDED = "not yielded"
    TALKED_ON = "talked on"  # through a sound that was nothing: right
    STOPPED = "stopped"  # for a sound that was nothing, and came back
    ABANDONED = "abandoned"  # stopped for a sound that was nothing, and did not come back
    QUIET = "stayed quiet"
    ANSWERED = "answered"  # a sound that was nothing
    NOT_COUNTED = "not counted"


class Measure(StrEnum):
    """What an event can contribute to a figure; names end in their unit, shares are 0 or 1."""

    GAP = "gap_s"
    FIRST_SOUND = "first_sound_s"
    SLOW_1 = "slow_1s"
    SLOW_2 = "slow_2s"
    MISSED = "missed"
    CUT_IN = "cut_in"
    ONE_REPLY = "one_reply"
    COLD_GAP = "cold_gap_s"
    AGAIN_GAP = "again_gap_s"
    LET_GO = "let_go"
    PREMATURE_TURN = "premature_turn"
    PREMATURE_PAUSE = "premature_pause"
    PAUSE = "pause_s"
    DUCK = "duck_s"
    STOP = "stop_s"
    STOP_OF_ALL = "stop_of_all_s"
    YIELD = "yield_2s"
    YIELD_1 = "yield_1s"
    YIELD_05 = "yield_05s"
    POST_GAP = "post_gap_s"
    POST_MISSED = "post_missed"
    FALSE_STOP = "false_stop"
    KEPT_BC = "kept_bc"
    KEPT_VT = "kept_vt"
    KEPT_ND = "kept_nd"
    KEPT_NOISE = "kept_noise"
    ABANDON = "abandon"
    HOLE = "hole_s"
    REPEATED = "repeated_s"
    FALSE_RESPONSE = "false_response"


class Amount(StrEnum):
    """What a session contributes besides its events, in seconds or counts."""

    DURATION = "duration_s"
    AGENT_SPEECH = "agent_speech_s"
    BOTH_BY_CALLER = "both_by_caller_s"
    BOTH_BY_AGENT = "both_by_agent_s"
    BOTH_BACKCHANNEL = "both_backchannel_s"
    UNDERRUN = "underrun_s"
    FREE_SPEECH = "free_speech_s"
    FREE_STOPS = "free_stops"


class State(StrEnum):
    """Whether a session counts."""

    SCORED = "scored"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class EventResult:
    """One event and what it came to.

    Attributes:
        id: unique within the session.
        start_s: first audible moment of the event; of a pause, its start.
        end_s: last audible moment; of a pause, its end.
        figures: contributions by `Measure`; a figure is made of every event that has its measure.
        reason: why it was not counted, or what else is to be said, in words; may be empty.
        params: what was varied, as the scenario gave it.
    """

    id: str
    session: str
    scenario: str
    kind: str
    expect: Expect
    start_s: float
    end_s: float
    outcome: Outcome
    figures: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    params: Mapping[str, Json] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of the event within a run."""
        return f"{self.session}/{self.id}"


@dataclass(frozen=True, slots=True)
class SessionResult:
    """One session and what it came to.

    Attributes:
        agent: the agent's episodes, by ear.
        amounts: contributions by `Amount`; empty for a void session.
        notices: what is wrong with it, in sentences.
    """

    id: str
    scenario: str
    state: State
    duration_s: float
    agent: tuple[Span, ...] = ()
    amounts: Mapping[str, float] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome before it is written down with its event."""

    outcome: Outcome
    figures: Mapping[Measure, float] = field(default_factory=dict)
    reason: str = ""


def not_counted(reason: str) -> Verdict:
    """An event that says nothing about the agent, and why."""
    return Verdict(Outcome.NOT_COUNTED, {}, reason)


def written(event: CallerEvent, verdict: Verdict, where: tuple[str, str, Span]) -> EventResult:
    """The result of an event. `where`: session, scenario, and the span that was judged."""
    session, scenario, span = where
    return EventResult(
        id=event.id,
        session=session,
        scenario=scenario,
        kind=event.kind,
        expect=event.expect,
        start_s=span.start_s,
        end_s=span.end_s,
        outcome=verdict.outcome,
        figures={str(m): round(value, 6) for m, value in verdict.figures.items()},
        reason=verdict.reason,
        params=dict(event.params),
    )
