"""A thing that an engine needs, and where it comes from. Looking never fetches."""

import importlib.util
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from agent.models.hub import Repository
from agent.models.web import Address


class State(StrEnum):
    """Whether it is on this machine."""

    HERE = "here"
    MISSING = "missing"
    UNKNOWN = "not asked"  # a server: only a call shows whether it answers


@dataclass(frozen=True, slots=True)
class Package:
    """A package of Python, found and never imported.

    Attributes:
        module: its import name.
        install: the command that brings it.
        file: a path inside it that has to be there too, such as weights; may be empty.
    """

    module: str
    install: str
    file: str = ""

    def place(self) -> Path | None:
        """Its folder, or its file."""
        spec = importlib.util.find_spec(self.module)
        if spec is None or spec.origin is None:
            return None
        path = Path(spec.origin).parent / self.file
        return path if path.exists() else None


@dataclass(frozen=True, slots=True)
class Own:
    """Files that the person has to put there.

    Attributes:
        path: where the engine looks for them.
        advice: where one gets them, as a command or a sentence.
    """

    path: Path
    advice: str

    def place(self) -> Path | None:
        """The file or folder."""
        return self.path if self.path.exists() else None


@dataclass(frozen=True, slots=True)
class Server:
    """Somebody else's process, here or elsewhere."""

    url: str

    def place(self) -> None:
        """Not on disk."""


Source = Package | Repository | Address | Own | Server


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that one engine needs.

    Attributes:
        engine: its name in the configuration.
        what: in a few words.
        source: where it comes from, and how one sees that it is here.
        size_bytes: what its publisher says; 0 where nobody said.
        licence: its publisher's.
    """

    engine: str
    what: str
    source: Source
    size_bytes: int = 0
    licence: str = ""

    def state(self) -> State:
        """Whether it is on this machine, by looking at the disk."""
        if isinstance(self.source, Server):
            return State.UNKNOWN
        return State.MISSING if self.source.place() is None else State.HERE


def remedy(source: Source, config: str) -> str:
    """What to do where it is missing; `config` is the configuration that was asked about."""
    match source:
        case Package():
            return source.install
        case Repository() | Address():
            return f"parley models pull {config}"
        case Own():
            return source.advice
        case Server():
            return f"start it at {source.url}"
        case _:
            assert_never(source)
