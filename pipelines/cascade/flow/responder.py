"""The flow as a Responder: words to words, without a language model, by the history alone."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from agent.core.errors import ConfigError, EngineFailed
from agent.core.events import Reason
from agent.core.protocols import (
    Expectation,
    Message,
    Protect,
    Role,
    Tool,
    ToolCall,
    ToolResult,
    ToolStart,
)
from pipelines.cascade.flow.begun import began, noted
from pipelines.cascade.flow.expect import expectation
from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.fold import fold
from pipelines.cascade.flow.known import KnownPositions
from pipelines.cascade.flow.moves import ask
from pipelines.cascade.flow.position import Position, Question
from pipelines.cascade.flow.words import clauses
from pipelines.cascade.tools.runnable import Runnable, outcome

ROUNDS = 8
"""Tools in a row for one reply: a flow that asks for more goes round in a circle."""

SECRET = "•••"
"""What stands for a secret slot's value wherever a tool call is shown."""


def _no_clock() -> datetime | None:
    return None


class FlowResponder:
    """Answers by following a flow.

    Args:
        flow: the dialogue.
        now: the house's own time. It is noted in the history of a call when the call begins, and
            counts for all of it. None: not known; then it is open, and `today` and `tomorrow` are
            never closed days.
        runnables: tools that are run here; the others are left to whoever is at the far side.

    Raises:
        ConfigError: the flow needs the result of a tool that is not among them.
    """

    def __init__(
        self,
        flow: Flow,
        now: Callable[[], datetime | None] = _no_clock,
        runnables: Sequence[Runnable] = (),
    ) -> None:
        self._flow = flow
        self._now = now
        self._runnables = {r.tool.name: r for r in runnables}
        self._check()
        self._known = KnownPositions(flow)
        # Asked again and again through each pause: 3 ms to make, once for each place.
        self._expected = lru_cache(maxsize=64)(self._expectation)

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> AsyncGenerator[str | ToolCall | ToolStart | ToolResult | Protect, None]:
        """The reply, clause by clause, then the tools it calls. Joined, the clauses are the text.

        Where a tool's result is needed the tool is run, and the reply goes on with it. `tools` is
        not looked at: a flow calls what its table says, checked when it was loaded.

        Raises:
            EngineFailed: the flow calls tools in a circle.
        """
        history, said, called = list(messages), 0, 0
        now = self._now()
        if now is not None and began(history) is None:
            note = noted(now)
            history.append(note)
            yield note
        for _ in range(ROUNDS):
            at = self.position(history)
            if at.protected and not said:
                yield Protect()
            text = " ".join(at.lines[said:])
            for clause in clauses(f" {text}" if said and text else text):
                yield clause
            said, due, called = len(at.lines), at.calls[called:], len(at.calls)
            for call in due:
                runnable, shown = self._runnables.get(call.name), self._shown(call)
                if runnable is None:
                    yield shown
                    continue
                yield " "  # what was said is spoken now, and not after the tool
                yield ToolStart(shown, runnable.tool.effects)
                text = await outcome(runnable, call.arguments)
                result = ToolResult(Role.EVENT, text, call=shown)
                history.append(result)
                yield result
            if not at.waits:
                return
        raise EngineFailed("flow", f"expected at most {ROUNDS} tools in a reply, found more")

    def expects(self, messages: Sequence[Message]) -> Expectation:
        """What the caller is likely to say next."""
        at = self.position(messages)
        return self._expected(at.node, at.asked)

    def _expectation(self, node: str, asked: Question) -> Expectation:
        return expectation(self._flow, Position(node, asked=asked))

    def position(self, messages: Sequence[Message]) -> Position:
        """Where the dialogue stands, with a reply even where the history asks for none."""
        now = self._now()
        at = self._known.fold(messages, now=now)
        if at.lines or at.quiet or at.waits:
            return at
        if not messages:
            return self._known.fold([Message(Role.EVENT, Reason.GREETING)], now=now)
        return ask(self._flow, at)

    def _shown(self, call: ToolCall) -> ToolCall:
        """The call without secrets: what may leave this process, or reach the trace."""
        slots = self._flow.table.slots
        hidden = {key: SECRET for key in call.arguments if key in slots and slots[key].secret}
        return replace(call, arguments={**call.arguments, **hidden}) if hidden else call

    def _check(self) -> None:
        table = self._flow.table
        for name in (*table.states, *table.forms):
            node = self._flow.node(name)
            if node.result and node.call not in self._runnables:
                raise ConfigError(
                    f"[flow] {name}: result: expected a table [tools.{node.call}] with a "
                    "function, found none"
                )


def talk(
    flow: Flow,
    said: Sequence[str | Reason],
    today: str = "",
    now: datetime | None = None,
    tools: Callable[[ToolCall], str] | None = None,
) -> list[str]:
    """What the agent says to a caller who says these things: the greeting, then one reply each.

    Tool calls are shown as `<name key=value>` at the end of the reply. `tools` returns what came of
    a call whose result the flow waits for. A reason is something that happened, such as silence.
    """
    history = [Message(Role.EVENT, Reason.GREETING)]
    replies = []
    for text in (None, *said):
        if text is not None:
            role = Role.EVENT if isinstance(text, Reason) else Role.CALLER
            history.append(Message(role, text))
        at = fold(flow, history, today, now)
        while at.waits and tools:
            history.append(ToolResult(Role.EVENT, tools(at.calls[-1]), call=at.calls[-1]))
            at = fold(flow, history, today, now)
        replies.append(" ".join([at.text, *map(_written, at.calls)]).strip())
        history.append(Message(Role.AGENT, at.text))
    return replies


def _written(call: ToolCall) -> str:
    return f"<{' '.join([call.name, *(f'{k}={v}' for k, v in call.arguments.items())])}>"
