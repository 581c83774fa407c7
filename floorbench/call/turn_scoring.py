"""One turn by ear: the delay comes from the waveform, the trace names the turn and explains it."""

from collections.abc import Sequence

from agent.connection import EarReport, nearest_before
from agent.metrics import CallFigures, Reply, Segment, Turn, Waterfall
from floorbench.activity import Span
from floorbench.call.captions import unheard
from floorbench.call.ear import CLOCK_SLACK_S, Ear, reply_onset_s
from floorbench.call.results import Outcome, TurnResult, Waited

EDGE_S = 0.05
"""Sound of the agent that starts this close to the end of the caller's does not cut them off."""
TOO_SOON_S = 0.2
"""Nobody starts to speak sooner in answer to a sound, so words this soon were on their way.

Source: simple vocal reactions take about 200 ms (Fry 1975, in Levinson and Torreira 2015).
"""


def turn_result(turn: Turn, ear: Ear, figures: CallFigures) -> TurnResult:
    """Everything about one turn."""
    reply = next(r for r in figures.replies if r.reply == turn.reply)
    onset_s = reply_onset_s(reply, ear.agent, figures.replies)
    end_s = caller_end_s(turn, onset_s, ear.caller, figures.segments)
    ear_s = minus(onset_s, end_s)
    played_s = turn.waterfall.audible_s
    lag_s = minus(turn.ended_s, end_s) if ear_s is not None and played_s is not None else None
    report = None if reply.audible_s is None else nearest_before(figures.ears, reply.audible_s)
    return TurnResult(
        reply=turn.reply,
        words=turn.words,
        heard=turn.said if turn.heard is None else turn.heard,
        unheard=unheard(turn.said, turn.heard) if turn.cut else "",
        outcome=_outcome(turn, reply, ear_s, ear.duration_s),
        cut=turn.cut,
        premature=onset_s is not None and is_premature(onset_s, ear.caller),
        caller_end_s=end_s,
        onset_s=onset_s,
        ear_s=ear_s,
        waterfall=turn.waterfall,
        waited=None
        if ear_s is None or played_s is None
        else waited(turn.waterfall, ear_s, lag_s or 0.0, report),
        end_lag_s=lag_s,
        ahead_s=turn.ahead_s,
        discarded=turn.discarded,
    )


def minus(later_s: float | None, earlier_s: float | None) -> float | None:
    """The signed difference, when both are known."""
    if later_s is None or earlier_s is None:
        return None
    return round(later_s - earlier_s, 6)


def caller_end_s(
    turn: Turn, onset_s: float | None, caller: Sequence[Span], segments: Sequence[Segment]
) -> float | None:
    """The end of the caller's last sound of this turn.

    The trace says which stretch of speech the turn ended with; when it does not, it is the last
    one that had begun when the reply was heard.
    """
    segment = next((s for s in segments if s.segment == turn.segment), None)
    if segment is not None and segment.start_s is not None and segment.end_s is not None:
        spoken = Span(segment.start_s - CLOCK_SLACK_S, segment.end_s + CLOCK_SLACK_S)
        return max((p.end_s for p in caller if p.overlap_s(spoken) > 0), default=None)
    if onset_s is None:
        return None
    return max((p.end_s for p in caller if p.start_s < onset_s), default=None)


def is_premature(onset_s: float, caller: Sequence[Span]) -> bool:
    """The reply starts inside the caller's turn.

    Without labels only two cases are certain: the caller is speaking, or speaks on so soon that
    the words were on their way.
    """
    return any(
        part.start_s <= onset_s + TOO_SOON_S and onset_s < part.end_s - EDGE_S for part in caller
    )


def waited(
    stamps: Waterfall, ear_s: float, end_lag_s: float, report: EarReport | None = None
) -> Waited:
    """Splits the delay: each moment is charged to what was still missing then.

    The stamps count from where the voice activity saw the end of speech, the ear from where the
    sound ended; what lies between, `end_lag_s`, belongs to noticing the silence.

    The order in which they are needed: silence is noticed, the turn is decided, the model has
    its first word, the voice its first sound, the call takes it. A part that was ready before
    the one in front of it costs nothing. What is missing in the trace is charged to the next.

    What comes after the call took it, the network and the device, is as the caller's client
    reported it last; nothing is taken out of the remainder where there is no report.
    """
    order = (
        stamps.speech_ended_s,
        stamps.decided_s,
        stamps.first_token_s,
        stamps.first_audio_s,
        stamps.audible_s,
    )
    parts, reached = [], 0.0
    for stamp in order:
        since_s = reached if stamp is None else max(reached, stamp + end_lag_s)
        parts.append(round(since_s - reached, 6))
        reached = since_s
    silence_s, decision_s, model_s, voice_s, door_s = parts
    network_s = None if report is None else report.network_s
    device_s = None if report is None else report.output_latency_s
    remainder_s = round(ear_s - reached - (network_s or 0.0) - (device_s or 0.0), 6)
    return Waited(silence_s, decision_s, model_s, voice_s, door_s, network_s, device_s, remainder_s)


def _outcome(turn: Turn, reply: Reply, ear_s: float | None, duration_s: float) -> Outcome:
    if ear_s is not None:
        return Outcome.HEARD
    if reply.audible_s is None:
        return Outcome.WITHDRAWN if turn.cut else Outcome.MISSED
    if reply.audible_s >= duration_s - CLOCK_SLACK_S or turn.ended_s is None:
        return Outcome.UNRECORDED
    return Outcome.MISSED
