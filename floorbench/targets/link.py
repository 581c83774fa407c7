"""A WebSocket to an agent, with every way it can fail as a sentence. Shared by the targets."""

import asyncio
import base64
import binascii
import json
import logging
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from agent.core.errors import CallClosed, CallError, ProtocolError

ANSWER_S = 10.0
"""How long an agent may take to let a call in and to say that it is ready."""

MESSAGE_BYTES = 2**24
"""The longest message taken: some agents send a whole reply in one. 16 MiB is the longest message
of the Realtime dialect, rounded up; at 24 kHz it holds four minutes of sound in base64."""

_CLOSE_S = 2.0  # how long a goodbye may take; the call is over either way
_OUR_VERDICT = (1002, 1003, 1007, 1009)  # close codes for what may not be sent (RFC 6455, 7.4.1)

Event = dict[str, object]
"""A JSON message."""


class Socket:
    """An open WebSocket. `name` starts every message and holds no secrets."""

    def __init__(self, name: str, connection: ClientConnection) -> None:
        self.name = name
        self._connection = connection

    async def send(self, message: str | bytes | Event) -> None:
        """Send text, bytes, or a JSON message. Raises CallClosed once the agent has hung up."""
        data = json.dumps(message) if isinstance(message, dict) else message
        try:
            await self._connection.send(data)
        except ConnectionClosed as closed:
            raise CallClosed(f"{self.name}: the agent has ended the call") from closed

    async def answer(self, awaited: str) -> str | bytes:
        """The next message, within ANSWER_S; `awaited` says in words what it should be."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._connection.recv()
        except TimeoutError as fault:
            raise CallError(
                f"{self.name}: expected {awaited} within {ANSWER_S:g} s, found nothing"
            ) from fault
        except ConnectionClosed as closed:
            self._judge(closed)
            raise CallClosed(f"{self.name}: expected {awaited}, found a hang-up") from closed

    async def messages(self) -> AsyncIterator[str | bytes]:
        """All that comes until somebody hangs up. Raises CallError when that was no goodbye."""
        try:
            async for message in self._connection:
                yield message
        except ConnectionClosed as closed:
            self._judge(closed)

    async def close(self) -> None:
        """Hang up. May be called twice."""
        await self._connection.close()

    def event(self, message: str | bytes) -> Event:
        """A JSON message as a table. Raises ProtocolError."""
        try:
            table = json.loads(message)
        except (ValueError, RecursionError):
            table = None
        if isinstance(message, bytes) or not isinstance(table, dict):
            raise ProtocolError(f"{self.name}: expected a JSON object, found {message[:60]!r}")
        return table

    def decoded(self, value: object) -> bytes:
        """Sound in base64 as bytes. Raises ProtocolError."""
        try:
            return base64.b64decode(value if isinstance(value, str) else "?", validate=True)
        except binascii.Error as fault:
            raise ProtocolError(
                f"{self.name}: expected sound in base64, found {str(value)[:60]!r}"
            ) from fault

    def _judge(self, closed: ConnectionClosed) -> None:
        """Nothing for a goodbye or a lost line; CallError where a close code says what is wrong."""
        sent, received = closed.sent, closed.rcvd
        if sent is not None and sent.code in _OUR_VERDICT and not closed.rcvd_then_sent:
            raise ProtocolError(
                f"{self.name}: expected WebSocket messages of at most {MESSAGE_BYTES} bytes, "
                f"found what had to be refused: {sent.code} {sent.reason}"
            ) from closed
        if received is not None and received.code not in (1000, 1001, 1005):
            reason = received.reason or "without a reason"
            raise CallError(
                f"{self.name}: the agent ended the call with code {received.code}: {reason}"
            ) from closed


async def open_socket(name: str, url: str, headers: Mapping[str, str] | None = None) -> Socket:
    """Connect to `url`. Header values are secret: no message and no log holds them.

    Raises:
        CallError: nobody answers, or the agent refuses; its reason is in the message.
    """
    secrets = [value.removeprefix("Bearer ") for value in (headers or {}).values()]
    quiet = logging.getLogger("floorbench.targets")
    quiet.setLevel(logging.INFO)  # the library's DEBUG lines would show the headers
    try:
        connection = await connect(
            url,
            additional_headers=headers,
            compression=None,
            proxy=None,
            open_timeout=ANSWER_S,
            close_timeout=_CLOSE_S,
            max_size=MESSAGE_BYTES,
            logger=quiet,
        )
    except InvalidStatus as refusal:
        body = bytes(refusal.response.body or b"")[:500].decode(errors="replace")
        for secret in secrets:
            body = body.replace(secret, "***")
        found = f"HTTP {refusal.response.status_code} {body.strip()}".strip()
        raise CallError(f"{name}: expected to be let in, found {found}") from None
    except (OSError, TimeoutError) as fault:
        raise CallError(
            f"{name}: expected an agent, found nobody who answers ({fault}); is it running?"
        ) from fault
    except WebSocketException as fault:
        raise ProtocolError(f"{name}: expected a WebSocket server, found {fault}") from fault
    return Socket(name, connection)


def shown(prefix: str, url: str) -> str:
    """A target's name: its protocol and address, without query and password."""
    parts = urlsplit(url)
    return f"{prefix}{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
