"""A responder in the middle of a conversation that somebody else began. Pure."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from agent.core.events import Reason
from agent.core.protocols import Expectation, Message, Piece, Responder, Role, Tool
from pipelines.responders import longest_sound_s, reader

_GREETING = Message(Role.EVENT, Reason.GREETING.value)
TROUBLE = Message(Role.EVENT, Reason.TROUBLE.value)


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that was said in the call before; times are loop time."""

    message: Message
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Continued:
    """The responder with what was said before it was asked.

    It does not greet. Where a call begins with a greeting, this one goes on with `opening`: what
    the caller said last, or that something went wrong.
    """

    responder: Responder
    history: tuple[Message, ...]
    opening: Message = TROUBLE

    def reply(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> AsyncGenerator[Piece, None]:
        """As the responder replies to the whole history."""
        return self.responder.reply(self._whole(messages), tools)

    def expects(self, messages: Sequence[Message]) -> Expectation:
        """As the responder expects after the whole history."""
        return self.responder.expects(self._whole(messages))

    @property
    def sound_s(self) -> float:
        """As the responder hears, in seconds."""
        return longest_sound_s(self.responder)

    @property
    def reads_ahead(self) -> bool:
        """As the responder does."""
        return reader(self.responder) is not None

    async def read_ahead(self, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        """The responder reads, the history before.

        Raises:
            EngineError: it could not.
        """
        if behind := reader(self.responder):
            await behind.read_ahead(self._whole(messages), tools)

    def _whole(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        return (*self.history, *(self.opening if m == _GREETING else m for m in messages))
