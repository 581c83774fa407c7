"""A call over AudioSocket, in virtual time, with an Asterisk that does what the test says."""

import asyncio
from uuid import UUID

import numpy as np
from pytest import approx, mark, raises

from agent.core.audio import AudioFrame
from agent.core.calls import Note, Transfer
from agent.core.errors import CallClosed, OrderRefused, ProtocolError
from agent.core.events import Digit
from agent.virtual_loop import run_virtual
from audio_io.asterisk.audiosocket import answer
from audio_io.asterisk.audiosocket_wire import HANG_UP, sound_message
from audio_io.codecs import to_pcm16
from audio_io.websocket import Limits
from tests.support.asterisk_lines import FakeLine, carried, heard, tone

ID = UUID("6f1cc0de-9d3b-4c8f-8f4f-0b6f0a2f7a11")
IDENTITY = b"\x01\x00\x10" + ID.bytes
SILENCE = sound_message(8000, bytes(320))


async def answered(*sent, ids=(), **limits):
    line = FakeLine(*sent)
    return await answer(line, ids, Limits(**limits)), line


def test_the_first_sound_says_what_the_call_is_like():
    async def scene():
        call, _ = await answered(IDENTITY, sound_message(24_000, bytes(960)))
        return call.rate, call.play_rate, call.frame_samples, call.traits.flushes

    assert run_virtual(scene()) == (24_000, 24_000, 480, False)


def test_sound_of_any_length_becomes_frames_of_20_ms_without_a_gap():
    async def scene():
        source = np.arange(1200, dtype=np.float32) / 32768
        pieces = [sound_message(8000, to_pcm16(part)) for part in np.split(source, 5)]  # 30 ms each
        call, line = await answered(IDENTITY, *pieces)
        async with carried(call):
            await asyncio.sleep(0.1)
            line.vanish()
            return source, await heard(call)

    source, frames = run_virtual(scene())
    assert [len(frame.samples) for frame in frames] == [160] * 7
    assert [frame.start for frame in frames] == [160 * k for k in range(7)]
    assert np.concatenate([f.samples for f in frames]) == approx(source[:1120])


def test_messages_may_be_cut_anywhere():
    async def scene():
        stream = IDENTITY + SILENCE + b"\x03\x00\x01#" + SILENCE
        call, line = await answered(*(bytes((byte,)) for byte in stream))
        async with carried(call):
            await asyncio.sleep(0.1)
            line.vanish()
            return await heard(call)

    items = run_virtual(scene())
    assert [item for item in items if isinstance(item, Digit)] == [Digit("#")]
    assert len(items) == 3


@mark.parametrize(
    ("sent", "sentence"),
    [
        ((SILENCE,), "the call's id first, found sound"),
        ((HANG_UP,), "the call's id first, found hungup"),
        ((IDENTITY, IDENTITY), "one id, found a second one"),
        ((), "an id and sound within 5 s, found none"),
        ((IDENTITY,), "an id and sound within 5 s, found none"),
        ((b"\x01\x00\x03abc",), "a UUID of 16 bytes"),
    ],
)
def test_who_does_not_begin_as_agreed_is_let_go(sent, sentence):
    async def scene():
        line = FakeLine(*sent)
        with raises(ProtocolError, match=sentence):
            await answer(line, (), Limits())
        return line.closed, asyncio.get_running_loop().time() <= 5

    assert run_virtual(scene()) == (True, True)


def test_only_ids_that_may_call_come_in():
    async def scene():
        call, _ = await answered(IDENTITY, SILENCE, ids=(ID,))
        stranger = FakeLine(b"\x01\x00\x10" + bytes(16), SILENCE)
        with raises(ProtocolError, match="found another") as refused:
            await answer(stranger, (ID,), Limits())
        return call.rate, stranger.closed, str(UUID(int=0)) in str(refused.value)

    assert run_virtual(scene()) == (8000, True, False)


@mark.parametrize("last", [HANG_UP, b"\xff\x00\x01\x01"])
def test_a_caller_who_hangs_up_before_the_first_sound_is_gone(last):
    async def scene():
        with raises(CallClosed):
            await answered(IDENTITY, b"\x03\x00\x015", last)

    run_virtual(scene())


def test_frames_go_out_every_20_ms_and_never_more_than_40_ms_early():
    async def scene():
        call, line = await answered(IDENTITY, SILENCE)
        async with carried(call):
            for _ in range(50):
                await call.play(tone(call))
            return [now for now, _ in line.got]

    sent_at = run_virtual(scene())
    assert len(sent_at) == 50
    for number, now in enumerate(sent_at):
        assert now == approx(max(0.0, (number - 1) * 0.02))


def test_played_follows_our_clock_and_a_stall_starts_it_anew():
    async def scene():
        call, _ = await answered(IDENTITY, SILENCE)
        async with carried(call):
            await call.play(tone(call))
            await asyncio.sleep(1.0)
            before = call.played()
            await call.play(tone(call))
            await asyncio.sleep(0.01)
            return before, call.played()

    assert run_virtual(scene()) == (160, 240)


def test_a_slow_reader_loses_the_oldest_sound_and_then_the_call():
    async def scene():
        call, line = await answered(IDENTITY, SILENCE, idle_s=60.0)
        line.reads.clear()
        async with carried(call):
            for _ in range(30):
                await call.play(tone(call))
            dropped = call.dropped_output
            call.flush()
            await asyncio.sleep(6)
            return dropped, len(call._outbox), call.ended

    dropped, waiting, ended = run_virtual(scene())
    assert dropped == 19 * 160  # one is on its way, ten wait
    assert waiting <= 1  # the last word
    assert ended == "lost"


@mark.parametrize(
    ("message", "reason"),
    [
        (HANG_UP, "bye"),
        (b"\xff\x00\x01\x01", "bye"),
        (IDENTITY, "error"),
        (sound_message(16_000, bytes(640)), "error"),
        (b"\x10\x00\x01a", "error"),
    ],
)
def test_what_ends_a_call_says_why(message, reason):
    async def scene():
        call, line = await answered(IDENTITY, SILENCE)
        async with carried(call):
            line.put(message)
            await asyncio.sleep(0.1)
            return call.ended, line.closed, line.messages()

    assert run_virtual(scene()) == (reason, True, [HANG_UP])


def test_a_line_without_sound_is_given_up():
    async def scene():
        call, _ = await answered(IDENTITY, SILENCE, idle_s=30.0)
        async with carried(call):
            await heard(call)
            return call.ended, asyncio.get_running_loop().time()

    assert run_virtual(scene()) == ("idle", approx(30.0))


def test_hanging_up_says_so_once_and_nothing_can_be_played_after_it():
    async def scene():
        call, line = await answered(IDENTITY, SILENCE)
        async with carried(call):
            await call.play(tone(call))
            await call.close()
            await call.close()
            with raises(CallClosed):
                await call.play(tone(call))
        return line.messages()[-1], line.messages().count(HANG_UP), line.closed

    assert run_virtual(scene()) == (HANG_UP, 1, True)


def test_a_pipeline_that_is_behind_loses_the_oldest_sound():
    async def scene():
        call, line = await answered(IDENTITY, SILENCE, input_s=0.1)
        async with carried(call):
            line.put(*[SILENCE] * 10)
            await asyncio.sleep(0.1)
            return call.dropped_input

    assert run_virtual(scene()) == 6 * 160


def test_what_it_cannot_do_is_refused_in_words():
    async def scene():
        call, _ = await answered(IDENTITY, SILENCE)
        call.tell(Note("caption"))
        with raises(OrderRefused, match="can be transferred, found an AudioSocket"):
            await call.order(Transfer("100"))
        with raises(ValueError, match="expected 160 samples of 8000 Hz, found 320"):
            await call.play(AudioFrame(np.zeros(320, np.float32), 8000, 0))

    run_virtual(scene())


def test_neither_way_waits_inside():
    async def scene():
        call, line = await answered(IDENTITY, SILENCE)
        async with carried(call):
            frames = call.frames()
            await anext(frames)
            await asyncio.sleep(1.0)
            line.put(SILENCE)
            await anext(frames)
            heard_at = asyncio.get_running_loop().time()
            await call.play(tone(call))
            await asyncio.sleep(0)
            return heard_at, line.got[0][0]

    assert run_virtual(scene()) == (approx(1.0), approx(1.0))
