"""Calls from Moshi's own clients, at /api/chat, whatever pipeline answers them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from agent.entrances.entrance import address_of, turned_away
from agent.entrances.websocket import StarletteSocket
from agent.switchboard import ServedCall, Switchboard
from audio_io.moshi.call import RATE, MoshiCall
from audio_io.moshi.opus import OpusEncoder


@dataclass(frozen=True, slots=True)
class MoshiSettings:
    """The table [moshi]: opens the entrance.

    Attributes:
        path: where Moshi's clients look.
    """

    path: str = "/api/chat"

    def __post_init__(self) -> None:
        """Refuse what is no address."""
        if not self.path.startswith("/"):
            raise ValueError(f"path: expected /something, found {self.path!r}")


class MoshiEntrance:
    """Moshi's browser client, `python -m moshi.client`, and others of that protocol."""

    def __init__(self, switchboard: Switchboard, settings: MoshiSettings) -> None:
        """Raises ConfigError where the Opus codec is missing."""
        OpusEncoder(RATE)
        self._switchboard, self._settings = switchboard, settings

    def routes(self) -> Sequence[BaseRoute]:
        """One address."""
        return [WebSocketRoute(self._settings.path, self._connect)]

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
            return MoshiCall(StarletteSocket(websocket), name, limits)

        await self._switchboard.connect(address_of(websocket), answered)
