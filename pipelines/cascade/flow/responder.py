"""The flow as a Responder: words to words, without a language model and without memory."""

from collections.abc import AsyncGenerator, Callable, Sequence
from functools import lru_cache

from agent.core.events import Reason
from agent.core.protocols import Expectation, Message, Protect, Role, Tool, ToolCall
from pipelines.cascade.flow.expect import expectation
from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.fold import fold
from pipelines.cascade.flow.moves import ask
from pipelines.cascade.flow.position import Position
from pipelines.cascade.flow.words import clauses


def _unknown() -> str:
    return ""


class FlowResponder:
    """Answers by following a flow.

    Args:
        flow: the dialogue.
        today: today's weekday in lower case, asked at every reply; empty: not known, and then
            `today` and `tomorrow` are never closed days.
    """

    def __init__(self, flow: Flow, today: Callable[[], str] = _unknown) -> None:
        self._flow = flow
        self._today = today
        # Asked again and again through each pause, and 3 ms to make.
        self._expected = lru_cache(maxsize=64)(self._expectation)

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> AsyncGenerator[str | ToolCall | Protect, None]:
        """The reply, clause by clause, then the tools it calls. Joined, the clauses are the text.

        `tools` is not looked at: a flow calls what its table says, checked when it was loaded.
        """
        at = self.position(messages)
        if at.protected:
            yield Protect()
        for clause in clauses(at.text):
            yield clause
        for call in at.calls:
            yield call

    def expects(self, messages: Sequence[Message]) -> Expectation:
        """What the caller is likely to say next."""
        return self._expected(tuple(messages))

    def _expectation(self, messages: tuple[Message, ...]) -> Expectation:
        return expectation(self._flow, self.position(messages))

    def position(self, messages: Sequence[Message]) -> Position:
        """Where the dialogue stands, with a reply even where the history asks for none."""
        at = fold(self._flow, messages, self._today())
        if at.lines:
            return at
        if not messages:
            return fold(self._flow, [Message(Role.EVENT, Reason.GREETING)], at.today)
        return ask(self._flow, at)


def talk(flow: Flow, said: Sequence[str], today: str = "") -> list[str]:
    """What the agent says to a caller who says these things: the greeting, then one reply each.

    Tool calls are shown as `<name key=value>` at the end of the reply.
    """
    history = [Message(Role.EVENT, Reason.GREETING)]
    replies = []
    for text in (None, *said):
        if text is not None:
            history.append(Message(Role.CALLER, text))
        at = fold(flow, history, today)
        replies.append(" ".join([at.text, *map(_shown, at.calls)]).strip())
        history.append(Message(Role.AGENT, at.text))
    return replies


def _shown(call: ToolCall) -> str:
    return f"<{' '.join([call.name, *(f'{k}={v}' for k, v in call.arguments.items())])}>"
