"""eot-bench: what an end-of-turn detector costs in false cut-offs and in dead air.

A turn is a row of silences; the last one is its end, every other is a hold. A policy of threshold,
action delay and time-out is applied to the scores within each silence, and every policy of a grid
is tried.

Source: livekit/eot-bench, README at 10855b4 and `metrics.py` of a public copy at 39ab20e, both
read in November 2026. Not verified: that the present upstream still has these grids and limits,
and any published figure, for the data set is not here.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from agent.core.errors import ParleyError

EPS = 1e-9
HOLD_LEAST_S, HOLD_MOST_S = 0.2, 5.0
"""Holds outside this are left out; ends of turns never are."""
THRESHOLDS = tuple(round(0.01 * i, 2) for i in range(101))
ACTION_DELAYS_S = tuple(round(0.2 + 0.1 * i, 2) for i in range(9))
TIMEOUTS_S = tuple(round(1.0 + 0.5 * i, 2) for i in range(6))
VAD_STEP_S = 0.01


class Label(StrEnum):
    """What a silence was."""

    HOLD = "hold"
    END = "eot"


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence of a turn.

    Attributes:
        duration_s: how long it lasted; of an end, how far it was scored.
        scores: (seconds of silence so far, probability 0..1 that the turn is over), by time.
    """

    label: Label
    duration_s: float
    scores: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """When to act on a score: over `threshold`, not before the delay, at the latest at the end."""

    threshold: float
    action_delay_s: float
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Point:
    """What a policy comes to.

    Attributes:
        cutoff_rate: share of holds that would have been cut off.
        mean_latency_s: mean wait after true ends.
        timeout_rate: share of true ends that only the time-out found.
    """

    policy: Policy
    cutoff_rate: float
    mean_latency_s: float
    timeout_rate: float


@dataclass(frozen=True, slots=True)
class OperatingPoints:
    """The four figures of the leaderboard; None where no policy reached the budget."""

    cutoff_at_300ms: float | None
    cutoff_at_600ms: float | None
    latency_at_5_percent_s: float | None
    latency_at_10_percent_s: float | None


def fire_s(silence: Silence, threshold: float) -> float:
    """When a score first exceeds the threshold; infinite if it never does."""
    return next((at_s for at_s, p in silence.scores if p > threshold), math.inf)


def sweep(
    silences: Iterable[Silence],
    thresholds: Sequence[float] = THRESHOLDS,
    action_delays_s: Sequence[float] = ACTION_DELAYS_S,
    timeouts_s: Sequence[float] = TIMEOUTS_S,
) -> list[Point]:
    """Every policy of the grid whose time-out is not shorter than its delay.

    Raises:
        ParleyError: there are no holds, or no ends.
    """
    holds, ends = _sorted(silences)
    durations = np.asarray([s.duration_s for s in holds])
    points: list[Point] = []
    for threshold in thresholds:
        fires = tuple(np.asarray([fire_s(s, threshold) for s in group]) for group in (holds, ends))
        points += _points(threshold, durations, fires, action_delays_s, timeouts_s)
    return points


def silence_only(
    silences: Iterable[Silence], delays_s: Sequence[float] | None = None
) -> list[Point]:
    """The baseline that listens for nothing but silence, every 10 ms up to the longest time-out."""
    holds, _ = _sorted(silences)
    durations = np.asarray([s.duration_s for s in holds])
    steps = round((TIMEOUTS_S[-1] - HOLD_LEAST_S) / VAD_STEP_S)
    grid = delays_s or [round(HOLD_LEAST_S + VAD_STEP_S * i, 2) for i in range(steps + 1)]
    return [
        Point(Policy(math.nan, d, d), float(np.mean(durations > d + EPS)), d, 0.0) for d in grid
    ]


def operating_points(points: Sequence[Point]) -> OperatingPoints:
    """The best of a sweep within each budget."""
    return OperatingPoints(
        _least_cutoff(points, 0.3),
        _least_cutoff(points, 0.6),
        _least_latency(points, 0.05),
        _least_latency(points, 0.10),
    )


def frontier(points: Iterable[Point]) -> list[Point]:
    """The points that none beats in both, by latency."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.mean_latency_s, p.cutoff_rate)):
        if not best or point.cutoff_rate < best[-1].cutoff_rate - EPS:
            best.append(point)
    return best


def _sorted(silences: Iterable[Silence]) -> tuple[list[Silence], list[Silence]]:
    every = list(silences)
    holds = [
        s
        for s in every
        if s.label is Label.HOLD and HOLD_LEAST_S - EPS <= s.duration_s <= HOLD_MOST_S + EPS
    ]
    ends = [s for s in every if s.label is Label.END]
    if not holds or not ends:
        raise ParleyError(
            f"eot-bench: expected holds of {HOLD_LEAST_S} to {HOLD_MOST_S} s and ends of turns, "
            f"found {len(holds)} and {len(ends)}; give whole turns"
        )
    return holds, ends


Numbers = NDArray[np.float64]


def _points(
    threshold: float,
    durations: Numbers,
    fires: tuple[Numbers, ...],
    action_delays_s: Sequence[float],
    timeouts_s: Sequence[float],
) -> Iterator[Point]:
    of_holds, of_ends = fires
    for delay_s in action_delays_s:
        acted = durations > np.maximum(delay_s, of_holds) + EPS
        waits = np.maximum(delay_s, of_ends)
        for timeout_s in timeouts_s:
            if timeout_s + EPS < delay_s:
                continue
            found = waits <= timeout_s + EPS
            yield Point(
                Policy(threshold, delay_s, timeout_s),
                float(np.mean(acted | (durations > timeout_s + EPS))),
                float(np.mean(np.where(found, waits, timeout_s))),
                float(np.mean(~found)),
            )


def _least_cutoff(points: Sequence[Point], latency_s: float) -> float | None:
    within = (p.cutoff_rate for p in points if p.mean_latency_s <= latency_s + EPS)
    return min(within, default=None)


def _least_latency(points: Sequence[Point], cutoff: float) -> float | None:
    within = (p.mean_latency_s for p in points if p.cutoff_rate <= cutoff + EPS)
    return min(within, default=None)
