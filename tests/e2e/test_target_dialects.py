"""Other people's agents, called in the dialect they speak: Realtime, media streams, Moshi."""

import asyncio
import base64
import hashlib
import hmac
import io
import json

import av
import numpy as np
from pytest import approx, mark, raises

from agent.core.audio import AudioFrame
from agent.core.errors import CallError, ProtocolError
from agent.virtual_loop import run_virtual
from audio_io.codecs import from_pcm16, mulaw_decode, mulaw_encode, to_pcm16
from audio_io.moshi.ogg import OggWriter
from audio_io.resample import resampled
from floorbench.session import Flushed
from floorbench.targets.media_stream import MediaStream
from floorbench.targets.moshi import Moshi
from floorbench.targets.realtime import Realtime
from tests.support.agents import (
    RATE,
    SECOND,
    alike,
    answered,
    answering,
    call,
    everything,
    frames,
    greet,
    heard,
    ready,
    send,
    tone,
)

pytestmark = mark.e2e


# --- Realtime -----------------------------------------------------------------------------------


def delta(samples):
    return base64.b64encode(to_pcm16(samples)).decode()


def test_a_realtime_agent_hears_24_khz_and_is_heard():
    asked, taken = [], []

    async def agent(socket):
        asked.append(await greet(socket))
        while sum(map(len, taken)) < 24000 * 0.9:
            event = json.loads(await socket.recv())
            assert event["type"] == "input_audio_buffer.append"
            taken.append(from_pcm16(base64.b64decode(event["audio"])))
        await send(socket, type="response.created")
        sound = tone(1.0, 24000)
        for part in np.split(sound, 10):
            await send(socket, type="response.output_audio.delta", item_id="a", delta=delta(part))
        await send(socket, type="response.done")

    target = lambda url: Realtime(url, voice="cedar", turn_detection="semantic_vad")  # noqa: E731
    items = asyncio.run(call(agent, target))
    pcm = {"type": "audio/pcm", "rate": 24000}
    assert asked == [
        {
            "type": "realtime",
            "output_modalities": ["audio"],
            "audio": {
                "input": {"format": pcm, "turn_detection": {"type": "semantic_vad"}},
                "output": {"format": pcm, "voice": "cedar"},
            },
        }
    ]
    assert alike(resampled(np.concatenate(taken), 24000, RATE), SECOND) > 0.99
    assert alike(heard(items), SECOND) > 0.99


def test_a_realtime_agent_that_is_interrupted_is_told_how_much_was_heard():
    cuts = []

    async def agent(socket):
        await greet(socket)
        await send(socket, type="input_audio_buffer.speech_started", audio_start_ms=0)
        for _ in range(4):
            part = delta(tone(0.5, 24000))
            await send(socket, type="response.output_audio.delta", item_id="a", delta=part)
        await asyncio.sleep(0.7)
        await send(socket, type="input_audio_buffer.speech_started", audio_start_ms=700)
        cuts.append(json.loads(await socket.recv()))
        late, new = delta(tone(0.2, 24000)), delta(tone(0.1, 24000))
        await send(socket, type="response.output_audio.delta", item_id="a", delta=late)
        await send(socket, type="response.output_audio.delta", item_id="b", delta=new)

    items = run_virtual(call(agent, Realtime, said=SECOND[:0]))
    assert cuts == [
        {
            "type": "conversation.item.truncate",
            "item_id": "a",
            "content_index": 0,
            "audio_end_ms": approx(700, abs=2),
        }
    ]
    kinds = [type(item) for item in items]
    assert kinds == [Flushed, *[AudioFrame] * 4, Flushed, AudioFrame]
    assert len(items[-1].samples) == 1600  # the next item; what came late of the first is dropped


def test_a_realtime_agent_that_was_heard_out_is_not_truncated():
    async def agent(socket):
        await greet(socket)
        part = delta(tone(0.5, 24000))
        await send(socket, type="response.output_audio.delta", item_id="a", delta=part)
        await asyncio.sleep(0.6)
        await send(socket, type="input_audio_buffer.speech_started", audio_start_ms=700)
        await send(socket, type="response.output_audio.delta", item_id="a", delta=part)
        await socket.close()
        assert [message async for message in socket] == []

    items = run_virtual(call(agent, Realtime, said=SECOND[:0]))
    assert [type(item) for item in items] == [AudioFrame, Flushed, AudioFrame]


@mark.parametrize("before", [True, False])
def test_what_a_realtime_agent_complains_of_is_the_reason(before):
    async def agent(socket):
        if not before:
            await greet(socket)
        await send(socket, type="error", error={"type": "x", "message": "no such model"})

    with raises(CallError, match=r"^realtime\+ws://127.*the error|error was.* no such model"):
        asyncio.run(call(agent, Realtime, said=SECOND[:0]))


# --- Twilio -------------------------------------------------------------------------------------


async def say(socket, start, samples):
    """Sound at 8 kHz on a media stream."""
    payload = base64.b64encode(mulaw_encode(samples)).decode()
    await send(socket, event="media", streamSid=start["streamSid"], media={"payload": payload})


def test_a_media_stream_carries_mulaw_both_ways_with_numbers_as_text():
    taken, starts = [], []

    async def agent(socket):
        starts.append(await answered(socket))
        for number in range(1, 51):
            event = json.loads(await socket.recv())
            media = event["media"]
            assert (event["event"], media["track"]) == ("media", "inbound")
            assert event["sequenceNumber"] == str(number + 1)
            assert (media["chunk"], media["timestamp"]) == (str(number), str(20 * (number - 1)))
            taken.append(base64.b64decode(media["payload"], validate=True))
        await say(socket, starts[0], tone(1.0, 8000))

    target = lambda url: MediaStream(url, {"who": "bench"})  # noqa: E731
    items = asyncio.run(call(agent, target))
    assert starts[0]["start"]["customParameters"] == {"who": "bench"}
    assert {len(payload) for payload in taken} == {160}
    sent = resampled(mulaw_decode(b"".join(taken)), 8000, RATE)
    assert alike(sent, SECOND) > 0.99
    assert alike(heard(items), SECOND) > 0.99


def test_a_mark_comes_back_when_its_sound_was_heard_and_all_of_them_on_a_clear():
    log = []

    async def agent(socket):
        start = await answered(socket)
        stream = {"streamSid": start["streamSid"]}
        await send(socket, event="mark", mark={"name": "empty"}, **stream)
        await say(socket, start, tone(0.1, 8000))
        await send(socket, event="mark", mark={"name": "short"}, **stream)
        await say(socket, start, tone(5.0, 8000))
        await send(socket, event="mark", mark={"name": "long"}, **stream)
        await send(socket, event="mark", mark={"name": "longer"}, **stream)
        async for message in socket:
            event = json.loads(message)
            what = event.get("mark", {}).get("name") or event["event"]
            log.append(event.get("dtmf", {}).get("digit") or what)
            if log.count("media") == 10 and log[-1] == "media":
                await send(socket, event="clear", **stream)

    async def scene():
        async with answering(agent) as address:
            line = await MediaStream(f"ws://{address}/").connect()
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(everything(line))
                for frame in frames(SECOND)[:15]:
                    await asyncio.sleep(0.02)
                    await line.speak(frame)
                await line.press("#")
                await asyncio.sleep(0.1)
                await line.hang_up()
                await line.hang_up()
            return listening.result()

    items = run_virtual(scene())
    assert [type(item) for item in items] == [AudioFrame, AudioFrame, Flushed]
    assert log[-2:] == ["#", "stop"]
    assert log.index("empty") == 1  # with the first frame: there was nothing to wait for
    assert log[: log.index("short")].count("media") in (5, 6)  # 100 ms are five frames
    assert log[: log.index("long")].count("media") in (10, 11)  # at the clear
    assert log.index("longer") == log.index("long") + 1
    assert log.count("mark") == 0


def test_the_upgrade_is_signed_where_there_is_a_token(monkeypatch):
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "12345")
    seen = []

    def refuse(connection, request):
        seen.append(request.headers["X-Twilio-Signature"])
        return connection.respond(403, "who are you?")

    async def scene():
        async with answering(None, process_request=refuse) as address:
            with raises(CallError, match="HTTP 403 who are you"):
                await MediaStream(f"ws://{address}/media").connect()
            return address

    address = asyncio.run(scene())
    signed = hmac.new(b"12345", f"ws://{address}/media".encode(), hashlib.sha1).digest()
    assert base64.b64decode(seen[0]) == signed


@mark.parametrize(
    ("event", "sentence"),
    [
        ({"event": "media", "streamSid": "mine", "media": {"payload": "%%%"}}, "in base64"),
        ({"event": "media", "streamSid": "mine", "media": {}}, "in base64"),
        ({"event": "media", "streamSid": "mine"}, "media.payload"),
        ({"event": "media", "streamSid": "other", "media": {"payload": ""}}, "expected streamSid"),
        ({"event": "mark", "streamSid": "mine", "mark": "x"}, "mark.name"),
    ],
)
def test_what_a_media_stream_may_not_get_is_a_sentence(event, sentence):
    async def agent(socket):
        sid = (await answered(socket))["streamSid"]
        await send(socket, event="something new")
        await send(socket, **{k: sid if v == "mine" else v for k, v in event.items()})

    with raises(ProtocolError, match=rf"^twilio\+ws://127.*{sentence}"):
        asyncio.run(call(agent, MediaStream, said=SECOND[:0]))


# --- Moshi --------------------------------------------------------------------------------------


def ogg_opus(samples, rate):
    """A whole Ogg-Opus file as FFmpeg writes it."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def opus_sound(data):
    """The sound of a whole Ogg-Opus file as FFmpeg reads it, at 48 kHz."""
    with av.open(io.BytesIO(data), format="ogg") as container:
        return np.concatenate([f.to_ndarray().mean(axis=0) for f in container.decode(audio=0)])


def test_moshi_hears_ogg_opus_page_by_page_and_is_heard():
    taken = []

    async def agent(socket):
        await socket.send(b"\x00")
        while len(taken) < 51:
            message = await socket.recv()
            assert message[:1] == b"\x01"
            taken.append(message[1:])
        file = ogg_opus(tone(1.0, 24000), 24000)
        await socket.send(b"\x02words")
        for at in range(0, len(file), 100):  # cut without regard to pages
            await socket.send(b"\x01" + file[at : at + 100])
        await socket.send(b"\x06")
        await socket.send(b"")

    items = asyncio.run(call(agent, Moshi, path="/api/chat"))
    assert all(page.startswith(b"OggS") for page in taken)  # one frame each: nothing is held back
    assert alike(resampled(opus_sound(b"".join(taken)), 48000, RATE), SECOND) > 0.97
    assert alike(heard(items), SECOND) > 0.97
    assert len(heard(items)) >= 0.95 * RATE


@mark.parametrize(
    ("message", "sentence"),
    [
        (b"\x01garbage that is no page", "expected an Ogg page, found b'garbage"),
        (b"\x05out of memory", "the agent says: out of memory"),
        ("text", "expected bytes, found text 'text'"),
    ],
)
def test_what_moshi_may_not_send_is_a_sentence(message, sentence):
    async def agent(socket):
        await ready(socket, Moshi)
        await socket.send(message)

    with raises(CallError, match=sentence):
        asyncio.run(call(agent, Moshi, said=SECOND[:0]))


def test_moshis_sound_before_its_header_and_packets_that_are_no_opus_are_sentences():
    async def agent(socket):
        await ready(socket, Moshi)
        await socket.send(b"\x01" + OggWriter(1).page(b"sound", 0))

    async def garbled(socket):
        await ready(socket, Moshi)
        writer = OggWriter(1)
        head = b"OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"
        await socket.send(b"\x01" + writer.begin(head) + writer.page(b"\xff\xff\xff", 0))

    with raises(ProtocolError, match="expected an OpusHead first, found b'sound'"):
        asyncio.run(call(agent, Moshi, said=SECOND[:0]))
    with raises(ProtocolError, match="expected an Opus packet, found 3 bytes"):
        asyncio.run(call(garbled, Moshi, said=SECOND[:0]))
