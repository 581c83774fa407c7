"""Answering a telephone provider that opens a media stream."""

import asyncio
from dataclasses import replace

from agent.core.errors import CallClosed, ProtocolError
from audio_io.media_stream.call import MediaStreamCall
from audio_io.media_stream.socket import Close, Socket, StreamLimits, closed
from audio_io.media_stream.transfers import Transfers
from audio_io.media_stream.wire import Begun, Dialect, Sound, Stopped, UnknownSound


async def answer(
    socket: Socket, name: str, dialect: Dialect, limits: StreamLimits, transfers: Transfers
) -> "MediaStreamCall":
    """The call, once its stream has begun.

    Raises:
        ProtocolError: the provider sent something else, or nothing in time; it is told so.
        CallClosed: it went away.
    """
    try:
        async with asyncio.timeout(limits.start_s):
            first = await _first(socket, dialect, limits)
        begun = _begun(first, dialect)
    except TimeoutError as fault:
        message = f"start: expected within {limits.start_s:g} s, found none"
        raise await _refused(socket, dialect, Close.POLICY, message, limits) from fault
    except ProtocolError as fault:
        code = Close.UNSUPPORTED if isinstance(fault, UnknownSound) else Close.POLICY
        raise await _refused(socket, dialect, code, str(fault), limits) from fault
    if begun is None:
        message = "media: expected start before it, found none"
        raise await _refused(socket, dialect, Close.PROTOCOL, message, limits)
    call = MediaStreamCall(socket, name, dialect, begun, limits, transfers)
    if isinstance(first, Sound):
        call.take(first)
    return call


async def _refused(
    socket: Socket, dialect: Dialect, code: Close, message: str, limits: StreamLimits
) -> ProtocolError:
    """The error to raise, of which the provider was told."""
    await closed(socket, code, message, limits.send_s)
    return ProtocolError(f"{dialect.name}: {message}")


def _begun(first: Begun | Sound, dialect: Dialect) -> Begun | None:
    """What the stream is; where that is known before, only what it tells of the call is new."""
    if isinstance(first, Begun):
        return first if dialect.implied is None else replace(dialect.implied, about=first.about)
    return dialect.implied


async def _first(socket: Socket, dialect: Dialect, limits: StreamLimits) -> Begun | Sound:
    """The start of the stream, or the sound that came without one."""
    for _ in range(limits.errors + 1):
        message = await socket.receive()
        if len(message) > limits.message_bytes:
            break
        try:
            _, heard = dialect.read(message)
        except UnknownSound:
            raise
        except ProtocolError:
            continue
        if isinstance(heard, Begun | Sound):
            return heard
        if isinstance(heard, Stopped):
            raise CallClosed("the stream ended before it began")
    raise ProtocolError("start: expected it first, found other messages")
