"""The interaction panel of tau-voice: eight figures from who speaks in which tick of 200 ms.

Source: sierra-research/tau2-bench, `voice_interaction_metrics.py` at 2b80cb1 (version 1.1) and the
document of its panel, read in November 2026. Not verified: parity with their code on their own
trajectories, which are not here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

TICK_S = 0.2
NO_YIELD_S = 2.0
WRONG_YIELD_S = 1.0
WRONG_RESPONSE_S = 2.0


class Label(StrEnum):
    """What a stretch of the caller's speech was."""

    TURN = "turn"
    BACKCHANNEL = "backchannel"
    TIC = "vocal_tic"
    NON_DIRECTED = "non_directed"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Ticks in which one side speaks; `end` is the first tick in which it does not."""

    start: int
    end: int
    label: Label = Label.TURN


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation: the caller's stretches and the agent's, by tick, and how long it was."""

    caller: tuple[Stretch, ...]
    agent: tuple[Stretch, ...]
    ticks: int


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel, under its own field names; None where nothing was counted."""

    response_latency_mean: float | None
    yield_latency_mean: float | None
    response_rate: float | None
    yield_rate: float | None
    agent_interruption_rate: float | None
    selectivity_backchannel: float | None
    selectivity_vocal_tic: float | None
    selectivity_non_directed: float | None
    counts: dict[str, int]


def panel(talks: Sequence[Talk]) -> Panel:
    """All conversations together."""
    responses = [gap for talk in talks for gap in _responses(talk)]
    yields = [y for talk in talks for y in _yields(talk)]
    turns = len(responses)
    barged_in = sum(_begins_inside(a, talk.caller) for talk in talks for a in talk.agent)
    kept = {label: [k for t in talks for k in _kept(t, label)] for label in Label}
    answered = [gap for gap in responses if gap is not None]
    stopped = [y for y in yields if y is not None]
    return Panel(
        response_latency_mean=fmean(answered) if answered else None,
        yield_latency_mean=fmean(stopped) if stopped else None,
        response_rate=len(answered) / turns if turns else None,
        yield_rate=len(stopped) / len(yields) if yields else None,
        agent_interruption_rate=barged_in / turns if turns else None,
        selectivity_backchannel=_rate(kept[Label.BACKCHANNEL]),
        selectivity_vocal_tic=_rate(kept[Label.TIC]),
        selectivity_non_directed=_rate(kept[Label.NON_DIRECTED]),
        counts={
            "n_simulations": len(talks),
            "response_total": turns,
            "yield_total": len(yields),
            "backchannel_total": len(kept[Label.BACKCHANNEL]),
            "vocal_tic_total": len(kept[Label.TIC]),
            "non_directed_total": len(kept[Label.NON_DIRECTED]),
            "agent_interrupts_count": barged_in,
        },
    )


def _responses(talk: Talk) -> list[float | None]:
    """For each turn after which the agent was silent: seconds to its next speech, or None.

    A turn that nobody follows is left out. A backchannel is no turn, nor is what was said to
    somebody else.
    """
    turns = [s for s in talk.caller if s.label is Label.TURN and not _speaking(s.end, talk.agent)]
    out: list[float | None] = []
    for i, turn in enumerate(turns):
        answer = min((a.start for a in talk.agent if a.start >= turn.end), default=None)
        again = next((t.start for t in turns[i + 1 :] if t.start >= turn.end), None)
        if answer is not None and (again is None or answer <= again):
            out.append((answer - turn.end) * TICK_S)
        elif again is not None:
            out.append(None)
    return out


def _yields(talk: Talk) -> list[float | None]:
    """For each turn that began over the agent: seconds until it stopped, None if it did not."""
    over = [s for s in talk.caller if s.label is Label.TURN and _speaking(s.start, talk.agent)]
    stops = [_stop_tick(s.start, talk, NO_YIELD_S) for s in over]
    return [
        None if stop is None else (stop - s.start) * TICK_S
        for s, stop in zip(over, stops, strict=True)
    ]


def _kept(talk: Talk, label: Label) -> list[bool]:
    """For each stretch of this label, whether the agent did right by it: nothing."""
    if label is Label.TURN:
        return []
    out = []
    for stretch in (s for s in talk.caller if s.label is label):
        if _speaking(stretch.start, talk.agent):
            out.append(_stop_tick(stretch.start, talk, WRONG_YIELD_S) is None)
        elif label is not Label.BACKCHANNEL:  # only counted over the agent
            last = stretch.end + round(WRONG_RESPONSE_S / TICK_S)
            out.append(not any(stretch.start <= a.start <= last for a in talk.agent))
    return out


def _stop_tick(start: int, talk: Talk, within_s: float) -> int | None:
    ticks = range(start, min(start + round(within_s / TICK_S), talk.ticks))
    return next((i for i in ticks if not _speaking(i, talk.agent)), None)


def _speaking(tick: int, stretches: Iterable[Stretch]) -> bool:
    return any(s.start <= tick < s.end for s in stretches)


def _begins_inside(agent: Stretch, caller: Iterable[Stretch]) -> bool:
    return _speaking(agent.start, caller)


def _rate(right: Sequence[bool]) -> float | None:
    return sum(right) / len(right) if right else None
