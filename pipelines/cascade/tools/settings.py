"""The table [tools]: its own settings, and a table for each tool or server of tools."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from agent.core.errors import ConfigError
from agent.core.settings import read
from pipelines.cascade.tools.builtin import BUILTIN

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What every chat API takes as the name of a function."""


@dataclass(frozen=True, slots=True)
class ToolsSettings:
    """How tools are used.

    Attributes:
        builtin: which of the agent's own the model may use.
        filler: said where a tool takes longer than `filler_after_s` and the model said nothing
            before it; empty: nothing is said.
        filler_after_s: see there.
        max_rounds: how often in one reply the model may ask for tools, look at what came of
            them, and ask again.
    """

    builtin: tuple[str, ...] = ()
    filler: str = "One moment please."
    filler_after_s: float = 1.0
    max_rounds: int = 4

    def __post_init__(self) -> None:
        """Raises ValueError for a tool that does not exist, or numbers that make no sense."""
        for name in self.builtin:
            if name not in BUILTIN:
                raise ValueError(f"builtin: expected some of {', '.join(BUILTIN)}, found {name}")
        if self.filler_after_s < 0:
            raise ValueError(f"filler_after_s: expected 0 or more, found {self.filler_after_s}")
        if not 1 <= self.max_rounds <= 20:
            raise ValueError(f"max_rounds: expected 1 to 20, found {self.max_rounds}")


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """One tool, or one server of tools.

    Attributes:
        function: a Python function, as module:name.
        mcp: the command that starts an MCP server, and its arguments.
        only: which of the server's tools; empty: all.
        effects: it changes the world, and waits until the reply is released. Where not given:
            true, or what the server says of each tool.
        deadline_s: how long it may take before the model is told that it did not answer.
    """

    function: str = ""
    mcp: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    effects: bool | None = None
    deadline_s: float = 5.0

    def __post_init__(self) -> None:
        """Raises ValueError unless there is one thing to run."""
        if bool(self.function) is bool(self.mcp):
            raise ValueError("expected either function or mcp")
        if not 0 < self.deadline_s <= 600:
            raise ValueError(f"deadline_s: expected 0 to 600 seconds, found {self.deadline_s}")


def read_tools(
    table: Mapping[str, object], where: str
) -> tuple[ToolsSettings, dict[str, ToolSettings]]:
    """The table [tools].

    Raises:
        ConfigError: which key, what was found, what is allowed.
    """
    own = {k: v for k, v in table.items() if not isinstance(v, Mapping)}
    tools = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            tools[name] = read(ToolSettings, value, f"{where}.{name}")
            if not _NAME.fullmatch(name):
                raise ConfigError(f"{where}.{name}: expected a name of letters, digits, _ and -")
    return read(ToolsSettings, own, where), tools
