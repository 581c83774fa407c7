"""Recordings and events that cannot be trusted: each fault is a sentence, and none flatters."""

import math
from collections.abc import Iterator

import numpy as np

from agent.core.audio import Samples
from floorbench.activity import AGENT_LEAST_DB, Span, levels_db
from floorbench.score.heard import EPS_S, Heard, loudest_db
from floorbench.session import CallerEvent, Expect, Session

CALLER_LAG_S = 0.005
NOTHING_DB = -70.0
"""No stimulus is meant to be quieter than this; a line that is was not sent."""
CLIPPED = 0.999
CLIPPED_SHARE = 0.001
OFF_ZERO = 10 ** (AGENT_LEAST_DB / 20)
"""A constant offset of this size is as loud as the quietest sound that counts as speech."""
TALKATIVE_SHARE = 0.9
LENGTH_SLACK_S = 0.02
_BLOCK = 960_000  # samples; temporary arrays stay small however long the recording is


def void_reason(session: Session) -> str:
    """Why nothing of a session can be scored; empty if it can."""
    recording = session.recording
    length = min(len(recording.caller), len(recording.agent))
    if recording.rate <= 0 or recording.rate % 100:
        return (
            "void: expected a sample rate that is a multiple of 100 Hz, "
            f"found {recording.rate} Hz; resample the recording"
        )
    if length < recording.rate / 10:
        because = f" ({session.fault})" if session.fault else ""
        return f"void: expected sound, found {length} samples in the shorter channel{because}"
    if session.caller_lag_s > CALLER_LAG_S:
        return (
            f"void: expected the caller's frames at most {CALLER_LAG_S * 1000:.0f} ms late (p99), "
            f"found {session.caller_lag_s * 1000:.1f} ms; measure on a machine with less to do"
        )
    if not (_is_finite(recording.caller) and _is_finite(recording.agent)):
        return "void: expected samples between -1 and 1, found some that are not numbers"
    if session.events and _is_silent(recording.caller, recording.rate):
        return "void: the caller's channel is silent although events were planned; check the line"
    return ""


def notices(heard: Heard) -> Iterator[str]:
    """What makes a session's figures doubtful."""
    session = heard.session
    yield from (f"ended early: {fault}" for fault in [session.fault] if fault)
    yield from _lengths(session)
    for name, samples in (("caller", session.recording.caller), ("agent", session.recording.agent)):
        yield from _levels(name, samples)
    speech_s = sum(e.duration_s for e in heard.agent)
    if not heard.agent:
        yield "no sound is to be heard in the agent's channel: every turn counts as missed"
    elif speech_s > TALKATIVE_SHARE * heard.duration_s:
        yield f"the agent sounds for {speech_s / heard.duration_s:.0%} of the session"
    outside = [e.id for e in session.events if outside_reason(e, heard.duration_s)]
    if outside:
        yield f"{len(outside)} of {len(session.events)} events lie outside the recording"


def outside_reason(event: CallerEvent, duration_s: float) -> str:
    """Why an event cannot be judged from this recording; empty if it can."""
    if not (math.isfinite(event.t_on) and math.isfinite(event.t_off)):
        return "its times are not numbers"
    if event.t_off < event.t_on:
        return f"it ends at {event.t_off:.2f} s, before it begins at {event.t_on:.2f} s"
    if event.t_on < -EPS_S or event.t_off > duration_s + EPS_S:
        return (
            f"it lasts from {event.t_on:.2f} to {event.t_off:.2f} s, "
            f"outside the recording of {duration_s:.2f} s"
        )
    return ""


def unsent_reason(event: CallerEvent, heard: Heard) -> str:
    """Why an event was never put to the agent; empty if it was."""
    span = Span(event.t_on, event.t_off)
    quiet = bool(event.parts) and loudest_db(heard.caller_levels, span) < NOTHING_DB
    return "the caller's channel is silent where it should be" if quiet else ""


def silent_reason(event: CallerEvent, heard: Heard) -> str:
    """Why an event that needs a talking agent cannot count; empty if it can."""
    needs = event.needs_agent_talking or event.expect is Expect.YIELD
    silent = needs and heard.talking_at(event.t_on) is None
    return "the agent was not talking when it began" if silent else ""


def _levels(name: str, samples: Samples) -> Iterator[str]:
    share, offset = _clipped_share(samples), _offset(samples)
    if share > CLIPPED_SHARE:
        yield (
            f"the {name}'s channel is clipped in {share:.1%} of its samples; "
            "ducks and onsets in it may be off, turn it down"
        )
    if abs(offset) > OFF_ZERO:
        yield (
            f"the {name}'s channel is off zero by {offset:.4f}: its silence may count as sound "
            "and its speech as none, take the offset out"
        )


def _lengths(session: Session) -> Iterator[str]:
    rate = session.recording.rate
    caller_s, agent_s = len(session.recording.caller) / rate, len(session.recording.agent) / rate
    if abs(caller_s - agent_s) > LENGTH_SLACK_S:
        yield (
            f"expected channels of equal length, found {caller_s:.2f} s of the caller and "
            f"{agent_s:.2f} s of the agent; nothing after the shorter one is judged"
        )


def _is_finite(samples: Samples) -> bool:
    return all(bool(np.isfinite(b).all()) for b in _blocks(samples))


def _is_silent(samples: Samples, rate: int) -> bool:
    levels = levels_db(samples, rate)
    return len(levels) == 0 or float(levels.max()) < NOTHING_DB


def _clipped_share(samples: Samples) -> float:
    clipped = sum(int(np.count_nonzero(np.abs(b) >= CLIPPED)) for b in _blocks(samples))
    return clipped / len(samples) if len(samples) else 0.0


def _offset(samples: Samples) -> float:
    total = sum(float(np.sum(b, dtype=np.float64)) for b in _blocks(samples))
    return total / len(samples) if len(samples) else 0.0


def _blocks(samples: Samples) -> Iterator[Samples]:
    return (samples[i : i + _BLOCK] for i in range(0, len(samples), _BLOCK))
