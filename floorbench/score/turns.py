"""Turns that want a reply, and the pauses inside them that do not."""

from floorbench.activity import Span
from floorbench.score.heard import (
    EPS_S,
    REPLY_EARLY_S,
    Heard,
    is_sustained,
    judged_span,
    turn_around,
)
from floorbench.score.outcome import Measure, Outcome, Verdict, not_counted
from floorbench.score.special import special
from floorbench.session import CallerEvent, Expect

MISSED_AFTER_S = 5.0
"""A reply that has not begun by then was missed."""
FAIR_S = 2.0
"""If the caller speaks on sooner, a missing reply says nothing about the agent."""
SLOW_S = (1.0, 2.0)
PREMATURE_EDGE_S = 0.05
PREMATURE_SPEECH_S = 0.1
MONOLOGUE = "S15"
"""Here sounds of listening are welcome: only a sustained episode takes the turn."""


def turn_verdict(event: CallerEvent, heard: Heard) -> Verdict:
    """Answered, how soon, or not at all."""
    end_s = event.t_off
    until_s, reason = reply_window(event, heard, end_s)
    reply = heard.reply(end_s - REPLY_EARLY_S, until_s)
    premature = {Measure.PREMATURE_TURN: float(_took_the_turn(event, heard))}
    premature |= special(event, heard, reply, bool(premature[Measure.PREMATURE_TURN]))
    if reply is not None:
        gap_s = reply.start_s - end_s
        first = heard.onsets(end_s - REPLY_EARLY_S, until_s)[0]
        figures = {
            Measure.GAP: gap_s,
            Measure.FIRST_SOUND: first.start_s - end_s,
            Measure.SLOW_1: float(gap_s > SLOW_S[0] + EPS_S),
            Measure.SLOW_2: float(gap_s > SLOW_S[1] + EPS_S),
            Measure.MISSED: 0.0,
            Measure.CUT_IN: 0.0,
        }
        return Verdict(Outcome.REPLIED, figures | premature)
    if reason:
        return not_counted(reason)
    cut_in = _cut_in(event, heard)
    figures = {Measure.MISSED: 1.0, Measure.CUT_IN: float(cut_in)}
    return Verdict(Outcome.CUT_IN if cut_in else Outcome.MISSED, figures | premature)


def reply_window(event: CallerEvent, heard: Heard, end_s: float) -> tuple[float, str]:
    """Until when a reply to what ended at `end_s` may begin, and why none would prove nothing."""
    until_s = end_s + MISSED_AFTER_S
    claimed_s = heard.claimed_after(event, end_s - REPLY_EARLY_S)
    if claimed_s < min(until_s, heard.duration_s):
        left_s = claimed_s - end_s
        reason = f"the caller spoke on after {left_s:.2f} s" if left_s < FAIR_S - EPS_S else ""
        return claimed_s - 2 * EPS_S, reason
    if heard.duration_s < until_s - EPS_S:
        left_s = heard.duration_s - end_s
        cut_short = f"the recording ends {left_s:.2f} s after it, before {MISSED_AFTER_S:.0f} s"
        return heard.duration_s, "" if heard.session.fault else cut_short
    return until_s, ""


def pause_verdict(event: CallerEvent, heard: Heard) -> Verdict:
    """Whether the agent took a turn that was not over."""
    pause = judged_span(event)
    if pause.duration_s <= 0:
        return not_counted("there is no pause in it")
    turn = turn_around(heard.session.events, pause)
    begun_s = turn.t_on if turn else event.t_on
    talking = heard.talking_at(pause.start_s)
    if talking is not None and talking.start_s < begun_s:
        return not_counted("the agent was still talking")
    if talking is not None and not _is_blamed_on(event, talking, heard):
        return not_counted("the agent had taken the turn before")
    only_sustained = heard.session.scenario == MONOLOGUE
    window = _hold_window(event, pause, heard)
    premature = talking is not None or _took_over(window, heard, only_sustained)
    figures = {Measure.PREMATURE_PAUSE: float(premature), Measure.PAUSE: pause.duration_s}
    return Verdict(Outcome.PREMATURE if premature else Outcome.HELD, figures)


def _hold_window(event: CallerEvent, pause: Span, heard: Heard) -> Span:
    """From the pause to the end of the turn, or to the next pause, which answers for itself."""
    turn = turn_around(heard.session.events, pause)
    end_s = turn.t_off if turn else max(event.t_off, pause.end_s)
    later = [
        judged_span(other).start_s
        for other in heard.session.events
        if other.expect is Expect.HOLD and judged_span(other).start_s > pause.start_s + EPS_S
    ]
    return Span(pause.start_s, min([end_s - PREMATURE_EDGE_S, *later]))


def _took_over(window: Span, heard: Heard, only_sustained: bool) -> bool:
    begun = heard.onsets(window.start_s, window.end_s)
    speech_s = sum(e.overlap_s(window) for e in begun)
    long_enough = not only_sustained and speech_s >= PREMATURE_SPEECH_S - EPS_S
    return long_enough or any(is_sustained(e) for e in begun)


def _is_blamed_on(event: CallerEvent, talking: Span, heard: Heard) -> bool:
    """What began in the turn, before a pause, is that pause's if it is the first one it fills.

    Otherwise nobody would answer for a sound that begins just before the caller pauses.
    """
    if heard.session.scenario == MONOLOGUE and not is_sustained(talking):
        return False
    windows = sorted(
        _hold_window(other, judged_span(other), heard)
        for other in heard.session.events
        if other.expect is Expect.HOLD
    )
    filled = (w for w in windows if _fills(talking, w))
    return next(filled, None) == _hold_window(event, judged_span(event), heard)


def _fills(episode: Span, window: Span) -> bool:
    begins = window.start_s - EPS_S <= episode.start_s <= window.end_s + EPS_S
    spoken_s = episode.overlap_s(window)
    return spoken_s >= PREMATURE_SPEECH_S - EPS_S or (begins and is_sustained(episode))


def _took_the_turn(event: CallerEvent, heard: Heard) -> bool:
    """A sustained episode began inside the turn, or one of its pauses was taken."""
    inside = heard.onsets(event.t_on, event.t_off - REPLY_EARLY_S - 2 * EPS_S)
    if any(is_sustained(e) for e in inside):
        return True
    return any(
        pause_verdict(other, heard).outcome is Outcome.PREMATURE
        for other in heard.session.events
        if other.expect is Expect.HOLD and _lies_in(other, event, heard)
    )


def _lies_in(pause: CallerEvent, turn: CallerEvent, heard: Heard) -> bool:
    span = judged_span(pause)
    if span.start_s < turn.t_on - EPS_S or span.end_s > turn.t_off + EPS_S:
        return False  # most of them, and quickly
    return turn_around(heard.session.events, span) is turn


def _cut_in(event: CallerEvent, heard: Heard) -> bool:
    """The agent began inside the turn and was still talking when it ended."""
    talking = heard.talking_at(event.t_off)
    return talking is not None and talking.start_s >= event.t_on
