"""`parley replay`: a recorded call's decisions once more, with its own settings or others."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.config import with_overrides
from agent.core.errors import ConfigError
from agent.core.settings import read
from agent.core.turns import TurnConfig
from agent.explain import explain
from agent.replay import Difference
from agent.replay import replay as replay_lines
from agent.trace import read_trace

SHOWN = 10
"""Differences printed; the first usually explains the rest."""


def why(path: Path) -> int:
    """Print each decision of a trace and what it rested on; exit status."""
    lines = read_trace(path)
    for decision in explain(lines):
        print(f"{decision.t:8.2f} s  {decision.what}: {decision.why}")
    _say_duplex(lines)
    return 0


def replay(path: Path, overrides: Sequence[str]) -> int:
    """Replay a trace and print where the machine now asks for something else; exit status."""
    lines = read_trace(path)
    outcome = replay_lines(lines, _turns(path, lines, overrides))
    for difference in outcome.differences[:SHOWN]:
        print(_shown(difference))
    if len(outcome.differences) > SHOWN:
        print(f"... and {len(outcome.differences) - SHOWN} more")
    print(f"{outcome.steps} steps replayed, {len(outcome.differences)} decided otherwise")
    _say_duplex(lines)
    return 1 if outcome.differences else 0


def _say_duplex(lines: Sequence[Mapping[str, Any]]) -> None:
    if any(line.get("event") == "duplex" for line in lines):
        print(
            "a duplex model has no turn machine: while it spoke nothing was decided, and nothing "
            "can be replayed"
        )


def _turns(
    path: Path, lines: Sequence[Mapping[str, Any]], overrides: Sequence[str]
) -> TurnConfig | None:
    if not overrides:
        return None
    tables: dict[str, object] = {"turns": dict(lines[0].get("turns", {})) if lines else {}}
    with_overrides(tables, overrides)
    if set(tables) != {"turns"}:
        raise ConfigError("replay: expected --set turns.KEY=VALUE; only the turns are replayed")
    return read(TurnConfig, tables["turns"], f"{path.name}: turns")


def _shown(difference: Difference) -> str:
    recorded = ", ".join(map(str, difference.recorded)) or "nothing"
    replayed = ", ".join(map(str, difference.replayed)) or "nothing"
    return (
        f"line {difference.line}, {difference.t:.3f} s: {difference.told}\n"
        f"  recorded: {recorded}\n  replayed: {replayed}"
    )
