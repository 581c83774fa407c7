"""One session: every event judged, everything that is wrong with it said."""

import math
from dataclasses import dataclass

from floorbench.activity import Span
from floorbench.score.channels import amounts
from floorbench.score.checks import (
    notices,
    outside_reason,
    silent_reason,
    unsent_reason,
    void_reason,
)
from floorbench.score.heard import Heard, judged_span, listen
from floorbench.score.ignored import ignored_verdict
from floorbench.score.interruptions import interruption_verdict
from floorbench.score.outcome import (
    EventResult,
    SessionResult,
    State,
    Verdict,
    not_counted,
    written,
)
from floorbench.score.turns import pause_verdict, turn_verdict
from floorbench.session import CallerEvent, Expect, Session


@dataclass(frozen=True, slots=True)
class SessionScore:
    """A session and its events."""

    session: SessionResult
    events: tuple[EventResult, ...]


def score_session(session: Session) -> SessionScore:
    """Never raises for what is in a recording or its events: the result says what is wrong."""
    reason = void_reason(session)
    if reason:
        return _void(session, reason)
    heard = listen(session)
    result = SessionResult(
        id=session.id,
        scenario=session.scenario,
        state=State.SCORED,
        duration_s=round(heard.duration_s, 6),
        agent=heard.agent,
        amounts=amounts(heard),
        notices=tuple(notices(heard)),
    )
    events = tuple(_result(event, verdict(event, heard), session) for event in session.events)
    return SessionScore(result, events)


def verdict(event: CallerEvent, heard: Heard) -> Verdict:
    """What became of one event."""
    reason = (
        outside_reason(event, heard.duration_s)
        or unsent_reason(event, heard)
        or silent_reason(event, heard)
    )
    if reason:
        return not_counted(reason)
    match event.expect:
        case Expect.REPLY:
            return turn_verdict(event, heard)
        case Expect.HOLD:
            return pause_verdict(event, heard)
        case Expect.YIELD:
            return interruption_verdict(event, heard)
        case Expect.IGNORE:
            return ignored_verdict(event, heard)


def _void(session: Session, reason: str) -> SessionScore:
    rate = max(session.recording.rate, 1)
    length = min(len(session.recording.caller), len(session.recording.agent))
    result = SessionResult(
        session.id, session.scenario, State.VOID, length / rate, notices=(reason,)
    )
    told = not_counted(reason)
    return SessionScore(result, tuple(_result(e, told, session) for e in session.events))


def _result(event: CallerEvent, told: Verdict, session: Session) -> EventResult:
    span = judged_span(event)
    span = Span(_finite(span.start_s), _finite(span.end_s))
    return written(event, told, (session.id, session.scenario, span))


def _finite(at_s: float) -> float:
    return round(at_s, 6) if math.isfinite(at_s) else 0.0  # JSON has no other word for it
