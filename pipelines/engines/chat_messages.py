"""The history of a call as the messages of a chat API, within a budget of characters."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from agent.core.audio import AudioFrame
from agent.core.calls import Json
from agent.core.events import Reason
from agent.core.protocols import Message, Role, Tool, ToolResult
from pipelines.engines.chat_sound import to_part

ChatMessage = dict[str, Json]

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        Reason.GREETING: "[The call was answered. Greet the caller.]",
        Reason.SILENCE: "[The caller has said nothing for a while.]",
        Reason.TROUBLE: "[Your last reply was lost to a technical fault. Apologise briefly.]",
        Reason.REFUSED: "[The call could not be put through, or not as you wanted. Say so.]",
        Reason.LIMIT: "[The call must end in a moment. Say so.]",
        Reason.MACHINE: "[An answering machine records now. Leave a short message, and hang up.]",
    }
)
INTERRUPTED = "[The caller interrupted you here.]"
HOUSE = (
    "Your words are spoken aloud in a telephone call: plain sentences, no lists, no markup, no "
    "emoji. What stands in square brackets tells you what happened; never say it."
)

NO_PARAMETERS: Mapping[str, Json] = MappingProxyType({"type": "object", "properties": {}})

MESSAGE_CHARS = 20
"""What a message costs beside its text: a chat template adds about five tokens to each."""

DROP_TOGETHER = 8
"""Messages are left out in groups of this many: the beginning stays the same for some turns, so
that a server which remembers what it computed for a beginning need not begin anew each turn."""


def fitting(messages: Sequence[Message], limit_chars: int) -> tuple[list[Message], int]:
    """The newest messages that fit, beginning with something said to the agent.

    The last question and all after it are always kept, each cut to an equal share where they are
    longer than everything together may be.

    Returns:
        The messages kept, and how many old ones were left out.
    """
    starts = [i for i, m in enumerate(messages) if _opens(m)]
    last = starts[-1] if starts else 0
    excess = sum(map(_size, messages)) - limit_chars
    least = 0
    while excess > 0 and least < last:
        excess -= _size(messages[least])
        least += 1
    least = -(-least // DROP_TOGETHER) * DROP_TOGETHER
    first = next((i for i in starts if i >= least), last)
    return _clipped(messages[first:], limit_chars), first


def _opens(message: Message) -> bool:
    return message.role is not Role.AGENT and not isinstance(message, ToolResult)


def _size(message: Message) -> int:
    call = message.call if isinstance(message, ToolResult) else None
    arguments = len(json.dumps(call.arguments)) + len(call.name) if call else 0
    return len(message.text) + arguments + MESSAGE_CHARS


def _clipped(messages: Sequence[Message], limit_chars: int) -> list[Message]:
    if sum(map(_size, messages)) <= limit_chars:
        return list(messages)
    share = max(1, limit_chars // len(messages))
    return [replace(m, text=m.text[-share:]) for m in messages]


def to_chat(messages: Sequence[Message]) -> list[ChatMessage]:
    """The same history for a model: user and assistant in turn, tools called and answered."""
    chat: list[ChatMessage] = []
    for number, message in enumerate(messages):
        if isinstance(message, ToolResult):
            _add_result(chat, message, f"call{number:05d}")
        elif message.sound is not None:
            _add_sound(chat, message.sound)
        elif message.role is Role.CALLER:
            _add(chat, "user", message.text)
        elif message.role is Role.EVENT:
            _add(chat, "user", EVENTS.get(message.text, f"[{message.text}]"))
        else:
            _add(chat, "assistant", message.text)
            _add(chat, "user", INTERRUPTED if message.cut else "")
    return chat


def _add(chat: list[ChatMessage], role: str, text: str) -> None:
    if not text:
        return
    last = chat[-1] if chat else {}
    if last.get("role") == role and "tool_calls" not in last:
        last["content"] = f"{last['content']} {text}"
    else:
        chat.append({"role": role, "content": text})


def _add_sound(chat: list[ChatMessage], sound: AudioFrame) -> None:
    """In place of the words; what stands before it in the same message stays."""
    _add(chat, "user", " ")  # a message of its own, or the user's last one
    before = str(chat[-1]["content"]).strip()
    text: list[Json] = [{"type": "text", "text": before}] if before else []
    chat[-1]["content"] = [*text, to_part(sound)]


def _add_result(chat: list[ChatMessage], result: ToolResult, key: str) -> None:
    """The call joins the assistant's message before it; `key` suits the strictest server known to
    us, which wants nine letters and digits."""
    arguments = json.dumps(result.call.arguments)
    called = {"name": result.call.name, "arguments": arguments}
    call: Json = {"id": key, "type": "function", "function": called}
    asked = next((m for m in reversed(chat) if m["role"] != "tool"), {})
    calls = asked.get("tool_calls", [])
    if asked.get("role") != "assistant" or (calls and chat[-1]["role"] != "tool"):
        asked, calls = {"role": "assistant", "content": ""}, []
        chat.append(asked)
    asked["tool_calls"] = [*calls, call]  # type: ignore[misc]  # a list, made here
    chat.append({"role": "tool", "tool_call_id": key, "content": result.text})


def to_schemas(tools: Sequence[Tool]) -> list[ChatMessage]:
    """The tools as a chat API wants them declared."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters) or dict(NO_PARAMETERS),
            },
        }
        for tool in tools
    ]
