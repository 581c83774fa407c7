"""A call's own rules, in virtual time, with a line and a port that only note what they are told."""

import asyncio
import logging
from itertools import pairwise

import numpy as np
from pytest import mark, raises

from agent.core.audio import AudioFrame
from agent.core.calls import Hold, SendDigits, Transfer
from agent.core.errors import CallClosed, OrderRefused
from agent.core.events import Digit
from agent.virtual_loop import run_virtual
from audio_io.codecs import mulaw_encode
from audio_io.sip.call import SipCall
from audio_io.sip.leg import Answered, Changed, Gone, Leg, Pressed, Progress, Stage
from audio_io.sip.phone import Line, SipPhone
from audio_io.sip.sdp import PCMA, PCMU, Direction, Media
from audio_io.sip.settings import SipSettings
from audio_io.wire import End
from tests.audio_io.test_rtp import packet

FAR, MOVED = ("127.0.0.1", 4000), ("127.0.0.1", 5000)
FRAME = np.full(160, 0.1, np.float32)


class Port:
    """Notes what is sent, and when."""

    def __init__(self):
        self.sent, self.reports, self.closed = [], [], 0

    def send(self, data, to):
        self.sent.append((asyncio.get_running_loop().time(), data, to))

    def report(self, data, to):
        self.reports.append(data)

    def close(self):
        self.closed += 1


class StubLine(Line):
    """A line whose far side agrees with `status`, and then says how a transfer went."""

    def __init__(self, phone, leg, status=200, progress=200):
        super().__init__(phone, leg)
        self.asked, self._status, self._progress = [], status, progress

    def redirect(self, direction):
        self.asked.append(direction)
        self.leg.wanted = direction
        self.tell(Answered(self.leg, "INVITE", self._status))

    def accept(self, address):
        self.asked.append("accept")
        self.leg.stage = Stage.ANSWERED

    def refer(self, to, about=""):
        self.asked.append(to)
        self.tell(Answered(self.leg, "REFER", self._status))
        if self._progress:
            self.tell(Progress(self.leg, 100))
            self.tell(Progress(self.leg, self._progress))

    def hang_up(self):
        self.asked.append("bye")


def scene(
    talk,
    *,
    digits=101,
    direction=Direction.BOTH,
    address=FAR,
    line=None,
    stage=Stage.UP,
    **settings,
):
    """What `talk(call, port, line)` returns, while the call is carried."""

    async def run():
        phone = SipPhone(SipSettings(**settings), lambda line: None)
        leg = Leg("c", "sip:us@x", "sip:them@x", FAR, stage)
        leg.media = Media(address, PCMU, 0, digits, True, direction)
        held, port = StubLine(phone, leg, **(line or {})), Port()
        port.address = FAR
        call = SipCall(held, port)
        async with asyncio.TaskGroup() as group:
            group.create_task(call.carry())
            result = await talk(call, port, held)
            await call.close()
        assert port.closed
        assert held.asked[-1] == "bye"
        return result

    return run_virtual(run())


def change(line, direction=Direction.BOTH, address=FAR, codec=PCMU, digits=101):
    """Other media were agreed."""
    line.leg.media = Media(address, codec, codec.number, digits, True, direction)
    line.tell(Changed(line.leg))


async def send(call, numbers, place, source=7):
    """The far side's sound, a packet every 20 ms."""
    for n in numbers:
        call.hear(packet(n, source=source), place, asyncio.get_running_loop().time())
        await asyncio.sleep(0.02)


def test_a_packet_leaves_every_twenty_milliseconds_whatever_is_said():
    async def talk(call, port, line):
        for n in range(10):
            await call.play(AudioFrame(FRAME, 8000, n * 160))
        await asyncio.sleep(0.5)
        return [round(at, 3) for at, _, _ in port.sent]

    times = scene(talk)
    assert len(times) > 30
    assert {round(b - a, 3) for a, b in pairwise(times)} == {0.02}


def test_at_most_forty_milliseconds_wait_and_a_flush_drops_them():
    async def talk(call, port, line):
        handed = 0
        for n in range(20):
            await call.play(AudioFrame(FRAME, 8000, n * 160))
            handed += 160
            assert handed - call.played() <= 320 + 160
        before = call.played()
        call.flush()
        return handed, before, call.played()

    handed, before, after = scene(talk)
    assert before < handed
    assert handed - after <= 160  # what has left is still sounding


@mark.parametrize("direction", [Direction.RECEIVE, Direction.NONE])
def test_what_is_said_on_hold_waits_and_is_heard_after_it(direction):
    async def talk(call, port, line):
        await call.play(AudioFrame(FRAME, 8000, 0))
        await asyncio.sleep(0.1)
        change(line, direction)
        await asyncio.sleep(0.1)
        sent = len(port.sent)
        async with asyncio.TaskGroup() as group:
            group.create_task(say(call, range(1, 10)))
            await asyncio.sleep(600)
            held = call.played(), len(port.sent) - sent
            change(line)
        await asyncio.sleep(0.1)
        return held, call.played(), [data[12:] for _, data, _ in port.sent].count(loud)

    async def say(call, numbers):
        for n in numbers:
            await call.play(AudioFrame(FRAME, 8000, n * 160))

    loud = mulaw_encode(FRAME)
    assert scene(talk, direction=Direction.BOTH, idle_s=1000.0) == ((160, 0), 1600, 10)


def test_a_flush_lets_whoever_plays_go_on_at_once():
    async def talk(call, port, line):
        async with asyncio.TaskGroup() as group:
            for n in range(2):
                await asyncio.sleep(0.001 * n)
                playing = group.create_task(call.play(AudioFrame(FRAME, 8000, n * 160)))
            await asyncio.sleep(0)
            call.flush()
            started = asyncio.get_running_loop().time()
            await playing
        return asyncio.get_running_loop().time() - started

    assert scene(talk) < 0.001


def test_sound_comes_without_gaps_also_while_nothing_comes():
    async def talk(call, port, line):
        frames = call.frames()
        first = [await anext(frames) for _ in range(25)]
        for n in range(10):
            call.hear(packet(n, b"\x90" * 160), FAR, asyncio.get_running_loop().time())
            await asyncio.sleep(0.02)
        later = [await anext(frames) for _ in range(10)]
        return first, later

    first, later = scene(talk)
    assert [frame.start for frame in first] == [n * 160 for n in range(25)]
    assert max(np.abs(frame.samples).max() for frame in later) > 0.1


def test_keys_come_in_the_sound_and_as_messages():
    async def talk(call, port, line):
        call.hear(packet(1, b"\x05\x0a\x00\xa0", kind=101), FAR, 0.0)
        line.tell(Pressed(line.leg, "#"))
        frames = call.frames()
        items = [await anext(frames) for _ in range(5)]
        return [item.digit for item in items if isinstance(item, Digit)]

    assert scene(talk) == ["5", "#"]


def test_a_far_side_that_falls_silent_is_hung_up_on_and_one_on_hold_is_not():
    async def talk(call, port, line):
        await asyncio.sleep(40)
        return call.ended

    assert scene(talk) is End.IDLE
    assert scene(talk, direction=Direction.SEND) is None


def test_sound_goes_to_no_address_that_is_not_allowed_until_it_calls_itself():
    async def talk(call, port, line):
        await asyncio.sleep(0.1)
        before = len(port.sent)
        call.hear(packet(1), FAR, 0.0)
        call.hear(packet(2), ("8.8.8.8", 9), 0.0)
        await asyncio.sleep(0.1)
        return before, {to for _, _, to in port.sent}

    assert scene(talk, address=("8.8.8.8", 4000)) == (0, {FAR})


def test_a_call_whose_sound_moves_goes_on_although_packets_of_the_old_stream_come_late():
    async def talk(call, port, line):
        await send(call, range(25), FAR)
        change(line, address=MOVED)
        await asyncio.sleep(0.01)
        await send(call, range(25, 28), FAR)
        before = len(port.sent)
        await send(call, range(50), MOVED, source=9)
        return call.ear.latched, dict(call.ear.counts), {to for _, _, to in port.sent[before:]}

    assert scene(talk) == (MOVED, {}, {MOVED})


def test_sound_is_not_taken_over_from_an_address_that_is_not_allowed():
    async def talk(call, port, line):
        await send(call, range(5), FAR)
        await send(call, range(5), ("8.8.8.8", 4000), source=9)
        await send(call, range(5, 10), FAR)
        return call.ear.latched, dict(call.ear.counts)

    assert scene(talk, address=("8.8.8.8", 4000)) == (FAR, {"foreign": 5})


def test_orders_are_done_and_refusals_are_words():
    async def talk(call, port, line):
        await call.order(Hold(on=True))
        await call.order(Hold(on=False))
        await call.order(SendDigits("1a"))
        await call.order(Transfer("200"))
        with raises(CallClosed):
            await call.order(Hold(on=True))
        with raises(CallClosed):
            await call.play(AudioFrame(FRAME, 8000, 0))
        return line.asked, call.ended

    asked, ended = scene(talk)
    assert asked[:3] == [Direction.SEND, Direction.BOTH, "200"]
    assert ended is End.HUNG_UP


@mark.parametrize(
    ("order", "line", "words"),
    [
        (Hold(on=True), {"status": 488}, "488"),
        (Transfer("200"), {"status": 405}, "405"),
        (Transfer("200"), {"progress": 486}, "486"),
        (Transfer("200"), {"progress": 0}, "408"),
        (SendDigits("x"), {}, "expected keys"),
        (SendDigits(""), {}, "expected keys"),
    ],
)
def test_an_order_that_is_refused_leaves_the_call(order, line, words):
    async def talk(call, port, line):
        with raises(OrderRefused, match=words):
            await call.order(order)
        return call.ended, line.leg.wanted

    assert scene(talk, line=line, idle_s=100.0) == (None, Direction.BOTH)


def test_a_far_side_without_digits_is_told_none():
    async def talk(call, port, line):
        with raises(OrderRefused, match="RFC 4733"):
            await call.order(SendDigits("1"))

    scene(talk, digits=None)


def pressing(meanwhile):
    """How an order to press 1234 ends when something happens after the first key; and the keys that
    were sent."""

    async def talk(call, port, line):
        async with asyncio.TaskGroup() as group:
            ordering = group.create_task(tried(call, SendDigits("1234")))
            await asyncio.sleep(0.25)
            meanwhile(call, line)
        keys = sorted({data[12] for _, data, _ in port.sent if data[1] & 0x7F == 101})
        await asyncio.wait_for(call.play(AudioFrame(FRAME, 8000, 0)), 1)
        return ordering.result(), keys

    return scene(talk, idle_s=100.0)


async def tried(call, order):
    """The words of its refusal, empty where it is done."""
    try:
        await call.order(order)
    except OrderRefused as refused:
        return str(refused)
    return ""


@mark.parametrize("how", [{}, {"address": MOVED}, {"codec": PCMA}])
def test_media_that_are_agreed_again_while_keys_are_pressed_cost_none(how):
    assert pressing(lambda call, line: change(line, **how)) == ("", [1, 2, 3, 4])


@mark.parametrize("how", [{"direction": Direction.RECEIVE}, {"digits": None}])
def test_keys_that_nobody_takes_any_more_are_refused_and_do_not_stop_the_voice(how):
    words, keys = pressing(lambda call, line: change(line, **how))
    assert "expected a far side that listens until all keys are pressed" in words
    assert 4 not in keys


def test_keys_are_refused_on_hold_and_pressed_after_it():
    async def talk(call, port, line):
        change(line, Direction.NONE)
        await asyncio.sleep(0.1)
        held = await tried(call, SendDigits("1"))
        change(line)
        await asyncio.sleep(0.1)
        return held, await tried(call, SendDigits("1"))

    assert scene(talk) == ("expected a far side that listens, found that we are on hold", "")


def test_a_call_that_ends_while_keys_are_pressed_has_not_pressed_them():
    async def talk(call, port, line):
        asyncio.get_running_loop().call_later(0.25, line.tell, Gone(line.leg, 0, "bye"))
        with raises(CallClosed, match="bye"):
            await call.order(SendDigits("1234"))

    scene(talk)


def test_a_far_side_that_hangs_up_after_a_transfer_has_done_it():
    async def talk(call, port, line):
        async with asyncio.TaskGroup() as group:
            ordering = group.create_task(call.order(Transfer("200")))
            await asyncio.sleep(1)
            line.tell(Gone(line.leg, 0, "bye"))
            await ordering
        return call.ended

    assert scene(talk, line={"progress": 0}) is End.BYE


def test_a_frame_of_another_size_is_refused():
    async def talk(call, port, line):
        with raises(ValueError, match="expected 160 samples of 8000 Hz"):
            await call.play(AudioFrame(FRAME[:80], 8000, 0))

    scene(talk)


def test_junk_is_counted_and_told_once_a_minute(caplog):
    async def junk():
        phone = SipPhone(SipSettings(), lambda line: None)
        for n in range(500):
            phone.hear(b"junk", ("127.0.0.1" if n % 2 else "8.8.8.8", 9))
            await asyncio.sleep(0.2)
        return dict(phone.counts), dict(phone.agent.counts)

    with caplog.at_level(logging.INFO, "parley.sip"):
        counts = run_virtual(junk())
    assert counts == ({"foreign": 250}, {"malformed": 250})
    assert len(caplog.records) == 2


def test_a_call_whose_sound_flows_is_answered_when_the_agent_first_speaks():
    async def talk(call, port, line):
        for n in range(5):
            await call.play(AudioFrame(np.zeros(160, np.float32), 8000, n * 160))
        with raises(OrderRefused, match="found one that still rings"):
            await call.order(Transfer("100"))
        before = list(line.asked)
        for n in range(5, 8):
            await call.play(AudioFrame(FRAME, 8000, n * 160))
        return before, list(line.asked), len(port.sent)

    before, after, sent = scene(talk, stage=Stage.INVITED)
    assert (before, after) == ([], ["accept"])
    assert sent > 5  # silence flows before it
