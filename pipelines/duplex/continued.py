"""A responder in the middle of a conversation that somebody else began. Pure."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from agent.core.events import Reason
from agent.core.protocols import Expectation, Message, Piece, Responder, Role, Tool


@dataclass(frozen=True, slots=True)
class Continued:
    """The responder with what was heard before it was asked.

    It does not greet: where a call begins with a greeting, this one goes on with a word about the
    trouble, as a responder says it when something went wrong.
    """

    responder: Responder
    history: tuple[Message, ...]

    def reply(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> AsyncGenerator[Piece, None]:
        """As the responder replies to the whole history."""
        return self.responder.reply(self._whole(messages), tools)

    def expects(self, messages: Sequence[Message]) -> Expectation:
        """As the responder expects after the whole history."""
        return self.responder.expects(self._whole(messages))

    def _whole(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        greeting = Message(Role.EVENT, Reason.GREETING.value)
        trouble = Message(Role.EVENT, Reason.TROUBLE.value)
        return (*self.history, *(trouble if m == greeting else m for m in messages))
