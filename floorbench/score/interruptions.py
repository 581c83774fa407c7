"""The caller takes the floor from the agent: does it give way, how fast, and answer then?"""

from floorbench.activity import Span
from floorbench.overlap import duck_s
from floorbench.score.heard import EPS_S, REPLY_EARLY_S, Heard, is_sustained
from floorbench.score.outcome import Measure, Outcome, Verdict, not_counted
from floorbench.score.turns import reply_window
from floorbench.session import CallerEvent

YIELD_WITHIN_S = 2.0
YIELD_LIMITS_S = ((Measure.YIELD, 2.0), (Measure.YIELD_1, 1.0), (Measure.YIELD_05, 0.5))


def interruption_verdict(event: CallerEvent, heard: Heard) -> Verdict:
    """Yielded, how soon, and what came after."""
    talking = heard.talking_at(event.t_on)
    if talking is None:
        return not_counted("the agent was not talking when it began")
    stopped = heard.stopped(talking)
    seen_s = min(heard.duration_s, talking.end_s)
    if not stopped and seen_s < event.t_on + YIELD_WITHIN_S + EPS_S:
        return not_counted("the recording ends before it could be seen to yield")
    stop_s = talking.end_s - event.t_on if stopped else float("inf")
    clear = not _spoke_again(talking.end_s, event, heard)
    figures = {
        measure: float(clear and stop_s <= limit_s + EPS_S) for measure, limit_s in YIELD_LIMITS_S
    }
    yielded = bool(figures[Measure.YIELD])
    figures[Measure.STOP_OF_ALL] = stop_s if yielded else YIELD_WITHIN_S
    if yielded:
        figures[Measure.STOP] = stop_s
    duck = duck_s(heard.agent_levels, event.t_on)
    if duck is not None:
        figures[Measure.DUCK] = duck
    outcome = Outcome.YIELDED if yielded else Outcome.NOT_YIELDED
    after, reason = _afterwards(event, heard, talking if yielded else None)
    return Verdict(outcome, figures | after, reason)


def _spoke_again(stopped_s: float, event: CallerEvent, heard: Heard) -> bool:
    """Sustained speech of the agent that began after the stop and before the caller was done."""
    done_s = event.t_off - REPLY_EARLY_S - 2 * EPS_S
    return any(is_sustained(e) for e in heard.onsets(stopped_s + EPS_S, done_s))


def _afterwards(
    event: CallerEvent, heard: Heard, ended: Span | None
) -> tuple[dict[Measure, float], str]:
    """The gap before the next reply; an agent that did not yield has missed it."""
    if ended is None:
        return {Measure.POST_MISSED: 1.0}, ""
    until_s, reason = reply_window(event, heard, event.t_off)
    reply = heard.reply(max(event.t_off - REPLY_EARLY_S, ended.end_s), until_s)
    if reply is not None:
        gap_s = reply.start_s - event.t_off
        return {Measure.POST_GAP: gap_s, Measure.POST_MISSED: 0.0}, ""
    if reason:
        return {}, f"its reply does not count: {reason}"
    return {Measure.POST_MISSED: 1.0}, ""
