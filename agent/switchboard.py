"""The calls of one server: who may come in, how many there are, how they end."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from agent.core.errors import CallClosed, CallError
from agent.core.protocols import Call
from audio_io.websocket import Limits, WebSocketCall, answer
from audio_io.wire import End

StartCall = Callable[[Call], Awaitable[None]]

_RETRY_S = 5  # most calls last longer; a client that asks again this soon costs nothing
_CUT_S = 1.0  # for what is cut to clean up after itself

_log = logging.getLogger("parley.server")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where to listen, and how much to take on.

    Attributes:
        host: address to listen on; 0.0.0.0 lets other machines in, without any password.
        port: TCP port; 0 for any free one.
        max_calls: calls at once; further ones are refused.
        stop_s: for calls to end when the server stops; then they are cut.
        limits: how much a client may ask of a call.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    max_calls: int = 20
    stop_s: float = 5.0
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Refuse what no server can have."""
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port: expected 0 to 65535, found {self.port}")
        if self.max_calls < 1:
            raise ValueError(f"max_calls: expected at least 1, found {self.max_calls}")


class Switchboard:
    """The calls of one server: lets them in, counts them, ends them."""

    def __init__(self, settings: ServerSettings, start_call: StartCall) -> None:
        self._settings = settings
        self._start_call = start_call
        self._calls: dict[str, WebSocketCall] = {}
        # A way to cut each connection short, also those that have not said start.
        self._connections: dict[str, asyncio.Timeout] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self._stopping = False
        self.counts = {"answered": 0, "refused": 0, "failed": 0, "dropped_input_samples": 0}

    @property
    def active(self) -> int:
        """Connections at this moment."""
        return len(self._connections)

    @property
    def status(self) -> str:
        """In a word: ok, full or stopping."""
        if self._stopping:
            return End.STOPPING
        return "full" if self.active >= self._settings.max_calls else "ok"

    async def connect(self, websocket: WebSocket) -> None:
        """One connection, from its handshake to its end."""
        refusal = self._refusal(websocket)
        if refusal:
            self.counts["refused"] += 1
            await websocket.send_denial_response(refusal)
            return
        name = secrets.token_hex(4)
        self._empty.clear()
        try:
            async with asyncio.timeout(None) as self._connections[name]:
                await websocket.accept()
                await self._hold(name, _StarletteSocket(websocket))
        except CallError as fault:
            self.counts["refused"] += 1
            _log.info("call %s: %s", name, fault)
        except TimeoutError:
            _log.warning("call %s did not end within %s s and was cut", name, self._settings.stop_s)
        finally:
            del self._connections[name]
            if not self._connections:
                self._empty.set()

    async def stop(self) -> None:
        """Let nobody in, end all calls, and cut those that have not ended within `stop_s`."""
        self._stopping = True
        for call in self._calls.values():
            call.end(End.STOPPING)
        if await self._emptied(self._settings.stop_s):
            return
        for cut in self._connections.values():
            cut.reschedule(asyncio.get_running_loop().time())
        await self._emptied(_CUT_S)

    async def _emptied(self, limit_s: float) -> bool:
        try:
            async with asyncio.timeout(limit_s):
                return await self._empty.wait()
        except TimeoutError:
            return False

    async def _hold(self, name: str, wire: "_StarletteSocket") -> None:
        call = await answer(wire, name, self._settings.limits)
        if self._stopping:
            call.end(End.STOPPING)
        self.counts["answered"] += 1
        self._calls[name] = call
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(call.receive())
                group.create_task(call.send())
                await self._talk(call)
                await call.close()
        finally:
            del self._calls[name]
            self.counts["dropped_input_samples"] += call.dropped_input

    async def _talk(self, call: WebSocketCall) -> None:
        try:
            await self._start_call(call)
        except CallClosed:
            return
        except Exception:
            self.counts["failed"] += 1
            _log.exception("call %s failed", call.id)
            call.end(End.ERROR, "the agent failed; call again, or look into the server's log")

    def _refusal(self, websocket: WebSocket) -> Response | None:
        """Why this connection may not come in, or None."""
        headers = websocket.headers
        origin = headers.get("origin")
        if origin and urlsplit(origin).netloc != headers.get("host"):
            sentence = f"expected a page of this server, found one of {origin[:100]}"
            return JSONResponse({"error": sentence}, 403)
        if self.status == "ok":
            return None
        found = "the server is stopping" if self._stopping else f"{self.active} calls"
        sentence = (
            f"expected fewer than {self._settings.max_calls} calls at once, found {found}; "
            f"try again in {_RETRY_S} s"
        )
        return JSONResponse({"error": sentence}, 503, headers={"Retry-After": str(_RETRY_S)})


class _StarletteSocket:
    """The `audio_io.websocket.Socket` of a Starlette connection."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> bytes | str:
        if self._websocket.client_state is not WebSocketState.CONNECTED:
            raise CallClosed("the client is gone")
        message = await self._websocket.receive()
        if message["type"] != "websocket.receive":
            raise CallClosed("the client is gone")
        text: str | None = message.get("text")
        data: bytes | None = message.get("bytes")
        return text if text is not None else data or b""

    async def send(self, message: bytes | str) -> None:
        if self._websocket.application_state is not WebSocketState.CONNECTED:
            raise CallClosed("the client is gone")
        try:
            if isinstance(message, bytes):
                await self._websocket.send_bytes(message)
            else:
                await self._websocket.send_text(message)
        except WebSocketDisconnect as gone:
            raise CallClosed("the client is gone") from gone

    async def close(self) -> None:
        if self._websocket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(WebSocketDisconnect, OSError):
                await self._websocket.close()
