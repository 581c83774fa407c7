"""The configuration `auto`: the best of what is on this machine, and why.

`look` sees what is here, `choose` is pure and decides, `configured` makes a Config of it. Nothing
is downloaded, and nothing but this machine is asked. A new engine for `auto` is one more row in
CANDIDATES; what it needs is known from agent/models/needs.py.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from urllib.request import ProxyHandler, build_opener

from agent.config import Config, checked, load, with_overrides
from agent.core.errors import ConfigError
from agent.models.hub import Repository
from agent.models.need import Need, Package, State
from agent.models.needs import KOKORO, LESSAC, QWEN, ZIPFORMER, needs_of

_ASK_S = 0.5  # a server on this machine answers at once or not at all

SECTIONS = ("detector", "recognizer", "predictor", "judge", "responder", "synthesizer")


class Power(IntEnum):
    """What a part wants of the machine to keep up with one call."""

    ANY = 0
    FOUR_CORES = 1
    GPU = 2

    @property
    def words(self) -> str:
        """For a person."""
        return ("anything", "four cores or a GPU", "a GPU")[self]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to fill one section.

    Attributes:
        section: of the configuration.
        label: for a person, and its key in `Here`.
        table: the section's settings.
        power: below this it cannot keep up.
    """

    section: str
    label: str
    table: Mapping[str, object]
    power: Power = Power.ANY


@dataclass(frozen=True, slots=True)
class Found:
    """What is known about a candidate on this machine.

    Attributes:
        lack: what is missing, in words; empty where all of it is here.
        where: in words, where it was found.
        settings: more of its settings, seen while looking.
    """

    lack: str = ""
    where: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Here:
    """What is on this machine: a finding for each candidate's label, and its power."""

    found: Mapping[str, Found]
    power: Power


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a section is as it is.

    Attributes:
        section: of the configuration.
        taken: the candidate's label.
        why: where it was found.
        passed: better ones, by what they lack.
    """

    section: str
    taken: str
    why: str
    passed: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """The sections by name, and a reason for each."""

    tables: Mapping[str, Mapping[str, object]]
    reasons: tuple[Reason, ...]


def _whisper(model: str, power: Power, context_s: float) -> Candidate:
    table = {"engine": "whisper", "model": model, "context_s": context_s}
    return Candidate("recognizer", f"whisper {model}", table, power)


def _server(address: str, runs: str) -> Candidate:
    table = {"engine": "openai_chat", "base_url": f"http://{address}/v1"}
    return Candidate("responder", f"chat server at {address} ({runs})", table)


# Whisper's order and power follow the computing times of docs/engines/whisper.md.
CANDIDATES = (
    Candidate("detector", "silero", {"engine": "silero"}),
    _whisper("large-v3-turbo", Power.GPU, 30.0),
    _whisper("medium.en", Power.GPU, 30.0),
    _whisper("small.en", Power.FOUR_CORES, 12.0),
    Candidate("recognizer", "sherpa zipformer", {"engine": "sherpa", "model": ZIPFORMER}),
    _whisper("base.en", Power.ANY, 12.0),
    _whisper("tiny.en", Power.ANY, 12.0),
    Candidate("recognizer", "pocketsphinx", {"engine": "pocketsphinx"}),
    Candidate("predictor", "hazard", {"engine": "hazard"}),
    Candidate("judge", "sound", {"engine": "sound"}),
    _server("127.0.0.1:8000", "vLLM's and llama.cpp's port"),
    _server("127.0.0.1:11434", "Ollama's port"),
    Candidate("responder", "Qwen2.5 1.5B on llama.cpp", {"engine": "llama", "model": QWEN},
              Power.FOUR_CORES),
    Candidate("responder", "the desk of offline.toml", {"engine": "flow"}),
    Candidate("synthesizer", "kokoro", {"engine": "kokoro", "threads": 2, **KOKORO},
              Power.FOUR_CORES),
    Candidate("synthesizer", "piper lessac", {"engine": "piper", "model": LESSAC}),
    Candidate("synthesizer", "espeak", {"engine": "espeak"}),
)  # fmt: skip
"""Best first within each section."""


def choose(here: Here, candidates: Sequence[Candidate], sections: Iterable[str]) -> Choice:
    """The first of each section that is here and can keep up. Pure.

    Raises:
        ConfigError: a section for which nothing is here.
    """
    tables: dict[str, Mapping[str, object]] = {}
    reasons = []
    for section in sections:
        passed: dict[str, list[str]] = {}
        for candidate in (c for c in candidates if c.section == section):
            found = here.found[candidate.label]
            lack = found.lack or _weakness(candidate, here)
            if not lack:
                tables[section] = {**candidate.table, **found.settings}
                reasons.append(Reason(section, candidate.label, found.where, passed))
                break
            passed.setdefault(lack, []).append(candidate.label)
        else:
            lacks = "; ".join(f"{', '.join(labels)}: {lack}" for lack, labels in passed.items())
            raise ConfigError(f"auto: nothing for the {section} is here. {lacks}")
    return Choice(tables, tuple(reasons))


def _weakness(candidate: Candidate, here: Here) -> str:
    return f"wants {candidate.power.words}" if candidate.power > here.power else ""


def look(candidates: Sequence[Candidate]) -> Here:
    """See what is on this machine: packages, caches, servers on its own ports, processors."""
    return Here({c.label: _found(c) for c in candidates}, _power())


def configured(overrides: Sequence[str]) -> tuple[Config, Choice]:
    """The configuration `auto` for this machine, and how it came about.

    Args:
        overrides: `section.key=value` each. A section whose engine they name is theirs.

    Raises:
        ConfigError: a bad override, or a section for which nothing is here.
    """
    given: dict[str, object] = {}
    with_overrides(given, overrides)
    theirs = {key for key, table in given.items() if isinstance(table, dict) and "engine" in table}
    open_sections = [section for section in SECTIONS if section not in theirs]
    choice = choose(look([c for c in CANDIDATES if c.section in open_sections]), CANDIDATES,
                    open_sections)  # fmt: skip
    document: dict[str, object] = {"name": "Parley"}
    document |= {section: dict(table) for section, table in choice.tables.items()}
    if choice.tables.get("responder", {}).get("engine") == "flow":
        desk = load("offline")
        document |= {"name": desk.name, "flow": dict(desk.tables["flow"])}
    with_overrides(document, overrides)
    return checked("auto", document), choice


def _found(candidate: Candidate) -> Found:
    config = checked("auto", {candidate.section: {"model": "", **candidate.table}})
    if candidate.table["engine"] == "openai_chat":
        return _chat(needs_of(config, candidate.section), str(candidate.table["base_url"]))
    config = checked("auto", {candidate.section: candidate.table})
    found = needs_of(config, candidate.section)
    missing = next((need for need in found if need.state() is State.MISSING), None)
    if missing is not None:
        return Found(lack=_lack(missing))
    where = [_where(need) for need in found]
    return Found(where=where[-1] if where else "part of parley")


def _lack(need: Need) -> str:
    if isinstance(need.source, Package):
        return f"{need.what} is missing ({need.source.install})"
    return "not in the cache" if isinstance(need.source, Repository) else "not here"


def _where(need: Need) -> str:
    match need.source:
        case Package():
            return "installed"
        case Repository():
            return "found in the cache"
        case _:
            return "found here"


def _chat(found: Sequence[Need], base_url: str) -> Found:
    """Whether a chat server answers on this machine, and its first model."""
    for need in found:
        if need.state() is State.MISSING:
            return Found(lack=_lack(need))
    try:
        # No proxy: this machine is asked, and nobody else.
        with build_opener(ProxyHandler({})).open(f"{base_url}/models", timeout=_ASK_S) as answer:
            model = json.load(answer)["data"][0]["id"]
    except (OSError, ValueError, LookupError, TypeError):
        return Found(lack="nobody answers there")
    return Found(where=f"its model {model}", settings={"model": str(model)})


def _power() -> Power:
    if shutil.which("nvidia-smi"):
        return Power.GPU
    return Power.FOUR_CORES if len(os.sched_getaffinity(0)) >= 4 else Power.ANY
