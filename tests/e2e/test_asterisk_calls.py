"""Real telephone calls: baresip dials a real Asterisk, and Asterisk dials parley."""

import asyncio

import numpy as np
from pytest import fixture, mark, raises

from agent.core.calls import Hold, SendDigits, Transfer
from agent.core.errors import OrderRefused
from tests.support import asterisk
from tests.support.asterisk_calls import (
    Studio,
    at_rate,
    calling,
    noise,
    served,
    stop_latencies,
    until,
)
from tests.support.asterisk_files import ALAW, APPLICATION, CHANNEL, COLLEAGUE, JSON, PLAIN
from tests.support.baresip import RATE, phone
from tests.support.correlation import find

pytestmark = [mark.e2e, mark.peers]

WAYS = {
    APPLICATION: "audiosocket-8k",
    CHANNEL: "audiosocket-16k",
    JSON: "websocket-16k",
    PLAIN: "websocket-ulaw-plain",
    ALAW: "websocket-alaw",
}
EACH_WAY = mark.parametrize("extension", WAYS, ids=WAYS.get)
BOTH_WAYS = mark.parametrize("extension", (APPLICATION, JSON), ids=WAYS.get)
STOPS = 4


@fixture(scope="module")
def exchange():
    with asterisk.running() as running:
        yield running


@EACH_WAY
def test_sound_goes_through_both_ways_unharmed_and_keys_arrive(exchange, extension):
    async def scene():
        studio = Studio()
        async with served(exchange, studio), calling(exchange, extension) as handset:
            await asyncio.sleep(0.3)
            handset.say(said)
            studio.play(played)
            await asyncio.sleep(2.0)
            for key in "5#":
                await handset.press(key)
            await until(lambda: len(studio.keys) == 2, "two keys")
            return studio, handset.heard()

    said, played = noise(1.5, 1), noise(1.5, 2)
    studio, heard = asyncio.run(scene())
    towards = find(said, at_rate(studio.heard, RATE, studio.rate))
    back = find(played, heard)
    assert studio.keys == ["5", "#"]
    assert towards.likeness >= 0.99
    assert back.likeness >= 0.99


@BOTH_WAYS
def test_an_agent_that_is_interrupted_is_silent_at_the_callers_ear_at_once(exchange, extension):
    async def scene():
        studio = Studio()
        async with served(exchange, studio), calling(exchange, extension) as handset:
            await asyncio.sleep(0.5)
            return await stop_latencies(studio, handset, STOPS)

    delays_s = sorted(asyncio.run(scene()))
    assert len(delays_s) == STOPS
    assert delays_s[-1] <= 0.25


@EACH_WAY
def test_the_caller_hangs_up_and_the_agent_is_told(exchange, extension):
    async def scene():
        studio = Studio()
        async with served(exchange, studio), calling(exchange, extension) as handset:
            handset.hang_up()
            await until(studio.ended.is_set, "the end of the call")
            return studio.call.ended

    assert asyncio.run(scene()) in {"bye", "lost"}


@EACH_WAY
def test_the_agent_hangs_up_and_the_telephone_is_told(exchange, extension):
    async def scene():
        studio = Studio()
        async with served(exchange, studio), calling(exchange, extension) as handset:
            await studio.call.close()
            await until(lambda: handset.is_over, "the end of the call")
            return studio.call.ended

    assert asyncio.run(scene()) == "hung_up"


@BOTH_WAYS
def test_a_call_too_many_is_turned_away_and_the_first_goes_on(exchange, extension):
    async def scene():
        studio = Studio()
        async with (
            served(exchange, studio, max_calls=1),
            calling(exchange, extension) as handset,
        ):
            with phone(exchange.sip) as other:
                other.dial(extension)
                await until(lambda: other.is_over, "the end of the second call")
            before = len(studio.heard)
            await until(lambda: len(studio.heard) > before + studio.rate // 10, "more sound")
            return studio.calls, handset.is_over

    assert asyncio.run(scene()) == (1, False)


def test_an_exchange_with_another_password_is_turned_away(exchange):
    async def scene():
        studio = Studio()
        async with served(exchange, studio, password="another"):
            with phone(exchange.sip) as handset:
                handset.dial(JSON)
                await until(lambda: handset.is_over, "the end of the call")
        return studio.calls

    assert asyncio.run(scene()) == 0


def test_a_caller_is_transferred_and_hears_whom_they_were_transferred_to(exchange):
    async def scene():
        studio = Studio()
        async with served(exchange, studio), calling(exchange, JSON) as handset:
            before = len(handset.heard())
            await studio.call.order(Transfer(COLLEAGUE, "Wants a table."))
            await until(studio.ended.is_set, "the end of parley's part")
            await until(lambda: is_colleague(handset.heard()[before:]), "the colleague's tone")
            channel = exchange.tell("core show channels concise").partition("!")[0]
            return handset.is_over, exchange.tell(f"core show channel {channel}")

    over, shown = asyncio.run(scene())
    assert not over
    assert "PARLEY_SUMMARY=Wants a table." in shown


def is_colleague(heard):
    """Whether the last half second is their tone of 1004 Hz."""
    if len(heard) < RATE:
        return False
    spectrum = np.abs(np.fft.rfft(heard[-RATE // 2 :]))
    return abs(int(np.argmax(spectrum)) * 2 - 1004) < 20


def test_keys_of_the_agents_reach_the_telephone(exchange):
    async def scene():
        studio = Studio()
        async with served(exchange, studio), calling(exchange, JSON) as handset:
            await studio.call.order(SendDigits("1#"))
            for key in "1#":
                await until(
                    lambda key=key: f"received event: '{key}' (end=1)" in handset.log(), key
                )
            return handset.is_over

    assert asyncio.run(scene()) is False


def test_what_the_exchange_will_not_do_is_a_sentence_and_the_call_goes_on(exchange):
    async def scene():
        studio = Studio()
        async with served(exchange, studio), calling(exchange, JSON) as handset:
            for order in (Transfer("nobody here"), Hold(True)):
                with raises(OrderRefused, match="expected"):
                    await studio.call.order(order)
            return handset.is_over, studio.ended.is_set()

    assert asyncio.run(scene()) == (False, False)
