"""The bench as a telephone that dials an agent: our own telephone, and ways to be turned away."""

import asyncio
import contextlib
import dataclasses

import numpy as np
from pytest import mark, raises

from agent.core.audio import AudioFrame
from agent.core.calls import Hold
from agent.core.errors import CallClosed, CallError, ProtocolError
from agent.core.events import Digit
from audio_io.sip.phone import SipPhone
from audio_io.sip.settings import SipSettings
from floorbench.targets.sip import Sip
from tests.support.agents import FRAME, RATE, calling, everything, frames, heard
from tests.support.correlation import find
from tests.support.sip_phones import free_udp_port, telephone, until

pytestmark = mark.e2e


def voice(seconds):
    """A sound like nothing else that a telephone carries: noise below 3 kHz, not too loud."""
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(round(seconds * RATE)))
    spectrum[np.fft.rfftfreq(round(seconds * RATE), 1 / RATE) > 3000] = 0
    noise = np.fft.irfft(spectrum)
    return (0.1 * noise / noise.std()).astype(np.float32)


SAID = voice(1.0)
SILENCE = frames(np.zeros(RATE // 2, np.float32))


def echo(keys):
    """An agent that gives back what it hears, notes keys, and hangs up at #."""

    async def agent(call):
        async for item in call.frames():
            if isinstance(item, Digit):
                keys.append(item.digit)
                if item.digit == "#":
                    return
            else:
                await call.play(AudioFrame(item.samples, call.play_rate, item.start))

    return agent


async def conversation(line, said, keys="1*#"):
    """Says something, presses keys while silent, and listens until the agent hangs up."""
    items = []

    async def listen():
        items.extend([item async for item in line.sound()])

    async def talk():
        due = asyncio.get_running_loop().time()
        with contextlib.suppress(CallClosed):
            for frame in [*frames(said), *SILENCE, *keys, *SILENCE, *SILENCE, *SILENCE]:
                if isinstance(frame, str):
                    await line.press(frame)
                    continue
                await line.speak(frame)
                due += 0.02
                await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

    async with asyncio.timeout(15), asyncio.TaskGroup() as group:
        group.create_task(listen())
        group.create_task(talk())
    return items


def likeness(sound):
    """How alike pieces of 0.1 s of what was said are to what came back, in the middle: a busy
    machine makes up some, and moves the others."""
    pieces = SAID.reshape(-1, RATE // 10)
    return np.median([find(piece, sound).likeness for piece in pieces])


@mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
def test_parley_hears_the_caller_and_its_keys_and_is_heard_and_hangs_up(codec):
    keys = []

    async def scene():
        async with telephone(echo(keys), codecs=(codec,)) as (_, port):
            target = Sip("100", "127.0.0.1", port, (codec,))
            async with calling(target) as line:
                items = await conversation(line, SAID)
                with raises(CallClosed):
                    await line.speak(frames(SAID)[0])
                with raises(CallClosed):
                    await line.press("1")
                return items

    sound = heard(asyncio.run(scene()))
    assert keys == ["1", "*", "#"]
    assert likeness(sound) >= 0.99


def test_an_agent_that_puts_the_caller_on_hold_hears_nothing_and_then_goes_on():
    loudest, keys = [], []

    async def agent(call):
        await call.order(Hold(on=True))
        frames = call.frames()
        for _ in range(30):
            item = await anext(frames)
            loudest.append(float(np.abs(item.samples).max()))
        await call.order(Hold(on=False))
        async for item in frames:
            if isinstance(item, Digit):
                keys.append(item.digit)
                return
            await call.play(AudioFrame(item.samples, call.play_rate, item.start))

    async def scene():
        async with telephone(agent) as (_, port), calling(Sip("1", "127.0.0.1", port)) as line:
            return await conversation(line, np.concatenate([SAID, SAID]), "5")

    sound = heard(asyncio.run(scene()))
    assert max(loudest[10:]) < 0.01
    assert keys == ["5"]
    assert likeness(sound) >= 0.99


def test_hanging_up_ends_the_agents_call_and_may_be_done_twice():
    async def scene():
        async with telephone(echo([])) as (switchboard, port):
            line = await Sip("100", "127.0.0.1", port).connect()
            await until(lambda: switchboard.active)
            await line.hang_up()
            await until(lambda: not switchboard.active)
            await line.hang_up()
            return [item async for item in line.sound()]

    assert asyncio.run(scene()) == []


def test_a_full_server_refuses_with_its_status_and_the_first_call_goes_on():
    async def scene():
        async with telephone(echo([]), max_calls=1) as (switchboard, port):
            target = Sip("100", "127.0.0.1", port)
            async with calling(target) as line:
                await until(lambda: switchboard.active)
                with raises(CallError, match="expected the call to be taken, found status 503"):
                    await target.connect()
                return await conversation(line, SAID[: 5 * FRAME], "#")

    assert len(heard(asyncio.run(scene()))) > RATE / 10


def test_an_agent_without_our_codec_refuses():
    async def scene():
        async with telephone(echo([]), codecs=("PCMA",)) as (_, port):
            await Sip("100", "127.0.0.1", port, ("PCMU",)).connect()

    with raises(ExceptionGroup) as fault:
        asyncio.run(scene())
    assert fault.group_contains(CallError, match="found status 488")


def test_a_key_that_no_telephone_has_is_a_sentence():
    async def scene():
        async with telephone(echo([])) as (_, port), calling(Sip("1", "127.0.0.1", port)) as line:
            await line.press("x")

    with raises(ExceptionGroup) as fault:
        asyncio.run(scene())
    assert fault.group_contains(ProtocolError, match="expected keys of 0123456789")


def test_nobody_listening_is_a_sentence():
    target = Sip("100", "127.0.0.1", free_udp_port(), ring_s=0.3)
    with raises(CallError, match=r"expected an agent within 0\.3 s, found nobody who answers"):
        asyncio.run(target.connect())


def test_a_host_that_nobody_knows_is_a_sentence():
    with raises(CallError, match="found no way there"):
        asyncio.run(Sip("100", "no.such.host.invalid").connect())


@contextlib.asynccontextmanager
async def lifting(*address):
    """An agent that answers every call, wants its sound at `address`, and says nothing."""

    def ring(line):
        line.accept(address)

    phone = SipPhone(SipSettings(port=free_udp_port()), ring)
    await phone.open()
    try:
        yield Sip("100", *phone.address, ring_s=5.0, idle_s=0.2)
    finally:
        await phone.close()


def test_an_agent_that_dies_without_goodbye_is_a_sentence():
    async def scene():
        async with lifting("127.0.0.1", free_udp_port()) as target, calling(target) as line:
            await everything(line)

    with raises(CallError, match=r"expected sound, found none for 0\.2 s"):
        asyncio.run(scene())


def test_sound_goes_nowhere_but_to_the_agent_unless_that_is_allowed():
    async def scene():
        async with lifting("192.0.2.7", 4000) as target:
            with raises(CallError, match=r"own address, found 192\.0\.2\.7; allow=NETWORK"):
                await target.connect()
            async with calling(dataclasses.replace(target, allow=("192.0.2.0/24",))) as line:
                await line.speak(frames(SAID)[0])

    asyncio.run(scene())
