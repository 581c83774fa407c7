"""A responder that runs the tools which another one asks for, and asks it again with what came."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from agent.core.errors import EngineFailed
from agent.core.protocols import (
    Expectation,
    Message,
    Piece,
    Responder,
    Role,
    Tool,
    ToolCall,
    ToolResult,
    ToolStart,
)
from pipelines.cascade.tools.runnable import Runnable, outcome
from pipelines.cascade.tools.settings import ToolsSettings
from pipelines.responders import longest_sound_s, reader

NAME = "tools"


class ToolUser:
    """Streams the text of the responder inside it, and between its rounds runs tools.

    A tool without effects may run for a speculation; one with effects is announced by a
    `ToolStart` and begins when the next piece is asked for.

    Args:
        inner: who writes, and asks for tools.
        runnables: the tools that are run here.
        own: tools of the agent's own: their calls are passed on.
        settings: rounds and filler.
    """

    def __init__(
        self,
        inner: Responder,
        runnables: Sequence[Runnable],
        own: Sequence[Tool] = (),
        settings: ToolsSettings | None = None,
    ) -> None:
        self._inner = inner
        self._runnables = {r.tool.name: r for r in runnables}
        self._own = tuple(own)
        self._settings = settings or ToolsSettings()

    def expects(self, messages: Sequence[Message]) -> Expectation:
        """As the responder inside expects."""
        return self._inner.expects(messages)

    @property
    def sound_s(self) -> float:
        """As the responder inside hears."""
        return longest_sound_s(self._inner)

    @property
    def reads_ahead(self) -> bool:
        """As the responder inside does."""
        return reader(self._inner) is not None

    async def read_ahead(self, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        """The responder inside reads, with the tools of a reply's first round."""
        if inner := reader(self._inner):
            await inner.read_ahead(messages, self._offered(tools))

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> AsyncGenerator[Piece, None]:
        """Text as it comes, calls of the agent's own tools, and what is run in between.

        Raises:
            EngineError: the responder inside failed, or used every round without a word.
        """
        passed = (*tools, *self._own)
        offered = self._offered(tools)
        names = {tool.name for tool in passed}
        history, words, fills = list(messages), 0, True
        for number in range(self._settings.max_rounds + 1):
            is_last = number == self._settings.max_rounds
            text, calls = "", list[ToolCall]()
            async with aclosing(self._inner.reply(history, passed if is_last else offered)) as said:
                async for piece in said:
                    if isinstance(piece, ToolCall) and piece.name not in names:
                        calls.append(piece)
                        continue
                    words += isinstance(piece, str | ToolCall)
                    text += piece if isinstance(piece, str) else ""
                    yield piece
            if not calls or is_last:
                break
            history += [Message(Role.AGENT, text)] if text else []
            if text:
                yield _end_of(text)
            async with aclosing(self._run(calls, fills=fills and not words)) as done:
                async for piece in done:
                    fills = fills and not isinstance(piece, str)
                    history += [piece] if isinstance(piece, ToolResult) else []
                    yield piece
        if calls or not words:
            raise EngineFailed(NAME, _without_words(self._settings.max_rounds, calls))

    def _offered(self, tools: Sequence[Tool]) -> list[Tool]:
        return [*tools, *self._own, *(r.tool for r in self._runnables.values())]

    async def _run(self, calls: Sequence[ToolCall], *, fills: bool) -> AsyncGenerator[Piece, None]:
        """Run calls at once, those with effects after the others."""
        for effects in (False, True):
            some = [call for call in calls if self._effects(call) is effects]
            for call in some:
                yield ToolStart(call, effects)
            async with aclosing(self._run_at_once(some, fills=fills)) as pieces:
                async for piece in pieces:
                    fills = fills and not isinstance(piece, str)
                    yield piece

    async def _run_at_once(
        self, calls: Sequence[ToolCall], *, fills: bool
    ) -> AsyncGenerator[Piece, None]:
        if not calls:
            return
        work = asyncio.gather(*(self._result(call) for call in calls))
        try:
            if fills and self._settings.filler:
                await asyncio.wait((work,), timeout=self._settings.filler_after_s)
                if not work.done():
                    yield f"{self._settings.filler} "
            for result in await work:
                yield result
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _result(self, call: ToolCall) -> ToolResult:
        runnable = self._runnables.get(call.name)
        if runnable is None:
            text = f"There is no tool {call.name}. There are: {', '.join(self._runnables)}."
        else:
            text = await outcome(runnable, call.arguments)
        return ToolResult(Role.EVENT, text, call=call)

    def _effects(self, call: ToolCall) -> bool:
        runnable = self._runnables.get(call.name)
        return runnable is not None and runnable.tool.effects


def _end_of(text: str) -> str:
    """What makes the voice speak all of `text` now, before anything follows it: a line's end. A
    point might belong to an abbreviation, and wait for what follows."""
    return "\n" if text.rstrip().endswith((".", "!", "?", "…")) else ".\n"


def _without_words(rounds: int, calls: Sequence[ToolCall]) -> str:
    if calls:
        names = ", ".join(dict.fromkeys(call.name for call in calls))
        return f"the model asked for tools more than {rounds} times ({names}); raise max_rounds"
    return "the model used its tools and then said nothing; use another model, or instruct it to"
