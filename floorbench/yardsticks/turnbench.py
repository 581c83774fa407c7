"""TurnBench: ends of turns (EOT) and interruptions (INT), each detected at a time or not at all.

Source: SesameAILabs/turnbench, the README of its scorer at 5456220, `score.py` at 0dda64e and its
tests, and the page of the submission form, read in November 2026. Not verified: published scores,
for the gold of the test set is private; and how gold is made from three annotators is not here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from agent.core.errors import ParleyError
from floorbench.activity import Span

EARLY_S = 0.25
"""A prediction this early still finds its event, and this early still falls into a trap."""
DEADLINE_S = 3.0
FALSE_BUDGET = 0.1
"""The leaderboard's limit of the false-positive rate; within it recall decides."""


@dataclass(frozen=True, slots=True)
class Track:
    """One speaker of one conversation, for one of the two tasks. Times in seconds.

    Attributes:
        events: when the thing to be detected happened.
        traps: spans in which nothing must be detected: pauses (EOT), backchannels (INT).
        predicted: when the model committed itself, strictly increasing.
        excluded: spans about which nobody agrees; predictions inside them are ignored.
    """

    events: tuple[float, ...]
    traps: tuple[Span, ...]
    predicted: tuple[float, ...]
    excluded: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskScore:
    """Counts over tracks, and the latencies of what was found, in seconds, signed."""

    found: int = 0
    missed: int = 0
    trapped: int = 0
    spared: int = 0
    latencies_s: tuple[float, ...] = field(default=())

    @property
    def recall(self) -> float | None:
        """Share of events found."""
        n = self.found + self.missed
        return self.found / n if n else None

    @property
    def false_rate(self) -> float | None:
        """Share of traps that caught the model."""
        n = self.trapped + self.spared
        return self.trapped / n if n else None

    def latency_s(self, percent: float) -> float | None:
        """A percentile of the latencies; the yardstick shows 10, 50 and 90."""
        return float(np.percentile(self.latencies_s, percent)) if self.latencies_s else None

    @property
    def qualifies(self) -> bool:
        """Within the budget of false positives."""
        return self.false_rate is not None and self.false_rate <= FALSE_BUDGET


def score_task(tracks: Iterable[Track]) -> TaskScore:
    """All tracks of one task.

    Raises:
        ParleyError: predictions are not strictly increasing.
    """
    scores = [_score(track) for track in tracks]
    return TaskScore(
        found=sum(s.found for s in scores),
        missed=sum(s.missed for s in scores),
        trapped=sum(s.trapped for s in scores),
        spared=sum(s.spared for s in scores),
        latencies_s=tuple(t for s in scores for t in s.latencies_s),
    )


def windows(events: Sequence[float]) -> list[Span]:
    """Where each event is looked for: up to its deadline or to the speaker's next event."""
    order = sorted(events)
    return [
        Span(at_s - EARLY_S, min(at_s + DEADLINE_S, after_s))
        for at_s, after_s in pairwise([*order, float("inf")])
    ]


def _score(track: Track) -> TaskScore:
    _refuse_disorder(track.predicted)
    free = [t for t in track.predicted if not _is_in(t, track.excluded)]
    sought = windows(track.events)
    latencies = []
    for at_s, window in zip(sorted(track.events), sought, strict=True):
        claimed = next((t for t in free if window.start_s <= t <= window.end_s), None)
        if claimed is not None:
            free.remove(claimed)  # one prediction finds one event
            latencies.append(claimed - at_s)
    stray = [t for t in free if not _is_in(t, sought)]
    traps = [Span(trap.start_s - EARLY_S, trap.end_s) for trap in track.traps]
    trapped = sum(any(trap.start_s <= t <= trap.end_s for t in stray) for trap in traps)
    return TaskScore(
        found=len(latencies),
        missed=len(track.events) - len(latencies),
        trapped=trapped,
        spared=len(traps) - trapped,
        latencies_s=tuple(latencies),
    )


def _is_in(at_s: float, spans: Iterable[Span]) -> bool:
    return any(s.start_s <= at_s <= s.end_s for s in spans)


def _refuse_disorder(predicted: Sequence[float]) -> None:
    for before, after in pairwise(predicted):
        if after <= before:
            raise ParleyError(
                f"TurnBench: expected strictly increasing times, found {after} after {before}"
            )
