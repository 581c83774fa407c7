"""The socket under a media stream, and how much a provider may ask of it."""

import asyncio
import contextlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from agent.core.errors import CallClosed
from audio_io.media_stream.wire import Message


class Close(IntEnum):
    """Why we close a socket. Source: RFC 6455, 7.4.1."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL = 1002
    UNSUPPORTED = 1003
    POLICY = 1008
    TOO_BIG = 1009
    ERROR = 1011
    LATER = 1013


class Socket(Protocol):
    """What a WebSocket library must offer. After `close`, `receive` must end soon."""

    async def receive(self) -> Message:
        """The next message. Raises CallClosed when there will be none."""

    async def send(self, message: Message) -> None:
        """Send one message; waits while the peer's buffers are full. Raises CallClosed."""

    async def close(self, code: int, reason: str) -> None:
        """Close it properly. May be called twice."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How much a provider may ask of a call.

    Attributes:
        message_bytes: longest message.
        start_s: from the connection to the start of the stream.
        idle_s: without any sound of the caller.
        input_s: sound waiting for a pipeline that is behind; older sound is dropped.
        waiting_messages: waiting for a provider that reads too slowly; then the call ends.
        send_s: for a provider to take one message; then the call ends.
        errors: messages that make no sense; one more ends the call.
    """

    message_bytes: int = 65_536
    start_s: float = 10.0
    idle_s: float = 30.0
    input_s: float = 2.0
    waiting_messages: int = 100
    send_s: float = 5.0
    errors: int = 20


async def closed(socket: Socket, code: int, reason: str, limit_s: float) -> None:
    """Close it within `limit_s`, whatever the peer does."""
    with contextlib.suppress(TimeoutError, CallClosed):
        async with asyncio.timeout(limit_s):
            await socket.close(code, reason)
