"""The results of a run as a file, `parley.floor/1`: every field is in docs/floor_results.md.

Fields may be added under this name; one that changes its meaning gets a new one. A reader leaves
out fields it does not know, and refuses a schema it does not know.
"""

import dataclasses
import json
import math
import os
import platform
import types
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from agent.core.calls import Json
from agent.core.errors import ConfigError, ParleyError
from agent.core.settings import describe
from floorbench.score.figure import Figure
from floorbench.score.outcome import EventResult, SessionResult
from floorbench.score.run import Score

SCHEMA = "parley.floor/1"
QUICK = "quick"
RECORDED = "recorded"
"""The stimulus set of a recording by somebody else: its events need not name what was heard."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured. Latencies belong to a machine."""

    system: str
    processor: str
    cores: int
    memory_gb: float
    python: str
    numpy: str


@dataclass(frozen=True, slots=True)
class Run:
    """What was run.

    Attributes:
        target: who was measured: the protocol and the address, without secrets.
        wall: when it began, ISO 8601.
        parley: version of this package.
        commit: of the code that was measured, if known.
        stimulus_set: `full`, `quick`, or the name of somebody's own.
        seed: of the stimuli and the scenarios.
        score_seed: of the bootstrap.
        self_test: `passed`, `failed`, or `not run`; a run whose self-test failed is void.
        machine: see there.
    """

    target: str
    wall: str
    parley: str
    commit: str
    stimulus_set: str
    seed: int
    score_seed: int
    self_test: str
    machine: Machine


@dataclass(frozen=True, slots=True)
class FloorResults:
    """Everything that is known about a run.

    Attributes:
        stimuli: sha256 of the stimulus of every event that names one, by session and event.
    """

    run: Run
    figures: tuple[Figure, ...]
    scenarios: dict[str, tuple[Figure, ...]]
    sessions: tuple[SessionResult, ...]
    events: tuple[EventResult, ...]
    stimuli: dict[str, str]
    notices: tuple[str, ...]

    def figure(self, name: str) -> Figure | None:
        """The figure of this name, in any case of letters."""
        return next((f for f in self.figures if f.name.lower() == name.lower()), None)


def results(run: Run, score: Score) -> FloorResults:
    """A score with where it comes from. A quick set and a failed self-test are said first."""
    first = []
    if run.self_test == "failed":
        first.append("the self-test failed: this run is void, whatever its figures say")
    if run.stimulus_set == QUICK:
        first.append("this is the quick set: too few events for a claim, enough to see a change")
    hashes = {e.key: e.params.get("sha256") for e in score.events}
    return FloorResults(
        run=dataclasses.replace(run, score_seed=score.seed),
        figures=score.figures,
        scenarios=score.scenarios,
        sessions=score.sessions,
        events=score.events,
        stimuli={key: text for key, text in hashes.items() if isinstance(text, str)},
        notices=(*first, *score.notices),
    )


def machine() -> Machine:
    """The machine this runs on."""
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gb=_memory_gb(),
        python=platform.python_version(),
        numpy=np.__version__,
    )


def as_json(value: FloorResults) -> dict[str, Json]:
    """What the file holds; numbers that JSON does not have become null."""
    return {"schema": SCHEMA, **{k: _plain(v) for k, v in dataclasses.asdict(value).items()}}


def write_results(path: Path, value: FloorResults) -> None:
    """One JSON document, sorted by nothing: the order is that of the run."""
    path.write_text(
        json.dumps(as_json(value), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def read_results(path: Path) -> FloorResults:
    """What `write_results` wrote.

    Raises:
        ParleyError: it cannot be read, is no such file, or has another schema.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as fault:
        raise ParleyError(f"{path}: expected results of parley bench, found {fault}") from fault
    schema = held.get("schema") if isinstance(held, dict) else None
    if schema != SCHEMA:
        raise ParleyError(
            f"{path}: expected schema {SCHEMA}, found {schema!r}; "
            "measure again, or read it with the version of parley that wrote it"
        )
    try:
        return from_json(held, str(path))
    except ConfigError as fault:
        raise ParleyError(f"{fault}; the file was changed or cut short, measure again") from fault


def from_json(held: Mapping[str, Any], where: str) -> FloorResults:
    """The value of a document of this schema.

    Raises:
        ConfigError: a field is missing or of the wrong kind.
    """
    made: FloorResults = _made(FloorResults, held, where)
    return made


def _made(kind: Any, value: Any, where: str) -> Any:
    """One JSON value as the type a field wants; what the type does not know is left out."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and isinstance(value, Mapping):
        return kind(**_fields(kind, value, where))
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        plain = [k for k in inner if k is not types.NoneType]
        if len(plain) > 1:
            return value  # whatever a scenario varied
        return None if value is None else _made(plain[0], value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_made(inner[0], v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {k: _made(inner[1], v, f"{where}.{k}") for k, v in value.items()}
    if isinstance(kind, type) and issubclass(kind, Enum) and value in [m.value for m in kind]:
        return kind(value)
    if kind is float and type(value) in (int, float):
        return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise ConfigError(f"{where}: expected {describe(kind)}, found {value!r}")


def _fields(kind: type, value: Mapping[str, Any], where: str) -> dict[str, Any]:
    hints = get_type_hints(kind)
    required = {f.name for f in dataclasses.fields(kind) if _is_required(f)}
    missing = sorted(required - set(value))
    if missing:
        raise ConfigError(f"{where}: expected a field {missing[0]}, found none")
    return {n: _made(hints[n], v, f"{where} {n}") for n, v in value.items() if n in hints}


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _plain(value: Any) -> Json:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Enum) else value


def _memory_gb() -> float:
    """Installed memory; 0 where the system does not tell."""
    try:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0.0
    return round(pages / 2**30, 1)


def _processor() -> str:
    """The name the processor gives itself, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
