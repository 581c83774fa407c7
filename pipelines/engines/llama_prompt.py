"""From the history of a call to the tokens that a model is given, within its budget."""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.core.errors import EngineFailed, EngineUnavailable
from agent.core.protocols import Message, Role, Tool
from pipelines.engines.chat_messages import ChatMessage, fitting, to_chat
from pipelines.engines.llama_answer import CALL
from pipelines.engines.llama_native import NAME

Render = Callable[[Sequence[Mapping[str, str]]], str]
"""A chat template: messages with a role and a content to one text. May raise anything."""

TRIES = 12
"""How often a history is cut for its tokens. Each cut takes away a tenth at least, so that two
thirds of a history may be more tokens than its characters let expect."""

PROBE = (Message(Role.CALLER, "hello"),)

HOW_TO_CALL = f"""To use a tool, end your reply with
{CALL}
{{"name": its name, "arguments": an object}}
</tool_call>
and wait: what came of it follows in <tool_response>. You have these tools:"""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given, and how many old messages it is not."""

    tokens: list[int]
    dropped: int


class Prompts:
    """Makes the prompts of one model.

    Args:
        render: its chat template.
        tokens: its vocabulary.
        marks: what must not be read as a mark where somebody said it.
        limit: the most tokens of a prompt.

    Raises:
        EngineUnavailable: the template does not even take "hello".
    """

    def __init__(
        self,
        render: Render,
        tokens: Callable[[str], list[int]],
        marks: Sequence[str],
        limit: int,
    ) -> None:
        self._render, self._tokens, self._limit = render, tokens, limit
        self._marks = re.compile("|".join(map(re.escape, marks)) or r"(?!)")
        self._folds_system = False
        try:
            self._text("Be kind.", PROBE)
        except Exception:  # of any kind that a template raises
            self._folds_system = True
            self._check()

    def _check(self) -> None:
        try:
            self._text("Be kind.", PROBE)
        except Exception as fault:
            raise EngineUnavailable(
                NAME, f"the model's chat template cannot be used: {fault}; take another file"
            ) from fault

    def fit(self, system: str, messages: Sequence[Message], tools: Sequence[Tool]) -> Prompt:
        """The newest messages that fit behind the instructions and the tools.

        Raises:
            EngineFailed: not even the last message fits, or the template refuses it.
        """
        head = f"{system}\n\n{_offered(tools)}" if tools else system
        kept, dropped = fitting(messages, sys.maxsize)
        for _ in range(TRIES):
            tokens = self._tokens(self._whole(head, kept))
            if len(tokens) <= self._limit:
                return Prompt(tokens, dropped)
            spent = len(self._tokens(head))
            chars = sum(len(m.text) for m in kept) + 20 * len(kept)
            share = (self._limit - spent) / max(1, len(tokens) - spent)
            kept, dropped = fitting(messages, int(chars * min(share, 0.9)))
        raise EngineFailed(
            NAME,
            f"instructions, tools and the last message need {len(tokens)} tokens, and "
            f"{self._limit} are left beside max_tokens; raise context_tokens",
        )

    def _whole(self, head: str, messages: Sequence[Message]) -> str:
        try:
            return self._text(head, messages)
        except Exception as fault:
            raise EngineFailed(
                NAME, f"the model's chat template refused the history: {fault}; take another file"
            ) from fault

    def _text(self, head: str, messages: Sequence[Message]) -> str:
        said = [replace(m, text=self._plain(m.text)) for m in messages]
        chat = _flat(to_chat(said))
        if not self._folds_system:
            return self._render([{"role": "system", "content": head}, *chat])
        first = chat[0]["content"] if chat else ""
        return self._render([{"role": "user", "content": f"{head}\n\n{first}".strip()}, *chat[1:]])

    def _plain(self, text: str) -> str:
        """Nobody ends a message or begins another by what they say, or by what a tool found."""
        return self._marks.sub(lambda found: " ".join(found.group()), text)


def _offered(tools: Sequence[Tool]) -> str:
    lines = [
        json.dumps(
            {"name": t.name, "description": t.description, "parameters": dict(t.parameters)},
            ensure_ascii=False,
        )
        for t in tools
    ]
    return "\n".join([HOW_TO_CALL, *lines])


def _flat(chat: Sequence[ChatMessage]) -> list[dict[str, str]]:
    """Calls and results as words, which every template takes; user and assistant in turn."""
    flat: list[dict[str, str]] = []
    for message in chat:
        role, text = str(message["role"]), str(message["content"])
        if role == "tool":
            role, text = "user", f"<tool_response>\n{text}\n</tool_response>"
        text = "\n".join([*([text] if text else []), *_calls(message)])
        if flat and flat[-1]["role"] == role:
            flat[-1]["content"] += f"\n{text}"
        else:
            flat.append({"role": role, "content": text})
    return flat


def _calls(message: ChatMessage) -> list[str]:
    calls: list[str] = []
    for call in message.get("tool_calls", ()):  # type: ignore[union-attr]  # made by to_chat
        function = call["function"]  # type: ignore[index,call-overload]
        calls.append(
            f'{CALL}\n{{"name": {json.dumps(function["name"])}, '  # type: ignore[index,call-overload]
            f'"arguments": {function["arguments"]}}}\n</tool_call>'  # type: ignore[index,call-overload]
        )
    return calls
