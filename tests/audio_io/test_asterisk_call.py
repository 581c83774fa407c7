"""A call over chan_websocket, in virtual time, with an Asterisk that does what the test says."""

import asyncio
import json

import numpy as np
from pytest import approx, mark, raises

from agent.core.calls import Note, SendDigits
from agent.core.errors import CallClosed, OrderRefused, ProtocolError
from agent.core.events import Digit
from agent.virtual_loop import run_virtual
from audio_io.asterisk.call import answer
from audio_io.websocket import Limits
from tests.support.asterisk_lines import FakeLine, carried, heard, tone

START = '{"event":"MEDIA_START","format":"slin16","optimal_frame_size":640,"ptime":20}'
PLAIN = (
    "MEDIA_START connection_id:1 channel:WebSocket/p format:ulaw optimal_frame_size:160 ptime:20"
)


async def answered(*sent, start=START, **limits):
    line = FakeLine(start, *sent)
    return await answer(line, Limits(**limits)), line


def commands(line):
    """What Asterisk was told, in JSON, without the sound."""
    return [json.loads(text) for text in line.messages() if isinstance(text, str)]


def processed(mark):
    return json.dumps({"event": "MEDIA_MARK_PROCESSED", "correlation_id": str(mark)})


def test_media_start_says_what_the_call_is_like():
    async def scene():
        call, _ = await answered()
        plain, _ = await answered(start=PLAIN)
        return [(c.rate, c.play_rate, c.frame_samples) for c in (call, plain)], call.traits

    rates, traits = run_virtual(scene())
    assert rates == [(16_000, 16_000, 320), (8_000, 8_000, 160)]
    assert (traits.flushes, traits.marks, traits.clock) == (True, True, "theirs")


@mark.parametrize(("size", "samples"), [(320, 320), (160, 320), (640, 320), (1920, 960)])
def test_frames_are_a_multiple_of_what_asterisk_asks_for(size, samples):
    async def scene():
        start = f"MEDIA_START format:slin16 optimal_frame_size:{size}"
        call, _ = await answered(start=start)
        return call.frame_samples

    assert run_virtual(scene()) == samples


@mark.parametrize(
    ("sent", "sentence"),
    [
        ((bytes(640),), "MEDIA_START first, found sound"),
        (("MEDIA_XON",), "MEDIA_START first, found another event"),
        (("{",), "a JSON object"),
        ((), "MEDIA_START within 5 s, found none"),
    ],
)
def test_who_does_not_begin_as_agreed_is_let_go(sent, sentence):
    async def scene():
        line = FakeLine(*sent)
        with raises(ProtocolError, match=sentence):
            await answer(line, Limits())
        return line.closed

    assert run_virtual(scene())


def test_sound_and_keys_arrive_in_frames_of_20_ms():
    async def scene():
        call, line = await answered(bytes(1000), '{"event":"DTMF_END","digit":"5"}', bytes(280))
        async with carried(call):
            await asyncio.sleep(0.1)
            line.vanish()
            return await heard(call)

    items = run_virtual(scene())
    assert [item for item in items if isinstance(item, Digit)] == [Digit("5")]
    assert [len(item.samples) for item in items if not isinstance(item, Digit)] == [320, 320]


def test_never_more_than_40_ms_wait_at_asterisk_and_every_tenth_of_a_second_it_is_asked():
    async def scene():
        call, line = await answered()
        async with carried(call):
            for _ in range(50):
                await call.play(tone(call))
            return [now for now, item in line.got if isinstance(item, bytes)], commands(line)

    sent_at, told = run_virtual(scene())
    for number, now in enumerate(sent_at):
        assert now == approx(max(0.0, (number - 1) * 0.02))
    marks = [int(one["correlation_id"]) for one in told if one["command"] == "MARK_MEDIA"]
    assert marks == [1600 * number for number in range(1, 11)]
    assert [one["command"] for one in told].count("GET_STATUS") == 10


def test_the_old_style_is_answered_in_the_old_style():
    async def scene():
        call, line = await answered(start=PLAIN)
        async with carried(call):
            for _ in range(5):
                await call.play(tone(call))
            call.flush()
        return line.messages()

    told = run_virtual(scene())
    assert [len(item) for item in told if isinstance(item, bytes)] == [160] * 5
    told = [item for item in told if isinstance(item, str)]
    assert told == ["MARK_MEDIA 800", "GET_STATUS", "FLUSH_MEDIA", "HANGUP"]


def test_a_flush_counts_everything_as_played_since_its_marks_never_come_back():
    async def scene():
        call, line = await answered()
        async with carried(call):
            for _ in range(5):
                await call.play(tone(call))
            before = call.played()
            call.flush()
            after = call.played()
            line.put(processed(1600))  # too late: it was flushed
            await call.play(tone(call))
            await asyncio.sleep(0.01)
            return before, after, call.played(), commands(line)

    before, after, then, told = run_virtual(scene())
    assert before == 4 * 320  # 80 ms have gone by until a sixth frame could go out
    assert after == 5 * 320
    assert then == 5 * 320 + 160
    assert {"command": "FLUSH_MEDIA"} in told


def test_a_flush_lets_the_next_frame_out_at_once():
    async def scene():
        call, _ = await answered()
        async with carried(call), asyncio.TaskGroup() as group:
            for _ in range(3):
                playing = group.create_task(call.play(tone(call)))
                await asyncio.sleep(0)
            await asyncio.sleep(0.001)
            call.flush()
            await playing
            return asyncio.get_running_loop().time()

    assert run_virtual(scene()) == approx(0.001)


def test_marks_follow_an_asterisk_whose_clock_is_faster():
    async def scene():
        call, line = await answered()
        async with carried(call):
            for number in range(1, 101):
                await call.play(tone(call))
                if number % 5 == 0:  # all of it, although a tenth of a second was due
                    line.put(processed(number * 320))
                    await asyncio.sleep(0)
            return asyncio.get_running_loop().time()

    assert run_virtual(scene()) < 1.5


def silent(call):
    return tone(call, level=0.0)


def test_frames_that_come_too_late_are_followed_by_a_longer_lead():
    async def scene():
        call, line = await answered()
        async with carried(call):
            for _ in range(3):
                await call.play(tone(call))
            await asyncio.sleep(0.1)
            for _ in range(5):
                await call.play(tone(call))
            return [at for at, item in line.got if isinstance(item, bytes)]

    sent = run_virtual(scene())
    assert [at - sent[0] for at in sent[:3]] == [0, 0, approx(0.02)]  # one frame ahead
    assert [at - sent[3] for at in sent[3:7]] == [0, 0, 0, approx(0.02)]  # two


def test_a_queue_that_has_grown_shrinks_again_in_a_silence_that_lasts():
    """Asterisk holds one frame at each question, but three at the tenth."""

    async def scene():
        call, line = await answered()
        async with carried(call):
            loop, answers = asyncio.get_running_loop(), 0
            for number in range(100):  # one frame every 20 ms, as from whoever answers live
                await call.play(silent(call))
                while answers < [c["command"] for c in commands(line)].count("GET_STATUS"):
                    answers += 1
                    length = 3 if answers == 10 else 1
                    line.put(json.dumps({"event": "STATUS", "queue_length": length}))
                await asyncio.sleep(max(0.0, 0.02 * (number + 1) - loop.time()))
            sent = [item for item in line.got if isinstance(item[1], bytes)]
            return len(sent), call.played(), loop.time()

    sent, played, now = run_virtual(scene())
    assert sent in (97, 98)  # two or three frames less than were played
    assert played == approx(100 * 320, abs=330)
    assert now == approx(2.0, abs=0.05)


def test_while_asterisk_is_full_nothing_is_sent():
    async def scene():
        call, line = await answered('{"event":"MEDIA_XOFF"}')
        async with carried(call):
            await asyncio.sleep(0.01)
            for _ in range(5):
                await call.play(tone(call))
            full = len(line.got)
            line.put('{"event":"MEDIA_XON"}')
            await asyncio.sleep(0.01)
            await call.play(tone(call))
            await asyncio.sleep(0)
            return full, len(line.got)

    assert run_virtual(scene()) == (0, 1)


@mark.parametrize(
    ("message", "reason"),
    [
        (START, "error"),
        ("{]", "error"),
        (b"abc", "error"),
        (bytes(65_538), "error"),
        ('{"event":"DTMF_END","digit":"x"}', "error"),
    ],
)
def test_what_asterisk_may_not_send_ends_this_call(message, reason):
    async def scene():
        call, line = await answered()
        async with carried(call):
            line.put(message)
            await asyncio.sleep(0.1)
            return call.ended, line.closed, commands(line)[-1]

    assert run_virtual(scene()) == (reason, True, {"command": "HANGUP"})


def test_what_is_new_or_a_complaint_changes_nothing():
    async def scene():
        call, line = await answered(
            '{"event":"FROM_THE_FUTURE","x":[1]}', "ERROR", '{"event":"ERROR"}', processed("x")
        )
        async with carried(call):
            line.put(processed(99_999_999), processed("9" * 30))
            await asyncio.sleep(0.1)
            return call.ended, call.complaints, call.played()

    assert run_virtual(scene()) == (None, 2, 0)


def test_a_line_without_sound_is_given_up():
    async def scene():
        call, _ = await answered(idle_s=30.0)
        async with carried(call):
            await heard(call)
            return call.ended, asyncio.get_running_loop().time()

    assert run_virtual(scene()) == ("idle", approx(30.0))


def test_an_asterisk_that_reads_nothing_loses_the_oldest_sound_and_then_the_call():
    async def scene():
        call, line = await answered(idle_s=60.0)
        line.reads.clear()
        async with carried(call):
            for _ in range(30):
                await call.play(tone(call))
            dropped, waiting = call.dropped_output, len(call._outbox)
            await asyncio.sleep(6)
            return dropped, waiting, call.ended

    dropped, waiting, ended = run_virtual(scene())
    assert dropped == 19 * 320
    assert waiting <= 10 + 2 * 6
    assert ended == "lost"


def test_an_asterisk_that_reads_nothing_cannot_pile_up_commands():
    async def scene():
        call, line = await answered()
        line.reads.clear()
        async with carried(call):
            for _ in range(1000):
                call.flush()
            return call.ended, len(call._outbox)

    ended, waiting = run_virtual(scene())
    assert ended == "lost"
    assert waiting <= 70


def test_hanging_up_says_so_once_and_nothing_can_be_played_after_it():
    async def scene():
        call, line = await answered()
        async with carried(call):
            await call.close()
            await call.close()
            with raises(CallClosed):
                await call.play(tone(call))
        return commands(line), line.closed

    assert run_virtual(scene()) == ([{"command": "HANGUP"}], True)


def test_what_it_cannot_do_is_refused_in_words():
    async def scene():
        call, _ = await answered()
        call.tell(Note("caption"))
        with raises(OrderRefused, match="takes digits, found Asterisk's WebSocket channel"):
            await call.order(SendDigits("5"))
        with raises(ValueError, match="expected 320 samples of 16000 Hz"):
            await call.play(tone((await answered(start=PLAIN))[0]))

    run_virtual(scene())


def test_sound_is_what_asterisk_sent():
    async def scene():
        ramp = np.arange(320, dtype="<i2")
        call, line = await answered(ramp.tobytes())
        async with carried(call):
            await asyncio.sleep(0.1)
            line.vanish()
            return await heard(call), ramp

    (frame,), ramp = run_virtual(scene())
    assert frame.samples * 32768 == approx(ramp)


def test_neither_way_waits_inside():
    async def scene():
        call, line = await answered()
        async with carried(call):
            await asyncio.sleep(1.0)
            line.put(bytes(640))
            frame = await anext(call.frames())
            heard_at = asyncio.get_running_loop().time()
            await call.play(frame)
            await asyncio.sleep(0)
            return heard_at, line.got[0][0]

    assert run_virtual(scene()) == (approx(1.0), approx(1.0))
