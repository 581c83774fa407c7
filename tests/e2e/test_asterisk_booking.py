"""A table is booked over a real telephone call through Asterisk: by voice, and with keys alone."""

import asyncio

from pytest import fixture, mark

from tests.support import asterisk
from tests.support.asterisk_calls import answering, calling, served
from tests.support.asterisk_files import APPLICATION, JSON
from tests.support.bookings import BOOKED, KEYS, booking, desk, talk

pytestmark = [mark.e2e, mark.models, mark.peers]  # real engines: the limits of a test are theirs


@fixture(scope="module")
def exchange():
    with asterisk.running() as running:
        yield running


@mark.parametrize("extension", [APPLICATION, JSON], ids=["audiosocket", "websocket"])
def test_a_table_is_booked_by_voice_through_an_asterisk(exchange, extension, tmp_path):
    async def scene(agent, events):
        async with served(exchange, agent), calling(exchange, extension) as handset:
            await talk(handset, events, tmp_path)

    with desk() as (agent, events):
        asyncio.run(scene(agent, events))
    assert booking(events) == BOOKED


def test_a_table_is_booked_with_keys_alone_through_an_asterisk(exchange):
    async def scene(agent):
        async with served(exchange, agent), calling(exchange, JSON) as handset:
            await answering(handset, *KEYS)

    with desk() as (agent, events):
        asyncio.run(scene(agent))
    assert booking(events) == BOOKED
