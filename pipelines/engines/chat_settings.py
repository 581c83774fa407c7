"""How a chat server is asked: the settings of the engine `openai_chat`."""

import json
from dataclasses import dataclass
from typing import Any

from pipelines.engines.chat_messages import HOUSE

INSTRUCTIONS = "You are a friendly assistant. Answer in one or two short sentences."


@dataclass(frozen=True, slots=True)
class OpenAIChatSettings:
    """Which server and model, and how they are asked.

    Attributes:
        model: its name at the server.
        base_url: the server; usually ends in /v1.
        api_key_env: the environment variable that holds the key; empty: no key is needed.
        instructions: the system prompt. How to speak on a telephone is added to it.
        temperature: 0 to 2; the server's own where not given.
        max_tokens: longest answer; 0: not sent, as for models that know it by another name.
        extra: a JSON object merged into each request, for what only this server knows.
        sound_s: for a model that hears: the longest sound of the caller's turn that is sent in
            place of its words. 0: the words are sent.
        context_chars: history, instructions and tools together stay below this many characters;
            a token of English is about four.
        connect_s: longest wait for the connection.
        first_token_s: longest wait for the first word, a second try included.
        token_s: longest wait between two tokens.
        warm_up: ask once when loading, so that a missing server is found then, and the model is
            in memory before the first call.
        warm_up_s: longest wait for that.
    """

    model: str
    base_url: str = "http://127.0.0.1:8000/v1"
    api_key_env: str = ""
    instructions: str = INSTRUCTIONS
    temperature: float | None = None
    max_tokens: int = 300
    extra: str = ""
    sound_s: float = 0.0
    context_chars: int = 24_000
    connect_s: float = 2.0
    first_token_s: float = 8.0
    token_s: float = 5.0
    warm_up: bool = True
    warm_up_s: float = 60.0

    def __post_init__(self) -> None:
        """Raises ValueError for what no server could do."""
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError(f"base_url: expected http:// or https://, found {self.base_url!r}")
        if min(self.connect_s, self.first_token_s, self.token_s, self.warm_up_s) <= 0:
            raise ValueError(
                "connect_s, first_token_s, token_s, warm_up_s: expected more than 0 seconds each"
            )
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise ValueError(f"temperature: expected 0 to 2, found {self.temperature}")
        if not 0 <= self.sound_s <= 120:
            raise ValueError(f"sound_s: expected 0 to 120 seconds, found {self.sound_s}")
        if self.max_tokens < 0:
            raise ValueError(f"max_tokens: expected 0 or more, found {self.max_tokens}")
        if self.context_chars < 2 * len(self.system):
            raise ValueError(
                f"context_chars: expected at least {2 * len(self.system)}, twice the "
                f"instructions, found {self.context_chars}"
            )
        _ = self.extras

    @property
    def system(self) -> str:
        """The whole system prompt."""
        return f"{self.instructions}\n{HOUSE}".strip()

    @property
    def extras(self) -> dict[str, Any]:
        """`extra`, read; raises ValueError if it is no JSON object."""
        try:
            found = json.loads(self.extra or "{}")
        except (ValueError, RecursionError):  # the second: nested by the hundred
            found = None
        if isinstance(found, dict):
            return found
        raise ValueError(f"extra: expected a JSON object, found {self.extra!r:.80}")
