"""Calls from browsers over WebRTC: offers and answers at /api/offer. docs/webrtc.md."""

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agent.admission import Refusal
from agent.core.errors import CallClosed, CallError, ProtocolError
from agent.entrances.entrance import address_of, as_response, body_of, turned_away
from agent.switchboard import ServedCall, Switchboard
from audio_io.webrtc.call import WebRtcCall, answer
from audio_io.webrtc.hook import check, is_installed
from audio_io.webrtc.sdp import MOST_BYTES, MOST_CANDIDATES, NoSound
from audio_io.webrtc.settings import WebRtcSettings
from audio_io.wire import End

_Reply = asyncio.Future[tuple[str, str]]
"""The name of a call, and the answer to its offer."""

_log = logging.getLogger("parley.server")


class _NoRoom(Exception):
    """The last place was taken between the question and the call."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class _Refused(Exception):
    """A request that cannot be granted: an HTTP status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class _Conversation:
    """A call that its caller may come back to."""

    call: WebRtcCall
    key: str
    candidates: int = 0


class WebRtcEntrance:
    """Browsers, and programs that speak WebRTC."""

    def __init__(self, switchboard: Switchboard, settings: WebRtcSettings) -> None:
        """Raises DeviceError where another aiortc is installed than the one this works with."""
        if is_installed():
            check()
        self._switchboard = switchboard
        self._settings = settings
        self._conversations: dict[str, _Conversation] = {}
        self._group: asyncio.TaskGroup | None = None

    def routes(self) -> Sequence[BaseRoute]:
        """Its addresses; they say so where the extra is not installed."""
        return [
            Route("/api/ice", _granted(self._ice), methods=["GET"]),
            Route("/api/offer", _granted(self._offer), methods=["POST"]),
            Route("/api/offer", _granted(self._candidates), methods=["PATCH"]),
            Route("/api/offer", _granted(self._bye), methods=["DELETE"]),
            Route("/api/bye", _granted(self._bye), methods=["POST"]),
        ]

    async def listen(self) -> None:
        """Hold the calls: a call lasts longer than the request that began it."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await asyncio.Event().wait()
            finally:
                self._group = None

    # --- requests -------------------------------------------------------------------------------

    async def _ice(self, request: Request) -> Response:
        refused = turned_away(request, self._switchboard)
        return refused or JSONResponse({"iceServers": self._settings.ice_servers})

    async def _offer(self, request: Request) -> Response:
        if not is_installed():
            return _error(501, "this server has no WebRTC: use the WebSocket at /ws")
        fields = await _body(request)
        offer = fields.get("sdp")
        if not isinstance(offer, str) or fields.get("type") != "offer":
            raise _Refused(400, 'expected {"sdp": "…", "type": "offer"}')
        if fields.get("call"):
            return await self._rejoin(self._known(fields), offer)
        return turned_away(request, self._switchboard) or await self._begin(request, offer)

    async def _candidates(self, request: Request) -> Response:
        fields = await _body(request)
        known = self._known(fields)
        candidates = fields.get("candidates")
        if not isinstance(candidates, list):
            raise _Refused(400, "candidates: expected a list")
        known.candidates += len(candidates)
        if known.candidates > MOST_CANDIDATES:
            raise _Refused(429, f"candidates: expected at most {MOST_CANDIDATES} of a call")
        for candidate in candidates:
            await _add(known.call, candidate)
        return Response(status_code=204)

    async def _bye(self, request: Request) -> Response:
        self._known(await _body(request)).call.end(End.BYE)
        return Response(status_code=204)

    # --- conversations --------------------------------------------------------------------------

    async def _begin(self, request: Request, offer: str) -> Response:
        if self._group is None:
            return _error(503, "the server is not taking calls yet, or no more")
        reply: _Reply = asyncio.get_running_loop().create_future()
        self._group.create_task(self._hold(address_of(request), offer, reply))
        try:
            name, text = await reply
        except _NoRoom as full:
            return as_response(full.refusal)
        except CallError as fault:
            return _error(_status(fault), str(fault))
        return _answer(text, name, self._conversations[name].key)

    async def _hold(self, address: str, offer: str, reply: _Reply) -> None:
        """One call from its beginning to its end."""
        names: list[str] = []

        async def answered(name: str) -> ServedCall:
            call, text = await self._answered(name, offer, reply)
            self._conversations[name] = _Conversation(call, secrets.token_urlsafe(16))
            names.append(name)
            if not reply.done():
                reply.set_result((name, text))
            return call

        try:
            refused = await self._switchboard.connect(address, answered)
            if refused is not None and not reply.done():
                reply.set_exception(_NoRoom(refused))
        except Exception:  # one call's end is no reason for another's
            _log.exception("a call over WebRTC failed")
        finally:
            for name in names:
                del self._conversations[name]
            if not reply.done():
                reply.set_exception(CallClosed("the server is stopping"))

    async def _answered(self, name: str, offer: str, reply: _Reply) -> tuple[WebRtcCall, str]:
        try:
            return await answer(name, offer, self._settings)
        except CallError as fault:
            if not reply.done():
                reply.set_exception(fault)
            raise

    async def _rejoin(self, known: _Conversation, offer: str) -> Response:
        try:
            text = await known.call.join(offer)
        except CallClosed as fault:
            return _error(404, str(fault))
        except CallError as fault:
            return _error(_status(fault), str(fault))
        known.candidates = 0
        return _answer(text, known.call.id, known.key)

    def _known(self, fields: Mapping[str, object]) -> _Conversation:
        known = self._conversations.get(str(fields.get("call")))
        key = str(fields.get("key"))
        fits = known is not None and hmac.compare_digest(known.key.encode(), key.encode())
        if known is None or not fits or known.call.ended:
            raise _Refused(404, "expected a call that goes on, and its key; begin a new one")
        return known


def _granted(ask: Callable[[Request], Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    """The same, answering what cannot be granted with a sentence."""

    async def asked(request: Request) -> Response:
        try:
            return await ask(request)
        except _Refused as refused:
            return _error(refused.status, str(refused))

    return asked


async def _body(request: Request) -> Mapping[str, object]:
    """The request's JSON object, of bounded size."""
    try:
        body = await body_of(request, MOST_BYTES)
    except ClientDisconnect as gone:
        raise _Refused(408, "expected a whole request, found a part of one") from gone
    if body is None:
        raise _Refused(413, f"expected at most {MOST_BYTES} bytes, found more")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as fault:
        raise _Refused(400, "expected a JSON object, found none") from fault
    if not isinstance(fields, Mapping):
        raise _Refused(400, f"expected a JSON object, found {type(fields).__name__}")
    return fields


async def _add(call: WebRtcCall, candidate: object) -> None:
    if not isinstance(candidate, Mapping) or not isinstance(candidate.get("candidate"), str):
        raise _Refused(400, 'candidates: expected objects with a "candidate"')
    mid, line = candidate.get("sdpMid"), candidate.get("sdpMLineIndex")
    try:
        await call.add(
            candidate["candidate"],
            mid if isinstance(mid, str) else None,
            line if isinstance(line, int) else None,
        )
    except ProtocolError as fault:
        raise _Refused(400, str(fault)) from fault


def _answer(text: str, call: str, key: str) -> Response:
    return JSONResponse({"sdp": text, "type": "answer", "call": call, "key": key})


def _status(fault: CallError) -> int:
    match fault:
        case NoSound():
            return 422
        case ProtocolError():
            return 400
        case CallClosed():
            return 503
        case _:
            return 501


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status)
