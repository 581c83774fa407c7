"""All tools of an agent, loaded from the table [tools] and put around its responder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.core.errors import ConfigError
from agent.core.protocols import Responder
from pipelines.cascade.tools.builtin import BUILTIN
from pipelines.cascade.tools.functions import load, runnable
from pipelines.cascade.tools.mcp_server import McpServer
from pipelines.cascade.tools.responder import ToolUser
from pipelines.cascade.tools.runnable import Runnable
from pipelines.cascade.tools.settings import ToolsSettings, read_tools


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What a model may use."""

    settings: ToolsSettings
    runnables: Sequence[Runnable]
    servers: Sequence[McpServer]

    @classmethod
    def load(cls, table: Mapping[str, object], where: str) -> "Toolbox":
        """Import the functions and start the servers that a table [tools] names.

        Raises:
            ConfigError: a setting is wrong, or two tools have one name.
            EngineUnavailable: a server does not start.
        """
        settings, tools = read_tools(table, where)
        found: list[Runnable] = []
        servers: list[McpServer] = []
        try:
            for name, chosen in tools.items():
                if chosen.mcp:
                    servers.append(McpServer.load(name, chosen))
                    found += servers[-1].runnables
                else:
                    function = load(chosen.function, f"{where}.{name}")
                    effects = chosen.effects is not False
                    found.append(runnable(name, function, chosen.deadline_s, effects=effects))
            _refuse_twins([*settings.builtin, *(r.tool.name for r in found)], where)
        except BaseException:
            _close(servers)
            raise
        return cls(settings, tuple(found), tuple(servers))

    def around(self, responder: Responder) -> ToolUser:
        """The responder, with these tools to use."""
        own = [BUILTIN[name] for name in self.settings.builtin]
        return ToolUser(responder, self.runnables, own, self.settings)

    def close(self) -> None:
        """End the servers."""
        _close(self.servers)


def _close(servers: Sequence[McpServer]) -> None:
    for server in servers:
        server.close()


def _refuse_twins(names: Sequence[str], where: str) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ConfigError(f"{where}: expected tools of different names, found {twins[0]} twice")
