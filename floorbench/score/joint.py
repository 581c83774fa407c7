"""The joint score: whoever buys one figure with another gains nothing."""

from collections.abc import Mapping, Sequence

import numpy as np

from floorbench.score.figure import ENOUGH_SHARE, JOINT_PARTS, Better, Figure, Kind
from floorbench.score.intervals import BOOTSTRAP

KEPT = ("S_BC", "S_VT", "S_ND", "S_NOISE")


def joint(figures: Sequence[Figure], seed: int) -> Figure:
    """J = yield x mean(S_BC, S_VT, S_ND, S_NOISE) x (1 - premature) x (1 - missed).

    A part that was not measured leaves it without a value: taking it for perfect, or leaving it
    out of the mean, would reward not measuring it. The interval redraws every part.
    """
    known = {f.name: f for f in figures if f.name in JOINT_PARTS}
    missing = [name for name in JOINT_PARTS if known[name].value is None]
    n = min(known[name].n for name in JOINT_PARTS)
    value, low, high = None, None, None
    if not missing:
        value = product({name: known[name].value or 0.0 for name in JOINT_PARTS})
        low, high = _interval(known, seed)
    return Figure(
        name="joint",
        kind=Kind.SCORE,
        better=Better.HIGHER,
        value=None if value is None else round(value, 6),
        low=None if low is None else round(low, 6),
        high=None if high is None else round(high, 6),
        n=n,
        missed=0,
        unit="share",
        measure=" ".join(JOINT_PARTS),
        bought_with="gap.p50",
        enough=n >= ENOUGH_SHARE,
        note=f"not measured: {', '.join(missing)}" if missing else "",
    )


def product(parts: Mapping[str, float]) -> float:
    """J from its seven shares."""
    kept = sum(parts[name] for name in KEPT) / len(KEPT)
    return parts["yield"] * kept * (1 - parts["premature.pause"]) * (1 - parts["missed"])


def draws(known: Mapping[str, Figure], seed: int) -> list[float]:
    """What the score might as well have been: every part redrawn from its own share."""
    rng = np.random.default_rng(seed)
    drawn = {
        name: rng.binomial(known[name].n, known[name].value or 0.0, BOOTSTRAP) / known[name].n
        for name in JOINT_PARTS
    }
    return [product({name: float(d[i]) for name, d in drawn.items()}) for i in range(BOOTSTRAP)]


def _interval(known: Mapping[str, Figure], seed: int) -> tuple[float, float]:
    low, high = np.percentile(draws(known, seed), (2.5, 97.5))
    return float(low), float(high)
