"""Sessions to score: who sounds when, in seconds, and what the caller's events were."""

from floorbench.activity import Span
from floorbench.calibrated import Said, Stage
from floorbench.recording import Recording
from floorbench.score.session import score_session
from floorbench.session import RATE, CallerEvent, Expect, Session
from tests.support.recordings import sounding


def event(kind, expect, *parts, over=False, id_=None, **params):
    spans = tuple(Span(a, b) for a, b in parts)
    return CallerEvent(
        id_ or f"{kind}@{spans[0].start_s}", kind, spans[0].start_s, spans[-1].end_s, spans,
        expect, over, params,
    )  # fmt: skip


def turn(*parts, **params):
    return event("turn", Expect.REPLY, *parts, **params)


def pause(before, after, **params):
    return event("pause", Expect.HOLD, before, after, **params)


def interruption(start_s, end_s, **params):
    return event("interruption", Expect.YIELD, (start_s, end_s), over=True, **params)


def ignored(kind, start_s, end_s, over=True, **params):
    return event(kind, Expect.IGNORE, (start_s, end_s), over=over, **params)


def session(events, agent, duration_s=20.0, scenario="S1", **more):
    """The caller sounds in the events' parts, the agent in the spans."""
    spoken = [(p.start_s, p.end_s) for e in events for p in e.parts]
    recording = Recording(sounding(spoken, duration_s), sounding(agent, duration_s), RATE)
    return Session("s", scenario, recording, tuple(events), **more)


def results(events, agent, duration_s=20.0, scenario="S1", **more):
    """Every event's result, by id, and the session's."""
    scored = score_session(session(events, agent, duration_s, scenario, **more))
    return {e.id: e for e in scored.events}, scored.session


def only(events, agent, duration_s=20.0, scenario="S1", **more):
    """The result of the first event."""
    return results(events, agent, duration_s, scenario, **more)[0][events[0].id]


__all__ = (
    "RATE", "Said", "Stage", "event", "ignored", "interruption", "only", "pause", "results",
    "session", "turn",
)  # fmt: skip
