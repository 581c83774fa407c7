"""The server: calls over WebSockets, health, metrics and the browser client."""

import asyncio
import contextlib
import errno
import logging
import mimetypes
import secrets
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from agent.core.errors import CallClosed, CallError, ConfigError
from agent.core.protocols import Call
from audio_io.websocket import Limits, WebSocketCall, answer
from audio_io.wire import End

StartCall = Callable[[Call], Awaitable[None]]

_RETRY_S = 5  # most calls last longer; a client that asks again this soon costs nothing
_LIBRARY_BYTES = 2**20  # above our own limit, so that our sentence comes before the library's code
_VANISHED_MS = 10_000  # the kernel gives up on a peer that takes nothing for this long
_CLIENT_FOLDERS = (
    Path(__file__).parent / "_data" / "web_client",  # in an installed package
    Path(__file__).parents[1] / "web_client",  # in a checkout
)

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


async def serve(
    settings: ServerSettings,
    start_call: StartCall,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Take calls until SIGTERM, SIGINT or cancellation; then end them and return.

    Args:
        settings: where to listen, and limits.
        start_call: holds one conversation; returns when it is over.
        on_ready: told the server's address, such as `http://127.0.0.1:8080`, once it listens.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    with contextlib.closing(_listen(settings)) as listener:
        switchboard = Switchboard(settings, start_call)
        server = _Server(_uvicorn_config(settings, _app(switchboard)))
        stopping = asyncio.Event()
        with _signals(stopping):
            async with asyncio.TaskGroup() as group:
                group.create_task(server.serve([listener]))
                try:
                    await server.has_started.wait()
                    if on_ready:
                        on_ready(_address(settings.host, listener.getsockname()[1]))
                    await stopping.wait()
                finally:
                    await switchboard.stop()
                    server.should_exit = True


class Switchboard:
    """The calls of one server: lets them in, counts them, ends them."""

    def __init__(self, settings: ServerSettings, start_call: StartCall) -> None:
        self._settings = settings
        self._start_call = start_call
        self._calls: dict[str, WebSocketCall] = {}
        self._taken: set[str] = set()  # connections, also those that have not said start
        self._empty = asyncio.Event()
        self._empty.set()
        self._stopping = False
        self.counts = {"answered": 0, "refused": 0, "failed": 0, "dropped_input_samples": 0}

    @property
    def active(self) -> int:
        """Connections at this moment."""
        return len(self._taken)

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
        self._taken.add(name)
        self._empty.clear()
        try:
            await websocket.accept()
            await self._hold(name, _StarletteSocket(websocket))
        except CallError as fault:
            self.counts["refused"] += 1
            _log.info("call %s: %s", name, fault)
        finally:
            self._taken.discard(name)
            if not self._taken:
                self._empty.set()

    async def stop(self) -> None:
        """Let nobody in, end all calls and wait for them, `stop_s` at most."""
        self._stopping = True
        for call in self._calls.values():
            call.end(End.STOPPING)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.stop_s):
                await self._empty.wait()

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


# --- the web application ------------------------------------------------------------------------


def _app(switchboard: Switchboard) -> Starlette:
    async def health(_: Request) -> Response:
        code = 200 if switchboard.status == "ok" else 503
        return JSONResponse(
            {
                "status": switchboard.status,
                "calls": switchboard.active,
                "version": version("parley"),
            },
            code,
        )

    async def metrics(_: Request) -> Response:
        return PlainTextResponse(_prometheus(switchboard), media_type="text/plain; version=0.0.4")

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/metrics", metrics),
            WebSocketRoute("/ws", switchboard.connect),
            *_client_routes(),
        ]
    )


def _prometheus(switchboard: Switchboard) -> str:
    """Counters in the text format. Source: Prometheus, "Exposition formats", version 0.0.4."""
    lines = [
        "# HELP parley_calls_active Connections at this moment.",
        "# TYPE parley_calls_active gauge",
        f"parley_calls_active {switchboard.active}",
    ]
    meanings = {
        "answered": ("parley_calls_answered_total", "Calls that began."),
        "refused": ("parley_calls_refused_total", "Connections turned away or without a start."),
        "failed": ("parley_calls_failed_total", "Calls in which the agent failed."),
        "dropped_input_samples": (
            "parley_input_samples_dropped_total",
            "Samples of callers' sound dropped because the pipeline was behind.",
        ),
    }
    for key, (name, meaning) in meanings.items():
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} counter"]
        lines.append(f"{name} {switchboard.counts[key]}")
    return "\n".join(lines) + "\n"


def _client_routes() -> Iterator[Route]:
    """The browser client's files, read once: there are few and they are small."""
    folder = next((f for f in _CLIENT_FOLDERS if (f / "index.html").is_file()), None)
    for path in sorted(folder.rglob("*")) if folder else []:
        if path.is_file():
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            yield _file_route(f"/{path.relative_to(folder or path).as_posix()}", path, kind)
            if path.name == "index.html":
                yield _file_route("/", path, kind)


def _file_route(url: str, path: Path, kind: str) -> Route:
    content = path.read_bytes()

    async def file(_: Request) -> Response:
        return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})

    return Route(url, file)


# --- uvicorn in our own loop --------------------------------------------------------------------


class _Server(uvicorn.Server):
    """Uvicorn without its own handling of signals, telling when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_started = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.has_started.set()


def _uvicorn_config(settings: ServerSettings, app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="websockets-sansio",
        ws_max_size=max(_LIBRARY_BYTES, settings.limits.message_bytes * 2),
        ws_per_message_deflate=False,  # speech as PCM hardly shrinks, and it costs a core
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=settings.max_calls * 4 + 100,
        timeout_graceful_shutdown=1,
    )


def _listen(settings: ServerSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as fault:
        found = "it in use" if fault.errno == errno.EADDRINUSE else str(fault.strerror or fault)
        raise ConfigError(
            f"server: expected to listen on {settings.host} port {settings.port}, found {found}; "
            "choose another host or port, or stop the program that has it"
        ) from fault
    listener.setblocking(False)
    if sys.platform == "linux":  # inherited by every connection
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _VANISHED_MS)
    return listener


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def _signals(stopping: asyncio.Event) -> Iterator[None]:
    """SIGTERM and SIGINT ask the server to stop; only the main thread may listen to them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, both = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)
    for number in both:
        loop.add_signal_handler(number, stopping.set)
    try:
        yield
    finally:
        for number in both:
            loop.remove_signal_handler(number)
