"""An agent's configuration: a TOML file of named tables, each read by whoever it belongs to."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agent.core.errors import ConfigError
from agent.core.settings import read
from agent.models.hub import placed

T = TypeVar("T")

ENGINES = (
    "detector", "judge", "recognizer", "predictor", "responder", "synthesizer", "duplex_model",
)  # fmt: skip
SECTIONS = (
    "pipeline", *ENGINES, "duplex", "turns", "listener", "manners", "voicemail", "call", "flow",
    "tools", "recording", "server", "webrtc", "sip", "audiosocket", "asterisk", "media_stream",
    "moshi",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Config:
    """A parsed file; tables are checked when they are read.

    Attributes:
        file: name for messages.
        name: the agent's name.
        tables: the sections, by name.
    """

    file: str
    name: str
    tables: Mapping[str, Mapping[str, object]]

    def section(self, cls: type[T], name: str) -> T:
        """The table `name` as a `cls`; its defaults where the file has none.

        Raises:
            ConfigError: which key, what was found, what is allowed.
        """
        return read(cls, self.tables.get(name, {}), f"{self.file}: [{name}]")

    def engine(self, name: str, allowed: Sequence[str]) -> str:
        """Which engine the table `name` asks for.

        Raises:
            ConfigError: none, or one that is not in `allowed`.
        """
        found = self.tables.get(name, {}).get("engine")
        if found not in allowed:
            shown = "nothing" if found is None else repr(found)
            raise ConfigError(
                f"{self.file}: [{name}] engine: expected one of {', '.join(allowed)}, found {shown}"
            )
        return str(found)

    def settings(self, cls: type[T], name: str) -> T:
        """The engine's own settings: the table `name` without its `engine` key.

        A file on the Hugging Face hub, `hf://owner/name/path`, becomes its path in the cache.

        Raises:
            ConfigError: which key, what was found, what is allowed.
            EngineUnavailable: such a file is not on this machine.
        """
        table = dict(self.tables.get(name, {}))
        engine = str(table.pop("engine", name))
        here = {key: placed(value, engine) for key, value in table.items()}
        return read(cls, here, f"{self.file}: [{name}]")


def shipped(name: str) -> Path:
    """Where a file that comes with parley is, in a checkout or in an installed wheel."""
    package = Path(__file__).parent
    for folder in (package / "_data" / "configs", package.parent / "configs"):
        if (folder / name).exists():
            return folder / name
    raise ConfigError(f"parley's own file configs/{name} is missing; install parley again")


def load(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a configuration: a path, or the name of one that comes with parley such as `offline`.

    Args:
        path: the file.
        overrides: `section.key=value` each, the value in TOML's notation.

    Raises:
        ConfigError: no such file, no TOML, an unknown section, or a bad override.
    """
    found = _find(Path(path))
    try:
        document: dict[str, object] = tomllib.loads(found.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ConfigError(f"{found}: cannot be read: {fault.strerror}") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ConfigError(f"{found.name}: expected TOML: {fault}") from fault
    with_overrides(document, overrides)
    return checked(found.name, document)


def _find(path: Path) -> Path:
    if path.suffix == "" and not path.exists():
        try:
            return shipped(f"{path.name}.toml")
        except ConfigError:
            names = ", ".join(sorted(p.stem for p in shipped("offline.toml").parent.glob("*.toml")))
            raise ConfigError(
                f"{path}: no such file, and no configuration of that name; there are: {names}"
            ) from None
    return path


def with_overrides(document: dict[str, object], overrides: Sequence[str]) -> None:
    """Change a parsed document in place: `section.key=value` each, or ConfigError."""
    for override in overrides:
        _override(document, override)


def _override(document: dict[str, object], override: str) -> None:
    key, equals, value = override.partition("=")
    section, dot, name = key.strip().partition(".")
    if not (equals and dot and name):
        raise ConfigError(f"--set {override}: expected section.key=value, as in turns.prior=0.6")
    table = document.setdefault(section, {})
    if not isinstance(table, dict):
        raise ConfigError(f"--set {override}: {section} is no table")
    try:
        table[name] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[name] = value  # a bare word is text: quoting twice in a shell is a nuisance


def checked(file: str, document: Mapping[str, object]) -> Config:
    """A configuration from a parsed document; `file` is its name in messages.

    Raises:
        ConfigError: an unknown section, or one that is no table.
    """
    name = document.get("name", Path(file).stem)
    if not isinstance(name, str):
        raise ConfigError(f"{file}: name: expected text, found {name!r}")
    tables: dict[str, Mapping[str, object]] = {}
    for key, table in document.items():
        if key == "name":
            continue
        if key not in SECTIONS:
            raise ConfigError(
                f"{file}: unknown section {key}. Allowed: name, {', '.join(SECTIONS)}"
            )
        if not isinstance(table, Mapping):
            raise ConfigError(f"{file}: {key}: expected a table [{key}], found {table!r}")
        tables[key] = table
    return Config(file, name, tables)
