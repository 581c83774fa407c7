"""How long the next step will take with one call more: measured, or carried on. Pure.

Times of steps are kept by the size of the batch they were computed in.
"""

from collections import deque
from dataclasses import dataclass

KEPT = 512
"""Steps kept for each size of batch: 41 s of them at 80 ms, so that a p99 has five steps above."""

LEAST = 25
"""Steps of a size before its quantiles are believed: two seconds."""

FORGOTTEN_S = 120.0
"""A measurement older than this counts no more: a machine that was busy then may be idle now."""

SIZES = 256
"""Sizes of batch that are kept, far more than there are slots."""

ONE_STEP_S = 0.04
"""Calls that shared a step tell of it within this: half of a frame of 80 ms, so that it is never
the next step of the same call. It counts once: told by 32 calls, 512 steps would be 16."""

GROWTH = 0.5
"""Share of a step that is taken to grow with the batch while only one size was measured. Cautious:
a batch of 8 costs about 1.5 times one of 1, which is a share of 0.07."""


@dataclass(frozen=True, slots=True)
class _Step:
    at: float
    took_s: float


class StepTimes:
    """Measured steps, and what they say of the next."""

    def __init__(self) -> None:
        self._steps: dict[int, deque[_Step]] = {}

    def add(self, batch: int, took_s: float, now: float) -> None:
        """A step of `batch` streams took so long. Each of its calls may say so."""
        if batch < 1 or (batch not in self._steps and len(self._steps) >= SIZES):
            return
        kept = self._steps.setdefault(batch, deque(maxlen=KEPT))
        if kept and kept[-1].took_s == took_s and now - kept[-1].at < ONE_STEP_S:
            return  # another call has told of it
        kept.append(_Step(now, took_s))

    def quantile_s(self, batch: int, share: float, now: float) -> float | None:
        """The time that this share, 0..1, of the steps of this size stayed under; None: too few."""
        fresh = sorted(s.took_s for s in self._steps.get(batch, ()) if now - s.at <= FORGOTTEN_S)
        if len(fresh) < LEAST:
            return None
        return fresh[min(len(fresh) - 1, int(share * len(fresh)))]

    def predicted_s(self, batch: int, now: float, share: float = 0.99) -> float | None:
        """What a step of `batch` streams will stay under; None while nothing was measured.

        Measured where it was; between and beyond measured sizes on the straight line through the
        two nearest, never below a smaller batch; from one size alone, with `GROWTH`.
        """
        found = [(size, self.quantile_s(size, share, now)) for size in sorted(self._steps)]
        known = [(size, took_s) for size, took_s in found if took_s is not None]
        for size, took_s in known:
            if size == batch:
                return took_s
        if not known:
            return None
        below = max((took_s for size, took_s in known if size < batch), default=0.0)
        return max(below, _carried_on(known, batch))


def _carried_on(known: list[tuple[int, float]], batch: int) -> float:
    near = sorted(sorted(known, key=lambda point: abs(point[0] - batch))[:2])
    size, took_s = near[0]
    if len(near) == 1:
        return took_s * max(1.0, 1 + GROWTH * (batch / size - 1))
    per_stream_s = max(0.0, (near[1][1] - took_s) / (near[1][0] - size))
    return max(0.0, near[1][1] + (batch - near[1][0]) * per_stream_s)
