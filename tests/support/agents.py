"""Agents on the loopback interface, for whoever calls them: each a function of one WebSocket."""

import contextlib
import json

import numpy as np
from websockets.asyncio.server import serve

from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed
from floorbench.targets.media_stream import MediaStream
from floorbench.targets.moshi import Moshi
from floorbench.targets.parley_ws import ParleyWs
from floorbench.targets.realtime import Realtime

RATE = 16_000
FRAME = 320


@contextlib.asynccontextmanager
async def answering(agent, **options):
    """`HOST:PORT` of a WebSocket server where `agent` takes every call."""
    # Without a limit on what waits for the agent, one that stops listening can still say goodbye.
    options = {"compression": None, "max_queue": None, **options}
    async with serve(agent, "127.0.0.1", 0, **options) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def tone(duration_s, rate=RATE, hz=440.0):
    at = np.arange(round(duration_s * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hz * at)).astype(np.float32)


def frames(samples):
    """Sound as a caller's 20 ms frames."""
    starts = range(0, len(samples) - FRAME + 1, FRAME)
    return [AudioFrame(samples[at : at + FRAME], RATE, at) for at in starts]


def alike(heard, said, within_s=0.01):
    """How alike two sounds at RATE are, 0..1, at the best delay up to `within_s`; their ends count
    only where both are."""
    count = min(len(heard), len(said))
    best = 0.0
    for shift in range(round(within_s * RATE)):
        one, other = heard[shift:count], said[: count - shift]
        norm = np.linalg.norm(one) * np.linalg.norm(other)
        best = max(best, float(np.dot(one, other)) / norm if norm else 0.0)
    return best


async def send(socket, **event):
    await socket.send(json.dumps(event))


SECOND = tone(1.0)


@contextlib.asynccontextmanager
async def calling(target):
    line = await target.connect()
    try:
        yield line
    finally:
        await line.hang_up()


async def everything(line):
    return [item async for item in line.sound()]


def heard(items):
    """All sound among what arrived, at RATE, float32."""
    found = [item for item in items if isinstance(item, AudioFrame)]
    assert all(frame.rate == RATE for frame in found)
    return np.concatenate([np.zeros(0, np.float32), *(frame.samples for frame in found)])


async def call(agent, kind, said=SECOND, path="/"):
    """Say something to an agent that hangs up in the end; what it sent."""
    async with answering(agent) as address, calling(kind(f"ws://{address}{path}")) as line:
        with contextlib.suppress(CallClosed):
            for frame in frames(said):
                await line.speak(frame)
        return await everything(line)


async def greet(socket):
    """What a Realtime server and its client say first; the session that was asked for."""
    await send(socket, type="session.created", session={})
    update = json.loads(await socket.recv())
    assert update["type"] == "session.update"
    await send(socket, type="rate_limits.updated")
    await send(socket, type="session.updated", session=update["session"])
    return update["session"]


async def answered(socket):
    """The first two messages of a media stream; its streamSid."""
    connected, start = json.loads(await socket.recv()), json.loads(await socket.recv())
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    form = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    assert start["start"]["mediaFormat"] == form
    assert (start["event"], start["sequenceNumber"]) == ("start", "1")
    assert start["streamSid"] == start["start"]["streamSid"]
    return start


async def ready(socket, kind):
    """What an agent of this kind says and hears until the call has begun."""
    if kind is ParleyWs:
        await socket.recv()
        await send(socket, type="started", call="x", rate=RATE, play_rate=RATE, frame_samples=320)
    elif kind is Realtime:
        await greet(socket)
    elif kind is MediaStream:
        await answered(socket)
    elif kind is Moshi:
        await socket.send(b"\x00")
        assert (await socket.recv()).startswith(b"\x01OggS")
