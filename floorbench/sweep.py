"""What other settings would have done in the pauses of recorded calls.

Each pause is decided again by the turn machine itself, in virtual time. docs/benchmark.md says
what such a figure cannot see.
"""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import fmean, quantiles

from agent.core.calls import Json
from agent.core.errors import ConfigError, ParleyError
from agent.core.settings import read
from agent.core.turns import TurnConfig
from agent.trace import read_trace
from floorbench.pauses import Pause, decided, pauses
from floorbench.score.matched import CurvePoint, MatchedPoint, matched_point
from floorbench.session_files import EVENTS, TRACE, read_events
from floorbench.truth import by_events

STEPS = 9
"""Values tried when the range names no number: eight equal steps."""
MOST_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded call.

    Attributes:
        table: the settings of its turn machine.
        events: how many events of a plan say what the caller really did; 0 where none lies beside
            the trace, which then has to do.
    """

    path: Path
    table: Mapping[str, object]
    pauses: tuple[Pause, ...]
    events: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """One of the TurnConfig's numbers, and the values to try."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """What one value gives.

    Attributes:
        holds: pauses after which the caller went on.
        premature: those of them in which the turn was taken before that.
        turns_cut: turns with one of these.
        ends: pauses that ended a turn.
        gaps_s: from the caller's last sound to the agent's first, for each end that was answered.
    """

    value: float
    holds: int
    premature: int
    turns_cut: int
    ends: int
    gaps_s: tuple[float, ...]

    @property
    def missed(self) -> int:
        """Ends without an answer."""
        return self.ends - len(self.gaps_s)

    @property
    def gap_s(self) -> float | None:
        """The mean gap."""
        return fmean(self.gaps_s) if self.gaps_s else None

    @property
    def premature_rate(self) -> float | None:
        """The share of the holds that were cut."""
        return self.premature / self.holds if self.holds else None

    def percentile_s(self, percent: int) -> float | None:
        """A percentile of the gaps, linearly interpolated."""
        if len(self.gaps_s) < 2:
            return self.gap_s
        return quantiles(self.gaps_s, n=100, method="inclusive")[percent - 1]


@dataclass(frozen=True, slots=True)
class Beside:
    """Another way to decide the same pauses; without a point, `note` says why there is none."""

    name: str
    point: Point | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """The trade between waiting and cutting in, one point for each value of a setting.

    Attributes:
        planned: traces with a plan beside them, which says how each pause really ended.
        beside: other ways to decide, in the same pauses.
    """

    setting: str
    traces: int
    turns: int
    points: tuple[Point, ...]
    planned: int = 0
    beside: tuple[Beside, ...] = ()

    def matched(self) -> MatchedPoint:
        """The best of the values; one without any gap, or any pause to cut, is left out."""
        known = ((p.value, p.gap_s, p.premature_rate) for p in self.points)
        return matched_point(
            CurvePoint(f"{value:g}", gap_s, rate)
            for value, gap_s, rate in known
            if gap_s is not None and rate is not None
        )


def sweep(paths: Iterable[Path], spec: str) -> Curve:
    """Decide every pause in the traces again with each value of a setting.

    Args:
        paths: traces, or folders with `trace.jsonl` files somewhere in them.
        spec: such as `turns.pause_max_s=0.2..1.2`, or with a number of values `0.2..1.2:21`.

    Raises:
        ConfigError: the setting or a value is none, or there is nothing to decide.
        ParleyError: a trace cannot be read.
    """
    setting = setting_of(spec)
    calls = recorded(paths)
    if not any(call.pauses for call in calls):
        raise ConfigError(
            f"sweep: expected traces with pauses of the caller, found none in {len(calls)} traces; "
            "record calls with --out"
        )
    return swept(calls, setting)


def recorded(paths: Iterable[Path]) -> list[Recorded]:
    """The calls of traces, or of folders with `trace.jsonl` files somewhere in them.

    Raises:
        ParleyError: a trace cannot be read.
    """
    return [_call(path) for path in _traces(paths)]


def swept(calls: Sequence[Recorded], setting: Setting) -> Curve:
    """Every pause with every value. Raises ConfigError for a value that contradicts the others."""
    points = tuple(point(calls, {setting.name: value}, value) for value in setting.values)
    turns = sum(len({pause.turn for pause in call.pauses}) for call in calls)
    planned = sum(call.events > 0 for call in calls)
    return Curve(f"turns.{setting.name}", len(calls), turns, points, planned)


def setting_of(spec: str) -> Setting:
    """`turns.KEY=FROM..TO[:VALUES]`, or ConfigError."""
    key, _, span = spec.partition("=")
    section, _, name = key.strip().partition(".")
    kinds = {f.name: f.type for f in fields(TurnConfig) if f.type in (int, float)}
    if section != "turns" or name not in kinds:
        near = difflib.get_close_matches(name, kinds, n=1)
        hint = f"; did you mean turns.{near[0]}?" if near else "."
        raise ConfigError(
            f"--set {spec}: expected a number of the turns, found {key.strip()}{hint} "
            f"Allowed: {', '.join(f'turns.{kind}' for kind in kinds)}"
        )
    values = _values(spec, span)
    if kinds[name] is int:
        values = list(dict.fromkeys(round(value) for value in values))
    return Setting(name, tuple(values))


def _values(spec: str, span: str) -> list[float]:
    bounds, colon, count = span.partition(":")
    low, _, high = bounds.partition("..")
    try:
        first, last = float(low), float(high or low)
        steps = int(count) if colon else (STEPS if high else 1)
    except ValueError:
        first, last, steps = math.nan, math.nan, 0
    if not (math.isfinite(first) and math.isfinite(last) and 1 <= steps <= MOST_STEPS):
        raise ConfigError(
            f"--set {spec}: expected FROM..TO or FROM..TO:VALUES with at most {MOST_STEPS} values, "
            f"as in turns.pause_max_s=0.2..1.2:11, found {span!r}"
        )
    step = (last - first) / max(1, steps - 1)
    return [round(first + number * step, 6) for number in range(steps)]


def _traces(paths: Iterable[Path]) -> list[Path]:
    found = [p for path in paths for p in (sorted(path.rglob(TRACE)) or [path])]
    for path in found:
        if not path.is_file():
            raise ConfigError(f"{path}: expected a trace or a folder with trace.jsonl, found none")
    return found


def _call(path: Path) -> Recorded:
    """A call's settings, checked, and its pauses; by its plan, where that lies beside it."""
    lines = read_trace(path)
    if not lines or lines[0].get("event") != "call":
        raise ConfigError(f"{path}: expected a trace that begins with a call line, found none")
    table = lines[0].get("turns", {})
    read(TurnConfig, table, f"{path}: turns")
    plan = path.with_name(EVENTS)
    events = read_events(plan) if plan.is_file() else ()
    try:
        found = by_events(pauses(lines), events) if events else pauses(lines)
        known = table if isinstance(table, Mapping) else {}
        return Recorded(path, known, tuple(found), len(events))
    except ParleyError as fault:
        raise ConfigError(f"{path}: {fault}") from fault


def point(calls: Sequence[Recorded], changes: Mapping[str, float], value: float) -> Point:
    """Every pause of the calls with some settings changed; `value` is what the point is called.

    Raises:
        ConfigError: the changes contradict a call's other settings.
    """
    told = " ".join(f"turns.{name}={number:g}" for name, number in changes.items())
    holds, ends, gaps, cut = 0, 0, [], []
    for number, call in enumerate(calls):
        config = read(TurnConfig, {**call.table, **changes}, f"--set {told}")
        for pause in call.pauses:
            decision = decided(pause, config)
            if pause.gone_on_s is None:
                ends += 1
                if decision is not None:
                    gaps.append(decision.audible_s(pause) - pause.quiet_s)
                continue
            holds += 1
            if decision is not None and decision.released_s < pause.gone_on_s:
                cut.append((number, pause.turn))
    return Point(value, holds, len(cut), len(set(cut)), ends, tuple(gaps))


def to_json(curve: Curve) -> Mapping[str, Json]:
    """The curve as `parley.sweep/1`; times in seconds, null for what is not known."""
    best = curve.matched()
    return {
        "schema": "parley.sweep/1",
        "setting": curve.setting,
        "traces": curve.traces,
        "turns": curve.turns,
        "planned": curve.planned,
        "points": [_point_json(point) for point in curve.points],
        "beside": [_beside_json(other) for other in curve.beside],
        "gap_at_5_percent_s": _rounded(best.gap_s),
        "premature_at_300_ms": _rounded(best.premature_300ms),
        "premature_at_600_ms": _rounded(best.premature_600ms),
        "frontier": [float(point.setting) for point in best.frontier],
    }


def _beside_json(other: Beside) -> Mapping[str, Json]:
    if other.point is None:
        return {"name": other.name, "note": other.note}
    fields = {k: v for k, v in _point_json(other.point).items() if k != "value"}
    return {"name": other.name, "note": other.note, **fields}


def _point_json(point: Point) -> Mapping[str, Json]:
    return {
        "value": point.value,
        "gap_s": _rounded(point.gap_s),
        "p50_s": _rounded(point.percentile_s(50)),
        "p95_s": _rounded(point.percentile_s(95)),
        "ends": point.ends,
        "missed": point.missed,
        "holds": point.holds,
        "premature": point.premature,
        "premature_rate": _rounded(point.premature_rate),
        "turns_cut": point.turns_cut,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def to_text(curve: Curve) -> str:
    """The curve as a table."""
    head = f"{curve.setting:>24}  gap mean    p50    p95  missed  premature         turns cut"
    rows = [_row(f"{point.value:g}", point) for point in curve.points]
    first, best = curve.points[0], curve.matched()
    rows += [_row(b.name, b.point) if b.point else f"{b.name}: {b.note}" for b in curve.beside]
    return "\n".join(
        (
            f"{curve.turns} turns of {curve.traces} calls{_by_plan(curve)}: {first.ends} ends, "
            f"{first.holds} pauses inside turns; gaps in ms",
            head,
            *rows,
            f"gap at 5 % premature: {_ms(best.gap_s)} ms; premature at 300 ms: "
            f"{_percent(best.premature_300ms)}, at 600 ms: {_percent(best.premature_600ms)}",
        )
    )


def _row(name: str, point: Point) -> str:
    return (
        f"{name:>24}  {_ms(point.gap_s):>8} {_ms(point.percentile_s(50)):>6} "
        f"{_ms(point.percentile_s(95)):>6}  {point.missed:>6}  "
        f"{_share(point.premature, point.holds):<16}  {point.turns_cut}"
    )


def _by_plan(curve: Curve) -> str:
    if not curve.planned:
        return ""
    which = "" if curve.planned == curve.traces else f"{curve.planned} of them "
    return f", {which}judged by their plan"


def _ms(value_s: float | None) -> str:
    return "–" if value_s is None else f"{value_s * 1000:.0f}"


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{rate * 100:.1f} %"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f", {part / whole * 100:.1f} %" if whole else "")
