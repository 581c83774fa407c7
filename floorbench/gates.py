"""Limits that decide the exit status: `--max gap.p95=900ms --min joint=0.85`."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agent.core.errors import ConfigError
from floorbench.compare import shown
from floorbench.results import FloorResults

_WRITTEN = re.compile(r"([A-Za-z][\w.]*)\s*=\s*([-+]?(?:\d+\.?\d*|\.\d+))\s*(ms|s|%|)")
_UNITS = {"s": ("", "ms", "s"), "share": ("", "%")}


class Side(StrEnum):
    """Which way a limit holds."""

    MOST = "max"
    LEAST = "min"


@dataclass(frozen=True, slots=True)
class Gate:
    """One limit, as it was written; `bound` is in `unit`: ms, s, % or nothing."""

    side: Side
    figure: str
    bound: float
    unit: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether a limit holds, and a sentence that says so."""

    gate: Gate
    passed: bool
    sentence: str


def parse_gate(side: Side, text: str) -> Gate:
    """A limit from the command line.

    Raises:
        ConfigError: it is not of the form figure=number.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise ConfigError(
            f"--{side} {text}: expected a figure and a number, such as gap.p95=900ms, "
            "missed=3% or joint=0.85"
        )
    return Gate(side, match[1], float(match[2]), match[3])


def check(results: FloorResults, gates: Iterable[Gate]) -> list[GateResult]:
    """Every gate against the run. What was not measured does not pass.

    Raises:
        ConfigError: there is no such figure, its unit is another one, or it is no such share.
    """
    return [_checked(results, gate) for gate in gates]


def report(checked: Sequence[GateResult]) -> Iterator[str]:
    """One line a gate."""
    for result in checked:
        yield f"{'pass' if result.passed else 'FAIL'}  {result.sentence}"


def exit_status(checked: Sequence[GateResult]) -> int:
    """0 if every gate passed, otherwise 1."""
    return 0 if all(result.passed for result in checked) else 1


def _checked(results: FloorResults, gate: Gate) -> GateResult:
    figure = results.figure(gate.figure)
    if figure is None:
        raise ConfigError(_unknown(gate, [f.name for f in results.figures]))
    bound = _bound(gate, figure.unit)
    limit = f"{'at most' if gate.side is Side.MOST else 'at least'} {shown(bound, figure.unit)}"
    if results.run.self_test == "failed":
        sentence = f"{figure.name}: expected {limit}, but the self-test failed and the run is void"
        return GateResult(gate, False, sentence)
    if figure.value is None:
        why = f" ({figure.note})" if figure.note else ""
        sentence = f"{figure.name}: expected {limit}, but it was not measured{why}"
        return GateResult(gate, False, sentence)
    within = figure.value <= bound if gate.side is Side.MOST else figure.value >= bound
    few = "" if figure.enough else ", too few for a claim"
    sentence = (
        f"{figure.name}: expected {limit}, found {shown(figure.value, figure.unit)} "
        f"(n {figure.n}{few})"
    )
    return GateResult(gate, within, sentence)


def _bound(gate: Gate, unit: str) -> float:
    allowed = _UNITS.get(unit, ("",))
    if gate.unit not in allowed:
        known = ", ".join(u or "no unit" for u in allowed)
        raise ConfigError(
            f"--{gate.side} {gate.figure}: expected {known} ({gate.figure} is in {unit}), "
            f"found {gate.unit}"
        )
    bound = gate.bound / {"ms": 1000.0, "%": 100.0}.get(gate.unit, 1.0)
    if unit == "share" and abs(bound) > 1:  # every share is within it, or none
        raise ConfigError(
            f"--{gate.side} {gate.figure}: expected a share, such as 0.03 or 3%, found "
            f"{gate.bound:g}{gate.unit}"
        )
    return bound


def _unknown(gate: Gate, names: list[str]) -> str:
    lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(gate.figure.lower(), lower, n=3, cutoff=0.4)
    hint = f"; did you mean {', '.join(lower[n] for n in near)}?" if near else "."
    return f"--{gate.side} {gate.figure}: there is no such figure{hint} All: {', '.join(names)}"
