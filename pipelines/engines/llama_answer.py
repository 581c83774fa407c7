"""What a model writes, taken apart: what is said, what is thought, and the tool it calls.

    I'll look. <tool_call>
    {"name": "tables", "arguments": {"day": "friday"}}

ends a reply: the tool's result comes with the next prompt. Source: the form that the Hermes and
Qwen models were trained on.
"""

import json
from collections.abc import Sequence
from enum import Enum

from agent.core.protocols import ToolCall
from pipelines.engines.chat_answer import BadAnswer

CALL, THOUGHT, THOUGHT_END = TAGS = ("<tool_call>", "<think>", "</think>")


class Part(Enum):
    """What is being written."""

    SAID = "said"
    THOUGHT = "thought"
    CALL = "call"


class Answer:
    """One reply, as far as it was written."""

    def __init__(self) -> None:
        self.part = Part.SAID
        self.said_chars = self.thought_chars = 0
        self._rest = ""  # not said yet: it may be the beginning of a mark, or is a call

    def take(self, text: str) -> str:
        """The next characters; which of them can be said."""
        self._rest += text
        said = ""
        while self.part is not Part.CALL:
            marks = (THOUGHT_END,) if self.part is Part.THOUGHT else (CALL, THOUGHT)
            found = min((m for m in marks if m in self._rest), key=self._rest.index, default="")
            if not found:
                said += self._pass(len(self._rest) - _unsure(self._rest, marks))
                break
            said += self._pass(self._rest.index(found))
            self._rest = self._rest[len(found) :]
            self.part = {CALL: Part.CALL, THOUGHT: Part.THOUGHT}.get(found, Part.SAID)
        return said

    def begin_call(self, text: str) -> str:
        """A call began in `text`, which came last: how it should have come.

        A token may go on behind the mark. That part is left out, since the grammar of the call
        begins with its bracket.
        """
        text = text.removesuffix(self._rest) + "\n"
        self._rest = ""
        return text

    def is_whole_call(self) -> bool:
        """The call is a JSON object, to its last bracket."""
        return self.part is Part.CALL and isinstance(_read(self._rest), dict)

    def finish(self) -> str:
        """Nothing more is written: what can be said after all."""
        return "" if self.part is Part.CALL else self._pass(len(self._rest))

    def called(self) -> ToolCall:
        """The tool called.

        Raises:
            BadAnswer: the call is unfinished.
        """
        found = _read(self._rest)
        if not isinstance(found, dict):
            raise BadAnswer("the answer ended inside a tool call; raise max_tokens")
        return ToolCall(found["name"], found["arguments"])  # the grammar sees to both

    def _pass(self, count: int) -> str:
        text, self._rest = self._rest[:count], self._rest[count:]
        if self.part is Part.THOUGHT:
            self.thought_chars += len(text)
            return ""
        text = text if self.said_chars else text.lstrip()
        self.said_chars += len(text)
        return text


def _unsure(text: str, marks: Sequence[str]) -> int:
    """How many of the last characters may be the beginning of a mark."""
    longest = max(map(len, marks))
    lengths = range(min(longest, len(text)), 0, -1)
    return next((n for n in lengths if any(m.startswith(text[-n:]) for m in marks)), 0)


def _read(text: str) -> object:
    try:
        return json.loads(text, strict=False)  # the grammar lets a line end into a string
    except (ValueError, RecursionError):
        return None
