"""A Moshi client's call in virtual time, with a socket that does what the test says."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
from pytest import approx, mark, raises

from agent.core.audio import AudioFrame
from agent.core.calls import Note
from agent.core.errors import CallClosed, ProtocolError
from agent.virtual_loop import run_virtual
from audio_io.moshi.call import PACKETS, RATE, MoshiCall
from audio_io.moshi.ogg import PACKET_BYTES, OggReader, OggWriter, checksum
from audio_io.moshi.opus import OUT_RATE, OpusDecoder, OpusEncoder
from audio_io.moshi.wire import Kind, TextStream, decode, encode
from audio_io.websocket import Limits
from audio_io.wire import End
from tests.audio_io.test_websocket_call import FakeSocket


@asynccontextmanager
async def open_call(**limits):
    """A call whose two directions run; it is hung up at the end if it is not over by then."""
    socket = FakeSocket()
    call = MoshiCall(socket, "c1", Limits(**limits))
    async with asyncio.TaskGroup() as group:
        group.create_task(call.carry())
        await asyncio.sleep(0)
        yield call, socket
        await call.close()


def spoken(seconds, hz=300.0):
    """A tone as a Moshi client sends it: the header first, then pages of 20 ms."""
    encoder, writer = OpusEncoder(RATE), OggWriter(5)
    at = np.arange(round(seconds * RATE))
    sound = (0.3 * np.sin(2 * np.pi * hz * at / RATE)).astype(np.float32)
    messages, end = [encode(Kind.SOUND, writer.begin(encoder.head))], 0
    for start in range(0, len(sound) - 479, 480):
        for packet in encoder.encode(sound[start : start + 480]):
            end += 960
            messages.append(encode(Kind.SOUND, writer.page(packet, end)))
    return messages


def sounds(socket):
    """What the client hears, at 48 kHz."""
    reader, decoder, parts = OggReader(), None, [np.zeros(0, np.float32)]
    for _, message in socket.got:
        if message[0] == Kind.SOUND:
            for packet in reader.push(message[1:]):
                if packet.startswith(b"OpusHead"):
                    decoder = OpusDecoder(packet)
                elif not packet.startswith(b"OpusTags"):
                    parts.append(decoder.decode(packet))
    return np.concatenate(parts)


async def hear(call, seconds):
    heard, count = [], 0
    async for frame in call.frames():
        heard.append(frame.samples)
        count += len(frame.samples)
        if count >= seconds * RATE:
            return np.concatenate(heard)
    return np.concatenate(heard)


def test_the_handshake_comes_first_and_then_the_header_of_the_sound():
    async def scene():
        async with open_call() as (_, socket):
            await asyncio.sleep(0.1)
        return [message for _, message in socket.got]

    got = run_virtual(scene())
    assert got[0] == b"\x00"
    assert got[1][:5] == b"\x01OggS"


def test_what_the_caller_says_arrives_at_24_khz():
    async def scene():
        async with open_call() as (call, socket):
            socket.put(*spoken(1.0))
            return await hear(call, 0.9)

    heard = run_virtual(scene())
    spectrum = np.abs(np.fft.rfft(heard[4800:]))
    assert spectrum.argmax() * RATE / len(heard[4800:]) == approx(300, abs=3)
    assert np.abs(heard[4800:]).max() == approx(0.3, abs=0.05)


def test_an_empty_packet_is_no_sound_and_no_end():
    async def scene():
        async with open_call() as (call, socket):
            first, *rest = spoken(1.0)
            socket.put(first, encode(Kind.SOUND, OggWriter(5).page(b"", 0)), *rest)
            return len(await hear(call, 0.9))

    assert run_virtual(scene()) >= 0.9 * RATE


def test_what_the_agent_says_arrives_in_pages_of_20_ms():
    async def scene():
        async with open_call() as (call, socket):
            for n in range(50):
                at = np.arange(n * 480, (n + 1) * 480)
                tone = 0.3 * np.sin(2 * np.pi * 400 * at / RATE)
                await call.play(AudioFrame(tone.astype(np.float32), RATE, n * 480))
        return socket

    socket = run_virtual(scene())
    heard = sounds(socket)
    assert len(heard) == approx(OUT_RATE, abs=2000)
    assert np.abs(heard[9600:]).max() == approx(0.3, abs=0.05)


def test_nothing_that_was_sent_is_taken_back():
    async def scene():
        async with open_call() as (call, socket):
            before = call.played()
            call.flush()
            await asyncio.sleep(0.1)
            return call.traits, before, [m[0] for _, m in socket.got]

    traits, before, kinds = run_virtual(scene())
    assert not traits.flushes
    assert before == 0
    assert kinds == [Kind.HANDSHAKE, Kind.SOUND]


def test_a_client_that_sends_nothing_is_told_and_let_go():
    async def scene():
        async with open_call(idle_s=3.0) as (call, socket):
            heard = [frame async for frame in call.frames()]
        return heard, call.ended, socket.got[-1][1]

    heard, ended, last = run_virtual(scene())
    assert heard == []
    assert ended is End.IDLE
    assert last == b"\x05expected sound all the time, found none for 3 s"


def test_a_client_that_only_pings_is_idle_too():
    async def scene():
        async with open_call(idle_s=3.0) as (call, socket):
            for _ in range(10):
                socket.put(encode(Kind.PING), b"", b"\xee odd")
                await asyncio.sleep(1.0)
                if call.ended:
                    break
        return call.ended

    assert run_virtual(scene()) is End.IDLE


def test_a_client_that_stops_reading_is_cut_off_and_costs_a_few_frames():
    async def scene():
        async with open_call(send_s=1.0) as (call, socket):
            socket.reads.clear()
            with raises(CallClosed):
                for n in range(1000):
                    await call.play(AudioFrame(np.zeros(480, np.float32), RATE, n * 480))
            now = asyncio.get_running_loop().time()
            socket.reads.set()
        return call.ended, now, call.dropped_output

    ended, now, dropped = run_virtual(scene())
    assert ended is End.LOST
    assert now < 2.0
    assert dropped > 0


@mark.parametrize(
    ("message", "sentence"),
    [
        ("hello", b"expected bytes, found text"),
        (encode(Kind.SOUND, bytes(65_537)), b"expected at most 65536 bytes in a message"),
        (encode(Kind.SOUND, b"RIFF...."), b"expected an Ogg page"),
    ],
)
def test_what_is_no_sound_ends_the_call_with_a_sentence(message, sentence):
    async def scene():
        async with open_call() as (call, socket):
            socket.put(message)
            await asyncio.sleep(0.1)
        return call.ended, socket.got

    ended, got = run_virtual(scene())
    assert ended is End.ERROR
    assert sentence in got[-1][1]


def test_more_packets_than_a_second_holds_are_not_decoded():
    async def scene():
        encoder, writer = OpusEncoder(RATE), OggWriter(5)
        head = writer.begin(encoder.head)
        tiny = b"".join(writer.page(b"\x08", n) for n in range(PACKETS + 1))
        async with open_call() as (_, socket):
            socket.put(encode(Kind.SOUND, head), encode(Kind.SOUND, tiny))
            await asyncio.sleep(0.1)
        return socket.got[-1][1]

    assert b"expected at most 64 packets in a message, found 65" in run_virtual(scene())


def test_a_packet_that_never_ends_is_cut_off():
    reader = OggReader()
    lacing, body = bytes([255] * 255), bytes(255 * 255)
    page = bytearray(b"OggS" + bytes(22) + bytes([255]) + lacing + body)
    page[22:26] = checksum(bytes(page)).to_bytes(4, "little")
    assert reader.push(bytes(page)) == []
    with raises(ProtocolError, match=f"at most {PACKET_BYTES} bytes"):
        reader.push(bytes(page))


# --- messages -----------------------------------------------------------------------------------


@mark.parametrize("kind", list(Kind))
def test_a_message_is_read_as_it_was_written(kind):
    assert decode(encode(kind, b"abc")) == (kind, b"abc")


def test_an_empty_message_and_a_kind_nobody_knows_are_none():
    assert decode(b"") == (None, b"")
    assert decode(b"\x63what") == (None, b"what")


def caption(reply, text, who="agent", **rest):
    return Note("caption", {"who": who, "reply": reply, "text": text, **rest})


def test_text_is_what_is_new_in_each_caption():
    stream = TextStream()
    told = [
        caption(1, "Hello,"), caption(1, "Hello, I am"), caption(1, "Hello, I am", final=True),
        caption(2, "Yes."), caption(2, "Yes", final=True, cut=True),
        caption(3, "what", who="caller"), Note("floor", {"floor": "open"}),
    ]  # fmt: skip
    assert [stream.news(note) for note in told] == [" Hello,", " I am", "", " Yes.", "", "", ""]
