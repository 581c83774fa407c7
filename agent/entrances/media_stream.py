"""Calls over the media streams of telephone providers, at /media/PROVIDER."""

import asyncio
import contextlib
import hashlib
import json
import logging
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from agent.admission import Refusal
from agent.core.errors import ProtocolError
from agent.entrances.entrance import address_of, as_response, body_of
from agent.entrances.media_stream_access import Asked, Pairs, no_access
from agent.entrances.media_stream_documents import (
    DOCUMENTS,
    WHISPER_TO,
    Documents,
    Invitation,
    whispered,
)
from agent.entrances.media_stream_settings import MediaStreamSettings, secrets_of
from agent.entrances.media_stream_tickets import TICKET, Tickets
from agent.entrances.websocket import StarletteSocket
from agent.switchboard import ServedCall, Switchboard
from audio_io.media_stream.answer import answer
from audio_io.media_stream.dialects import DIALECTS
from audio_io.media_stream.socket import Close, closed
from audio_io.media_stream.transfers import Transfers
from audio_io.media_stream.wire import Dialect
from audio_io.wire import RATES

_FORM_BYTES = 65_536
_NONCES = 4096  # of the latest requests that were signed with one: more than come in a minute
_NUMBER = "from"  # under which a call is told who calls

_log = logging.getLogger("parley.media_stream")


class MediaStreamEntrance:
    """Telephone providers that open a WebSocket for every call.

    Attributes:
        turned_away: how many, by HTTP status.
    """

    def __init__(self, switchboard: Switchboard, settings: MediaStreamSettings) -> None:
        """Raises ConfigError for a secret that is not in the environment."""
        self._switchboard = switchboard
        self._settings = settings
        if settings.providers:
            switchboard.reached_at(settings.public_url)
        self._secrets = secrets_of(settings)
        self._transfers = Transfers()
        self._tickets = Tickets()
        self._nonces: OrderedDict[bytes, None] = OrderedDict()
        self.turned_away: Counter[int] = Counter()

    def routes(self) -> Sequence[BaseRoute]:
        """The stream, the answer that asks for it, and what comes after it."""
        streams = ("/media/{provider}", "/media/{provider}/")
        return [
            *(WebSocketRoute(path, self._connect) for path in streams),
            Route("/media/{provider}/answer", self._answer, methods=["GET", "POST"]),
            Route("/media/{provider}/after", self._after, methods=["GET", "POST"]),
            Route("/media/{provider}/whisper", self._whisper, methods=["GET", "POST"]),
        ]

    async def listen(self) -> None:
        """The web server does that."""
        await asyncio.Event().wait()

    # --- the documents --------------------------------------------------------------------------

    async def _answer(self, request: Request) -> Response:
        provider, fields = request.path_params["provider"], await _fields(request)
        refused = self._refusal(provider, request, fields)
        if refused is not None:
            return as_response(refused)
        documents = DOCUMENTS.get(provider)
        if documents is None:
            return as_response(Refusal(404, f"{provider} asks for no document"))
        caller = dict(fields).get(documents.caller, "")
        if not self._may_call(caller):
            return _document(documents, documents.reject)
        return _document(documents, documents.invite(self._invitation(provider, caller)))

    async def _after(self, request: Request) -> Response:
        provider, fields = request.path_params["provider"], await _fields(request)
        refused = self._refusal(provider, request, fields)
        if refused is not None:
            return as_response(refused)
        documents = DOCUMENTS.get(provider)
        if documents is None:
            return as_response(Refusal(404, f"{provider} asks for no document"))
        order = self._transfers.take(dict(fields).get(documents.call, ""))
        return _document(documents, documents.after(order))

    async def _whisper(self, request: Request) -> Response:
        provider, fields = request.path_params["provider"], await _fields(request)
        refused = self._refusal(provider, request, fields)
        if refused is not None:
            return as_response(refused)
        if provider not in WHISPER_TO:
            return as_response(Refusal(404, f"{provider} asks for no whisper"))
        summary = self._transfers.summary(dict(fields).get(WHISPER_TO[provider], ""))
        return _document(DOCUMENTS[provider], whispered(summary))

    def _invitation(self, provider: str, caller: str) -> Invitation:
        own = {_NUMBER: caller} if caller else {}
        if self._settings.tickets:
            own[TICKET] = self._tickets.issue(asyncio.get_running_loop().time())
        return Invitation(
            f"{self._settings.stream_base}/media/{provider}",
            f"{self._settings.base}/media/{provider}/after",
            self._secrets[provider][0],
            self._settings.rate,
            {**self._settings.parameters, **own},
        )

    # --- the stream -----------------------------------------------------------------------------

    async def _connect(self, websocket: WebSocket) -> None:
        provider: str = websocket.path_params["provider"]
        refused = self._refusal(provider, websocket, ()) or self._full(websocket)
        if refused is not None:
            await websocket.send_denial_response(as_response(refused))
            return
        dialect = _at_rate(DIALECTS[provider], websocket)

        async def answered(name: str) -> ServedCall:
            offered = websocket.scope.get("subprotocols") or []
            agreed = dialect.subprotocol if dialect.subprotocol in offered else None
            await websocket.accept(subprotocol=agreed)
            socket = _Socket(websocket)
            limits = self._settings.limits
            call = await answer(socket, name, dialect, limits, self._transfers)
            objection = self._objection(call.about)
            if objection:
                await closed(socket, Close.POLICY, objection, limits.send_s)
                raise ProtocolError(f"{provider}: {objection}")
            return call

        await self._switchboard.connect(address_of(websocket), answered)

    # --- who may come in ------------------------------------------------------------------------

    def _refusal(self, provider: str, asking: HTTPConnection, fields: Pairs) -> Refusal | None:
        """Why this request is turned away, or None; counted."""
        if provider not in self._settings.providers:
            return self._counted(Refusal(404, "expected a provider that may call, found another"))
        asked = _asked(self._settings, asking, fields)
        refused = no_access(provider, asked, self._secrets[provider])
        if refused is None and self._is_replayed(asked):
            refused = Refusal(403, "expected a new request, found one that came before")
        return self._counted(refused)

    def _full(self, asking: HTTPConnection) -> Refusal | None:
        return self._counted(self._switchboard.refusal(address_of(asking)))

    def _counted(self, refused: Refusal | None) -> Refusal | None:
        if refused is not None:
            self.turned_away[refused.status] += 1
            self._switchboard.refused()
            if self.turned_away[refused.status] == 1:
                _log.warning("turned away with %s: %s", refused.status, refused.message)
        return refused

    def _is_replayed(self, asked: Asked) -> bool:
        """Whether a nonce comes again. Twilio's signatures have none: they do not change."""
        nonce = asked.headers.get("x-plivo-signature-v3-nonce", "")
        if not nonce:
            return False
        seen = hashlib.sha256(f"{nonce} {asked.url}".encode()).digest()
        if seen in self._nonces:
            return True
        self._nonces[seen] = None
        while len(self._nonces) > _NONCES:
            self._nonces.popitem(last=False)
        return False

    def _objection(self, about: Mapping[str, str]) -> str:
        """Why a stream that has begun may not go on, or nothing."""
        if not self._may_call(about.get(_NUMBER, "")):
            return "expected a caller who may call, found another"
        now = asyncio.get_running_loop().time()
        if self._settings.tickets and not self._tickets.use(about.get(TICKET, ""), now):
            return "expected a ticket of an answer of ours, found none that is good"
        return ""

    def _may_call(self, number: str) -> bool:
        return not self._settings.callers or number in self._settings.callers


class _Socket:
    """The `audio_io.media_stream.socket.Socket` of a Starlette connection."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._plain = StarletteSocket(websocket)

    async def receive(self) -> bytes | str:
        return await self._plain.receive()

    async def send(self, message: bytes | str) -> None:
        await self._plain.send(message)

    async def close(self, code: int, reason: str) -> None:
        if self._websocket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(WebSocketDisconnect, OSError):
                await self._websocket.close(code, reason)


def _asked(settings: MediaStreamSettings, asking: HTTPConnection, fields: Pairs) -> Asked:
    """A request under the address that its provider knows us by."""
    base = settings.stream_base if asking.scope["type"] == "websocket" else settings.base
    query = f"?{asking.url.query}" if asking.url.query else ""
    posted = asking.scope.get("method") == "POST"
    headers = {name.lower(): value for name, value in asking.headers.items()}
    form = fields if posted else ()
    return Asked(f"{base}{asking.url.path}{query}", headers, form, posted)


async def _fields(request: Request) -> Pairs:
    """What a provider tells of a call, in the query or in a body of at most 64 KiB."""
    try:
        body = await body_of(request, _FORM_BYTES)
    except ClientDisconnect:
        return ()
    if body is None:
        return ()
    if "json" in request.headers.get("content-type", ""):
        return tuple(_json_fields(body).items())
    posted = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
    return tuple(posted) if request.method == "POST" else tuple(request.query_params.multi_items())


def _json_fields(body: bytes) -> Mapping[str, str]:
    try:
        table = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(table, dict):
        return {}
    return {key: value for key, value in table.items() if isinstance(value, str)}


def _at_rate(dialect: Dialect, websocket: WebSocket) -> Dialect:
    """FreeSWITCH's modules do not say at which rate they send: the address does, as ?rate=16000."""
    asked = websocket.query_params.get("rate", "")
    if dialect.implied is None or asked not in map(str, RATES):
        return dialect
    return replace(dialect, implied=replace(dialect.implied, rate=int(asked)))


def _document(documents: Documents, text: str) -> Response:
    return Response(text, media_type=documents.kind, headers={"Cache-Control": "no-store"})
