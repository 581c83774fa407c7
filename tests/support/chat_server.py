"""A chat server on the loopback interface whose answers follow a script, in a thread of its own."""

import asyncio
import base64
import contextlib
import io
import json
import queue
import socket
import threading
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import uvicorn

WAIT_S = 10.0


class Do(Enum):
    """What a server may do beside writing."""

    HANG = "hang"
    BREAK = "break"


@dataclass(frozen=True)
class Raw:
    """These bytes as they are."""

    data: bytes


@dataclass(frozen=True)
class Refuse:
    """No answer but a status."""

    status: int
    message: str = "no"


def chunk(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return Raw(b"data: " + json.dumps({**body, "choices": [choice]}).encode() + b"\n\n")


def called(index, key=None, name=None, arguments=""):
    """Part of a tool call."""
    function = {"name": name, "arguments": arguments}
    part = {"index": index, "function": {k: v for k, v in function.items() if v is not None}}
    return chunk({"tool_calls": [part | ({"id": key, "type": "function"} if key else {})]})


DONE = Raw(b"data: [DONE]\n\n")


def says(*words, finish="stop"):
    """A whole answer: the role, the words, why it ends, and the usage that has no choices."""
    usage = {"id": "c1", "choices": [], "usage": {"completion_tokens": 3}}
    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": word}) for word in words),
        chunk({}, finish),
        Raw(b"data: " + json.dumps(usage).encode() + b"\n\n"),
        DONE,
    ]


def decoded(part):
    """The rate and samples of an `input_audio` part, by the WAV it holds."""
    assert (part["type"], part["input_audio"]["format"]) == ("input_audio", "wav")
    with wave.open(io.BytesIO(base64.b64decode(part["input_audio"]["data"]))) as wav:
        assert (wav.getnchannels(), wav.getsampwidth()) == (1, 2)
        return wav.getframerate(), np.frombuffer(wav.readframes(wav.getnframes()), "<i2") / 32767


@dataclass
class ChatServer:
    """Answers each request with the next script, the last one again and again.

    Attributes:
        scripts: lists of `Raw`, `Do` or one `Refuse`, or functions of the request that make one.
        requests: the bodies received.
        endings: for each request, whether the answer was sent in full or the client closed it.
    """

    scripts: list = field(default_factory=list)
    requests: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    clients: list = field(default_factory=list)
    arrivals: queue.Queue = field(default_factory=queue.Queue)
    endings: queue.Queue = field(default_factory=queue.Queue)
    url: str = ""

    def follow(self, *scripts):
        self.scripts = list(scripts)
        self.requests.clear()
        self.headers.clear()
        self.clients.clear()
        self.arrivals, self.endings = queue.Queue(), queue.Queue()

    def asked(self):
        """Waits for the next request."""
        self.arrivals.get(timeout=WAIT_S)

    def ending(self):
        """How the next request ended."""
        return self.endings.get(timeout=WAIT_S)

    async def __call__(self, scope, receive, send):
        body = await _body(receive)
        if scope["path"] != "/v1/chat/completions":
            await _refuse(send, Refuse(404, f"no {scope['path']}"))
            return
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        endings = self.endings
        self.requests.append(json.loads(body))
        script = script(self.requests[-1]) if callable(script) else script
        self.headers.append({k.decode(): v.decode() for k, v in scope["headers"]})
        self.clients.append(scope["client"])
        self.arrivals.put(None)
        gone = asyncio.ensure_future(_gone(receive))  # noqa: TID251  # ended below
        work = asyncio.ensure_future(_answer(send, script))  # noqa: TID251  # ended below
        await asyncio.wait({gone, work}, return_when=asyncio.FIRST_COMPLETED)
        endings.put("closed by the client" if gone.done() and not work.done() else "sent")
        for task in (gone, work):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _body(receive):
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def _gone(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send, script):
    if isinstance(script[0], Refuse):
        await _refuse(send, script[0])
        return
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for step in script:
        if step is Do.HANG:
            await asyncio.Event().wait()
        elif step is Do.BREAK:
            return  # the library closes a connection whose answer was not completed
        else:
            await send({"type": "http.response.body", "body": step.data, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(send, refuse):
    body = json.dumps({"error": {"message": refuse.message, "type": "x", "code": None}}).encode()
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"30")]
    await send({"type": "http.response.start", "status": refuse.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config):
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self.listens.set()


@contextlib.contextmanager
def running():
    """A server until the block ends."""
    made = ChatServer()
    listener = socket.create_server(("127.0.0.1", 0))
    made.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    config = uvicorn.Config(made, http="h11", lifespan="off", log_config=None, access_log=False,
                            timeout_graceful_shutdown=1)  # fmt: skip
    server = _Server(config)
    with contextlib.closing(listener), ThreadPoolExecutor(1) as thread:
        ended = thread.submit(asyncio.run, server.serve([listener]))
        try:
            server.listens.wait(WAIT_S)
            yield made
        finally:
            server.should_exit = True
            ended.result(WAIT_S)


def closed_port():
    """The URL of a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
