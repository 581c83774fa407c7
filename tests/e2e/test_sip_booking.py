"""A table is booked by a telephone that calls the agent itself, with no exchange between them."""

import asyncio
import contextlib

from pytest import mark

from tests.support import baresip
from tests.support.asterisk_calls import answering
from tests.support.bookings import BOOKED, KEYS, booking, desk, talk
from tests.support.sip_phones import telephone, until

pytestmark = [mark.e2e, mark.models, mark.peers]  # real engines: the limits of a test are theirs


@contextlib.asynccontextmanager
async def calling(agent):
    """A telephone that has called the agent."""
    async with telephone(agent) as (_, port):
        with baresip.phone(port) as handset:
            handset.dial("100")
            await until(lambda: len(handset.heard()) > 0)
            yield handset
            await until(lambda: handset.is_over)


def test_a_table_is_booked_by_voice_over_sip(tmp_path):
    async def scene(agent, events):
        async with calling(agent) as handset:
            await talk(handset, events, tmp_path)

    with desk() as (agent, events):
        asyncio.run(scene(agent, events))
    assert booking(events) == BOOKED


def test_a_table_is_booked_with_keys_alone_over_sip():
    async def scene(agent):
        async with calling(agent) as handset:
            await answering(handset, *KEYS)

    with desk() as (agent, events):
        asyncio.run(scene(agent))
    assert booking(events) == BOOKED
