"""Calls over parley's own WebSocket protocol, at /ws."""

import asyncio
import contextlib
from collections.abc import Sequence

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from agent.core.errors import CallClosed
from agent.entrances.entrance import address_of, turned_away
from agent.switchboard import ServedCall, Switchboard
from audio_io.websocket import answer


class WebSocketEntrance:
    """Programs, and browsers where UDP is blocked."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard

    def routes(self) -> Sequence[BaseRoute]:
        """One address."""
        return [WebSocketRoute("/ws", self._connect)]

    async def listen(self) -> None:
        """The web server does that."""
        await asyncio.Event().wait()

    async def _connect(self, websocket: WebSocket) -> None:
        refused = turned_away(websocket, self._switchboard)
        if refused:
            await websocket.send_denial_response(refused)
            return

        async def answered(name: str) -> ServedCall:
            await websocket.accept()
            limits = self._switchboard.settings.limits
            return await answer(StarletteSocket(websocket), name, limits)

        await self._switchboard.connect(address_of(websocket), answered)


class StarletteSocket:
    """The `audio_io.websocket.Socket` of a Starlette connection."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> bytes | str:
        """The next message; raises CallClosed when there will be none."""
        if self._websocket.client_state is not WebSocketState.CONNECTED:
            raise CallClosed("the client is gone")
        message = await self._websocket.receive()
        if message["type"] != "websocket.receive":
            raise CallClosed("the client is gone")
        text: str | None = message.get("text")
        data: bytes | None = message.get("bytes")
        return text if text is not None else data or b""

    async def send(self, message: bytes | str) -> None:
        """Send one message; raises CallClosed when the client is gone."""
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
        """Close it, if it is open."""
        if self._websocket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(WebSocketDisconnect, OSError):
                await self._websocket.close()
