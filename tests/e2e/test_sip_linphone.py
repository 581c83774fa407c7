"""A second telephone: linphonec calls the agent, and is called by it."""

import asyncio
import contextlib

import numpy as np
from pytest import mark

from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed
from audio_io.sip.setup import place
from tests.support.asterisk_calls import noise
from tests.support.correlation import find
from tests.support.linphone import RATE, linphone
from tests.support.sip_phones import caller, held, telephone, until

pytestmark = [mark.e2e, mark.peers]

SAID = noise(3, 5)
ENOUGH = 5 * RATE


def likeness(sound):
    """How alike pieces of 0.1 s of what was said are to what came, in the middle: linphone's own
    clock and buffer move some."""
    pieces = SAID.reshape(-1, RATE // 10)
    return np.median([find(piece, sound).likeness for piece in pieces])


def test_linphone_calls_the_agent_and_hears_an_echo_of_what_it_says():
    async def scene():
        async with telephone() as (_, port):
            with linphone(SAID) as handset:
                handset.be_ready()
                handset.tell(f"call sip:100@127.0.0.1:{port}")
                await until(lambda: len(handset.heard()) > ENOUGH)
                handset.tell("terminate")
                await until(lambda: "ended" in handset.log())
                return handset.heard()

    assert likeness(asyncio.run(scene())) >= 0.95


def test_the_agent_calls_linphone_and_both_are_heard():
    heard = []

    async def agent(call):
        with contextlib.suppress(CallClosed):
            async for item in call.frames():
                heard.append(item.samples)
                await call.play(AudioFrame(item.samples, call.play_rate, item.start))

    async def scene():
        async with caller() as phone:
            with linphone(SAID) as handset:
                handset.be_ready()
                await until(lambda: "record " in handset.log())
                call = await place(phone, f"sip:linphone@127.0.0.1:{handset.port}", 10)
                async with held(call), asyncio.TaskGroup() as group:
                    talking = group.create_task(agent(call))
                    await until(lambda: len(handset.heard()) > ENOUGH)
                    await call.close()
                    await talking
                await until(lambda: "ended" in handset.log())
                return handset.heard()

    assert likeness(asyncio.run(scene())) >= 0.95
    assert likeness(np.concatenate(heard)) >= 0.95
