"""The caller's end of a WebSocket call: for tests, load and calling another parley."""

import contextlib
from collections.abc import AsyncIterator

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from agent.core.audio import AudioFrame, Samples
from agent.core.errors import CallClosed, CallError, ProtocolError
from agent.core.events import Digit
from audio_io.codecs import from_pcm16, to_pcm16
from audio_io.wire import (
    Bye,
    ClientMessage,
    Ended,
    Played,
    ServerMessage,
    Start,
    Started,
    encode,
    from_server,
)


class FarEnd:
    """A caller on an open WebSocket call.

    Attributes:
        started: what the server answered.
    """

    def __init__(self, connection: ClientConnection, started: Started) -> None:
        self.started = started
        self._connection = connection
        self._position = 0

    async def speak(self, samples: Samples) -> None:
        """Send sound at the call's rate, float32 [n]; pacing is up to whoever speaks.

        Raises:
            CallClosed: the call is over.
        """
        await self._send(to_pcm16(samples))

    async def press(self, digit: str) -> None:
        """Press a key."""
        await self._send(encode(Digit(digit)))

    async def mark(self, samples: int) -> None:
        """Say how many of the agent's samples were played or dropped since the start."""
        await self._send(encode(Played(samples)))

    async def hang_up(self) -> None:
        """Say goodbye; the server answers that the call has ended."""
        await self._send(encode(Bye()))

    async def send_raw(self, message: bytes | str) -> None:
        """Send anything at all, also what the protocol forbids."""
        await self._send(message)

    async def arrivals(self) -> AsyncIterator[AudioFrame | ServerMessage]:
        """What the server sends, until `Ended` or until it is gone."""
        try:
            async for message in self._connection:
                if isinstance(message, bytes):
                    yield self._frame(message)
                    continue
                parsed = from_server(message)
                yield parsed
                if isinstance(parsed, Ended):
                    return
        except ConnectionClosed:
            return

    def _frame(self, data: bytes) -> AudioFrame:
        frame = AudioFrame(from_pcm16(data), self.started.play_rate, self._position)
        self._position = frame.end
        return frame

    async def _send(self, message: bytes | str) -> None:
        try:
            await self._connection.send(message)
        except ConnectionClosed as closed:
            raise CallClosed("the server has ended the call") from closed


@contextlib.asynccontextmanager
async def connect(url: str, start: Start) -> AsyncIterator[FarEnd]:
    """An open call to a server, such as `ws://127.0.0.1:8080/ws`, closed on leaving.

    Raises:
        CallError: nobody answers, or the server refuses; its reason is in the message.
    """
    try:
        async with open_websocket(url, compression=None, proxy=None) as connection:
            yield FarEnd(connection, await _begin(connection, start))
    except InvalidStatus as refusal:
        body = refusal.response.body or b""
        raise CallError(
            f"{url}: expected to be let in, found HTTP {refusal.response.status_code}: "
            f"{bytes(body[:500]).decode(errors='replace')}"
        ) from refusal
    except (OSError, TimeoutError) as fault:
        raise CallError(
            f"{url}: expected a parley server, found nobody who answers ({fault}); "
            "start one with `parley serve`"
        ) from fault
    except WebSocketException as fault:
        raise ProtocolError(f"{url}: expected a WebSocket, found {fault}") from fault


async def _begin(connection: ClientConnection, start: ClientMessage) -> Started:
    try:
        await connection.send(encode(start))
        answer = await connection.recv()
    except ConnectionClosed as closed:
        raise CallClosed("the server hung up before the call began") from closed
    parsed = from_server(answer) if isinstance(answer, str) else None
    if not isinstance(parsed, Started):
        raise ProtocolError(f"expected the server to say started, found {str(answer)[:300]}")
    return parsed
