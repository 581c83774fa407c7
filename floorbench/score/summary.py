"""All figures of a run, from nothing but its event and session results."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from floorbench.score.echo import echo_changes, self_interruption
from floorbench.score.figure import (
    DELAYS,
    ENOUGH_DELAY,
    ENOUGH_SHARE,
    PER_MINUTE,
    SHARES,
    STOP_OF_ALL,
    Better,
    Delay,
    Figure,
    Kind,
    PerMinute,
    Share,
)
from floorbench.score.intervals import Statistic, bootstrap, mean, percentile_of, wilson
from floorbench.score.joint import joint
from floorbench.score.outcome import EventResult, Measure, SessionResult

SEED = 20_261_120
"""Of the bootstrap; written into every result."""
BY_PAUSE = "premature.pause."


def summary(
    events: Sequence[EventResult], sessions: Sequence[SessionResult], seed: int = SEED
) -> tuple[Figure, ...]:
    """Every figure, in the order of the tables; those with nothing behind them have no value."""
    made = [
        *(f for delay in (*DELAYS, STOP_OF_ALL) for f in _delays(delay, events, seed)),
        *(_share(share, events) for share in SHARES),
        *_by_pause(events),
        *(_per_minute(rate, sessions) for rate in PER_MINUTE),
        *self_interruption(sessions),
        *echo_changes(events, seed),
    ]
    made.append(joint(made, seed))
    return _bought(made)


def values(events: Sequence[EventResult], measure: Measure) -> list[float]:
    """What the counted events have of one measure, in order."""
    return [e.figures[measure] for e in events if measure in e.figures]


def behind(name: str, measure: str, events: Sequence[EventResult]) -> list[EventResult]:
    """The events that a figure is made of, in order."""
    ours = [e for e in events if measure in e.figures]
    if not name.startswith(BY_PAUSE):
        return ours
    return [e for e in ours if f"{BY_PAUSE}{_pause_s(e):.1f}s" == name]


def statistic_of(name: str) -> Statistic:
    """How a delay's events come to its one number."""
    last = name.rpartition(".")[2]
    return percentile_of(float(last[1:])) if last[1:].isdigit() else mean


def _delays(delay: Delay, events: Sequence[EventResult], seed: int) -> Iterator[Figure]:
    found = values(events, delay.measure)
    missed = _missed(delay, events, len(found))
    mean_name = "mean_of_all" if delay is STOP_OF_ALL else "mean"
    shown = [f"p{percent}" for percent in delay.percents] + [mean_name] * delay.with_mean
    for name in shown:
        statistic = statistic_of(name)
        value = float(statistic(np.asarray([found]))[0]) if found else None
        low, high = bootstrap(found, statistic, seed) if found else (None, None)
        yield Figure(
            name=f"{delay.name}.{name}",
            kind=Kind.DELAY,
            better=Better.LOWER,
            value=rounded(value),
            low=rounded(low),
            high=rounded(high),
            n=len(found),
            missed=missed,
            unit="s",
            measure=delay.measure,
            bought_with=delay.bought_with,
            enough=len(found) >= ENOUGH_DELAY,
        )


def _missed(delay: Delay, events: Sequence[EventResult], found: int) -> int:
    """Events that were asked for the delay and have none."""
    return len(values(events, delay.missed)) - found if delay.missed else 0


def _share(share: Share, events: Sequence[EventResult]) -> Figure:
    found = [value > 0 for value in values(events, share.measure)]
    low, high = wilson(sum(found), len(found))
    return Figure(
        name=share.name,
        kind=Kind.SHARE,
        better=share.better,
        value=rounded(sum(found) / len(found)) if found else None,
        low=rounded(low) if found else None,
        high=rounded(high) if found else None,
        n=len(found),
        missed=0,
        unit="share",
        measure=share.measure,
        bought_with=share.bought_with,
        enough=len(found) >= ENOUGH_SHARE,
    )


def _by_pause(events: Sequence[EventResult]) -> Iterator[Figure]:
    """Premature shares by the length of the pause."""
    lengths = sorted({_pause_s(e) for e in events if Measure.PREMATURE_PAUSE in e.figures})
    for length_s in lengths:
        name = f"{BY_PAUSE}{length_s:.1f}s"
        share = Share(name, Measure.PREMATURE_PAUSE, Better.LOWER, "gap.mean")
        yield _share(share, behind(name, share.measure, events))


def _pause_s(event: EventResult) -> float:
    """The length the scenario meant; otherwise the one found, to a tenth of a second."""
    meant = event.params.get("pause_s")
    if isinstance(meant, int | float) and not isinstance(meant, bool):
        return round(float(meant), 1)
    return round(event.figures[Measure.PAUSE], 1)


def _per_minute(rate: PerMinute, sessions: Sequence[SessionResult]) -> Figure:
    amount = sum(s.amounts.get(rate.amount, 0.0) for s in sessions)
    over_s = sum(s.amounts.get(rate.over, 0.0) for s in sessions)
    return Figure(
        name=rate.name,
        kind=Kind.PER_MINUTE,
        better=Better.LOWER,
        value=rounded(60 * rate.scale * amount / over_s) if over_s else None,
        low=None,
        high=None,
        n=round(over_s / 60),
        missed=0,
        unit=rate.unit,
        measure=rate.amount,
    )


def _bought(figures: Sequence[Figure]) -> tuple[Figure, ...]:
    """Each figure with the value of the one it was bought with."""
    known: Mapping[str, Figure] = {f.name: f for f in figures}
    return tuple(
        replace(f, bought_value=known[f.bought_with].value) if f.bought_with else f for f in figures
    )


def rounded(value: float | None) -> float | None:
    """To a microsecond: what lies below is the arithmetic's."""
    return None if value is None else round(value, 6)
