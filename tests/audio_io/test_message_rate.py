"""Far sides that send messages as fast as they can, over every transport, in virtual time."""

import asyncio
import json

from pytest import mark

from agent.core.errors import CallClosed
from agent.virtual_loop import run_virtual
from audio_io import websocket
from audio_io.asterisk import audiosocket
from audio_io.asterisk import call as asterisk
from audio_io.asterisk.audiosocket_wire import sound_message
from audio_io.media_stream import answer as media_stream
from audio_io.media_stream.dialects import DIALECTS
from audio_io.media_stream.socket import StreamLimits
from audio_io.media_stream.transfers import Transfers
from audio_io.message_rate import BURST, MOST_PER_S, SEVERAL, MessageRate
from audio_io.moshi.call import MoshiCall
from audio_io.websocket import Limits
from audio_io.wire import End
from tests.support.provider import Twilio

ENOUGH = 20_000
SILENCE = sound_message(8000, bytes(320))
SENTENCE = "messages: expected at most 1000 a second, found more; send about 20 ms of sound in one"


class Flood:
    """A far side whose next message is always there already."""

    def __init__(self, *first, then):
        self.first, self.then = list(first), then
        self.taken, self.got, self.closing, self.closed = 0, [], (), False

    async def receive(self):
        self.taken += 1
        if self.closed or self.taken > ENOUGH:
            raise CallClosed("gone")
        return self.first.pop(0) if self.first else self.then

    async def send(self, message):
        self.got.append(message)

    async def close(self, *why):
        self.closed, self.closing = True, why


async def over_websocket():
    far = Flood('{"type":"start","version":1,"rate":16000}', then=b"\0\0")
    return far, await websocket.answer(far, "c1", Limits())


async def over_moshi():
    far = Flood(then=b"\x03")  # a kind that is passed over
    return far, MoshiCall(far, "c1", Limits())


async def over_asterisk():
    start = '{"event":"MEDIA_START","format":"slin16","optimal_frame_size":640,"ptime":20}'
    far = Flood(start, then=b"\0\0")
    return far, await asterisk.answer(far, Limits())


async def over_audiosocket():
    far = Flood(b"\x01\x00\x10" + bytes(16), SILENCE, then=SILENCE)
    return far, await audiosocket.answer(far, (), Limits())


async def over_media_stream():
    shape = Twilio()
    far = Flood(*shape.opening(), then=shape.mark("nobody's"))
    answered = media_stream.answer(far, "c1", DIALECTS["twilio"], StreamLimits(), Transfers())
    return far, await answered


EVERY = (over_websocket, over_moshi, over_asterisk, over_audiosocket, over_media_stream)


async def flooded(begin):
    """The far side, its call once it is over, and how many turns another call had meanwhile."""
    turns = 0

    async def another():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        other = group.create_task(another())
        far, call = await begin()
        await call.carry()
        other.cancel()
    return far, call, turns


@mark.parametrize("begin", EVERY)
def test_a_flood_ends_the_call_and_others_have_their_turns_meanwhile(begin):
    far, call, turns = run_virtual(flooded(begin))
    assert call.ended is End.ERROR
    assert BURST < far.taken < BURST + 2 * SEVERAL
    assert turns > BURST / SEVERAL


def test_who_floods_is_told_so_where_there_is_a_word_for_it():
    far, _, _ = run_virtual(flooded(over_websocket))
    assert json.loads(far.got[-2]) == {"type": "error", "message": SENTENCE}
    far, _, _ = run_virtual(flooded(over_media_stream))
    assert far.closing == (1008, SENTENCE)


def test_who_sends_a_lot_all_the_time_or_everything_after_a_stall_is_no_flood():
    async def scene():
        rate = MessageRate()
        for _ in range(BURST):
            await rate.took()
        for _ in range(60 * MOST_PER_S // 20):
            await asyncio.sleep(0.02)
            for _ in range(19):  # 950 a second
                await rate.took()

    run_virtual(scene())
