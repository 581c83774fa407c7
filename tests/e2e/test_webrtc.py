"""The real server, and callers over WebRTC: sound, words, coming back."""

import asyncio
import gc
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
from pytest import approx, mark

from agent.core.events import Digit, Typed
from audio_io.wire import End
from tests.support.tools import package
from tests.support.webrtc_agent import LIMITS, SETTINGS, Singer, running
from tests.support.webrtc_client import accept, ask, calling, new_caller, offer, pitch, tone

pytestmark = mark.e2e
package("aiortc")

RATE = SETTINGS.rate


def test_both_hear_each_other_and_words_pass():
    async def scene():
        agent = Singer()
        async with running(agent) as address, calling(address) as caller:
            caller.say = tone(440, 3.0)
            caller.tell(type="digit", digit="7")
            caller.tell(type="text", text="a table for two")
            await caller.until(lambda: len(caller.sound) > 1.2 * 48_000)
            await caller.until(lambda: len(agent.sound) > 1.2 * RATE)
            caller.tell(type="bye")
            await caller.until(lambda: {"type": "ended", "reason": "bye"} in caller.messages)
        return agent, caller

    agent, caller = asyncio.run(scene())
    assert pitch(caller.sound[-24_000:]) == approx(660, abs=4)
    assert pitch(agent.sound[-8_000:], RATE) == approx(440, abs=4)
    assert [note["what"] for note in caller.note("said")] == [
        str(Digit("7")),
        str(Typed("a table for two")),
    ]
    assert agent.calls[0].ended == "bye"


@mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
def test_telephone_codecs_do_too(codec):
    async def scene():
        agent = Singer()
        async with running(agent) as address, calling(address, codecs=(codec,)) as caller:
            caller.say = tone(440, 3.0)
            await caller.until(lambda: len(caller.sound) > 9_000 and len(agent.sound) > 1.2 * RATE)
            caller.tell(type="bye")
        return agent, caller

    agent, caller = asyncio.run(scene())
    rate = 16_000 if codec == "G722" else 8_000
    assert pitch(caller.sound[-rate // 2 :], rate) == approx(660, abs=4)
    assert pitch(agent.sound[-8_000:], RATE) == approx(440, abs=4)


def test_video_beside_the_sound_is_left_alone():
    async def scene():
        agent = Singer()
        async with running(agent) as address, calling(address, video=True) as caller:
            await caller.until(lambda: len(caller.sound) > 24_000)
            caller.tell(type="bye")
        return caller.connection

    connection = asyncio.run(scene())
    directions = {t.kind: t.currentDirection for t in connection.getTransceivers()}
    assert directions == {"audio": "sendrecv", "video": "inactive"}


def test_a_browser_is_asked_for_mono_speech_with_copies_of_lost_packets():
    async def scene():
        async with running(Singer()) as address:
            caller = new_caller()
            _, _, answer = await ask(address, "POST", "/api/offer", await offer(caller))
            await ask(address, "DELETE", "/api/offer", {k: answer[k] for k in ("call", "key")})
            await caller.connection.close()
            return answer["sdp"]

    answer = asyncio.run(scene())
    assert "useinbandfec=1;stereo=0" in answer
    assert answer.index("opus/48000") < answer.index("PCMU/8000")


def test_candidates_may_come_later_one_by_one():
    async def scene():
        agent = Singer()
        async with running(agent) as address:
            caller = new_caller()
            asked = await offer(caller)
            lines = asked["sdp"].splitlines()
            found = [line[2:] for line in lines if line.startswith("a=candidate")]
            kept = [line for line in lines if "candidate" not in line]
            asked["sdp"] = "\r\n".join(kept) + "\r\n"
            _, _, answer = await ask(address, "POST", "/api/offer", asked)
            pass_ = {key: answer[key] for key in ("call", "key")}
            named = ["candidate:1 1 udp 2122 8a-11.local 5000 typ host"]
            for candidate in [*named, *found, ""]:
                body = pass_ | {"candidates": [{"candidate": candidate, "sdpMLineIndex": 0}]}
                status, _, _ = await ask(address, "PATCH", "/api/offer", body)
                assert status == 204
            await accept(caller, answer)
            caller.tell(type="bye")
            await caller.until(lambda: caller.messages)
            await caller.connection.close()

    asyncio.run(scene())


def test_a_caller_who_lost_the_connection_comes_back_and_has_missed_nothing():
    async def scene():
        agent = Singer()
        async with running(agent) as address, calling(address) as first:
            await first.until(lambda: len(first.sound) > 24_000)
            silenced = agent.calls[0].hearing
            first.connection._RTCPeerConnection__transceivers[0].sender._enabled = False
            await asyncio.sleep(LIMITS.away_s + 0.4)
            held = agent.handed
            heard = len(agent.sound)
            await asyncio.sleep(0.5)
            assert agent.handed == held
            assert len(agent.sound) - heard > 0.3 * RATE  # silence, at its beat
            async with calling(address, back=first) as second:
                second.say = tone(440, 2.0)
                await second.until(lambda: len(second.sound) > 48_000)
                await second.until(lambda: pitch(agent.sound[-4_000:], RATE) == approx(440, abs=6))
                second.tell(type="bye")
                await second.until(lambda: any(m["type"] == "ended" for m in second.messages))
            assert silenced is agent.calls[0].hearing
        return agent, first, second

    agent, first, second = asyncio.run(scene())
    assert len(agent.calls) == 1
    assert agent.calls[0].joined == 2
    assert (second.call, second.key) == (first.call, first.key)
    assert pitch(second.sound[-24_000:]) == approx(660, abs=4)


def test_a_caller_who_comes_back_too_late_has_to_begin_anew():
    async def scene():
        settings = replace(SETTINGS, presence=replace(LIMITS, rejoin_s=0.3, away_s=0.2))
        agent = Singer()
        async with running(agent, settings) as address:
            async with calling(address) as caller:
                await caller.until(lambda: len(caller.sound) > 9_600)
            await caller.until(lambda: agent.calls[0].ended is not None)
            again = new_caller()
            asked = await offer(again) | caller.pass_
            status, _, answer = await ask(address, "POST", "/api/offer", asked)
            await again.connection.close()
        return agent, status, answer

    agent, status, answer = asyncio.run(scene())
    assert agent.calls[0].ended == "lost"
    assert (status, answer["error"]) == (404, answer["error"])
    assert "begin a new one" in answer["error"]


@mark.parametrize(("method", "path"), [("DELETE", "/api/offer"), ("POST", "/api/bye")])
def test_a_page_that_is_left_hangs_up(method, path):
    async def scene():
        agent = Singer()
        async with running(agent) as address, calling(address) as caller:
            await caller.until(lambda: len(caller.sound) > 9_600)
            status, _, _ = await ask(address, method, path, caller.pass_)
            await caller.until(lambda: any(m["type"] == "ended" for m in caller.messages))
        return agent, status

    agent, status = asyncio.run(scene())
    assert (status, agent.calls[0].ended) == (204, "bye")


def test_a_call_that_the_agent_ends_says_why():
    async def scene():
        agent = Singer()
        async with running(agent) as address, calling(address) as caller:
            await caller.until(lambda: len(caller.sound) > 9_600)
            agent.calls[0].end(End.ERROR, "the agent failed")
            await caller.until(lambda: len(caller.messages) == 2)
            return caller.messages

    assert asyncio.run(scene()) == [
        {"type": "error", "message": "the agent failed"},
        {"type": "ended", "reason": "error"},
    ]


def test_what_was_heard_is_counted_at_the_ear():
    traced = []

    async def scene():
        agent = Singer()
        async with running(agent) as address, calling(address) as caller:
            await caller.until(lambda: len(caller.sound) > 24_000)
            call = agent.calls[0]
            call.report_to(lambda event, **fields: traced.append((event, fields)))
            caller.tell(type="ear", round_trip_s=0.2, buffer_s=0.3, output_latency_s=0.1, loss=0.1)
            await caller.until(lambda: call.ear.delay_s is not None)
            marks = call.traits.marks
            sent_at_report = agent.handed
            await asyncio.sleep(0.7)
            behind_s = (agent.handed - call.played()) / call.play_rate
            moved = agent.handed - sent_at_report
            caller.tell(type="bye")
        return marks, behind_s, moved

    marks, behind_s, moved = asyncio.run(scene())
    assert marks
    assert moved > 0.5 * SETTINGS.play_rate
    assert 0.45 < behind_s < 0.75
    (ear, network) = traced
    assert ear == ("ear", {"round_trip_s": 0.2, "buffer_s": 0.3, "output_latency_s": 0.1,
                           "loss": 0.1, "delay_s": approx(0.5)})  # fmt: skip
    assert network[0] == "network"
    assert network[1]["packets"] > 10


def test_ten_calls_one_after_another_leave_nothing_behind():
    def there():
        gc.collect()
        sockets = len(list(Path("/proc/self/fd").iterdir()))
        return len(asyncio.all_tasks()), threading.active_count(), sockets

    async def scene():
        agent = Singer()
        found = []
        async with running(agent) as address:
            for _ in range(11):
                async with calling(address) as caller:
                    await caller.until(lambda heard=caller: len(heard.sound) > 960)
                    caller.tell(type="bye")
                    await caller.until(lambda told=caller: told.messages)
                await caller.until(lambda: agent.calls[-1].ended)
                await asyncio.sleep(0.1)
                found.append(there())
        return found

    found = asyncio.run(scene())
    assert np.ptp([tasks for tasks, _, _ in found[1:]]) <= 1
    assert found[-1][1] <= found[1][1] + 4  # the client's executor grows to its own limit
    assert found[-1][2] <= found[1][2] + 1
