"""Two results side by side, and which of their differences are real.

The rule: a difference is real when its 95 % interval does not hold 0. Where both runs have the same
seed and the same stimuli, the same events are compared with each other (paired): shares by Bonett
and Price's interval, delays by a bootstrap that draws the same events for both. Otherwise each run
stands for itself: shares by Newcombe's interval, delays by two bootstraps. A delay with fewer than
20 events on one side is never called different. Of 20 figures that did not change one will look as
if it had.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from textwrap import wrap

import numpy as np

from floorbench.results import RECORDED, FloorResults
from floorbench.score.figure import JOINT_PARTS, Better, Figure, Kind
from floorbench.score.intervals import bootstrap_difference, newcombe, paired_shares
from floorbench.score.joint import draws
from floorbench.score.outcome import EventResult
from floorbench.score.summary import SEED, behind, statistic_of

LEAST_DELAYS = 20
WIDTH = 100


class Finding(StrEnum):
    """What a comparison says about one figure of the second run."""

    BETTER = "better"
    WORSE = "worse"
    OPEN = "not shown"
    FEW = "too few"
    UNJUDGED = "no interval"
    MISSING = "not measured"


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure in both runs; `low` to `high` is the 95 % interval of b - a.

    Attributes:
        pairs: events compared with themselves; 0 where the runs stand for themselves.
    """

    figure: str
    unit: str
    better: Better
    a: float | None
    b: float | None
    low: float | None
    high: float | None
    n_a: int
    n_b: int
    pairs: int
    finding: Finding

    @property
    def difference(self) -> float | None:
        """What is added from a to b, when both are known."""
        return None if self.a is None or self.b is None else round(self.b - self.a, 6)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs.

    Attributes:
        rule: how it was decided which differences are real, in words.
    """

    a: str
    b: str
    paired: bool
    rule: str
    differences: tuple[Difference, ...]
    notices: tuple[str, ...]


def compare(a: FloorResults, b: FloorResults, seed: int = SEED) -> Comparison:
    """Every figure that either run has."""
    why_not = unpaired_reason(a, b)
    names = list(dict.fromkeys(f.name for f in (*a.figures, *b.figures)))
    found = [_difference(name, a, b, seed, paired=not why_not) for name in names]
    return Comparison(
        a=a.run.target,
        b=b.run.target,
        paired=not why_not,
        rule=_rule(why_not),
        differences=tuple(d for d in found if d is not None),
        notices=tuple(_notices(a, b)),
    )


def unpaired_reason(a: FloorResults, b: FloorResults) -> str:
    """Why the events of two runs are not the same ones; empty if they are."""
    if a.run.seed != b.run.seed:
        return f"the seeds differ ({a.run.seed} and {b.run.seed})"
    common = {e.key for e in a.events} & {e.key for e in b.events}
    if not common:
        return "they have no event in common"
    if RECORDED in (a.run.stimulus_set, b.run.stimulus_set) and not common <= set(a.stimuli):
        return "nothing says that the recordings have the same stimuli"
    changed = [k for k in common if a.stimuli.get(k) != b.stimuli.get(k)]
    return f"{len(changed)} of {len(common)} common stimuli differ" if changed else ""


def _rule(why_not: str) -> str:
    how = f"not paired, because {why_not}" if why_not else "paired: the same events in both"
    return f"{how}; real is what its 95 % interval sets apart from 0"


def _difference(
    name: str, a: FloorResults, b: FloorResults, seed: int, paired: bool
) -> Difference | None:
    figures = a.figure(name), b.figure(name)
    known = next(f for f in figures if f is not None)
    first, second = (f if f is not None and f.value is not None else None for f in figures)
    if first is None and second is None:
        return None
    values: tuple[float | None, float | None] = (
        first.value if first else None,
        second.value if second else None,
    )
    span, pairs, finding = None, 0, Finding.MISSING
    if first is not None and second is not None:
        values, span, pairs = _interval((first, second), (a, b), seed, paired)
        few = known.kind is Kind.DELAY and min(pairs or first.n, pairs or second.n) < LEAST_DELAYS
        finding = Finding.FEW if few else _finding(span, known.better)
    return Difference(
        figure=known.name,
        unit=known.unit,
        better=known.better,
        a=values[0],
        b=values[1],
        low=None if span is None else round(span[0], 6),
        high=None if span is None else round(span[1], 6),
        n_a=first.n if first else 0,
        n_b=second.n if second else 0,
        pairs=pairs,
        finding=finding,
    )


Interval = tuple[tuple[float | None, float | None], tuple[float, float] | None, int]


def _interval(
    figures: tuple[Figure, Figure], runs: tuple[FloorResults, FloorResults], seed: int, paired: bool
) -> Interval:
    """Both values, the interval of their difference, and the pairs behind it."""
    first, second = figures
    values = (first.value, second.value)
    if first.name == "joint":
        return values, _joint(runs, seed), 0
    if first.kind not in (Kind.DELAY, Kind.SHARE):
        return values, None, 0
    events = [behind(f.name, f.measure, r.events) for f, r in zip(figures, runs, strict=True)]
    if paired:
        events = _common(*events)
    of_a, of_b = ([e.figures[first.measure] for e in ours] for ours in events)
    if not of_a or not of_b:
        return values, None, 0
    pairs = len(of_a) if paired else 0
    if first.kind is Kind.DELAY:
        statistic = statistic_of(first.name)
        shown = tuple(round(float(statistic(np.asarray([v]))[0]), 6) for v in (of_a, of_b))
        span = bootstrap_difference(of_a, of_b, statistic, seed, paired)
        return ((shown[0], shown[1]) if paired else values), span, pairs
    hits_a, hits_b = [v > 0 for v in of_a], [v > 0 for v in of_b]
    if not paired:
        return values, newcombe((sum(hits_a), len(of_a)), (sum(hits_b), len(of_b))), 0
    shares = round(sum(hits_a) / pairs, 6), round(sum(hits_b) / pairs, 6)
    return shares, paired_shares(hits_a, hits_b), pairs


def _common(a: Sequence[EventResult], b: Sequence[EventResult]) -> list[list[EventResult]]:
    """The events both have, in the same order."""
    ours = {e.key: e for e in b}
    shared = [e for e in a if e.key in ours]
    return [shared, [ours[e.key] for e in shared]]


def _joint(runs: tuple[FloorResults, FloorResults], seed: int) -> tuple[float, float]:
    parts = [{f.name: f for f in run.figures if f.name in JOINT_PARTS} for run in runs]
    first, second = draws(parts[0], seed), draws(parts[1], seed + 1)
    low, high = np.percentile(np.asarray(second) - np.asarray(first), (2.5, 97.5))
    return float(low), float(high)


def _finding(span: tuple[float, float] | None, better: Better) -> Finding:
    if span is None:
        return Finding.UNJUDGED
    low, high = span
    if low <= 0 <= high:
        return Finding.OPEN
    lower = high < 0
    return Finding.BETTER if lower is (better is Better.LOWER) else Finding.WORSE


def _notices(a: FloorResults, b: FloorResults) -> Iterator[str]:
    if a.run.machine != b.run.machine:
        yield "the machines differ: part of any difference in delays may be theirs"
    if a.run.stimulus_set != b.run.stimulus_set:
        yield f"the stimulus sets differ: {a.run.stimulus_set} and {b.run.stimulus_set}"
    for name, run in (("first", a.run), ("second", b.run)):
        if run.self_test != "passed":
            yield f"the self-test of the {name} run: {run.self_test}"


# --- as text --------------------------------------------------------------------------------------


def table(comparison: Comparison) -> Iterator[str]:
    """For a terminal, 100 columns wide."""
    yield f"a: {comparison.a}"
    yield f"b: {comparison.b}"
    yield from wrap(comparison.rule, WIDTH)
    yield ""
    yield _row("figure", ("a", "b", "b - a", "95 % interval", "n"), "b is")
    yield _row("-" * 23, ("-" * 9, "-" * 9, "-" * 9, "-" * 18, "-" * 7), "-" * 12)
    for d in comparison.differences:
        span = "" if d.low is None or d.high is None else _span(d.low, d.high, d.unit)
        count = f"{d.pairs}" if d.pairs else f"{d.n_a}/{d.n_b}"
        cells = (shown(d.a, d.unit), shown(d.b, d.unit), shown(d.difference, d.unit), span, count)
        yield _row(d.figure, cells, d.finding.value)
    real = [d for d in comparison.differences if d.finding in (Finding.BETTER, Finding.WORSE)]
    yield ""
    yield from wrap(_verdict(real, len(comparison.differences)), WIDTH)
    yield from (line for text in comparison.notices for line in wrap(f"note: {text}", WIDTH))


def shown(value: float | None, unit: str) -> str:
    """A value as people read it: milliseconds, percent, or a plain number."""
    if value is None:
        return "none"
    if unit == "s":
        return f"{value * 1000:.0f} ms"
    return f"{value * 100:.1f} %" if unit == "share" else f"{value:.2f}"


def _span(low: float, high: float, unit: str) -> str:
    scale, mark = {"s": (1000.0, " ms"), "share": (100.0, " %")}.get(unit, (1.0, ""))
    digits = 0 if unit == "s" else 1
    return f"{low * scale:.{digits}f} to {high * scale:.{digits}f}{mark}"


def _row(name: str, cells: tuple[str, ...], finding: str) -> str:
    widths = (9, 9, 9, 18, 7)
    aligned = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join([name.ljust(23), *aligned, finding]).rstrip()


def _verdict(real: Sequence[Difference], every: int) -> str:
    if not real:
        return f"no real difference in {every} figures"
    words = ", ".join(f"{d.figure} {d.finding.value}" for d in real)
    return f"{len(real)} of {every} differences are real: {words}"
