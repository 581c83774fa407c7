"""A call around another one passes on what it does not change."""

import numpy as np
from pytest import mark

from agent.core.around import CallAround
from agent.core.audio import AudioFrame
from agent.core.calls import Call, CallTraits, Hold, Note

FRAME = AudioFrame(np.zeros(160, np.float32), 8000, 0)


class Written:
    """A call that writes down what it is asked."""

    rate, play_rate, frame_samples, traits = 8000, 16_000, 320, CallTraits(marks=True)

    def __init__(self):
        self.asked = []

    def frames(self):
        return "frames"

    async def play(self, frame):
        self.asked.append(frame)

    def flush(self):
        self.asked.append("flush")

    def played(self):
        return 7

    def tell(self, note):
        self.asked.append(note)

    async def order(self, order):
        self.asked.append(order)

    async def close(self):
        self.asked.append("close")


def finished(coroutine):
    """A coroutine that never waits is over with its first step."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("expected it not to wait")


@mark.parametrize("name", ["rate", "play_rate", "frame_samples", "traits"])
def test_what_a_call_is_stays_the_same(name):
    assert getattr(CallAround(Written()), name) == getattr(Written, name)


def test_what_a_call_is_asked_reaches_the_one_inside():
    inside = Written()
    around: Call = CallAround(inside)
    finished(around.play(FRAME))
    around.flush()
    around.tell(Note("floor"))
    finished(around.order(Hold(True)))
    finished(around.close())
    assert inside.asked == [FRAME, "flush", Note("floor"), Hold(True), "close"]
    assert (around.frames(), around.played()) == ("frames", 7)
