"""Asterisk's side of a call, doing what a test says, and mutations of what it sends."""

import asyncio
import contextlib

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed


class FakeLine:
    """The far end of a socket: what Asterisk sends is put by the test; what it gets is kept, each
    message with its time. It reads nothing while `reads` is clear."""

    def __init__(self, *sent):
        self.inbox, self.arrived, self.closed = list(sent), asyncio.Event(), False
        self.got, self.reads = [], asyncio.Event()
        self.reads.set()

    def put(self, *messages):
        self.inbox += messages
        self.arrived.set()

    def vanish(self):
        self.closed = True
        self.arrived.set()

    async def receive(self):
        while not self.inbox:
            if self.closed:
                raise CallClosed("gone")
            self.arrived.clear()
            await self.arrived.wait()
        return self.inbox.pop(0)

    async def send(self, message):
        await self.reads.wait()
        if self.closed:
            raise CallClosed("gone")
        self.got.append((asyncio.get_running_loop().time(), message))

    async def close(self):
        self.vanish()

    def messages(self):
        return [message for _, message in self.got]


@contextlib.asynccontextmanager
async def carried(call):
    """A call whose two directions run; it is hung up at the end if it is not over by then."""
    async with asyncio.TaskGroup() as group:
        group.create_task(call.carry())
        yield call
        await call.close()


def tone(call, level=0.5):
    """A frame that `call` takes."""
    return AudioFrame(np.full(call.frame_samples, level, np.float32), call.play_rate, 0)


async def heard(call):
    return [item async for item in call.frames()]


def mutated(data, random):
    """Bytes with one to four accidents: one changed, some lost, doubled or made up, all cut off."""
    data = bytearray(data)
    for _ in range(random.randrange(1, 5)):
        at = random.randrange(len(data) + 1)
        match random.randrange(5):
            case 0 if at < len(data):
                data[at] = random.randrange(256)
            case 1:
                del data[at : at + random.randrange(1, 9)]
            case 2:
                data[at:at] = data[at : at + random.randrange(1, 99)]
            case 3:
                data[at:at] = random.randbytes(random.randrange(1, 9))
            case _ if random.randrange(4) == 0:
                del data[at:]
    return bytes(data)
