"""One reply: the responder's words, in clauses, through the voice, to the playout's door."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import assert_never

from agent.core.calls import Trace
from agent.core.errors import EngineError
from agent.core.events import ReplyFailed, ReplyReady, WorkDone, WorkDue
from agent.core.playout import Playout, Put
from agent.core.protocols import (
    Message,
    Piece,
    Protect,
    Remark,
    Responder,
    Role,
    Speech,
    Synthesizer,
    ToolCall,
    ToolResult,
    ToolStart,
)
from pipelines.cascade.apology import apologises, or_else
from pipelines.cascade.clauses import clauses
from pipelines.cascade.spoken import spoken
from pipelines.cascade.written import Written

UNKNOWN = "It was given up before it ended; it is not known whether it was done."
"""What the history holds of a tool with effects until its result is there."""

DONE = "done"
"""What the history holds of a tool of the agent's own once the far side was told of it."""

INTERRUPTED = "Not done: the caller interrupted."
"""What it holds of one that was to follow the last word."""

STAYED = "Not done: the caller went on."
"""What it holds of one that ends the call: whoever reads it is in a call that has not ended."""

Unsaid = ToolCall | ToolStart | ToolResult | Protect | Remark


@dataclass(slots=True)
class Reply:
    """What is known of a reply while it is being made."""

    number: int
    written: Written = field(default_factory=Written)
    said: list[str] = field(default_factory=list)
    tools: list[ToolCall] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    may_work: asyncio.Event = field(default_factory=asyncio.Event)
    has_effects: bool = False  # a tool that changes the world was begun for it
    protected: bool = False
    captioned: int = 0  # pieces of `said` that the far side was told of

    @property
    def is_at_work(self) -> bool:
        """Whether a tool that changes the world was begun and has not ended."""
        return any(result.text == UNKNOWN for result in self.results)

    @property
    def asks(self) -> bool:
        """Whether it ends in a question, as it is written."""
        return bool(self.said) and self.said[-1].rstrip("\"')»”」*_~ ").endswith(("?", "？", "؟"))


@dataclass(frozen=True, slots=True)
class Speaker:
    """Makes the replies of one call. Which of them is heard is not decided here."""

    responder: Responder
    synthesizer: Synthesizer
    playout: Playout
    room: asyncio.Event  # set whenever some sound was played
    tell: Callable[[ReplyReady | ReplyFailed | WorkDue | WorkDone], None]
    trace: Trace
    apology: str = ""  # said where the responder has none for its own failure

    async def speak(self, reply: Reply, messages: Sequence[Message]) -> None:
        """Make one reply until its last sample is put; an engine's failure is told, not raised."""
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(self._write(reply, messages), name=f"write-{reply.number}")
            try:
                await self._fill(reply)
            except EngineError as fault:
                self.trace("error", message=str(fault), reply=reply.number)
                self.tell(ReplyFailed(reply.number))
            else:
                self.playout.complete(reply.number, asks=reply.asks)
            writing.cancel()

    async def _fill(self, reply: Reply) -> None:
        async with (
            aclosing(reply.written.pieces()) as words,
            aclosing(self._clauses(reply, words)) as cut,
            aclosing(spoken(self.synthesizer, cut)) as sound,
        ):
            await self._put_all(reply, sound)

    async def _put_all(self, reply: Reply, sound: AsyncIterator[Speech]) -> None:
        is_first = True
        async for speech in sound:
            if not await self._put(reply.number, speech):
                return
            if is_first:
                is_first = False
                self.trace("first_audio", reply=reply.number)
                self.tell(ReplyReady(reply.number, reply.protected))

    async def _put(self, number: int, speech: Speech) -> bool:
        """Put one piece of sound, waiting for room; False when the reply is over."""
        while (put := self.playout.put(number, speech)) is Put.FULL:
            self.room.clear()
            await self.room.wait()
        return put is Put.TAKEN

    async def _write(self, reply: Reply, messages: Sequence[Message]) -> None:
        """The responder's text, for the voice; its tool calls are kept until the reply is heard."""
        asked = self.responder.reply(messages, ())
        if self.apology and apologises(messages):
            asked = or_else(asked, self.apology)
        try:
            async with aclosing(asked) as pieces:
                await self._write_all(reply, pieces)
        except EngineError as fault:
            reply.written.end(fault)
        else:
            reply.written.end()

    async def _write_all(self, reply: Reply, pieces: AsyncIterator[Piece]) -> None:
        is_first = True
        await reply.written.wanted()
        async for piece in pieces:
            if not isinstance(piece, str):
                await self._note(reply, piece)
                continue
            if is_first:
                is_first = False
                self.trace("first_token", reply=reply.number)
            reply.written.put(piece)
            await reply.written.wanted()

    async def _note(self, reply: Reply, piece: Unsaid) -> None:
        """What is not said. A tool with effects waits here until the reply is released and the turn
        machine lets it begin: the responder goes on when it is asked for its next piece."""
        match piece:
            case ToolCall():
                reply.tools.append(piece)
            case ToolStart(call, effects):
                if effects:
                    await self._may_work(reply)
                    reply.has_effects = True
                    reply.results.append(ToolResult(Role.EVENT, UNKNOWN, call=call))
                self.trace("tool", reply=reply.number, name=call.name, arguments=call.arguments)
            case ToolResult(_, text, call=call):
                was_at_work = reply.is_at_work
                reply.results = [r for r in reply.results if r.call is not call] + [piece]
                self.trace("tool_result", reply=reply.number, name=call.name, text=text)
                if was_at_work and not reply.is_at_work:
                    self.tell(WorkDone(reply.number))
            case Protect():
                reply.protected = True
            case Remark(text):
                self.trace("remark", reply=reply.number, text=text)
            case _:
                assert_never(piece)

    async def _may_work(self, reply: Reply) -> None:
        await reply.released.wait()
        reply.may_work.clear()
        self.tell(WorkDue(reply.number))
        await reply.may_work.wait()

    async def _clauses(self, reply: Reply, words: AsyncIterator[str]) -> AsyncGenerator[str, None]:
        async with aclosing(clauses(words)) as cut:
            async for clause in cut:
                reply.said.append(clause)
                self.trace("said", reply=reply.number, text=clause)
                yield clause
