"""Callers over WebRTC who behave badly: a sentence or a clean end, and that call only."""

import asyncio
from dataclasses import replace

from pytest import mark

from tests.support.tools import package
from tests.support.webrtc_agent import LIMITS, SETTINGS, Singer, running
from tests.support.webrtc_client import ask, calling, new_caller, offer

pytestmark = mark.e2e
package("aiortc")

CANDIDATE = "candidate:{0} 1 udp 2122 192.0.2.7 {1} typ host"


async def an_offer(munge=lambda text: text, **options):
    """An offer of a caller who does not stay."""
    caller = new_caller(**options)
    asked = await offer(caller)
    await caller.connection.close()
    return asked | {"sdp": munge(asked["sdp"])}


async def answer_to(body, method="POST", path="/api/offer", **settings):
    async with running(Singer(), **settings) as address:
        return await ask(address, method, path, body)


def refusal(make, **settings):
    async def scene():
        return await answer_to(await make(), **settings)

    status, _, answer = asyncio.run(scene())
    return status, answer["error"]


def test_a_body_that_is_no_json_is_refused():
    async def no_json():
        return b"v=0"

    assert refusal(no_json) == (400, "expected a JSON object, found none")


@mark.parametrize("body", [[], {}, {"sdp": 5, "type": "offer"}, {"sdp": "v=0", "type": "answer"}])
def test_a_body_that_is_no_offer_is_refused(body):
    async def none():
        return body

    status, sentence = refusal(none)
    assert status == 400
    assert sentence.startswith("expected")


@mark.parametrize(
    "munge",
    [
        lambda text: "",
        lambda text: "hello",
        lambda text: text.replace("a=rtpmap:96 opus/48000/2", "a=rtpmap:x"),
        lambda text: text.replace("a=fingerprint:sha-256", "a=fingerprint:"),
        lambda text: text.replace("a=setup:actpass", "a=setup:sideways"),
        lambda text: text.replace("UDP/TLS/RTP/SAVPF", ""),
        lambda text: text.replace("a=ice-ufrag:", "a=ice-"),
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("\r\n", "\r\nm=audio 9 RTP/SAVPF 0\r\n"),
    ],
    ids=range(9),
)
def test_an_offer_that_cannot_be_read_is_refused(munge):
    status, sentence = refusal(lambda: an_offer(munge))
    assert status in {400, 422}
    assert sentence.startswith("sdp: ")


def test_an_offer_of_video_alone_is_refused():
    status, sentence = refusal(lambda: an_offer(audio=False, video=True))
    assert status == 422
    assert "m=audio" in sentence


def test_an_offer_of_codecs_that_we_lack_is_refused():
    def lacking(text):
        return text.replace("opus/48000", "speex/16000")

    status, sentence = refusal(lambda: an_offer(lacking, codecs=("opus",)))
    assert status == 422
    assert "opus, G722, PCMU, PCMA" in sentence


def test_an_offer_that_only_listens_is_refused():
    status, sentence = refusal(lambda: an_offer(lambda t: t.replace("sendrecv", "recvonly")))
    assert status == 422
    assert "both ways" in sentence


def test_an_offer_beyond_64_kib_is_refused():
    async def ten_thousand_candidates():
        lines = "".join(f"a={CANDIDATE.format(n, 5000)}\r\n" for n in range(10_000))
        return await an_offer(lambda text: text + lines)

    assert refusal(ten_thousand_candidates)[0] == 413


def test_an_offer_of_a_hundred_candidates_is_refused():
    lines = "".join(f"a={CANDIDATE.format(n, 5000)}\r\n" for n in range(100))
    status, sentence = refusal(lambda: an_offer(lambda text: text + lines))
    assert status == 400
    assert "at most 64 candidates" in sentence


def test_candidates_are_limited_and_must_be_readable():
    async def scene():
        async with running(Singer()) as address, calling(address) as caller:
            found = []
            for candidates in (
                "none",
                [5],
                [{"candidate": "x"}],
                [{"candidate": CANDIDATE.format(1, "port"), "sdpMid": "0"}],
                [{"candidate": CANDIDATE.format(1, 5000), "sdpMid": "0"}],
                [{"candidate": CANDIDATE.format(n, 5000), "sdpMid": "0"} for n in range(70)],
            ):
                body = caller.pass_ | {"candidates": candidates}
                found.append((await ask(address, "PATCH", "/api/offer", body))[0])
            caller.tell(type="bye")
        return found

    assert asyncio.run(scene()) == [400, 400, 400, 400, 204, 429]


@mark.parametrize(("method", "path"), [("PATCH", "/api/offer"), ("DELETE", "/api/offer"),
                                       ("POST", "/api/bye"), ("POST", "/api/offer")])  # fmt: skip
def test_without_its_key_nobody_gets_at_a_call(method, path):
    async def scene():
        async with running(Singer()) as address, calling(address) as caller:
            body = {"call": caller.call, "key": "guessed", "sdp": "v=0", "type": "offer"}
            status, _, answer = await ask(address, method, path, body)
            caller.tell(type="bye")
        return status, answer["error"]

    status, sentence = asyncio.run(scene())
    assert status == 404
    assert "its key" in sentence


def test_a_full_server_says_when_to_come_back():
    async def scene():
        async with running(Singer(), max_calls=1) as address, calling(address) as caller:
            found = await ask(address, "POST", "/api/offer", await an_offer())
            again = await ask(address, "GET", "/api/ice")
            caller.tell(type="bye")
        return found, again

    (status, headers, answer), again = asyncio.run(scene())
    assert (status, headers["Retry-After"]) == (503, "5")
    assert "fewer than 1 calls" in answer["error"]
    assert again[0] == 503


def test_of_offers_at_one_moment_no_more_become_calls_than_there_is_room_for():
    async def scene():
        offers = [await an_offer() for _ in range(4)]
        async with running(Singer(), max_calls=1) as address:
            asked = [ask(address, "POST", "/api/offer", offer) for offer in offers]
            answers = await asyncio.gather(*asked)
            for status, _, answer in answers:
                if status == 200:
                    mine = {"call": answer["call"], "key": answer["key"]}
                    await ask(address, "DELETE", "/api/offer", mine)
        return answers

    answers = sorted(asyncio.run(scene()), key=lambda answer: answer[0])
    assert [status for status, _, _ in answers] == [200, 503, 503, 503]
    assert all(headers["Retry-After"] == "5" for _, headers, _ in answers[1:])
    assert all("fewer than 1 calls" in answer["error"] for _, _, answer in answers[1:])


def test_a_foreign_page_and_a_caller_without_a_token_are_refused():
    async def scene():
        async with running(Singer(), tokens=("secret",)) as address:
            body, foreign = await an_offer(), {"Origin": "https://example.org"}
            pages = await ask(address, "POST", "/api/offer", body, foreign)
            tokens = await ask(address, "POST", "/api/offer", body)
            ice = await ask(address, "GET", "/api/ice?token=secret")
        return pages[0], tokens[0], ice[0], ice[2]

    assert asyncio.run(scene()) == (403, 401, 200, {"iceServers": []})


@mark.parametrize(
    ("message", "words"),
    [
        ("x" * 5_000, "at most 4096 bytes"),
        (b"\0\1\2", "expected JSON text, found 3 bytes"),
        ("{}", '"type"'),
        ('{"type":"dance"}', "expected one of"),
        ('{"type":"start","version":1,"rate":16000}', "expected digit, text, ear or bye"),
        ('{"type":"ear","loss":7}', "loss: expected 0 to 1"),
        ('{"type":"ear","buffer_s":NaN}', "buffer_s: expected 0 to 10"),
    ],
)
def test_words_that_break_the_protocol_end_the_call_with_a_sentence(message, words):
    async def scene():
        async with running(Singer()) as address, calling(address) as caller:
            caller.channel.send(message)
            await caller.until(lambda: len(caller.messages) == 2)
            return caller.messages

    error, ended = asyncio.run(scene())
    assert words in error["message"]
    assert ended == {"type": "ended", "reason": "error"}


def test_sixty_kilobytes_of_words_end_the_call_and_no_other():
    async def scene():
        agent = Singer()
        async with (
            running(agent) as address,
            calling(address) as good,
            calling(address) as bad,
        ):
            bad.channel.send("x" * 60_000)
            await bad.until(lambda: any(m["type"] == "ended" for m in bad.messages))
            before = len(good.sound)
            await good.until(lambda: len(good.sound) > before + 9_600)
            good.tell(type="bye")
        return [call.ended for call in agent.calls]

    assert asyncio.run(scene()) == ["bye", "error"]


def test_a_caller_who_sends_no_sound_is_told_so():
    async def scene():
        agent = Singer()
        async with running(agent) as address, calling(address, silent=True) as caller:
            await caller.until(lambda: len(caller.messages) == 2)
            return caller.messages

    error, ended = asyncio.run(scene())
    assert error["message"] == "expected sound all the time, found none for 1.5 s"
    assert ended["reason"] == "idle"


def test_a_caller_ten_times_too_fast_is_held_to_the_limits():
    async def scene():
        agent = Singer()
        async with running(agent) as address, calling(address, speed=10.0) as caller:
            await caller.until(lambda: len(agent.sound) > 1.5 * SETTINGS.rate)
            waiting_s = agent.calls[0].hearing.sound.buffer.waiting_s
            dropped = agent.calls[0].hearing.sound.buffer.dropped
            seconds = len(agent.sound) / SETTINGS.rate
            caller.tell(type="bye")
        return waiting_s, dropped, seconds

    waiting_s, dropped, seconds = asyncio.run(scene())
    assert waiting_s <= SETTINGS.jitter.most_s
    assert dropped > 0
    assert seconds < 4


def test_a_caller_who_closes_in_the_middle_of_the_handshake_is_forgotten():
    async def scene():
        agent = Singer()
        settings = replace(SETTINGS, presence=replace(LIMITS, connect_s=0.5))
        async with running(agent, settings) as address:
            caller = new_caller()
            status, _, answer = await ask(address, "POST", "/api/offer", await offer(caller))
            await caller.connection.close()
            await caller.until(lambda: agent.calls[0].ended is not None)
            body = {"call": answer["call"], "key": answer["key"]}
            gone, _, _ = await ask(address, "DELETE", "/api/offer", body)
        return agent, status, gone

    agent, status, gone = asyncio.run(scene())
    assert (status, gone, agent.calls[0].ended) == (200, 404, "lost")
