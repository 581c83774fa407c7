"""EVA's turn-taking score: each turn between 0 and 1 by what happened on it, and their mean.

Source: ServiceNow/eva, the document of its turn-taking metric and `turn_taking.py` in the version
whose latency curve ends at 3.5 s (5 s on turns with a tool call), read in November 2026. Older
versions end it at 5 and 7 s. Not verified: which version a published score was made with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from floorbench.activity import Span

HARD_EARLY_MS, SWEET_LOW_MS = -500.0, 500.0
SWEET_HIGH_MS, HARD_LATE_MS = 2000.0, 3500.0
SWEET_HIGH_TOOL_MS, HARD_LATE_TOOL_MS = 3000.0, 5000.0
INTERRUPTING_MOST = 0.5
OVERLAP_HARD_MS = 2000.0
COUNT_HARD = 3
YIELD_HARD_MS = 2000.0
LEAST_OVERLAP_S = 0.001


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of the caller and what the agent said to it, in seconds.

    Attributes:
        before: what the agent had said to the turn before, or its greeting.
        agent_cut_in: the agent began while the caller was speaking.
        caller_cut_in: the caller began while the agent was speaking.
        with_tool: the agent called a tool for it.
    """

    caller: tuple[Span, ...]
    agent: tuple[Span, ...]
    before: tuple[Span, ...] = ()
    agent_cut_in: bool = False
    caller_cut_in: bool = False
    with_tool: bool = False


def score(turns: Sequence[Turn]) -> float | None:
    """The mean over the turns in which both sides spoke."""
    both = [turn_score(t) for t in turns if t.caller and t.agent]
    return fmean(both) if both else None


def turn_score(turn: Turn) -> float:
    """The signal that fits what happened; the worst of them if several do."""
    signals = []
    if turn.agent_cut_in:
        signals.append(_cut_in_score(turn))
    if turn.caller_cut_in and turn.before:
        signals.append(yield_score(yield_ms(turn)))
    if signals:
        return min(signals)
    return latency_score(1000 * (turn.agent[0].start_s - turn.caller[-1].end_s), turn.with_tool)


def latency_score(latency_ms: float, with_tool: bool = False) -> float:
    """Rises from -500 to 500 ms, stays 1, falls from 2000 to 3500 ms (tool: 3000 to 5000)."""
    high = SWEET_HIGH_TOOL_MS if with_tool else SWEET_HIGH_MS
    late = HARD_LATE_TOOL_MS if with_tool else HARD_LATE_MS
    if latency_ms <= HARD_EARLY_MS or latency_ms >= late:
        return 0.0
    if latency_ms < SWEET_LOW_MS:
        return (latency_ms - HARD_EARLY_MS) / (SWEET_LOW_MS - HARD_EARLY_MS)
    return 1.0 if latency_ms <= high else (late - latency_ms) / (late - high)


def overlap_score(overlap_ms: float) -> float:
    """From 0.5 down to 0 at 2 s: cutting in is never free."""
    return max(0.0, INTERRUPTING_MOST * (1 - overlap_ms / OVERLAP_HARD_MS))


def count_score(segments: int) -> float:
    """0.5 for cutting in once, 0.25 for twice, nothing for more."""
    return max(0.0, INTERRUPTING_MOST * (1 - (segments - 1) / (COUNT_HARD - 1)))


def yield_score(after_ms: float) -> float:
    """From 1 down to 0 at 2 s of talking on."""
    return max(0.0, 1 - after_ms / YIELD_HARD_MS)


def yield_ms(turn: Turn) -> float:
    """How long the agent talked on after the caller began."""
    return max(0.0, turn.before[-1].end_s - turn.caller[0].start_s) * 1000


def _cut_in_score(turn: Turn) -> float:
    overlap_s = sum(a.overlap_s(c) for a in turn.agent for c in turn.caller)
    over = sum(any(a.overlap_s(c) > LEAST_OVERLAP_S for c in turn.caller) for a in turn.agent)
    scores = [overlap_score(1000 * overlap_s)]
    if over:
        scores.append(count_score(over))
    settled = _settled_ms(turn)
    if settled is not None:
        scores.append(latency_score(settled, turn.with_tool))
    return min(scores)


def _settled_ms(turn: Turn) -> float | None:
    """The gap before the agent's first sound after the caller; None if it talked through it."""
    end_s = turn.caller[-1].end_s
    if any(a.start_s <= end_s < a.end_s for a in turn.agent):
        return None
    later = [a.start_s for a in turn.agent if a.start_s > end_s]
    return 1000 * (min(later) - end_s) if later else None
