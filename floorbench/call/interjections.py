"""The caller speaks while the agent speaks: did it yield, how fast, or did it talk on?"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from agent.metrics import BargeIn, CallFigures, Reply, Segment, Verdict
from floorbench.activity import Span
from floorbench.call.ear import CLOCK_SLACK_S, Ear, talk
from floorbench.call.results import Interjection, Interruption
from floorbench.call.turn_scoring import TOO_SOON_S
from floorbench.overlap import duck_s, hole_s, stop_s

ENDING_S = 1.0
"""A reply that is over within this time after the caller's words was ending anyway."""


def interjections(ear: Ear, figures: CallFigures) -> Iterator[Interjection]:
    """One for each part of the caller's speech that starts inside a reply.

    A reply that has just begun is talking into the caller, which is another fault; and a part
    that starts before the verdict on the one before belongs to that one.
    """
    spoken = [(reply, talk(reply, ear, figures.replies)) for reply in figures.replies]
    settled_s = 0.0
    for part, after in pairwise([*ear.caller, Span(ear.duration_s, ear.duration_s)]):
        over = [
            reply
            for reply, span in spoken
            if span is not None and span.start_s + TOO_SOON_S < part.start_s < span.end_s
        ]
        if over and part.start_s >= settled_s:
            barge_in = _about(part, min(part.end_s + ENDING_S, after.start_s), figures.barge_ins)
            if barge_in is not None and barge_in.decided_s is not None:
                settled_s = barge_in.decided_s
            yield _interjection(part, over[-1], barge_in, (ear, figures))


def _about(part: Span, until_s: float, barge_ins: Sequence[BargeIn]) -> BargeIn | None:
    """What the agent did about this part; if it did several things, the one that stopped it."""
    begun = ((b, _begun_s(b)) for b in barge_ins)
    ours = [b for b, t in begun if t is not None and part.start_s - CLOCK_SLACK_S <= t < until_s]
    stopped = [b for b in ours if b.verdict is Verdict.CANCELLED]
    return next(iter([*stopped, *ours]), None)


def _begun_s(barge_in: BargeIn) -> float | None:
    stamps = (barge_in.ducked_s, barge_in.held_s, barge_in.decided_s)
    return min((t for t in stamps if t is not None), default=None)


def _interjection(
    part: Span, reply: Reply, barge_in: BargeIn | None, call: tuple[Ear, CallFigures]
) -> Interjection:
    ear, figures = call
    outcome = _outcome(part, reply, barge_in)
    decided_s = barge_in.decided_s if barge_in else None
    until_s = part.start_s if decided_s is None else decided_s
    yielded, kept = outcome is Interruption.YIELDED, outcome is Interruption.KEPT_TALKING
    return Interjection(
        start_s=part.start_s,
        end_s=part.end_s,
        words=next((s.words for s in figures.segments if s.words and _is_in(s, part)), ""),
        reply=reply.reply,
        outcome=outcome,
        stop_s=stop_s(ear.agent, part.start_s, until_s) if yielded else None,
        duck_s=duck_s(ear.agent_levels, part.start_s),
        hole_s=hole_s(ear.agent, part) if kept else None,
        undecided_for_s=barge_in.undecided_for_s if barge_in else None,
    )


def _outcome(part: Span, reply: Reply, barge_in: BargeIn | None) -> Interruption:
    verdict = barge_in.verdict if barge_in else Verdict.UNDECIDED
    if verdict is Verdict.CANCELLED:
        return Interruption.YIELDED
    if verdict is Verdict.RESUMED or reply.over_s is None:
        return Interruption.KEPT_TALKING
    ending = reply.over_s < part.end_s + ENDING_S
    return Interruption.WAS_ENDING if ending else Interruption.KEPT_TALKING


def _is_in(segment: Segment, part: Span) -> bool:
    if segment.start_s is None or segment.end_s is None:
        return False
    return Span(segment.start_s, segment.end_s).overlap_s(part) > 0
