"""One streamed answer, put together from its chunks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.core.protocols import ToolCall


class BadAnswer(ValueError):
    """The answer breaks the protocol, or says nothing; str() says how."""


@dataclass(slots=True)
class _Fragments:
    """A tool call, growing."""

    index: object
    key: str
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Answer:
    """What has come of one answer so far.

    Attributes:
        finish: why the model stopped, as the server calls it; empty while it goes on.
        text_chars: characters of text so far.
        thought_chars: characters of thinking, which is not said.
    """

    finish: str = ""
    text_chars: int = 0
    thought_chars: int = 0
    _calls: list[_Fragments] = field(default_factory=list)

    def take(self, chunk: Mapping[str, Any]) -> str | None:
        """The text of the next chunk; None if it has neither text nor part of a tool call.

        Raises:
            BadAnswer: there is something else where a text belongs.
        """
        choices = chunk.get("choices") or ()
        choice = choices[0] if choices else {}
        self.finish = choice.get("finish_reason") or self.finish
        delta = choice.get("delta") or {}
        parts = delta.get("tool_calls") or ()
        for part in parts:
            self._join(part)
        # OpenAI puts a refusal beside the text, and it is what there is to say.
        text = _text(delta, "content") or _text(delta, "refusal")
        self.text_chars += len(text)
        # vLLM and llama.cpp call it reasoning_content, Ollama and newer vLLM reasoning.
        thought = delta.get("reasoning_content") or delta.get("reasoning") or ""
        self.thought_chars += len(str(thought))
        return text if text or parts else None

    def _join(self, part: Mapping[str, Any]) -> None:
        """Fragments belong together by their index; but a new id begins a new call, as some
        servers number every call 0."""
        index, key = part.get("index"), part.get("id") or ""
        call = next((c for c in reversed(self._calls) if c.index == index), None)
        if call is None or (key and call.key and key != call.key):
            call = _Fragments(index, key)
            self._calls.append(call)
        function = part.get("function") or {}
        call.name = call.name or _text(function, "name")
        call.arguments += _text(function, "arguments")

    def finished(self) -> list[ToolCall]:
        """The tools called, once the stream has ended.

        Raises:
            BadAnswer: it broke off, said nothing, or called a tool in no JSON.
        """
        if not self.finish:
            raise BadAnswer("the answer broke off; look at the server's log")
        if self.finish == "content_filter" and not self.text_chars:
            raise BadAnswer("the server's content filter refused to answer")
        if self._calls and self.finish == "length":
            raise BadAnswer("the answer ended inside a tool call; raise max_tokens")
        if not self._calls and not self.text_chars:
            raise BadAnswer(self._nothing())
        return [ToolCall(call.name, _arguments(call)) for call in self._calls]

    @property
    def is_silent(self) -> bool:
        """It ended as it should, without a word and without a call."""
        return self.finish == "stop" and not self.text_chars and not self._calls

    def _nothing(self) -> str:
        if self.thought_chars:
            return (
                f"the model thought ({self.thought_chars} characters) and said nothing; turn its "
                "thinking off with `extra`, or raise max_tokens"
            )
        return (
            f"an empty answer (finish_reason {self.finish}); check that the server uses the "
            "chat template of this model"
        )


def _text(fields: Mapping[str, Any], key: str) -> str:
    found = fields.get(key) or ""
    if not isinstance(found, str):
        raise BadAnswer(f"expected text as {key}, found {found!r:.80}")
    # Half a character, a lone surrogate, can be neither spoken nor sent back with the history.
    return found.encode("utf-8", "ignore").decode()


def _arguments(call: _Fragments) -> dict[str, Any]:
    try:
        found = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):  # the second: brackets in brackets, by the hundred
        found = None
    if not call.name or not isinstance(found, dict):
        raise BadAnswer(
            f"expected a tool call with a JSON object, found {call.name or 'no name'} with "
            f"{call.arguments[:80]!r}; use a model and a server set up for tool calls"
        )
    return found
