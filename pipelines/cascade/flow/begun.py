"""When a call began, noted in its own history, so that a clock that goes on rewrites nothing.

A flow goes through the whole history for every reply. Were the clock read anew each time, opening
or closing time during a call, or midnight, would change what was said before it.
"""

from collections.abc import Sequence
from datetime import datetime

from agent.core.protocols import Message, Role, ToolCall, ToolResult

NAME = "call began"
"""What the note is called, as the result of a tool; no tool of a table has a space in its name."""


def noted(now: datetime) -> ToolResult:
    """The note: the clock was looked at, to the minute."""
    return ToolResult(Role.EVENT, now.isoformat(timespec="minutes"), call=ToolCall(NAME))


def is_note(message: Message) -> bool:
    """Whether a message is such a note. Nobody said it, so the dialogue passes over it."""
    return isinstance(message, ToolResult) and message.call.name == NAME


def began(messages: Sequence[Message]) -> datetime | None:
    """What the first note of a history says; None where there is none."""
    note = next(filter(is_note, messages), None)
    return datetime.fromisoformat(note.text) if note else None
