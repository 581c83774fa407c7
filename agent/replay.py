"""A trace's decisions once more: does the machine, told the same, still ask for the same?"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from agent.core.errors import ConfigError
from agent.core.events import Action, Event
from agent.core.record import action_from, event_from
from agent.core.settings import read
from agent.core.turns import TurnConfig, TurnMachine

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the replay asks for something else.

    Attributes:
        line: number of the trace line, from 1, that told the machine.
        t: seconds into the call.
        told: what it was told, in words.
        recorded: the actions in the trace.
        replayed: the actions now.
    """

    line: int
    t: float
    told: str
    recorded: tuple[Action, ...]
    replayed: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """How many times the machine was told something, and where it now answers otherwise."""

    steps: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """An event, or None for a deadline, and the loop time at which the machine was told."""

    event: Event | None
    now: float


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the machine was told, and what it asked for.

    Attributes:
        line: number of the trace line, from 1.
        fields: that line.
        asked: the actions the trace has for it.
    """

    line: int
    fields: Mapping[str, Any]
    asked: tuple[Action, ...]


def replay(lines: Iterable[Mapping[str, Any]], turns: TurnConfig | None = None) -> Replay:
    """Feed a trace to a fresh machine and compare, with the trace's settings or with others.

    Args:
        lines: the trace, parsed, header first.
        turns: settings to try instead of those the call ran with.

    Raises:
        ConfigError: this is no trace, or one of settings that this version does not know.
    """
    machine, steps = steps_of(lines, turns)
    differences = [d for step in steps if (d := _compare(machine, step)) is not None]
    return Replay(len(steps), tuple(differences))


def steps_of(
    lines: Iterable[Mapping[str, Any]], turns: TurnConfig | None = None
) -> tuple[TurnMachine, list[Step]]:
    """A fresh machine with a trace's settings, or others, and the steps to lead it through.

    Raises:
        ConfigError: as `replay`.
    """
    numbered = list(enumerate(lines, 1))
    if not numbered or numbered[0][1].get("event") != "call":
        raise ConfigError("replay: expected a trace that begins with a call line; found none")
    settings = turns or read(TurnConfig, numbered[0][1].get("turns", {}), "trace turns")
    return TurnMachine(settings), list(_steps(numbered))


def told(step: Step) -> Told:
    """What the machine was told at a step.

    Raises:
        ConfigError: the line cannot be read.
    """
    now = _read(_now, step.line, step.fields)
    is_deadline = step.fields["event"] == "expired"
    return Told(None if is_deadline else _read(event_from, step.line, step.fields), now)


def _steps(numbered: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterable[Step]:
    """What the machine was told, each with the actions that the trace has for it."""
    told: tuple[int, Mapping[str, Any]] | None = None
    asked: list[Action] = []
    for number, fields in numbered:
        event = fields.get("event")
        if event == "asked":
            asked.append(_read(action_from, number, fields))
        elif event in ("told", "expired"):
            if told is not None:
                yield Step(*told, tuple(asked))
            told, asked = (number, fields), []
    if told is not None:
        yield Step(*told, tuple(asked))


def _compare(machine: TurnMachine, step: Step) -> Difference | None:
    at = told(step)
    if at.event is None:
        words, replayed = "a deadline", machine.expire(at.now)
    else:
        words, replayed = str(at.event), machine.handle(at.event, at.now)
    if tuple(replayed) == step.asked:
        return None
    t = float(step.fields.get("t", 0.0))
    return Difference(step.line, t, words, step.asked, tuple(replayed))


def _now(fields: Mapping[str, Any]) -> float:
    match fields.get("now"):
        case int() | float() as now:
            return float(now)
        case other:
            raise ValueError(f"expected loop time in seconds as now, found {other!r}")


def _read(what: Callable[[Mapping[str, Any]], T], number: int, fields: Mapping[str, Any]) -> T:
    """One line of the trace as a value; what is wrong with it as a sentence."""
    try:
        return what(fields)
    except ValueError as fault:
        raise ConfigError(
            f"replay: line {number}: {fault}; was the trace written by another version?"
        ) from fault
