"""The trade between speed and patience: what an agent costs at a matched point of its curve."""

from collections.abc import Iterable
from dataclasses import dataclass

PREMATURE_BUDGET = 0.05
GAP_BUDGETS_S = (0.3, 0.6)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One end-of-turn setting: its name, the mean gap in seconds, and the share of pauses taken."""

    setting: str
    gap_s: float
    premature: float


@dataclass(frozen=True, slots=True)
class MatchedPoint:
    """The best that any setting reached within a budget; None where none did.

    Attributes:
        gap_s: smallest mean gap at 5 % premature or less.
        premature_300ms: smallest premature share at a mean gap of 300 ms or less.
        premature_600ms: the same at 600 ms.
        frontier: the settings that no other one beats in both, by gap.
    """

    gap_s: float | None
    premature_300ms: float | None
    premature_600ms: float | None
    frontier: tuple[CurvePoint, ...]


def matched_point(points: Iterable[CurvePoint]) -> MatchedPoint:
    """Only settings that were measured count; nothing is interpolated between them."""
    known = sorted(points, key=lambda p: (p.gap_s, p.premature, p.setting))
    patient = [p.gap_s for p in known if p.premature <= PREMATURE_BUDGET + 1e-9]
    quick = [
        min((p.premature for p in known if p.gap_s <= budget_s + 1e-9), default=None)
        for budget_s in GAP_BUDGETS_S
    ]
    frontier: list[CurvePoint] = []
    for point in known:
        if not frontier or point.premature < frontier[-1].premature:
            frontier.append(point)
    return MatchedPoint(min(patient, default=None), quick[0], quick[1], tuple(frontier))
