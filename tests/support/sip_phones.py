"""A server with a telephone, and telephones that call it."""

import asyncio
import contextlib
import socket

from agent.admission import ServerSettings
from agent.core.audio import AudioFrame
from agent.core.events import Digit
from agent.entrances.sip import SipEntrance
from agent.switchboard import Switchboard
from audio_io.sip.phone import SipPhone
from audio_io.sip.settings import SipSettings


async def echo(call):
    """An agent that says back what it hears."""
    async for item in call.frames():
        if not isinstance(item, Digit):
            await call.play(AudioFrame(item.samples, call.play_rate, item.start))
    await call.close()


async def until(condition, limit_s=12):
    """Wait for something that another program does."""
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110  # it has no event that could be awaited
            await asyncio.sleep(0.05)


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.asynccontextmanager
async def telephone(start_call=echo, max_calls=20, stop_s=5.0, **settings):
    """A telephone at a free port; its switchboard and its port."""
    options = SipSettings(port=settings.pop("port", None) or free_udp_port(), **settings)
    switchboard = Switchboard(ServerSettings(max_calls=max_calls, stop_s=stop_s), start_call)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(SipEntrance(switchboard, options).listen())
        await asyncio.sleep(0.05)
        try:
            yield switchboard, options.port
        finally:
            await switchboard.stop()
            listening.cancel()


@contextlib.asynccontextmanager
async def caller(**settings):
    """A telephone that calls others."""

    def ring(line):
        line.reject(486)

    phone = SipPhone(SipSettings(port=free_udp_port(), **settings), ring)
    await phone.open()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(phone.run())
        try:
            yield phone
        finally:
            await phone.close()
            running.cancel()


@contextlib.asynccontextmanager
async def held(call):
    """A call that is carried meanwhile, and hung up at the end."""
    async with asyncio.TaskGroup() as group:
        group.create_task(call.carry())
        try:
            yield call
        finally:
            await call.close()
