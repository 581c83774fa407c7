"""What every entrance is, and what those over HTTP have in common."""

from collections.abc import Sequence
from typing import Protocol

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from agent.admission import Caller, Refusal, no_access, stranger
from agent.switchboard import Switchboard

_BEARER = "bearer "


class Entrance(Protocol):
    """One way into the server."""

    def routes(self) -> Sequence[BaseRoute]:
        """Its addresses under the server's own port; none where it listens by itself."""

    async def listen(self) -> None:
        """Whatever it does beside answering at its routes; ends when it is cancelled."""


def turned_away(connection: HTTPConnection, switchboard: Switchboard) -> Response | None:
    """The answer to a client that may not come in now: foreign page, no token, no room; or None.

    For entrances whose clients are ours. A telephone provider shows something else than a token:
    its entrance asks `switchboard.refusal` alone.
    """
    refused = no_access(caller_of(connection), switchboard.settings, switchboard.public_url)
    refused = refused or switchboard.refusal(address_of(connection))
    if refused is None:
        return None
    switchboard.refused()
    return as_response(refused)


def kept_out(connection: HTTPConnection, switchboard: Switchboard) -> Response | None:
    """The answer to a stranger, for what everybody else may see without a token; or None."""
    refused = stranger(caller_of(connection), switchboard.settings, switchboard.public_url)
    return None if refused is None else as_response(refused)


def as_response(refusal: Refusal) -> Response:
    """A refusal over HTTP: its sentence as JSON, and when to ask again."""
    headers = {} if refusal.retry_s is None else {"Retry-After": str(refusal.retry_s)}
    return JSONResponse({"error": refusal.message}, refusal.status, headers=headers)


async def body_of(request: Request, most: int) -> bytes | None:
    """The body, or None where it has more than `most` bytes.

    Raises:
        ClientDisconnect: it never became whole, or took too long: see `HttpConnection`.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most:
            return None
    return body


def address_of(connection: HTTPConnection) -> str:
    """Where a connection comes from; calls are counted by it."""
    return connection.client.host if connection.client else ""


def caller_of(connection: HTTPConnection) -> Caller:
    """What a connection shows of whoever makes it."""
    headers = connection.headers
    shown = headers.get("authorization", "")
    bearer = shown[len(_BEARER) :] if shown.lower().startswith(_BEARER) else ""
    token = bearer or connection.query_params.get("token", "")  # browsers' sockets have no headers
    return Caller(headers.get("host", ""), headers.get("origin", ""), token)
