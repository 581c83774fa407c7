"""Calls over Asterisk's chan_websocket, at an address of the server's own."""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from agent.admission import Refusal, is_token, stranger
from agent.entrances.entrance import address_of, as_response, caller_of
from agent.entrances.websocket import StarletteSocket
from agent.switchboard import ServedCall, Switchboard
from audio_io.asterisk.call import answer
from audio_io.asterisk.manager import ManagedChannel, ManagerSettings

_PROTOCOL = "media"
_CHANNEL = "channel"  # what the dial string's v(channel=${UNIQUEID}) becomes


@dataclass(frozen=True, slots=True)
class AsteriskSettings:
    """The table [asterisk].

    Attributes:
        path: where Asterisk finds us, after the server's address.
        user: what `username` in its websocket_client.conf says.
        password: what `password` there says; empty: a token of the server is asked for, where it
            has any.
        idle_s: without any sound of the caller's, as on a line that died.
        manager: for orders: transfers and keys.
    """

    path: str = "/asterisk"
    user: str = "asterisk"
    password: str = ""
    idle_s: float = 30.0
    manager: ManagerSettings = field(default_factory=ManagerSettings)

    def __post_init__(self) -> None:
        """Refuse an address that is none."""
        if not self.path.startswith("/") or "{" in self.path:
            raise ValueError(f"path: expected one such as /asterisk, found {self.path!r}")
        if ":" in self.user:
            raise ValueError("user: expected a name without a colon, as HTTP wants it")


class AsteriskEntrance:
    """Asterisk's channel `WebSocket`, which dials us."""

    def __init__(self, switchboard: Switchboard, settings: AsteriskSettings) -> None:
        self._switchboard = switchboard
        self._settings = settings
        self._limits = replace(switchboard.settings.limits, idle_s=settings.idle_s)

    def routes(self) -> Sequence[BaseRoute]:
        """One address."""
        return [WebSocketRoute(self._settings.path, self._connect)]

    async def listen(self) -> None:
        """The web server does that."""
        await asyncio.Event().wait()

    async def _connect(self, websocket: WebSocket) -> None:
        address = address_of(websocket)
        refused = self._stranger(websocket) or self._switchboard.refusal(address)
        if refused:
            self._switchboard.refused()
            await websocket.send_denial_response(as_response(refused))
            return

        async def answered(name: str) -> ServedCall:
            offered = websocket.scope.get("subprotocols", [])
            await websocket.accept(_PROTOCOL if _PROTOCOL in offered else None)
            return await answer(StarletteSocket(websocket), self._limits, self._channel(websocket))

        await self._switchboard.connect(address, answered)

    def _channel(self, connection: HTTPConnection) -> ManagedChannel | None:
        """The caller's own channel, where the dial plan named it and the manager may touch it."""
        name = connection.query_params.get(_CHANNEL, "")
        if not (name and self._settings.manager.port):
            return None
        return ManagedChannel(self._settings.manager, name)

    def _stranger(self, connection: HTTPConnection) -> Refusal | None:
        """Why this one may never come in, or None. Asterisk has no origin: a page is a stranger."""
        if "origin" in connection.headers:
            return Refusal(403, "expected Asterisk, found a browser's page")
        board = self._switchboard
        tokens = board.settings.tokens
        if not (self._settings.password or tokens):
            return stranger(caller_of(connection), board.settings, board.public_url)
        shown = _Shown.of(connection.headers.get("authorization", ""))
        if shown.is_user(self._settings) or (shown.token and is_token(shown.token, tokens)):
            return None
        return Refusal(401, "expected a user and password, or a token of this server; none fits")


@dataclass(frozen=True, slots=True)
class _Shown:
    """What an Authorization header holds."""

    token: str = ""
    login: str = ""

    @classmethod
    def of(cls, header: str) -> "_Shown":
        scheme, _, value = header.partition(" ")
        match scheme.lower():
            case "bearer":
                return cls(token=value.strip())
            case "basic":
                return cls(login=_decoded(value.strip()))
            case _:
                return cls()

    def is_user(self, settings: AsteriskSettings) -> bool:
        expected = f"{settings.user}:{settings.password}"
        fits = hmac.compare_digest(self.login.encode(), expected.encode())
        return bool(settings.password) and fits


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
