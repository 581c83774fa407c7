"""The history of a call: what the caller said, and what they heard of the agent."""

from collections.abc import Sequence
from dataclasses import replace

from agent.core.audio import AudioFrame
from agent.core.protocols import Message, Role


class Conversation:
    """Messages in order. A reply enters when it becomes audible, and holds only what was heard.

    Until then its question is a draft: a speculation leaves no trace here.
    """

    __slots__ = ("_at", "_drafts", "_messages")

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._drafts: dict[int, Message] = {}
        self._at: dict[int, int] = {}  # reply -> index of its message

    @property
    def messages(self) -> tuple[Message, ...]:
        """The history so far."""
        return tuple(self._messages)

    def draft(
        self, reply: int, message: Message, sound: AudioFrame | None = None
    ) -> tuple[Message, ...]:
        """What a responder is given to make this reply: the history and the new message.

        `sound`: what the words were heard in; the history keeps the words alone.
        """
        self._drafts = {reply: message}
        return (*self._messages, replace(message, sound=sound))

    def audible(self, reply: int) -> None:
        """The reply began to be heard: its question becomes history."""
        question = self._drafts.pop(reply, None)
        if question is not None:
            self._messages.append(question)
            self._at = {reply: len(self._messages)}
            self._messages.append(Message(Role.AGENT, ""))

    def is_open(self, reply: int) -> bool:
        """Whether the reply is being heard now."""
        return reply in self._at

    def heard(self, reply: int, text: str, *, cut: bool, results: Sequence[Message] = ()) -> None:
        """The reply is over; `text` is what was heard of it, `cut` if the caller stopped it.

        `results` are what came of the tools that were run for it; they stand before it.
        """
        index = self._at.pop(reply, None)
        if index is not None:
            self._messages[index:] = [*results, Message(Role.AGENT, text, cut)]
