"""Calls over media streams in every dialect, against a simulated provider, in virtual time."""

import asyncio
import json
import logging
from contextlib import asynccontextmanager

import numpy as np
from pytest import approx, fixture, mark, raises

from agent.core.audio import AudioFrame, join
from agent.core.calls import Hold, Note, SendDigits, Transfer
from agent.core.errors import CallClosed, OrderRefused, ProtocolError
from agent.core.events import Digit
from agent.virtual_loop import run_virtual
from audio_io.media_stream.answer import answer
from audio_io.media_stream.dialects import DIALECTS
from audio_io.media_stream.socket import StreamLimits
from audio_io.media_stream.transfers import Transfers
from audio_io.wire import End
from tests.support.provider import (
    CALL,
    NUMBER,
    PROVIDERS,
    STREAM,
    Cable,
    Phone,
    Twilio,
    b64,
    delay_and_likeness,
    speech_like,
)

VARIANTS = {
    **{name: shape() for name, shape in PROVIDERS.items()},
    "telnyx A-law": PROVIDERS["telnyx"](coding="alaw"),
    "plivo 16 kHz": PROVIDERS["plivo"](coding="linear", rate=16_000),
    "exotel 16 kHz": PROVIDERS["exotel"](rate=16_000),
    "jambonz 24 kHz": PROVIDERS["jambonz"](rate=24_000),
}
EVERY = mark.parametrize("variant", VARIANTS)
ROOMY_S = {"exotel": 0.26, "exotel 16 kHz": 0.16}  # messages of at least 200 or 100 ms


def shape_of(variant):
    shape = VARIANTS[variant]
    return type(shape)(**{k: v for k, v in vars(shape).items() if k in {"coding", "rate"}})


def dialect_of(variant):
    return DIALECTS[variant.split()[0]]


@asynccontextmanager
async def connected(variant="twilio", agent=None, transfers=None, **limits):
    """A phone, and the call that an agent holds with it."""
    cable = Cable()
    phone = Phone(cable.provider, shape_of(variant))
    await phone.open()
    options = (StreamLimits(**limits), transfers or Transfers())
    call = await answer(cable.agent, "c1", dialect_of(variant), *options)

    async def talk():
        if agent is not None:
            try:
                await agent(call)
            except CallClosed:
                return

    async with asyncio.TaskGroup() as group:
        group.create_task(call.carry())
        group.create_task(talk())
        group.create_task(phone.listen())
        yield phone, call
        await call.close()


async def echo(call):
    async for item in call.frames():
        if isinstance(item, AudioFrame):
            await call.play(AudioFrame(item.samples, call.play_rate, item.start))


def sound(call, level=0.5):
    return AudioFrame(np.full(call.frame_samples, level, np.float32), call.play_rate, 0)


async def says(call, frames, level=0.5):
    for _ in range(frames):
        await call.play(sound(call, level))


# --- whole calls --------------------------------------------------------------------------------


@EVERY
def test_a_caller_hears_themselves_from_an_agent_that_says_back_what_it_hears(variant):
    async def scene():
        async with connected(variant, echo) as (phone, call):
            said = speech_like(3.0, phone.shape.rate)
            await phone.speak(said)
            await asyncio.sleep(0.3)
            return said, phone, call

    said, phone, call = run_virtual(scene())
    rate = phone.shape.rate
    delay_s, alike = delay_and_likeness(said, phone.loudspeaker.heard(), rate)
    print(f"{variant}: added delay {delay_s * 1000:.0f} ms, likeness {alike:.4f}")  # noqa: T201
    assert alike > 0.99
    assert delay_s <= ROOMY_S.get(variant, 0.040)
    assert call.rate == call.play_rate == rate
    assert call.errors.total() == 0


@EVERY
def test_what_the_provider_tells_of_a_call_can_be_had(variant):
    async def scene():
        async with connected(variant) as (_, call):
            return dict(call.about)

    about = run_virtual(scene())
    assert about["table"] == "12"
    assert about["call"] == CALL
    assert about["from"] == NUMBER


@EVERY
def test_keys_come_between_the_frames(variant):
    async def scene():
        async with connected(variant) as (phone, call):
            await phone.do([phone.shape.dtmf("5"), phone.shape.dtmf("#")])
            await phone.speak(np.zeros(phone.shape.rate, np.float32))
            await phone.hang_up()
            return [item async for item in call.frames()], call.errors.total()

    heard, errors = run_virtual(scene())
    assert [item for item in heard if isinstance(item, Digit)] == [Digit("5"), Digit("#")]
    assert join([item for item in heard if isinstance(item, AudioFrame)]).duration_s == approx(1)
    assert errors == 0


@EVERY
def test_never_more_than_60_ms_wait_at_the_provider(variant):
    async def scene():
        async with connected(variant) as (phone, call):
            await says(call, 100)
            return phone.loudspeaker.most_waiting_s

    assert run_virtual(scene()) <= ROOMY_S.get(variant, 0.06) + 1e-6


@mark.parametrize("variant", [name for name in VARIANTS if name != "audio_stream"])
def test_a_barge_in_takes_back_what_the_caller_has_not_heard(variant):
    async def scene():
        async with connected(variant) as (phone, call):
            speaking = asyncio.get_running_loop().create_task(says(call, 500))
            await phone.speak(np.zeros(phone.shape.rate, np.float32))
            speaking.cancel()
            call.flush()
            before = asyncio.get_running_loop().time() - phone.loudspeaker.begun
            played = call.played()
            await asyncio.sleep(0.5)
            return phone, before, played, call

    phone, before, played, call = run_virtual(scene())
    heard = phone.loudspeaker.heard()
    assert call.traits.flushes
    assert phone.clears == [approx(before, abs=1e-3)]
    assert len(heard) / phone.shape.rate <= before + 1e-3
    assert played >= len(heard) - phone.shape.rate // 1000


def test_a_provider_that_takes_nothing_back_says_so():
    async def scene():
        async with connected("audio_stream") as (_, call):
            await says(call, 1)
            call.flush()
            return call.traits, call.played()

    traits, played = run_virtual(scene())
    assert (traits.flushes, traits.marks) == (False, False)
    assert played == 0


MARKED = [name for name in VARIANTS if name != "audio_stream"]


@mark.parametrize("variant", MARKED)
def test_what_was_heard_goes_by_the_marks_that_came_back(variant):
    """The provider's loudspeaker hangs: our clock would say that all was played."""

    async def scene():
        async with connected(variant) as (phone, call):
            phone.loudspeaker.ends += 2.0
            await says(call, 50)
            hanging = call.played()
            phone.loudspeaker.marks.clear()
            await phone.do([phone.shape.mark("p1")])
            await asyncio.sleep(0.01)
            first = call.played()
            await phone.do([phone.shape.mark("nobody's"), phone.shape.mark("p4")])
            await asyncio.sleep(0.01)
            return hanging, first, call.played(), call.rate, call.errors

    hanging, first, fourth, rate, errors = run_virtual(scene())
    each = 0.2 if variant == "exotel" else 0.1
    assert hanging <= each * rate
    assert each * rate <= first <= 2 * each * rate
    assert 4 * each * rate <= fourth <= 5 * each * rate
    assert errors.total() == 0


def test_a_provider_that_forgets_its_marks_is_believed_by_the_clock():
    async def scene():
        async with connected() as (_, call):
            await says(call, 400)
            return call.played(), call.rate

    played, rate = run_virtual(scene())
    assert (8 - 0.06 - 5.1) * rate <= played <= (8 - 4.8) * rate


def test_the_end_of_a_stream_is_a_hang_up():
    async def scene():
        async with connected() as (phone, call):
            await phone.hang_up()
            heard = [item async for item in call.frames()]
            await asyncio.sleep(0.1)
            with raises(CallClosed, match="the call is over: bye"):
                await call.play(sound(call))
            return heard, phone.ended

    assert run_virtual(scene()) == ([], (1000, ""))


def test_a_call_that_the_agent_ends_is_closed_as_it_should_be():
    async def scene(variant):
        async with connected(variant) as (phone, call):
            told = []
            phone.shape.told = lambda message: told.append(message) or ("hang up",)
            await call.close()
            await asyncio.sleep(0.1)
            return told, phone.ended

    assert run_virtual(scene("twilio")) == ([], (1000, ""))
    told, ended = run_virtual(scene("jambonz"))
    assert [json.loads(one) for one in told] == [{"type": "disconnect"}]
    assert ended[0] == 1000


# --- orders -------------------------------------------------------------------------------------


def test_plivo_presses_keys_towards_the_caller():
    async def scene():
        async with connected("plivo") as (phone, call):
            await call.order(SendDigits("12#a"))
            with raises(OrderRefused, match="expected keys of"):
                await call.order(SendDigits("12 x"))
            await asyncio.sleep(0.1)
            return phone.digits, call.traits.orders

    digits, orders = run_virtual(scene())
    assert digits == ["12#A"]
    assert orders == {SendDigits, Transfer}


@mark.parametrize("variant", ["twilio", "signalwire", "plivo", "jambonz"])
def test_a_transfer_ends_the_stream_and_says_where_the_call_is_to_go(variant):
    async def scene():
        transfers = Transfers()
        async with connected(variant, transfers=transfers) as (phone, call):
            order = Transfer("+15559870000", "wants a table for six")
            await call.order(order)
            with raises(CallClosed):
                await call.order(order)
            await asyncio.sleep(0.1)
            assert transfers.take(CALL) == order
            return transfers.take(CALL), phone.ended[0], call.ended

    assert run_virtual(scene()) == (None, 1000, End.HUNG_UP)


@mark.parametrize(
    ("variant", "order"),
    [
        ("twilio", Hold(True)),
        ("twilio", SendDigits("1")),
        ("telnyx", Transfer("x")),
        ("vonage", Transfer("x")),
        ("audio_fork", Transfer("x")),
    ],
)
def test_what_a_provider_cannot_do_is_refused(variant, order):
    async def scene():
        async with connected(variant) as (_, call):
            assert type(order) not in call.traits.orders
            with raises(OrderRefused, match=f"found a media stream of {variant}"):
                await call.order(order)

    run_virtual(scene())


def test_transfers_that_nobody_asks_for_are_forgotten():
    transfers = Transfers()
    for number in range(300):
        transfers.put(str(number), Transfer("x"))
    assert transfers.take("0") is None
    assert transfers.take("299") == Transfer("x")


# --- bad input ----------------------------------------------------------------------------------


async def opened(*messages, variant="twilio"):
    """Answer a provider that sends these messages first; how the socket was closed."""
    cable = Cable()
    for message in messages:
        await cable.provider.send(message)
    try:
        await answer(cable.agent, "c1", dialect_of(variant), StreamLimits(), Transfers())
    except ProtocolError as fault:
        return str(fault), cable.provider.ended, asyncio.get_running_loop().time()
    raise AssertionError("expected a refusal")


CONNECTED = '{"event":"connected","protocol":"Call","version":"1.0.0"}'


def test_a_stream_that_never_starts_is_closed_after_10_s():
    message, ended, now = run_virtual(opened(CONNECTED))
    assert message == "twilio: start: expected within 10 s, found none"
    assert ended == (1008, "start: expected within 10 s, found none")
    assert now == approx(10)


def test_media_before_the_start_is_out_of_order():
    message, ended, _ = run_virtual(opened(CONNECTED, Twilio().media(bytes(160), 0)))
    assert ended == (1002, "media: expected start before it, found none")
    assert "expected start before it" in message


def test_a_stream_of_nonsense_before_the_start_is_closed():
    _, ended, _ = run_virtual(opened(*["nonsense"] * 30))
    assert ended == (1008, "start: expected it first, found other messages")


@mark.parametrize(
    ("form", "sentence"),
    [
        ({"encoding": "audio/opus", "sampleRate": 8000}, "expected sound as audio/x-mulaw"),
        ({"encoding": "audio/x-mulaw", "sampleRate": 11025}, "expected a rate of 8000"),
        ({"encoding": "audio/x-mulaw", "channels": 2}, "expected sound of one channel"),
        ({}, "expected sound as"),
    ],
)
def test_sound_that_we_do_not_read_is_refused_at_once(form, sentence):
    start = {"streamSid": STREAM, "callSid": CALL, "mediaFormat": form}
    begin = json.dumps({"event": "start", "start": start, "streamSid": STREAM})
    _, ended, now = run_virtual(opened(begin))
    assert ended[0] == 1003
    assert sentence in ended[1]
    assert now == 0


def test_a_provider_that_stops_or_goes_before_the_start_is_gone():
    async def scene(*messages):
        cable = Cable()
        for message in messages:
            await cable.provider.send(message)
        if not messages:
            await cable.provider.close()
        await answer(cable.agent, "c1", dialect_of("twilio"), StreamLimits(), Transfers())

    for messages in [(), (CONNECTED, Twilio().stop())]:
        with raises(CallClosed):
            run_virtual(scene(*messages))


def media(payload, **changes):
    fields = {"track": "inbound", "chunk": "1", "timestamp": "0", "payload": payload}
    return json.dumps({"event": "media", "media": {**fields, **changes}, "streamSid": STREAM})


NONSENSE = [
    "nonsense",
    "[1,2]",
    '"text"',
    "{}",
    '{"event":7}',
    '{"event":"media"}',
    '{"event":"media","media":3}',
    '{"event":"dtmf","dtmf":{"digit":"55"}}',
    '{"event":"dtmf","dtmf":{}}',
    '{"event":"mark","mark":{}}',
    '{"event":"start"}',
    "[" * 5000,
    b"binary",
    media("not base64!"),
    media("AAA"),
    media("AAAA\n"),
    media(None),
    media("AAAA", chunk="one", timestamp="-5"),
    media("AAAA", timestamp=True),
    media("AAAA").replace(STREAM, "another"),
    Twilio().opening()[1],
]


@mark.parametrize("message", NONSENSE, ids=range(len(NONSENSE)))
def test_what_makes_no_sense_is_dropped_and_the_call_goes_on(message, caplog):
    caplog.set_level(logging.DEBUG)

    async def scene():
        async with connected() as (phone, call):
            await phone.do(message)
            await phone.do(message)
            await phone.do(phone.shape.dtmf("7"))
            return await anext(call.frames()), call.errors.total(), call.ended

    assert run_virtual(scene()) == (Digit("7"), 2, None)
    lines = [record for record in caplog.records if record.name == "parley.media_stream"]
    assert len(lines) == 1


@mark.parametrize("variant", ["jambonz", "vonage", "exotel", "plivo 16 kHz"])
def test_half_a_sample_is_dropped_and_the_call_goes_on(variant):
    async def scene():
        async with connected(variant) as (phone, call):
            await phone.do(phone.shape.media(b"abc", 0))
            await phone.do(phone.shape.dtmf("7"))
            return await anext(call.frames()), call.errors

    assert run_virtual(scene()) == (Digit("7"), {"PCM": 1})


def test_what_is_new_to_us_is_counted_and_ignored():
    async def scene():
        async with connected() as (phone, call):
            await phone.do(['{"event":"weather","streamSid":"x"}'.replace("x", STREAM)] * 100)
            await phone.do(media("AAAA", track="outbound"))
            await asyncio.sleep(0.1)
            return call.ignored, call.errors.total(), call.ended, call.dropped_input

    assert run_virtual(scene()) == (101, 0, None, 0)


def test_more_than_20_errors_end_the_call():
    async def scene():
        async with connected() as (phone, call):
            await phone.do(["nonsense"] * 20)
            await asyncio.sleep(0.1)
            assert call.ended is None
            await phone.do("nonsense")
            await asyncio.sleep(0.1)
            return phone.ended, call.ended

    ended, reason = run_virtual(scene())
    assert ended == (1003, "too many messages that make no sense")
    assert reason is End.ERROR


def test_a_message_of_no_end_ends_the_call():
    async def scene():
        async with connected() as (phone, _):
            await phone.do(media(b64(bytes(60_000))))
            await asyncio.sleep(0.1)
            return phone.ended

    assert run_virtual(scene()) == (1009, "message: expected a shorter one")


def test_a_caller_of_whom_nothing_comes_for_30_s_is_hung_up_on():
    async def scene():
        async with connected() as (phone, call):
            await asyncio.sleep(10)
            await phone.do(media("AAAA"))
            await phone.do([phone.shape.mark("p1"), phone.shape.dtmf("1")])
            await asyncio.sleep(29.9)
            assert call.ended is None
            await asyncio.sleep(0.2)
            return phone.ended

    assert run_virtual(scene()) == (1008, "expected sound, found none for 30 s")


def test_a_provider_that_reads_too_slowly_is_cleared_and_closed():
    async def scene():
        async with connected() as (phone, call):
            phone.socket.reads.clear()
            told = []
            phone.shape.told = lambda message: told.append(json.loads(message)) or ("sound", b"")
            with raises(CallClosed):
                await says(call, 500)
            now = asyncio.get_running_loop().time()
            phone.socket.reads.set()
            await asyncio.sleep(1)
            return told[-1], phone.ended, now

    last, ended, now = run_virtual(scene())
    assert last == {"event": "clear", "streamSid": STREAM}
    assert ended == (1013, "expected sound to be read as it comes")
    assert now < 2.5


def test_a_provider_that_reads_nothing_at_all_is_given_up():
    async def scene():
        async with connected() as (phone, call):
            phone.socket.reads.clear()
            await call.play(sound(call))
            await asyncio.sleep(6)
            ended = call.ended
            phone.socket.reads.set()
            return ended, phone.ended[0]

    assert run_virtual(scene()) == (End.LOST, 1013)


def test_a_pipeline_that_is_behind_hears_the_newest_sound():
    async def scene():
        async with connected(input_s=0.1) as (phone, call):
            await phone.speak(np.full(8000, 0.5, np.float32))
            await phone.hang_up()
            frames = [item async for item in call.frames()]
            return len(frames), call.dropped_input

    assert run_virtual(scene()) == (5, 45 * 160)


def test_a_line_that_breaks_is_the_end():
    async def scene():
        async with connected() as (phone, call):
            await phone.socket.close()
            frames = [item async for item in call.frames()]
            await asyncio.sleep(0.1)
            return frames, call.ended

    assert run_virtual(scene()) == ([], End.LOST)


def test_a_frame_of_the_wrong_size_is_refused():
    async def scene():
        async with connected() as (_, call):
            with raises(ValueError, match="expected 160 samples of 8000 Hz, found 320"):
                await call.play(AudioFrame(np.zeros(320, np.float32), 16000, 0))
            call.tell(Note("caption", {"text": "nobody reads this"}))

    run_virtual(scene())


@fixture
def secrets(caplog):
    caplog.set_level(logging.DEBUG)
    yield
    words = " ".join(record.getMessage() for record in caplog.records)
    assert NUMBER not in words
    assert "4929" not in words


def test_numbers_and_keys_reach_no_log(secrets):
    async def scene():
        async with connected() as (phone, _):
            await phone.do(phone.shape.dtmf("4929"))
            await phone.do([phone.shape.dtmf(digit) for digit in "4929"])
            await phone.do(NUMBER)
            await asyncio.sleep(0.1)

    run_virtual(scene())
