"""The server: its entrances, health, metrics and the browser client."""

import asyncio
import contextlib
import errno
import mimetypes
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from agent.admission import ServerSettings
from agent.core.errors import ConfigError, ParleyError
from agent.entrances.entrance import Entrance, kept_out
from agent.session import leaves
from agent.switchboard import Switchboard
from agent.web_connections import MOST_WAITING, HttpConnection, WebSocketConnection
from audio_io.wire import End

_LIBRARY_BYTES = 2**20  # above our own limit, so that our sentence comes before the library's code
_VANISHED_MS = 10_000  # the kernel gives up on a peer that takes nothing for this long
_UNSENT_BYTES = 4096  # in our kernel, which would hold 80 s of a voice for a slow client
_CLIENT_FOLDERS = (
    Path(__file__).parent / "_data" / "web_client",  # in an installed package
    Path(__file__).parents[1] / "web_client",  # in a checkout
)


async def serve(
    switchboard: Switchboard,
    entrances: Sequence[Entrance],
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Take calls until SIGTERM, SIGINT or cancellation; then end them and return.

    Args:
        switchboard: holds the calls.
        entrances: where they come in.
        on_ready: told the server's address, such as `http://127.0.0.1:8080`, once it listens.

    Raises:
        ConfigError: the address cannot be listened on, or one of an entrance.
    """
    try:
        await _serve(switchboard, entrances, on_ready)
    except BaseExceptionGroup as group:  # an entrance gave up, and with it the server
        faults = [fault for fault in leaves(group) if isinstance(fault, ParleyError)]
        if not faults:
            raise
        raise faults[0] from group


async def _serve(
    switchboard: Switchboard,
    entrances: Sequence[Entrance],
    on_ready: Callable[[str], None] | None,
) -> None:
    settings = switchboard.settings
    with contextlib.closing(_listen(settings)) as listener:
        server = _Server(_uvicorn_config(settings, _app(switchboard, entrances)))
        stopping = asyncio.Event()
        with _signals(stopping):
            async with asyncio.TaskGroup() as group:
                group.create_task(server.serve([listener]))
                listening = [group.create_task(entrance.listen()) for entrance in entrances]
                try:
                    await server.has_started.wait()
                    if on_ready:
                        on_ready(_address(settings.host, listener.getsockname()[1]))
                    await stopping.wait()
                finally:
                    await switchboard.stop()
                    for task in listening:
                        task.cancel()
                    server.should_exit = True


# --- the web application ------------------------------------------------------------------------


def _app(switchboard: Switchboard, entrances: Sequence[Entrance]) -> Starlette:
    async def health(_: Request) -> Response:
        code = 503 if switchboard.status == End.STOPPING else 200  # a full server is a healthy one
        return JSONResponse(
            {
                "status": switchboard.status,
                "calls": switchboard.active,
                "version": version("parley"),
            },
            code,
        )

    async def metrics(request: Request) -> Response:
        kind = "text/plain; version=0.0.4"
        refused = kept_out(request, switchboard)
        return refused or PlainTextResponse(_prometheus(switchboard), media_type=kind)

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/metrics", metrics),
            *(route for entrance in entrances for route in entrance.routes()),
            *_client_routes(switchboard),
        ],
        middleware=_for_other_pages(switchboard.settings),
    )


def _for_other_pages(settings: ServerSettings) -> list[Middleware]:
    """Lets the pages of `origins` ask: `<parley-call>` may stand on any of them."""
    if not settings.origins:
        return []
    methods = ["GET", "POST", "PATCH", "DELETE"]
    headers = ["authorization", "content-type"]
    return [Middleware(CORSMiddleware, allow_origins=list(settings.origins),
                       allow_methods=methods, allow_headers=headers,
                       expose_headers=["Retry-After"])]  # fmt: skip


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


def _client_routes(switchboard: Switchboard) -> Iterator[Route]:
    """The browser client's files, read once: there are few and they are small."""
    folder = next((f for f in _CLIENT_FOLDERS if (f / "index.html").is_file()), None)
    for path in sorted(folder.rglob("*")) if folder else []:
        if path.is_file():
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            file = _file(path, kind, switchboard)
            yield Route(f"/{path.relative_to(folder or path).as_posix()}", file)
            if path.name == "index.html":
                yield Route("/", file)


def _file(
    path: Path, kind: str, switchboard: Switchboard
) -> Callable[[Request], Awaitable[Response]]:
    content = path.read_bytes()

    async def file(request: Request) -> Response:
        headers = {"Cache-Control": "no-cache"}
        refused = kept_out(request, switchboard)
        return refused or Response(content, media_type=kind, headers=headers)

    return file


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
        http=HttpConnection,
        ws=WebSocketConnection,
        ws_max_size=max(_LIBRARY_BYTES, settings.limits.message_bytes * 2),
        ws_per_message_deflate=False,  # speech as PCM hardly shrinks, and it costs a core
        lifespan="off",
        log_config=None,
        log_level="warning",  # below it a WebSocket's address is told, and tokens are in some
        access_log=False,
        server_header=False,
        limit_concurrency=settings.max_calls * 4 + 2 * MOST_WAITING,
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
    # Inherited by every connection; asyncio leaves it off here, and then the second of two small
    # messages, such as sound after a caption, waits 20 ms for the first one's receipt.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform == "linux":  # inherited by every connection
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _VANISHED_MS)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
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
