"""Serves a duplex model to other processes: one connection, one slot.

A client gets one answer for each frame. What it does wrong ends its own connection, with a
sentence. The model never waits for a socket: an answer is put into the connection's buffer, and a
client that lets it fill is cut off.
"""

import asyncio
import contextlib
import hmac
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.duplex import DuplexModel, DuplexOutput, DuplexPrompt
from agent.core.errors import EngineBusy, EngineError, EngineTooSlow, ProtocolError
from pipelines.engines.duplex_address import Address, address
from pipelines.engines.duplex_wire import (
    VERSION,
    Answer,
    Close,
    Frame,
    Hello,
    Message,
    Messages,
    Open,
    Opened,
    Refused,
    Times,
    Why,
    encode,
)

READ_BYTES = 64 * 1024

_log = logging.getLogger("parley.duplex-worker")


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Where a worker listens, and how much it takes from a client.

    Attributes:
        listen: `unix:/path` or `host:port`; port 0 for any free one.
        token: clients must show it; needed where others can reach the address.
        ahead_s: a client may send so much more sound than time has passed.
        idle_s: a client that sends no frame for so long has gone away.
        unread_bytes: a client that leaves so much unread is cut off; three seconds of sound.
    """

    listen: str = "127.0.0.1:8998"
    token: str = ""
    ahead_s: float = 2.0
    idle_s: float = 30.0
    unread_bytes: int = 256 * 1024

    def __post_init__(self) -> None:
        """Raises ValueError for what no worker can do."""
        where = address(self.listen)
        if not (self.token or where.is_local):
            raise ValueError(
                f"listen: expected unix:/path or a loopback address where no token is set, "
                f"found {self.listen}; whoever can reach the port could use the model"
            )
        for name, number, least in (
            ("ahead_s", self.ahead_s, 0.2),
            ("idle_s", self.idle_s, 1.0),
            ("unread_bytes", self.unread_bytes, 2**14),
        ):
            if number < least:
                raise ValueError(f"{name}: expected at least {least}, found {number}")


class Pace:
    """Whether a client sends faster than people speak. Pure; told the time."""

    def __init__(self, frame_s: float, ahead_s: float, now: float) -> None:
        self._frame_s, self._ahead_s = frame_s, ahead_s
        self._heard_until = now

    def is_too_fast(self, now: float) -> bool:
        """Count a frame; a client that paused gains nothing by it."""
        self._heard_until = max(self._heard_until, now - self._frame_s) + self._frame_s
        return self._heard_until > now + self._ahead_s


class DuplexWorker:
    """The server of one model."""

    def __init__(self, model: DuplexModel[Any], name: str, settings: WorkerSettings) -> None:
        self._model, self._name, self._settings = model, name, settings

    async def serve(self, ready: Callable[[Address], None], stop: asyncio.Event) -> None:
        """Listen until told to stop; `ready` is told the address, once.

        Raises:
            OSError: nobody can listen there.
        """
        writers: set[asyncio.StreamWriter] = set()
        group = asyncio.TaskGroup()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if not server.is_serving():  # accepted in the moment before: nobody would end it
                writer.transport.abort()
                return
            writers.add(writer)
            task = group.create_task(self._attend(reader, writer))
            task.add_done_callback(lambda _: writers.discard(writer))

        server, where = await self._listen(connected)
        async with group:
            await server.start_serving()
            try:
                ready(where)
                await stop.wait()
            finally:
                server.close()
                for writer in writers:
                    writer.transport.abort()

    async def _listen(
        self, connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]
    ) -> tuple[asyncio.Server, Address]:
        where = address(self._settings.listen)
        if where.path:
            server = await asyncio.start_unix_server(
                connected, where.path, limit=READ_BYTES, start_serving=False
            )
            _keep_private(where.path)
            return server, where
        server = await asyncio.start_server(
            connected, where.host, where.port, limit=READ_BYTES, start_serving=False
        )
        port = server.sockets[0].getsockname()[1]
        return server, Address(host=where.host, port=port)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its first byte to its last."""
        try:
            writer.write(encode(self._hello()))
            await self._serve_slot(_messages(reader, self._settings.idle_s), writer)
        except (ProtocolError, EngineError) as fault:
            writer.write(encode(_refused(fault)))
        except (ConnectionError, TimeoutError):
            pass  # it went away, or forgot us: nobody is there to be told
        except Exception:  # whatever it is, it is this client's alone
            _log.exception("a connection failed")
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()
            writer.transport.abort()

    async def _serve_slot(
        self, messages: AsyncGenerator[Message, None], writer: asyncio.StreamWriter
    ) -> None:
        async with contextlib.aclosing(messages):
            opening = await anext(messages, None)
            if opening is None or isinstance(opening, Close):
                return
            slot = await self._model.open(self._prompt(opening))
            try:
                writer.write(encode(Opened()))
                await self._answer_all(slot, messages, writer)
            finally:
                await self._model.close(slot)

    async def _answer_all(
        self, slot: Any, messages: AsyncGenerator[Message, None], writer: asyncio.StreamWriter
    ) -> None:
        now = asyncio.get_running_loop().time
        pace = Pace(self._model.frame_samples / self._model.rate, self._settings.ahead_s, now())
        number = 0
        async for message in messages:
            if isinstance(message, Close):
                return
            if not isinstance(message, Frame) or message.number != number:
                raise ProtocolError(f"expected frame {number}, found {_named(message)}")
            began_s = now()
            if pace.is_too_fast(began_s):
                raise EngineTooSlow(
                    "duplex-worker",
                    f"expected frames as fast as people speak, and at most "
                    f"{self._settings.ahead_s:g} s ahead, found them faster",
                )
            frame = AudioFrame(message.samples, self._model.rate, number * len(message.samples))
            output = await self._model.step(slot, frame)
            self._write(number, output, now() - began_s, writer)
            number += 1

    def _write(
        self, number: int, output: DuplexOutput, took_s: float, writer: asyncio.StreamWriter
    ) -> None:
        seats = self._model.seats()
        samples = output.frame.samples if output.frame is not None else np.zeros(0, np.float32)
        token = output.tokens[0] if output.tokens else None
        times = Times(max(0.0, took_s - output.step_s), output.step_s, output.batch)
        writer.write(
            encode(Answer(number, samples, output.text, token, times, seats.taken, seats.total))
        )
        if writer.transport.get_write_buffer_size() > self._settings.unread_bytes:
            writer.transport.abort()
            raise ConnectionError("the client does not read its answers")

    def _hello(self) -> Hello:
        seats, model = self._model.seats(), self._model
        batch = seats.next_batch or seats.taken + 1
        return Hello(
            VERSION, self._name, model.rate, model.frame_samples, seats.taken, seats.total, batch
        )

    def _prompt(self, message: Message) -> DuplexPrompt:
        if not isinstance(message, Open):
            raise ProtocolError(f"expected a request to open, found {_named(message)}")
        if message.version != VERSION:
            raise ProtocolError(f"version: expected {VERSION}, found {message.version}")
        if not hmac.compare_digest(message.token.encode(), self._settings.token.encode()):
            raise ProtocolError("expected the worker's token, found another or none")
        return DuplexPrompt(message.text, message.voice)


async def _messages(reader: asyncio.StreamReader, idle_s: float) -> AsyncGenerator[Message, None]:
    """What the client says, until it goes away.

    Raises:
        ProtocolError: it says what nobody understands.
        TimeoutError: it has said nothing whole for too long.
    """
    decoder = Messages()
    while True:
        async with asyncio.timeout(idle_s):
            found = await _some(reader, decoder)
        if not found:
            return
        for message in found:
            yield message


async def _some(reader: asyncio.StreamReader, decoder: Messages) -> list[Message]:
    """The next messages that are whole; none: it went away. A byte now and then is none."""
    while data := await reader.read(READ_BYTES):
        if found := decoder.feed(data):
            return found
    return []


def _keep_private(path: str) -> None:
    Path(path).chmod(0o600)


def _refused(fault: ProtocolError | EngineError) -> Refused:
    message = str(fault)
    match fault:
        case EngineBusy():
            return Refused(Why.BUSY, message)
        case EngineTooSlow():
            return Refused(Why.SLOW, message)
        case _:
            return Refused(Why.UNABLE, message)


def _named(message: Message) -> str:
    if isinstance(message, Frame):
        return f"frame {message.number}"
    return type(message).__name__.lower()
