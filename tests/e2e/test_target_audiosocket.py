"""The bench as an Asterisk that dials AudioSocket: our own entrance, and agents that are wrong."""

import asyncio
import contextlib

from pytest import approx, mark, raises

from agent.admission import ServerSettings
from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed, CallError, ProtocolError
from agent.core.events import Digit
from agent.entrances.audiosocket import AudioSocketEntrance, AudioSocketSettings
from agent.switchboard import Switchboard
from floorbench.targets.audiosocket import AudioSocket
from tests.support.agents import SECOND, alike, calling, everything, frames, heard
from tests.support.asterisk import free_port

pytestmark = mark.e2e


async def echo(call):
    """Gives back what it hears, until a key is pressed."""
    async for item in call.frames():
        if isinstance(item, Digit):
            return
        await call.play(AudioFrame(item.samples, call.play_rate, item.start))


@contextlib.asynccontextmanager
async def parley(agent):
    switchboard, port = Switchboard(ServerSettings(), agent), free_port()
    entrance = AudioSocketEntrance(switchboard, AudioSocketSettings(port=port))
    async with asyncio.TaskGroup() as group:
        server = group.create_task(entrance.listen())
        try:
            yield AudioSocket("127.0.0.1", port, 16_000)
        finally:
            await switchboard.stop()
            server.cancel()


async def spoken(line):
    for frame in frames(SECOND):
        await line.speak(frame)
        await asyncio.sleep(0.02)
    await line.press("#")
    return heard(await everything(line))


async def listening(target):
    """The same target, once somebody answers there."""
    for _ in range(100):
        with contextlib.suppress(CallError):
            await (await target.connect()).hang_up()
            return target
        await asyncio.sleep(0.02)
    return target


def test_parley_hears_the_caller_and_is_heard_and_hangs_up():
    async def scene():
        async with parley(echo) as target, calling(await listening(target)) as line:
            return await spoken(line)

    sound = asyncio.run(scene())
    assert len(sound) > 0.6 * len(SECOND)
    assert alike(sound, SECOND, within_s=0.2) > 0.95


@contextlib.asynccontextmanager
async def answering(*messages):
    """An agent that sends these bytes to whoever calls, and hangs up."""

    async def agent(reader, writer):
        for message in messages:
            writer.write(message)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(agent, "127.0.0.1", 0)
    async with server:
        yield AudioSocket("127.0.0.1", server.sockets[0].getsockname()[1])


@mark.parametrize(
    ("message", "error", "sentence"),
    [
        (bytes((0xFF, 0, 1, 4)), CallError, "the agent gave up, code 4"),
        (bytes((0x03, 0, 1)) + b"1", ProtocolError, "expected sound or a hang-up, found Digit"),
        (bytes((0x10, 0, 3)) + b"abc", ProtocolError, "expected an even number of bytes"),
    ],
)
def test_an_agent_that_is_wrong_is_told_in_words(message, error, sentence):
    async def scene():
        async with answering(message) as target, calling(target) as line:
            await everything(line)

    with raises(error, match=sentence):
        asyncio.run(scene())


def test_nobody_listening_is_a_sentence():
    with raises(CallError, match="found nobody who answers"):
        asyncio.run(AudioSocket("127.0.0.1", 9).connect())


def test_speaking_to_an_agent_that_has_hung_up_ends_the_call():
    async def scene():
        async with answering(bytes(3)) as target, calling(target) as line:
            assert heard(await everything(line)) == approx([])
            for frame in frames(SECOND):
                await line.speak(frame)
                await asyncio.sleep(0.01)

    with raises(CallClosed):
        asyncio.run(scene())
