"""What a call can be told to do, calls that go out, and a registrar."""

import asyncio
import logging
import random
import re
import socket
import subprocess
import sys
import wave

import numpy as np
from pytest import mark, raises

from agent.core.calls import Hold, SendDigits, Transfer
from agent.core.errors import CallClosed, CallError, ConfigError, OrderRefused
from agent.core.events import Digit
from audio_io.sip.setup import place
from tests.audio_io.test_sip_parts import registrar
from tests.support import baresip
from tests.support import sipp as step
from tests.support.sip_phones import caller, free_udp_port, held, telephone, until
from tests.support.sipp import sipp
from tests.support.tools import tool

pytestmark = [mark.e2e, mark.peers]

ANSWERED = [
    step.hear_request("INVITE"),
    step.answer("200 OK", step.sdp()),
    step.hear_request("ACK"),
]


async def called(steps, conversation, **settings):
    """Call a sipp that plays these steps; what the conversation returned, and sipp's status."""
    port = free_udp_port()
    async with asyncio.TaskGroup() as group, caller(**settings) as phone:
        answering = group.create_task(sipp(steps, None, "-p", str(port)))
        await asyncio.sleep(0.4)
        result = await conversation(phone, f"sip:100@127.0.0.1:{port}")
        status, output = await answering
    assert status == 0, output
    return result


def test_keys_go_both_ways_between_baresip_and_the_agent():
    heard = []

    async def agent(call):
        async with asyncio.TaskGroup() as group:
            group.create_task(call.order(SendDigits("47#")))
            heard.extend([i.digit async for i in call.frames() if isinstance(i, Digit)])

    async def scene():
        async with telephone(agent) as (_, port):
            with baresip.phone(port) as handset:
                handset.dial("100")
                await until(lambda: len(handset.heard()) > 4000)
                for key in "5*":
                    await handset.press(key)
                await asyncio.sleep(1)
                handset.hang_up()
                await until(lambda: handset.is_over)
                return handset.log()

    log = asyncio.run(scene())
    assert heard == ["5", "*"]
    assert re.findall(r"received event: '(.)' \(end=1\)", log) == ["4", "7", "#"], log[-1500:]


def test_a_call_that_is_placed_comes_up_and_is_hung_up_by_the_far_side():
    steps = [*ANSWERED, step.pause(0.5), step.ask_back("BYE"), step.hear(200)]

    async def talk(phone, uri):
        call = await place(phone, uri, 5)
        async with held(call):
            async for _ in call.frames():
                pass
            with raises(CallClosed):
                await call.order(Hold(on=True))
        return call.ended

    assert asyncio.run(called(steps, talk)) == "bye"


def test_the_far_side_is_held_taken_back_and_transferred():
    steps = [
        *ANSWERED,
        step.hear_request("INVITE"), step.answer_again("200 OK", step.sdp(direction="recvonly")),
        step.hear_request("ACK"),
        step.hear_request("INVITE"), step.answer_again("200 OK", step.sdp()),
        step.hear_request("ACK"),
        step.hear_request("REFER"), step.answer_again("202 Accepted"), step.notify(200),
        step.hear(200), step.hear_request("BYE"), step.answer_again("200 OK"),
    ]  # fmt: skip

    async def talk(phone, uri):
        call = await place(phone, uri, 5)
        async with held(call):
            await call.order(Hold(on=True))
            await call.order(Hold(on=False))
            await call.order(Transfer("200"))
        return call.ended

    assert asyncio.run(called(steps, talk)) == "hung_up"


def test_a_transfer_that_fails_leaves_the_call_as_it_was():
    steps = [
        *ANSWERED, step.hear_request("REFER"), step.answer_again("202 Accepted"),
        step.notify(486), step.hear(200), step.hear_request("BYE"), step.answer_again("200 OK"),
    ]  # fmt: skip

    async def talk(phone, uri):
        call = await place(phone, uri, 5)
        async with held(call):
            with raises(OrderRefused, match="486"):
                await call.order(Transfer("sip:200@127.0.0.1"))
            return call.ended

    assert asyncio.run(called(steps, talk)) is None


def test_a_call_that_nobody_takes_is_cancelled():
    steps = [
        step.hear_request("INVITE"), step.answer("180 Ringing"), step.hear_request("CANCEL"),
        step.answer_again("200 OK"), step.refuse_invite("487 Request Terminated"),
        step.hear_request("ACK"),
    ]  # fmt: skip

    async def talk(phone, uri):
        with raises(CallError, match="expected an answer within 1 s"):
            await place(phone, uri, 1)

    asyncio.run(called(steps, talk))


def test_a_far_side_that_plays_before_it_answers_is_waited_for_and_then_heard():
    steps = [
        step.hear_request("INVITE"), step.answer("183 Session Progress", step.sdp()),
        step.play("g711a"), step.pause(0.5), step.answer("200 OK"), step.hear_request("ACK"),
        step.play("g711a"), step.pause(1), step.ask_back("BYE"), step.hear(200),
    ]  # fmt: skip

    async def talk(phone, uri):
        call = await place(phone, uri, 5)
        async with held(call):
            return [item async for item in call.frames() if not isinstance(item, Digit)]

    frames = asyncio.run(called(steps, talk))
    assert max(np.abs(frame.samples).max() for frame in frames) > 0.01


def test_a_busy_far_side_is_a_sentence():
    steps = [step.hear_request("INVITE"), step.answer("486 Busy Here"), step.hear_request("ACK")]

    async def talk(phone, uri):
        with raises(CallError, match="busy"):
            await place(phone, uri, 5)

    asyncio.run(called(steps, talk))


def test_an_address_that_is_none_is_a_sentence():
    async def scene():
        async with caller() as phone:
            for to in ("", "sip:a b@c", "sip:100@no-such-host.invalid"):
                with raises(CallError, match="expected"):
                    await place(phone, to, 1)

    asyncio.run(scene())


def test_sipsak_finds_the_telephone_alive():
    program = tool("sipsak")

    async def scene():
        async with telephone() as (_, port):
            process = await asyncio.create_subprocess_exec(
                program, "-s", f"sip:100@127.0.0.1:{port}", stdout=subprocess.DEVNULL
            )
            return await process.wait()

    assert asyncio.run(scene()) == 0


def test_a_call_goes_on_through_two_thousand_broken_datagrams():
    words = random.Random(7)

    async def scene():
        async with telephone(max_calls=2000, stop_s=0.2) as (_, port), caller() as phone:
            call = await place(phone, f"sip:100@127.0.0.1:{port}", 5)
            async with held(call):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                    stranger.bind(("127.0.0.1", 0))
                    for number in range(2000):
                        stranger.sendto(mutated(words, call, number), ("127.0.0.1", port))
                        if number % 20 == 0:
                            await asyncio.sleep(0.005)
                frames = [frame async for frame in first(call.frames(), 25)]
                alive = call.ended is None
            async with held(await place(phone, f"sip:100@127.0.0.1:{port}", 5)) as again:
                return alive, len(frames), again.ended

    assert asyncio.run(scene()) == (True, 25, None)


async def first(frames, count):
    async for frame in frames:
        yield frame
        count -= 1
        if not count:
            return


def mutated(words, call, number):
    """A SIP message with bytes changed, left out, doubled or cut off; some are of the live call."""
    leg = call._line.leg
    method = words.choice(("INVITE", "ACK", "BYE", "OPTIONS", "INFO", "CANCEL", "UPDATE", "REFER"))
    known = number % 3 == 0
    body = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 0 101\r\na=ptime:20\r\n"
    text = (
        f"{method} sip:100@127.0.0.1 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{number};rport\r\n"
        f"From: <sip:x@127.0.0.1>;tag={'wrong' if known else number}\r\n"
        f"To: <sip:100@127.0.0.1>{f';tag={leg.their_tag}' if known else ''}\r\n"
        f"Call-ID: {leg.call_id if known else f'fuzz-{number}'}\r\nCSeq: {number} {method}\r\n"
        f"Contact: <sip:x@127.0.0.1:9>\r\nContent-Type: application/sdp\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
    data = bytearray(text.encode())
    for _ in range(words.randint(1, 12)):
        at = words.randrange(len(data) or 1)
        match words.randrange(4):
            case 0 if data:
                data[at] = words.randrange(256)
            case 1:
                del data[at : at + words.randint(1, 30)]
            case 2:
                data[at:at] = data[at : at + words.randint(1, 30)]
            case _ if len(data) > 40:
                del data[max(40, at) :]
    return bytes(data)


CALL = """
import sys
from pathlib import Path
from agent.commands.call import call
from agent.config import load
sys.exit(call(load("offline"), sys.argv[1], Path(sys.argv[2])))
"""


def test_parley_call_talks_to_whoever_answers_and_keeps_a_recording(tmp_path):
    steps = [
        step.hear_request("INVITE"), step.answer("180 Ringing"),
        step.answer("200 OK", step.sdp()), step.hear_request("ACK"), step.play("g711a"),
        step.pause(3.5), step.ask_back("BYE"), step.hear(200),
    ]  # fmt: skip
    port = free_udp_port()

    async def scene():
        async with asyncio.TaskGroup() as group:
            answering = group.create_task(sipp(steps, None, "-p", str(port)))
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", CALL, f"sip:100@127.0.0.1:{port}", str(tmp_path),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            output, _ = await process.communicate()
            return process.returncode, output.decode(), await answering

    status, output, (sipp_status, sipp_output) = asyncio.run(scene())
    assert sipp_status == 0, sipp_output
    assert status == 0, output
    assert "answered" in output
    with wave.open(str(tmp_path / "call.wav")) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert (np.abs(sound).max(axis=0) > 600).all()  # the far side's voice, and ours


class Registrar(asyncio.DatagramProtocol):
    """A registrar on the loopback interface; notes how long each request wants to last."""

    def __init__(self):
        self.expires = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        answer = registrar(data, 0.0)
        if answer.startswith(b"SIP/2.0 200"):
            self.expires.append(int(re.search(rb"Expires: (\d+)", data)[1]))
        self.transport.sendto(answer, addr)


def test_the_telephone_registers_is_called_by_its_name_and_says_goodbye(caplog):
    async def scene():
        loop = asyncio.get_running_loop()
        transport, exchange = await loop.create_datagram_endpoint(Registrar, ("127.0.0.1", 0))
        where = f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
        async with caller(registrar=where, user="agent", password="secret", realm="exchange"):
            await until(lambda: exchange.expires)
        transport.close()
        return exchange.expires

    with caplog.at_level(logging.DEBUG):
        assert asyncio.run(scene()) == [300, 0]
    assert "registered at 127.0.0.1" in caplog.text
    assert "secret" not in caplog.text


def test_a_registrar_that_nobody_knows_is_a_sentence():
    async def scene():
        with raises(ConfigError, match="registrar: expected a host that can be found"):
            async with caller(registrar="no-such-host.invalid"):
                pass

    asyncio.run(scene())
