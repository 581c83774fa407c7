"""What must be said before anything else, such as that the call is recorded."""

import html
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from agent.core.protocols import Expectation, Message, Piece, Responder, Role, Tool
from pipelines.responders import longest_sound_s, reader

_TAG = r"<[!?/a-zA-Z][^<>]*>"
_GAP = rf"(?:\s|{_TAG})*"


class Announcing:
    """A responder whose first words are an announcement, again until it was heard to its end.

    Who answers behind it does not know of it: it is in no message that they are given. What was
    heard is compared without spaces and tags: a voice says neither, and a history has single
    spaces. A line break in a configuration is one of the file, not of the speech.
    """

    def __init__(self, behind: Responder, announcement: str) -> None:
        self._behind = behind
        self._announcement = f"{' '.join(announcement.split())} "
        self._letters = _letters(announcement)
        self._whole = re.compile(_GAP + "".join(re.escape(c) + _GAP for c in self._letters))

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> AsyncGenerator[Piece, None]:
        """The reply, after the announcement where that is still owed."""
        if not any(self._is_in(message) for message in messages):
            yield self._announcement
        async with aclosing(self._behind.reply(self._without(messages), tools)) as pieces:
            async for piece in pieces:
                yield piece

    def expects(self, messages: Sequence[Message]) -> Expectation:
        """As behind it."""
        return self._behind.expects(self._without(messages))

    @property
    def sound_s(self) -> float:
        """As behind it, in seconds."""
        return longest_sound_s(self._behind)

    @property
    def reads_ahead(self) -> bool:
        """As behind it."""
        return reader(self._behind) is not None

    async def read_ahead(self, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        """What a reply of the one behind would begin with: the announcement is no part of it.

        Raises:
            EngineError: it could not.
        """
        if behind := reader(self._behind):
            await behind.read_ahead(self._without(messages), tools)

    def _is_in(self, message: Message) -> bool:
        return message.role is Role.AGENT and self._whole.match(message.text) is not None

    def _without(self, messages: Sequence[Message]) -> list[Message]:
        """What was said beside it; a reply that was cut within it was not heard at all."""
        own = [self._own(message) for message in messages]
        return [
            mine for mine, said in zip(own, messages, strict=True) if mine.text or not said.text
        ]

    def _own(self, message: Message) -> Message:
        if message.role is not Role.AGENT:
            return message
        if whole := self._whole.match(message.text):
            return replace(message, text=message.text[whole.end() :])
        is_cut = self._letters.startswith(_letters(message.text))
        return replace(message, text="") if is_cut else message


def _letters(text: str) -> str:
    """What is left of a text without tags and spaces, its references resolved as a voice does."""
    return "".join(html.unescape(re.sub(_TAG, "", text)).split())
