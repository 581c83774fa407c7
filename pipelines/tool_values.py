"""What passes between a responder, the tools around it and the pipeline, beside text."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agent.core.protocols import Expectation, Json, Message, Tool, ToolCall


@dataclass(frozen=True, slots=True)
class TypedTool(Tool):
    """A tool that says which arguments it takes: `parameters` is a JSON schema of an object."""

    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolStart:
    """A tool is about to run. With `effects` its responder must not be asked for its next piece
    before the reply was released: what follows changes the world."""

    call: ToolCall
    effects: bool


@dataclass(frozen=True, slots=True)
class ToolResult(Message):
    """A tool was run: an event of the history, whose text is what came of it, in words."""

    call: ToolCall = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something for the trace that nobody says: a retry, messages left out."""

    text: str


Piece = str | ToolCall | ToolStart | ToolResult | Remark


class PieceResponder(Protocol):
    """A responder that may also be given tool results, and reports on the way."""

    def reply(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> AsyncGenerator[Piece, None]:
        """The reply in pieces, as they come. Closing the generator stops the work."""

    def expects(self, messages: Sequence[Message]) -> Expectation:
        """What the caller is likely to say next. Quick and pure."""
