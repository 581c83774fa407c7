"""A call over a socket, in virtual time, with a socket that does what the test says."""

import asyncio
import json
from contextlib import asynccontextmanager

import numpy as np
from pytest import approx, mark, raises

from agent.core.audio import AudioFrame, join
from agent.core.calls import Note
from agent.core.errors import CallClosed, ProtocolError
from agent.core.events import Digit
from agent.virtual_loop import run_virtual
from audio_io.codecs import from_pcm16, to_pcm16
from audio_io.websocket import Limits, answer
from audio_io.wire import End

START = '{"type":"start","version":1,"rate":16000}'
START_WITH_MARKS = '{"type":"start","version":1,"rate":16000,"marks":true}'
SILENCE = bytes(640)


class FakeSocket:
    """What the client sends is put by the test; what it gets is kept with its time."""

    def __init__(self):
        self.inbox, self.arrived, self.closed = [], asyncio.Event(), False
        self.got, self.reads = [], asyncio.Event()
        self.reads.set()

    def put(self, *messages):
        self.inbox += messages
        self.arrived.set()

    def vanish(self):
        self.closed = True
        self.arrived.set()

    async def receive(self):
        while not self.inbox:
            if self.closed:
                raise CallClosed("gone")
            self.arrived.clear()
            await self.arrived.wait()
        return self.inbox.pop(0)

    async def send(self, message):
        await self.reads.wait()
        if self.closed:
            raise CallClosed("gone")
        self.got.append((asyncio.get_running_loop().time(), message))

    async def close(self):
        self.vanish()

    def texts(self):
        return [json.loads(message) for _, message in self.got if isinstance(message, str)]

    def sound(self):
        return [(now, message) for now, message in self.got if isinstance(message, bytes)]


@asynccontextmanager
async def open_call(start=START, **limits):
    """A call whose two directions run; it is hung up at the end if it is not over by then."""
    socket = FakeSocket()
    socket.put(start)
    call = await answer(socket, "c1", Limits(**limits))
    async with asyncio.TaskGroup() as group:
        group.create_task(call.receive())
        group.create_task(call.send())
        yield call, socket
        await call.close()


def frame(level=0.5):
    return AudioFrame(np.full(320, level, np.float32), 16000, 0)


async def heard(call):
    return [item async for item in call.frames()]


# --- the start ----------------------------------------------------------------------------------


def test_a_start_is_answered_with_what_will_come():
    async def scene():
        start = '{"type":"start","version":1,"rate":16000,"play_rate":22050}'
        async with open_call(start) as (call, socket):
            await asyncio.sleep(0.1)
            return call.rate, call.play_rate, call.frame_samples, socket.texts()[0]

    rate, play_rate, frame_samples, started = run_virtual(scene())
    assert (rate, play_rate, frame_samples) == (16000, 22050, 441)
    assert (started["type"], started["call"], started["frame_samples"]) == ("started", "c1", 441)


@mark.parametrize(
    ("first", "sentence"),
    [
        (SILENCE, "a start message as JSON text first, found 640 bytes of sound"),
        ('{"type":"bye"}', "expected a start message first"),
        ("hello", "expected a JSON object, found 'hello'"),
        (None, "expected a start message within 5 s, found none"),
    ],
)
def test_a_client_that_does_not_start_is_told_why_not(first, sentence):
    async def scene():
        socket = FakeSocket()
        if first is not None:
            socket.put(first)
        with raises(ProtocolError, match=sentence):
            await answer(socket, "c1", Limits())
        return socket

    socket = run_virtual(scene())
    assert sentence in socket.texts()[0]["message"]
    assert socket.texts()[1] == {"type": "ended", "reason": "error"}
    assert socket.closed


def test_a_client_that_goes_before_the_start_is_gone():
    async def scene():
        socket = FakeSocket()
        socket.vanish()
        await answer(socket, "c1", Limits())

    with raises(CallClosed):
        run_virtual(scene())


# --- what the client sends ----------------------------------------------------------------------


def test_sound_in_any_pieces_becomes_frames_of_20_ms():
    async def scene():
        async with open_call() as (call, socket):
            source = np.arange(3200, dtype=np.float32) / 32768
            data = to_pcm16(source)
            socket.put(data[:2], data[2:3000], b"", data[3000:], '{"type":"bye"}')
            return source, await heard(call)

    source, frames = run_virtual(scene())
    assert {len(f.samples) for f in frames} == {320}
    assert np.array_equal(join(frames).samples, source)


def test_keys_come_between_the_frames():
    async def scene():
        async with open_call() as (call, socket):
            socket.put(SILENCE, '{"type":"digit","digit":"5"}', '{"type":"bye"}')
            return await heard(call)

    assert Digit("5") in run_virtual(scene())


@mark.parametrize(
    ("message", "sentence"),
    [
        (b"abc", "even number of bytes"),
        (bytes(70_000), "expected at most 65536 bytes in a message, found 70000"),
        ("garbage", "expected a JSON object"),
        ('{"type":"words","text":"hi"}', "expected one of start, digit, text, played, ear, bye"),
        (START, "start: expected once, found again"),
        ('{"type":"played","samples":1}', '"marks": true in start first'),
    ],
)
def test_what_is_not_allowed_ends_the_call_with_a_sentence(message, sentence):
    async def scene():
        async with open_call() as (call, socket):
            socket.put(message)
            await heard(call)
            await asyncio.sleep(0.1)
            return call, socket

    call, socket = run_virtual(scene())
    error, ended = socket.texts()[-2:]
    assert error["type"] == "error"
    assert sentence in error["message"]
    assert ended == {"type": "ended", "reason": "error"}
    assert call.ended is End.ERROR
    assert socket.closed


def test_of_many_reports_of_the_ear_four_a_second_are_in_the_trace_and_the_last_one_counts():
    traced = []

    async def scene():
        async with open_call() as (call, socket):
            call.report_to(lambda event, **fields: traced.append((event, fields["loss"])))
            for number in range(100):
                socket.put(f'{{"type":"ear","loss":{number / 100}}}')
                await asyncio.sleep(0.01)
            return call.ear.loss

    assert run_virtual(scene()) == 0.99
    assert traced == [("ear", approx(loss, abs=0.02)) for loss in (0, 0.25, 0.5, 0.75)]


def test_a_pipeline_that_is_behind_hears_the_newest_sound():
    async def scene():
        async with open_call(input_s=0.1) as (call, socket):
            for level in range(1, 11):
                socket.put(to_pcm16(np.full(320, level / 16, np.float32)))
            socket.put('{"type":"bye"}')
            await asyncio.sleep(0.1)
            return [f.samples[0] for f in await heard(call)], call.dropped_input

    assert run_virtual(scene()) == ([6 / 16, 7 / 16, 8 / 16, 9 / 16, 10 / 16], 5 * 320)


def test_a_client_that_falls_silent_is_hung_up_on_with_a_sentence():
    async def scene():
        async with open_call() as (call, socket):
            await asyncio.sleep(10)
            socket.put(SILENCE)
            await heard(call)
            await asyncio.sleep(0)
            return asyncio.get_running_loop().time(), socket.texts()[-2:]

    now, (error, ended) = run_virtual(scene())
    assert now == approx(25.0)
    assert "found none for 15 s" in error["message"]
    assert ended["reason"] == "idle"


def test_a_client_that_vanishes_ends_the_call():
    async def scene():
        async with open_call() as (call, socket):
            socket.put(SILENCE)
            await asyncio.sleep(1)
            socket.vanish()
            frames = await heard(call)
            with raises(CallClosed, match="the call is over: lost"):
                await call.play(frame())
            return len(frames), call.ended

    assert run_virtual(scene()) == (1, End.LOST)


# --- what the client gets -----------------------------------------------------------------------


def test_frames_go_out_at_most_60_ms_ahead_of_the_ear():
    async def scene():
        async with open_call() as (call, socket):
            for _ in range(6):
                await call.play(frame())
            return [now for now, _ in socket.sound()], from_pcm16(socket.sound()[0][1])

    times, samples = run_virtual(scene())
    assert times == approx([0, 0, 0, 0.02, 0.04, 0.06])
    assert samples.tolist() == [0.5] * 320


def test_a_frame_of_the_wrong_size_is_refused():
    async def scene():
        async with open_call() as (call, _):
            await call.play(AudioFrame(np.zeros(100, np.float32), 16000, 0))

    with raises(ExceptionGroup) as caught:
        run_virtual(scene())
    assert caught.group_contains(ValueError, match="expected 320 samples of 16000 Hz, found 100")


def test_without_marks_played_goes_by_the_clock():
    async def scene():
        async with open_call() as (call, _):
            await call.play(frame())
            await call.play(frame())
            await asyncio.sleep(0.01)
            before = call.played()
            call.flush()
            return before, call.played(), call.traits.marks

    assert run_virtual(scene()) == (160, 640, False)


def test_with_marks_played_goes_by_what_the_client_says():
    async def scene():
        async with open_call(START_WITH_MARKS) as (call, socket):
            for _ in range(4):
                await call.play(frame())
            socket.put('{"type":"played","samples":500}')
            await asyncio.sleep(1)
            return call.played(), call.traits.marks, call.traits.marks_on_flush

    assert run_virtual(scene()) == (500, True, True)


def test_a_mark_beyond_what_was_sent_is_refused():
    async def scene():
        async with open_call(START_WITH_MARKS) as (call, socket):
            await call.play(frame())
            socket.put('{"type":"played","samples":321}')
            await heard(call)
            await asyncio.sleep(0)
            return socket.texts()[-2]["message"]

    assert "at most the 320 samples that were sent, found 321" in run_virtual(scene())


def test_a_flush_takes_back_what_was_not_sent_and_tells_the_client():
    async def scene():
        async with open_call(START_WITH_MARKS) as (call, socket):
            await asyncio.sleep(0)
            await call.play(frame())
            socket.reads.clear()
            await call.play(frame(0.1))
            await call.play(frame(0.2))
            call.flush()
            call.flush()
            socket.reads.set()
            await call.play(frame(0.3))
            socket.put('{"type":"played","samples":640}')
            await asyncio.sleep(0.1)
            return [m if isinstance(m, str) else from_pcm16(m)[0] for _, m in socket.got], call

    got, call = run_virtual(scene())
    assert got[1:] == [0.5, approx(0.1, abs=1e-4), '{"type":"flush"}', approx(0.3, abs=1e-4)]
    assert call.played() == 960  # two frames by the client's mark, one that was never sent


def test_a_flush_makes_room_at_once():
    async def scene():
        async with open_call() as (call, _):
            for _ in range(2):
                await call.play(frame())
            async with asyncio.TaskGroup() as group:
                group.create_task(call.play(frame()))
                await asyncio.sleep(0.001)
                call.flush()
            return asyncio.get_running_loop().time()

    assert run_virtual(scene()) == approx(0.001)


def test_a_client_that_reads_too_slowly_loses_the_oldest_sound():
    async def scene():
        async with open_call(output_frames=3, send_s=60) as (call, socket):
            await asyncio.sleep(0)
            socket.reads.clear()
            for level in range(1, 9):
                await call.play(frame(level / 16))
            dropped = call.dropped_output
            socket.reads.set()
            await asyncio.sleep(0.1)
            return dropped, [from_pcm16(message)[0] for _, message in socket.sound()]

    assert run_virtual(scene()) == (4 * 320, [1 / 16, 6 / 16, 7 / 16, 8 / 16])


def test_a_client_that_takes_nothing_for_5_s_is_given_up():
    async def scene():
        async with open_call() as (call, socket):
            await asyncio.sleep(0)
            socket.reads.clear()
            await call.play(frame())
            await heard(call)
            return asyncio.get_running_loop().time(), call.ended, socket.closed

    now, ended, _ = run_virtual(scene())
    assert now == approx(5.0, abs=0.1)
    assert ended is End.LOST


def test_notes_reach_the_client_in_order_with_the_sound():
    async def scene():
        async with open_call() as (call, socket):
            call.tell(Note("caption", {"text": "hello"}))
            await call.play(frame())
            await asyncio.sleep(0.1)
            return [type(message) for _, message in socket.got], socket.texts()[1]

    kinds, note = run_virtual(scene())
    assert kinds == [str, str, bytes]
    assert note == {"type": "note", "kind": "caption", "data": {"text": "hello"}}


def test_notes_that_cannot_be_sent_are_dropped_and_counted():
    async def scene():
        async with open_call(notes=2) as (call, socket):
            await asyncio.sleep(0)
            call.tell(Note("bad", {"x": float("nan")}))
            for number in range(5):
                call.tell(Note("n", {"i": number}))
            await asyncio.sleep(0.1)
            return call.dropped_notes, [text["data"]["i"] for text in socket.texts()[1:]]

    assert run_virtual(scene()) == (4, [0, 1])


def test_hanging_up_sends_the_waiting_notes_and_the_reason_but_no_sound():
    async def scene():
        async with open_call() as (call, socket):
            await asyncio.sleep(0)
            await call.play(frame())
            call.tell(Note("error", {"message": "sorry"}))
            await call.close()
            await call.close()
        return socket

    socket = run_virtual(scene())
    assert [text["type"] for text in socket.texts()] == ["started", "note", "ended"]
    assert socket.texts()[-1]["reason"] == "hung_up"
    assert socket.closed
