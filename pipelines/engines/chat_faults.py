"""What goes wrong between us and a chat server, as sentences that say what to do."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

STATUSES: Mapping[int, str] = MappingProxyType(
    {
        400: "change the setting it names; lower context_chars for a context that is too long, and "
        "set sound_s to 0 for a model that cannot hear",
        401: "put a valid key into the environment variable that api_key_env names",
        403: "the key may not use this model; use another key or model",
        404: "check that base_url ends in /v1 and that the server has this model",
        422: "change the setting it names; `extra` may hold what this server does not know",
        429: "wait, or raise the limits of the account",
    }
)
SERVER_FAILED = "look at the server's log"


def is_worth_another_try(library: Any, fault: Exception) -> bool:
    """Whether the same request may succeed at once: not if the request itself was refused."""
    if isinstance(fault, library.APIStatusError):
        return bool(fault.status_code >= 500)
    return isinstance(fault, library.APIError)


def sentence(library: Any, fault: Exception, base_url: str) -> str:
    """What was found at `base_url`, and what to do."""
    if isinstance(fault, library.APIStatusError):
        code = fault.status_code
        advice = STATUSES.get(code, SERVER_FAILED)
        return f"{base_url} answered {code}: {_told(fault)}; {advice}"
    if isinstance(fault, library.APIConnectionError):
        cause = fault.__cause__
        why = f"{type(cause).__name__}: {cause}" if cause else str(fault)
        return (
            f"no connection to {base_url}, or it broke ({why}); start the chat server, look at "
            "its log, or change base_url"
        )
    if isinstance(fault, library.APIError):
        return f"{base_url} reported a fault inside its answer: {_told(fault)}; {SERVER_FAILED}"
    return f"{base_url} sent what is no chat answer ({fault}); is it an OpenAI-style server?"


def _told(fault: Any) -> str:
    """The server's own words, at most a line of them."""
    body = fault.body
    message = body.get("message") if isinstance(body, dict) else None
    return str(message or fault.message).strip().replace("\n", " ")[:300]
