"""How sure a figure is: intervals for shares, percentiles, and differences of both. Seeded."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

CONFIDENCE_Z = 1.959963984540054
"""Two-sided 95 %."""
BOOTSTRAP = 1000
_BATCH = 2_000_000  # drawn numbers held at once

Values = NDArray[np.float64]
Statistic = Callable[[Values], Values]
"""From float64 [b, n], one resample a row, to one value a row."""


def wilson(count: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share; (0, 1) when nothing was counted.

    Source: Wilson 1927, the score interval without continuity correction.
    """
    if n == 0:
        return 0.0, 1.0
    z, share = CONFIDENCE_Z, count / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return (0.0 if count == 0 else low), (1.0 if count == n else high)


def newcombe(a: tuple[int, int], b: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of share(b) - share(a), each as (count, n), of different events.

    Source: Newcombe 1998, method 10: the square-and-add of two Wilson intervals.
    """
    (low_a, high_a), (low_b, high_b) = wilson(*a), wilson(*b)
    share_a, share_b = a[0] / max(a[1], 1), b[0] / max(b[1], 1)
    difference = share_b - share_a
    return (
        difference - math.hypot(share_b - low_b, high_a - share_a),
        difference + math.hypot(high_b - share_b, share_a - low_a),
    )


def paired_shares(a: Sequence[bool], b: Sequence[bool]) -> tuple[float, float]:
    """The 95 % interval of share(b) - share(a) over the same events.

    Source: Bonett and Price 2012, the adjusted Wald interval for paired proportions.
    """
    n = len(a)
    gained = (sum(y and not x for x, y in zip(a, b, strict=True)) + 1) / (n + 2)
    lost = (sum(x and not y for x, y in zip(a, b, strict=True)) + 1) / (n + 2)
    difference = gained - lost
    half = CONFIDENCE_Z * math.sqrt(max(gained + lost - difference**2, 0.0) / (n + 2))
    return max(difference - half, -1.0), min(difference + half, 1.0)


def percentile_of(percent: float) -> Statistic:
    """The percentile as a statistic, with linear interpolation."""
    return lambda rows: np.asarray(np.percentile(rows, percent, axis=1))


def mean(rows: Values) -> Values:
    """The mean as a statistic."""
    return np.asarray(np.mean(rows, axis=1))


def bootstrap(values: Sequence[float], statistic: Statistic, seed: int) -> tuple[float, float]:
    """The 95 % percentile interval of a statistic; its own value twice when there is one value."""
    given = np.asarray(values, np.float64)
    draws = _draws(len(given), seed, _rows(len(given)))
    return _middle(np.concatenate([statistic(given[rows]) for rows in draws]))


def bootstrap_difference(
    a: Sequence[float], b: Sequence[float], statistic: Statistic, seed: int, paired: bool
) -> tuple[float, float]:
    """The 95 % interval of statistic(b) - statistic(a).

    Paired: the same events are drawn for both. Otherwise each draws its own.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    size = _rows(max(len(first), len(second)))
    theirs = _draws(len(first), seed, size)
    ours = _draws(len(second), seed if paired else seed + 1, size)
    pairs = zip(theirs, ours, strict=True)
    return _middle(np.concatenate([statistic(second[j]) - statistic(first[i]) for i, j in pairs]))


def _rows(n: int) -> int:
    return max(1, min(BOOTSTRAP, _BATCH // max(n, 1)))


def _draws(n: int, seed: int, size: int) -> Iterator[NDArray[np.int64]]:
    """Rows of indices, BOOTSTRAP in all, `size` at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, BOOTSTRAP, size):
        yield rng.integers(0, n, (min(size, BOOTSTRAP - start), n))


def _middle(values: Values) -> tuple[float, float]:
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)
