"""Telephone providers against the real server: whole calls, bad guests, and the documents.

The providers are simulated, from their documents: no real one was reached.
"""

import asyncio
import contextlib
import json
import logging
import random
import socket
from urllib.parse import urlencode
from xml.etree import ElementTree

import numpy as np
from pytest import mark, raises
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.admission import ServerSettings
from agent.core.audio import AudioFrame
from agent.core.calls import Transfer
from agent.core.errors import CallClosed
from agent.core.events import Digit
from agent.entrances.media_stream import MediaStreamEntrance
from agent.entrances.media_stream_settings import MediaStreamSettings
from audio_io.media_stream.dialects import DIALECTS
from audio_io.media_stream.socket import StreamLimits
from floorbench.targets.media_stream import MediaStream
from tests.audio_io.test_media_stream_wire import MESSAGES, mutated
from tests.support.agents import alike, frames, heard, tone
from tests.support.provider import (
    CALL,
    NUMBER,
    PROVIDERS,
    Phone,
    WebSocketLine,
    delay_and_likeness,
    speech_like,
)
from tests.support.servers import serve

pytestmark = mark.e2e

TOKEN = "12345678901234567890123456789012"


async def echo(call):
    async for item in call.frames():
        if isinstance(item, AudioFrame):
            await call.play(AudioFrame(item.samples, call.play_rate, item.start))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.asynccontextmanager
async def running(agent=echo, server=None, **changes):
    """The address of a server that providers may call."""
    port = free_port()
    secrets = dict.fromkeys(DIALECTS, (TOKEN,))
    table = {
        "public_url": f"http://127.0.0.1:{port}",
        "providers": tuple(DIALECTS),
        "secrets": secrets,
    }
    settings = MediaStreamSettings(**table | changes)
    made = []

    def entrance(switchboard):
        made.append(MediaStreamEntrance(switchboard, settings))
        return made[0]

    async def talk(call):
        with contextlib.suppress(CallClosed):
            await agent(call)

    ready = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        options = ServerSettings(port=port, **server or {})
        served = group.create_task(serve(options, talk, ready.set_result, (entrance,)))
        try:
            yield (await ready).removeprefix("http://")
        finally:
            served.cancel()


def shown(provider, url):
    """What a provider shows when it opens a stream."""
    if provider == "twilio":
        return {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(url, {})}
    if provider == "plivo":
        from agent.entrances.media_stream_access import Asked, plivo_signature

        nonce = str(random.getrandbits(60))
        signature = plivo_signature(Asked(url), nonce, TOKEN)
        return {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": nonce}
    return {"Authorization": f"Bearer {TOKEN}"}


@contextlib.asynccontextmanager
async def line(address, provider="twilio", headers=None, query="", protocol=None):
    url = f"ws://{address}/media/{provider}"
    headers = shown(provider, url) if headers is None else headers
    offered = [protocol] if protocol else None
    options = {"additional_headers": headers, "subprotocols": offered, "compression": None}
    async with connect(url + query, proxy=None, **options) as connection:
        yield connection


@contextlib.asynccontextmanager
async def phoning(address, provider="twilio", **options):
    shape = PROVIDERS[provider]()
    async with line(address, provider, protocol=shape.protocol, **options) as connection:
        phone = Phone(WebSocketLine(connection), shape)
        yield phone


async def fetch(address, path, form=None, headers=None, kind="application/x-www-form-urlencoded"):
    """Status, headers and body, over a socket of our own."""
    reader, writer = await asyncio.open_connection(*address.split(":"))
    body = b"" if form is None else (form if isinstance(form, bytes) else urlencode(form).encode())
    lines = [f"{'GET' if form is None else 'POST'} {path} HTTP/1.1", f"Host: {address}"]
    lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
    lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, text = answer.partition("\r\n\r\n")
    return int(head.split()[1]), head.lower(), text


def echoed(said, phone):
    """How alike the sound is that came back, 0..1; when it came is another question."""
    shift_s, likeness = delay_and_likeness(said, phone.loudspeaker.stream(), phone.shape.rate)
    assert shift_s < 0.001
    return likeness


# --- whole calls --------------------------------------------------------------------------------


def test_a_whole_call_with_every_provider_at_once():
    """With an agent that says back what it hears; the delays are printed, on two busy cores."""

    async def one(address, provider):
        async with phoning(address, provider) as phone:
            said = speech_like(2.0, phone.shape.rate)
            await phone.call(np.concatenate((said, np.zeros(phone.shape.rate // 4, np.float32))))
            return provider, said, phone

    async def scene():
        async with running() as address, asyncio.TaskGroup() as group:
            calls = [group.create_task(one(address, provider)) for provider in DIALECTS]
            return [await call for call in calls]

    for provider, said, phone in asyncio.run(scene()):
        likeness = echoed(said, phone)
        delays_ms = np.sort(phone.loudspeaker.delays_s()) * 1000
        print(  # noqa: T201
            f"{provider}: heard {np.median(delays_ms):.1f} ms after it was said, p95 "
            f"{delays_ms[int(len(delays_ms) * 0.95)]:.1f}, 20 of them the frame's own length; "
            f"likeness {likeness:.4f}"
        )
        assert likeness > 0.99


def test_floorbenchs_own_caller_is_served_as_well(monkeypatch):
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    said = tone(1.0)

    async def scene():
        async with running() as address:
            target = MediaStream(f"ws://{address}/media/twilio", {"who": "bench"})
            caller = await target.connect()
            items = []
            async with asyncio.TaskGroup() as group:

                async def listen():
                    items.extend([item async for item in caller.sound()])

                group.create_task(listen())
                for frame in frames(said):
                    await caller.speak(frame)
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.2)
                await caller.hang_up()
            return items

    assert alike(heard(asyncio.run(scene())), said, within_s=0.2) > 0.98


def test_a_call_as_twilio_makes_it_from_its_question_to_the_transfer():
    """The answer's TwiML, the stream it names with its parameters, keys, and where to go then."""
    told = []

    async def desk(call):
        async for item in call.frames():
            if isinstance(item, Digit):
                told.append((item.digit, dict(call.about)))
                await call.order(Transfer("+15559870000", "A table & a question."))

    async def scene():
        async with running(desk, parameters={"menu": "lunch"}) as address:
            form = {"CallSid": CALL, "From": NUMBER, "To": "+15551230002"}
            signed = lambda path, form: {  # noqa: E731
                "X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(
                    f"http://{address}{path}", form
                )
            }
            path = "/media/twilio/answer"
            status, _, twiml = await fetch(address, path, form, signed(path, form))
            assert status == 200
            connect_verb = ElementTree.fromstring(twiml).find("Connect")
            assert connect_verb.find("Stream").get("url") == f"ws://{address}/media/twilio"
            parameters = {p.get("name"): p.get("value") for p in connect_verb.iter("Parameter")}
            async with phoning(address) as phone:
                begin = json.loads(phone.shape.opening()[1])
                begin["start"]["customParameters"] = parameters
                phone.shape.opening = lambda: [json.dumps(begin)]
                await phone.call(np.zeros(8000, np.float32), then={10: phone.shape.dtmf("0")})
            after = connect_verb.get("action").removeprefix(f"http://{address}")
            answers = [await fetch(address, after, form, signed(after, form)) for _ in range(2)]
            whisper = after.replace("after", "whisper")
            form = {"CallSid": "CAother", "ParentCallSid": CALL}
            answers += [await fetch(address, whisper, form, signed(whisper, form)) for _ in "12"]
            stranger = await fetch(address, whisper, form)
            trees = [ElementTree.fromstring(text) for _, _, text in answers]
            return phone.ended, trees, stranger[0]

    ended, (first, second, told_colleague, nothing), stranger = asyncio.run(scene())
    assert ended == (1000, "transferred")
    assert first.find("Dial/Number").text == "+15559870000"
    assert first.find("Dial/Number").get("url") == "whisper"
    assert second.find("Hangup") is not None
    assert told_colleague.find("Say").text == "A table & a question."
    assert (len(nothing), stranger) == (0, 403)
    ((digit, about),) = told
    assert digit == "0"
    assert (about["menu"], about["from"], about["call"]) == ("lunch", NUMBER, CALL)


def test_a_barge_in_is_silent_at_the_caller_at_once_and_what_was_heard_is_by_marks():
    figures = []

    async def agent(call):
        async def talk():
            for at in range(1000):
                tone_ = np.full(call.frame_samples, 0.25, np.float32)
                await call.play(AudioFrame(tone_, call.play_rate, at * call.frame_samples))

        async with asyncio.TaskGroup() as group:
            talking = group.create_task(talk())
            async for item in call.frames():
                if isinstance(item, Digit):
                    figures.append(call.played())
                    talking.cancel()
                    call.flush()

    async def scene():
        async with running(agent) as address, phoning(address) as phone:
            await phone.call(np.zeros(8000, np.float32), then={30: phone.shape.dtmf("1")})
            return phone

    phone = asyncio.run(scene())
    (clear_s,) = phone.clears
    heard_s = len(phone.loudspeaker.heard()) / 8000
    print(f"cleared at {clear_s:.3f} s, heard {heard_s:.3f} s, told {figures[0] / 8000:.3f} s")  # noqa: T201
    assert heard_s <= clear_s + 0.001
    assert abs(figures[0] / 8000 - heard_s) < 0.25
    assert phone.loudspeaker.most_waiting_s < 0.2


# --- who may not come in ------------------------------------------------------------------------


async def refused(address, provider="twilio", headers=None, query=""):
    with raises(InvalidStatus) as refusal:
        async with line(address, provider, headers, query):
            pass
    response = refusal.value.response
    return response.status_code, response.headers


def test_who_shows_nothing_or_something_false_is_refused_before_the_upgrade(caplog):
    caplog.set_level(logging.DEBUG)

    async def scene():
        async with running() as address:
            other = RequestValidator(TOKEN).compute_signature(f"ws://{address}/media/plivo", {})
            return [
                (await refused(address, "twilio", {}))[0],
                (await refused(address, "twilio", {"X-Twilio-Signature": "AAAA"}))[0],
                (await refused(address, "twilio", {"X-Twilio-Signature": other}))[0],
                (await refused(address, "plivo", {}))[0],
                (await refused(address, "telnyx", {"Authorization": "Bearer x"}))[0],
                (await refused(address, "jambonz", {}))[0],
                (await fetch(address, "/media/twilio/answer", {"From": NUMBER}))[0],
                (await fetch(address, "/media/exotel/answer"))[0],
            ]

    assert asyncio.run(scene()) == [403, 403, 403, 403, 401, 401, 403, 401]
    assert NUMBER not in caplog.text
    assert TOKEN not in caplog.text


def test_a_signature_with_a_nonce_that_comes_again_is_refused():
    async def scene():
        async with running() as address:
            headers = shown("plivo", f"ws://{address}/media/plivo")
            async with line(address, "plivo", headers) as connection:
                await connection.close()
            return (await refused(address, "plivo", headers))[0]

    assert asyncio.run(scene()) == 403


def test_a_signature_that_was_overheard_opens_no_second_stream_where_tickets_are_asked_for():
    async def scene():
        async with running(providers=("twilio",), tickets=True) as address:
            path = f"http://{address}/media/twilio/answer"
            signed = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(path, {})}
            _, _, twiml = await fetch(address, "/media/twilio/answer", headers=signed)
            parameters = ElementTree.fromstring(twiml).iter("Parameter")
            (ticket,) = [p.get("value") for p in parameters if p.get("name") == "ticket"]
            ends = []
            for shown_ticket in (ticket, ticket, ""):
                async with phoning(address) as phone:
                    begin = json.loads(phone.shape.opening()[1])
                    begin["start"]["customParameters"] = {"ticket": shown_ticket}
                    phone.shape.opening = lambda begin=begin: [json.dumps(begin)]
                    await phone.call(np.zeros(1600, np.float32))
                ends.append(phone.ended[0])
            return ends

    assert asyncio.run(scene()) == [1000, 1008, 1008]


def test_the_host_that_a_client_names_is_not_believed():
    async def scene():
        async with running(public_url="https://phone.example.org") as address:
            public = "wss://phone.example.org/media/twilio"
            good = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(public, {})}
            async with line(address, "twilio", good) as connection:
                await connection.close()
            claimed = {
                **shown("twilio", f"ws://{address}/media/twilio"),
                "X-Forwarded-Host": address,
            }
            return (await refused(address, "twilio", claimed))[0]

    assert asyncio.run(scene()) == 403


def test_a_provider_that_is_not_in_the_settings_finds_nothing():
    async def scene():
        async with running(providers=("telnyx",)) as address:
            return [
                (await refused(address, "twilio"))[0],
                (await refused(address, "sprint", {}))[0],
                (await fetch(address, "/media/twilio/answer"))[0],
                (await fetch(address, f"/media/telnyx/nothing?token={TOKEN}"))[0],
            ]

    assert asyncio.run(scene()) == [404, 404, 404, 404]


def test_freeswitch_is_told_that_nobody_answers_it_with_documents():
    async def scene():
        async with running() as address:
            return await fetch(address, f"/media/audio_fork/answer?token={TOKEN}")

    status, _, text = asyncio.run(scene())
    assert (status, json.loads(text)["error"]) == (404, "audio_fork asks for no document")


def test_a_full_server_says_when_to_call_again():
    async def scene():
        async with running(server={"max_calls": 1}) as address, phoning(address) as phone:
            await phone.open()
            status, headers = await refused(address)
            await phone.hang_up()
            return status, headers["Retry-After"]

    assert asyncio.run(scene()) == (503, "5")


def test_a_caller_who_may_not_call_is_turned_away_in_the_answer_and_on_the_stream():
    calls = []

    async def agent(call):
        calls.append(call)

    async def scene():
        async with running(agent, callers=("+15550000000",)) as address:
            path = "/media/telnyx/answer"
            headers = {"Authorization": f"Bearer {TOKEN}"}
            _, _, texml = await fetch(address, path, {"From": NUMBER}, headers)
            _, _, other = await fetch(address, path, {"From": "+15550000000"}, headers)
            async with phoning(address, "telnyx") as phone:
                await phone.open()
                await phone.listen()
            return texml, other, phone.ended

    texml, other, ended = asyncio.run(scene())
    assert "<Reject/>" in texml
    assert "<Stream" in other
    assert ended == (1008, "expected a caller who may call, found another")
    assert calls == []


def test_the_subprotocol_of_jambonz_is_agreed_to_and_freeswitch_sets_its_rate():
    rates = []

    async def agent(call):
        rates.append((call.rate, dict(call.about)))

    async def scene():
        async with running(agent) as address:
            async with line(address, "jambonz", protocol="audio.jambonz.org") as connection:
                agreed = connection.subprotocol
            async with phoning(address, "audio_fork", query="?rate=16000") as phone:
                await phone.open()
                await phone.listen()
            async with line(address, "audio_stream", query="?rate=99") as connection:
                await connection.send(bytes(640))
                with raises(ConnectionClosed):
                    await connection.recv()
            return agreed

    assert asyncio.run(scene()) == "audio.jambonz.org"
    assert rates == [(16_000, {"call": CALL, "table": "12", "from": NUMBER}), (8000, {})]


def test_documents_are_asked_for_in_every_way():
    async def scene():
        async with running() as address:
            token = {"Authorization": f"Bearer {TOKEN}"}
            exotel = await fetch(address, f"/media/exotel/answer?token={TOKEN}&CallFrom=0800")
            body = json.dumps({"call_sid": CALL, "from": NUMBER, "n": 1}).encode()
            jambonz = await fetch(address, "/media/jambonz/answer", body, token, "application/json")
            odd = [
                await fetch(address, "/media/jambonz/after", odd, token, "application/json")
                for odd in (b"[", b"[1]", b"x" * 70_000)
            ]
            return exotel, jambonz, odd

    exotel, jambonz, odd = asyncio.run(scene())
    assert json.loads(exotel[2])["url"].startswith(f"ws://parley:{TOKEN}@127.0.0.1")
    assert "cache-control: no-store" in exotel[1]
    assert json.loads(jambonz[2])[0]["metadata"] == {"from": NUMBER}
    assert [json.loads(text) for _, _, text in odd] == [[{"verb": "hangup"}]] * 3


# --- bad guests ---------------------------------------------------------------------------------


def test_bad_guests_are_closed_with_a_code_and_others_never_notice():
    async def closed(address, *messages, provider="twilio"):
        async with line(address, provider) as connection:
            for message in messages:
                await connection.send(message)
            with raises(ConnectionClosed) as end:
                while True:
                    await connection.recv()
            return end.value.rcvd.code

    async def scene():
        limits = StreamLimits(start_s=0.3, idle_s=0.5)
        async with running(limits=limits) as address, phoning(address) as phone:
            start = PROVIDERS["twilio"]().opening()
            late = PROVIDERS["twilio"]()
            said = speech_like(1.5, 8000)
            async with asyncio.TaskGroup() as group:
                good = group.create_task(phone.call(said))
                codes = [
                    await closed(address, start[0]),
                    await closed(address, late.media(bytes(160), 0)),
                    await closed(address, *start, *["nonsense"] * 21),
                    await closed(address, *start, "x" * 70_000),
                    await closed(address, *start, "x" * 2_000_000),
                    await closed(address, *start),
                    await closed(address, *start, late.stop()),
                ]
                await good
            return codes, echoed(said, phone)

    codes, likeness = asyncio.run(scene())
    assert codes == [1008, 1002, 1003, 1009, 1009, 1008, 1000]
    assert likeness > 0.99


def test_hundreds_of_mutated_messages_at_the_live_server_harm_nobody():
    rng = random.Random(7)

    async def scene():
        async with running() as address:
            sent = 0
            for provider in DIALECTS:
                for _ in range(3):
                    sent += await flood(address, provider)
            async with phoning(address) as phone:
                said = speech_like(1.0, 8000)
                await phone.call(said)
            return sent, echoed(said, phone)

    async def flood(address, provider):
        messages = [m for n, m in (mutated(rng) for _ in range(300)) if n == provider]
        shape = PROVIDERS[provider]()
        async with line(address, provider, protocol=shape.protocol) as connection:
            with contextlib.suppress(ConnectionClosed, TimeoutError):
                for message in (*shape.opening(), *messages, *MESSAGES[provider]):
                    await connection.send(message)
                async with asyncio.timeout(0.05):
                    while True:
                        await connection.recv()
        return len(messages)

    sent, likeness = asyncio.run(scene())
    assert sent > 500
    assert likeness > 0.99
