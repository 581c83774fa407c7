"""An MCP server as a source of tools: a program that speaks over its standard streams."""

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from agent.core.calls import Json
from agent.core.errors import EngineUnavailable
from agent.core.protocols import Tool
from pipelines.cascade.tools.runnable import Runnable, ToolFault
from pipelines.cascade.tools.settings import ToolSettings

START_S = 30.0
"""Longest wait for a server to start and list its tools: some are fetched by their launcher."""

PAGES = 100
"""Most pages of a listing that are asked for: a server that never ends it must not hold us up."""


class McpServer:
    """One server, shared by all calls. Its client lives in an event loop in a thread of its own:
    it must be closed by the task that opened it, and a call's loop may end before."""

    def __init__(self, name: str, settings: ToolSettings, library: Any) -> None:
        self._name, self._settings, self._library = name, settings, library
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"mcp-{name}")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._serving: asyncio.Task[None] | None = None
        self._client: Any = None
        self.runnables: Sequence[Runnable] = ()

    @classmethod
    def load(cls, name: str, settings: ToolSettings) -> "McpServer":
        """Start the server and list its tools.

        Raises:
            EngineUnavailable: the package is missing, or the server does not start.
        """
        try:
            import mcp  # noqa: PLC0415
        except ImportError as fault:
            raise EngineUnavailable(
                name, "the package mcp is missing; install it with pip install 'parley[mcp]'"
            ) from fault
        made = cls(name, settings, mcp)
        try:
            made._start()
        except BaseException:
            made.close()
            raise
        return made

    def close(self) -> None:
        """End the server and its thread. May be called twice."""
        if self._loop is not None and self._serving is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.shutdown(wait=True)

    # --- in the caller's thread -----------------------------------------------------------------

    def _start(self) -> None:
        listed: Future[list[Any]] = Future()
        self._thread.submit(asyncio.run, self._serve(listed))
        command = " ".join(self._settings.mcp)
        try:
            tools = listed.result(START_S)
        except Exception as fault:
            why = f"{type(fault).__name__} {fault}".strip()
            raise EngineUnavailable(
                self._name, f"the MCP server `{command}` did not start: {why}; run it by hand"
            ) from fault
        names = {tool.name for tool in tools}
        if unknown := set(self._settings.only) - names:
            raise EngineUnavailable(
                self._name,
                f"only: expected some of {', '.join(sorted(names))}, found "
                f"{', '.join(sorted(unknown))}",
            )
        wanted = self._settings.only or names
        self.runnables = tuple(self._runnable(tool) for tool in tools if tool.name in wanted)

    def _runnable(self, tool: Any) -> Runnable:
        effects = self._settings.effects
        if effects is None:
            effects = not (tool.annotations and tool.annotations.read_only_hint)
        described = Tool(tool.name, tool.description or tool.name, effects, tool.input_schema)
        return Runnable(described, self._settings.deadline_s, partial(self._run, tool.name))

    # --- in a call's loop -----------------------------------------------------------------------

    async def _run(self, tool: str, arguments: Mapping[str, Json]) -> str:
        """Have the server do it. When cancelled, the server is told."""
        if self._loop is None or self._loop.is_closed():
            raise ToolFault("its server is not running")
        work = self._client.call_tool(tool, dict(arguments))
        try:
            result = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
        except self._library.MCPError as fault:
            raise ToolFault(str(fault)) from fault
        text = "\n".join(part.text for part in result.content if part.type == "text")
        if result.is_error:
            raise ToolFault(text)
        return text or json.dumps(result.structured_content)

    # --- in the server's thread -----------------------------------------------------------------

    async def _serve(self, listed: Future[list[Any]]) -> None:
        """Hold the connection until cancelled."""
        self._loop, self._serving = asyncio.get_running_loop(), asyncio.current_task()
        command, *arguments = self._settings.mcp
        server = self._library.StdioServerParameters(command=command, args=arguments)
        try:
            async with self._library.Client(server) as self._client:
                listed.set_result(await self._list())
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not listed.done():
                listed.set_exception(CancelledError())
        except BaseException as fault:  # it belongs to whoever waits for the listing
            if listed.done():
                raise
            listed.set_exception(fault)

    async def _list(self) -> list[Any]:
        tools, cursor = [], None
        for _ in range(PAGES):
            page = await self._client.list_tools(cursor=cursor)
            tools += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
        return tools
