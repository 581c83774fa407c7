"""What waits of a call while nobody takes it."""

import asyncio

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.events import Digit, Typed
from agent.virtual_loop import run_virtual
from pipelines.duplex.line import ENTERED, WAITING_S, Line

RATE = 24_000


class Waiting:
    """A call of which all has come at once."""

    rate = play_rate = RATE

    def __init__(self, *items):
        self.items = items

    async def frames(self):
        for item in self.items:
            yield item


def listened(*items):
    async def scene():
        line = Line(Waiting(*items))
        async with asyncio.timeout(1.0):
            await line.listen()
        return line, line.take()

    return run_virtual(scene())


def second(number):
    return AudioFrame(np.full(RATE, number, np.float32), RATE, number * RATE)


def test_keys_and_lines_stay_while_the_oldest_sound_is_dropped():
    key, written = Digit("1"), Typed("my name is Ada")
    line, taken = listened(key, second(0), written, second(1), second(2))
    assert [item for item in taken if not isinstance(item, AudioFrame)] == [key, written]
    assert [item.start for item in taken if isinstance(item, AudioFrame)] == [RATE, 2 * RATE]
    assert taken.index(written) == 1
    assert (line.dropped, WAITING_S) == (RATE, 2.0)


def test_no_more_keys_wait_than_anybody_presses():
    _, taken = listened(*[Digit("1")] * (ENTERED + 1), second(0), Digit("2"))
    assert taken[:-1] == [Digit("1")] * ENTERED
    assert isinstance(taken[-1], AudioFrame)
