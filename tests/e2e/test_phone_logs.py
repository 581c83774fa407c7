"""Who calls, which keys they press and what lets them in is in no log, on any way in."""

import asyncio
import json
import logging

from pytest import fixture, mark

from agent.core.calls import SendDigits
from agent.core.events import Digit
from audio_io.sip.setup import place
from tests.e2e.test_asterisk_entrances import IDENTITY, SOUND, START, Server, basic
from tests.support.sip_phones import caller, held, telephone, until

pytestmark = mark.e2e

NUMBER, PASSWORD, CHANNEL, KEYS = "493012345678", "a-long-secret", "1789.4711", "4929"


@fixture
def logged(caplog):
    """Everything of ours, and of others what an operator sees; libraries trace each message at
    the level of debugging."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "parley")
    return caplog


def notes(pressed):
    async def agent(call):
        async for item in call.frames():
            if isinstance(item, Digit):
                pressed.append(item.digit)

    return agent


def is_silent(text):
    return not any(secret in text for secret in (NUMBER, PASSWORD, CHANNEL, KEYS, "'4'", '"4"'))


def test_a_call_over_sip(logged):
    pressed = []

    async def scene():
        async with (
            telephone(notes(pressed)) as (_, port),
            caller(user=NUMBER) as phone,
            held(await place(phone, f"sip:100@127.0.0.1:{port}", 5)) as call,
        ):
            await call.order(SendDigits(KEYS))
            await until(lambda: len(pressed) == len(KEYS))

    asyncio.run(scene())
    assert "".join(pressed) == KEYS
    assert is_silent(logged.text), logged.text


def test_a_call_over_chan_websocket(logged):
    pressed = []

    async def scene():
        access = {"password": PASSWORD}
        async with Server().running(asterisk=access, agent=notes(pressed)) as server:
            address = f"ws://127.0.0.1:{server.port}/asterisk?channel={CHANNEL}"
            shown = {"Authorization": basic("asterisk", PASSWORD)}
            async with server.upgraded(address, **shown) as line:
                start = json.loads(START) | {"channel_variables": {"CALLERID(num)": NUMBER}}
                await line.send(json.dumps(start))
                for key in KEYS:
                    await line.send(json.dumps({"event": "DTMF_END", "digit": key}))
                await line.send(bytes(640))
                await until(lambda: len(pressed) == len(KEYS))
            await server.emptied()

    asyncio.run(scene())
    assert is_silent(logged.text), logged.text


def test_a_call_over_audiosocket(logged):
    pressed = []

    async def scene():
        async with Server().running(agent=notes(pressed)) as server:
            async with server.dialled() as (_, writer):
                writer.write(IDENTITY + SOUND)
                for key in KEYS.encode():
                    writer.write(bytes((3, 0, 1, key)))
                await until(lambda: len(pressed) == len(KEYS))
            await server.emptied()

    asyncio.run(scene())
    assert is_silent(logged.text), logged.text
    assert IDENTITY[3:].hex() not in logged.text.replace("-", "")
