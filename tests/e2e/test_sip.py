"""The telephone on real sockets: calls from baresip and sipp, and what ends them."""

import asyncio

import numpy as np
from pytest import mark, raises

from agent.core.audio import AudioFrame
from agent.core.errors import ConfigError
from agent.core.events import Digit
from agent.entrances.sip import SipEntrance
from audio_io.sip.settings import SipSettings
from tests.support import baresip
from tests.support import sipp as step
from tests.support.correlation import find
from tests.support.sip_phones import telephone, until
from tests.support.sipp import sipp

pytestmark = [mark.e2e, mark.peers]


def signal(seconds, seed=1):
    """A sound like nothing else, and not too loud for µ-law: noise through a slow tremolo."""
    count = round(seconds * baresip.RATE)
    noise = np.random.default_rng(seed).standard_normal(count)
    smooth = np.convolve(noise, np.ones(3) / 3, "same")
    return (0.15 * smooth * (1 + 0.5 * np.sin(np.arange(count) / 900))).astype(np.float32)


def test_baresip_hears_an_echo_of_what_it_says():
    async def scene():
        async with telephone() as (_, port):
            with baresip.phone(port) as handset:
                handset.dial("100")
                await until(lambda: len(handset.heard()) > 2000)
                handset.say(signal(3))
                await asyncio.sleep(4.5)
                heard, said = handset.heard(), handset.sent()
                handset.hang_up()
                await until(lambda: handset.is_over)
        return heard, said

    heard, said = asyncio.run(scene())
    back, sent = find(signal(3)[4000:20000], heard), find(signal(3)[4000:20000], said)
    assert sent.likeness >= 0.99
    assert back.likeness >= 0.99


def test_baresip_is_not_heard_any_more_soon_after_it_interrupts():
    """The agent talks without end, and is flushed when a voice comes."""
    flushed = []

    async def chatter(call):
        tone = (0.2 * np.sin(np.arange(160) * 2 * np.pi * 500 / 8000)).astype(np.float32)
        silence, position = np.zeros(160, np.float32), 0

        async def talk():
            nonlocal position
            while True:
                frame = silence if flushed else tone
                await call.play(AudioFrame(frame, 8000, position))
                position += 160

        async with asyncio.TaskGroup() as group:
            talking = group.create_task(talk())
            async for item in call.frames():
                loud = not isinstance(item, Digit) and np.abs(item.samples).max() > 0.1
                if loud and not flushed:
                    flushed.append(item.start)
                    call.flush()
            talking.cancel()

    async def scene():
        async with telephone(chatter) as (_, port):
            with baresip.phone(port) as handset:
                handset.dial("100")
                await until(lambda: len(handset.heard()) > 16000)
                handset.say(signal(1))
                await until(lambda: flushed)
                await asyncio.sleep(0.7)
                heard, said = handset.heard(), handset.sent()
                handset.hang_up()
                await until(lambda: handset.is_over)
        return heard, said

    heard, said = asyncio.run(scene())
    spoke = np.flatnonzero(np.abs(said) > 0.1)[0]
    silent = np.flatnonzero(np.abs(heard) > 0.1)[-1]
    # The two recordings begin within some 50 ms of each other.
    assert -0.1 * 8000 < silent - spoke < 0.2 * 8000


def keys_of(pressed):
    """An agent that notes keys and what it hears."""

    async def listener(call):
        async for item in call.frames():
            pressed.append(item.digit if isinstance(item, Digit) else item)

    return listener


def test_packets_of_thirty_milliseconds_and_keys_come_in_from_sipp():
    items = []
    steps = [
        *step.call(), step.play("g711a"), step.pause(2), step.play("dtmf_2833_1"),
        step.pause(0.6), step.play("dtmf_2833_pound"), step.pause(0.6), *step.hang_up(),
    ]  # fmt: skip

    async def scene():
        async with telephone(keys_of(items)) as (_, port):
            return await sipp(steps, port)

    status, output = asyncio.run(scene())
    assert status == 0, output
    assert [item for item in items if isinstance(item, str)] == ["1", "#"]
    sound = np.concatenate([item.samples for item in items if not isinstance(item, str)])
    assert np.sqrt(np.mean(sound[4000:14000] ** 2)) > 0.01


def test_sipp_puts_the_agent_on_hold_and_takes_it_back():
    steps = [
        *step.call(), step.pause(0.3),
        step.ask("INVITE", 2, step.sdp(direction="sendonly")), step.hear(100, optional=True),
        step.hear(200, says="a=recvonly"), step.ask("ACK", 2), step.pause(0.3),
        step.ask("INVITE", 3, step.sdp(direction="sendrecv")), step.hear(100, optional=True),
        step.hear(200, says="a=sendrecv"), step.ask("ACK", 3), step.pause(0.2), *step.hang_up(4),
    ]  # fmt: skip

    async def scene():
        async with telephone() as (_, port):
            return await sipp(steps, port)

    status, output = asyncio.run(scene())
    assert status == 0, output


def test_a_call_without_an_offer_and_a_session_timer_are_answered():
    invite = step.ask("INVITE", 1, "", "Session-Expires: 600", "Supported: timer")
    heard = step.hear(200, says="Session-Expires: 600;refresher=uac")
    steps = [
        invite, step.hear(100, optional=True), heard, step.ask("ACK", 1, step.sdp()),
        step.pause(0.2), *step.hang_up(),
    ]  # fmt: skip

    async def scene():
        async with telephone() as (_, port):
            return await sipp(steps, port)

    status, output = asyncio.run(scene())
    assert status == 0, output


def test_the_agents_first_word_answers_a_call_whose_sound_flowed_before():
    """The caller hears silence while it rings, by 183, and the agent from its first sample on."""

    async def scene():
        async def agent(call):
            async for item in call.frames():
                speaks = not isinstance(item, Digit) and item.end > 8000
                sound = signal(0.02) if speaks else np.zeros(160, np.float32)
                await call.play(AudioFrame(sound, call.play_rate, item.start))

        async with telephone(agent, early=True) as (_, port):
            with baresip.phone(port) as handset:
                handset.dial("100")
                await until(lambda: "Call established" in handset.log())
                await until(lambda: np.sum(np.abs(handset.heard()) > 0.05) > 4000)
                handset.hang_up()  # baresip says nothing of the end of a call below a second
                await until(lambda: handset.is_over)
                return handset.log()

    log = asyncio.run(scene())
    assert log.index("183 Session Progress") < log.index("Call established")


def test_sipp_hears_a_description_before_the_answer_and_gives_up():
    steps = [
        step.ask("INVITE", 1, step.sdp()), step.hear(100, optional=True),
        step.hear(183, says="m=audio"), step.pause(0.3), step.cancel(), step.hear(200),
        step.hear(487), step.ask("ACK", 1),
    ]  # fmt: skip

    async def silent(call):
        async for _ in call.frames():
            pass

    async def scene():
        async with telephone(silent, early=True) as (_, port):
            return await sipp(steps, port)

    status, output = asyncio.run(scene())
    assert status == 0, output


def test_a_full_server_says_when_to_try_again():
    second = [
        step.ask("INVITE", 1, step.sdp()), step.hear(100, optional=True),
        step.hear(503, says="Retry-After: 5"), step.ask("ACK", 1),
    ]  # fmt: skip

    async def scene():
        async with telephone(max_calls=1) as (switchboard, port), asyncio.TaskGroup() as group:
            first = group.create_task(sipp([*step.call(), step.pause(2), *step.hang_up()], port))
            await until(lambda: switchboard.active)
            refused = await sipp(second, port)
            return refused, await first, dict(switchboard.counts)

    refused, first, counts = asyncio.run(scene())
    assert refused[0] == 0, refused[1]
    assert first[0] == 0, first[1]
    assert (counts["answered"], counts["refused"]) == (1, 1)


def test_sound_that_must_be_encrypted_is_refused():
    steps = [
        step.ask("INVITE", 1, step.sdp(crypt="S")), step.hear(100, optional=True),
        step.hear(488), step.ask("ACK", 1),
    ]  # fmt: skip

    async def scene():
        async with telephone() as (_, port):
            return await sipp(steps, port)

    status, output = asyncio.run(scene())
    assert status == 0, output


def test_a_caller_who_sends_nothing_is_hung_up_on():
    steps = [*step.call(), step.hear_request("BYE"), step.answer_again("200 OK")]

    async def scene():
        async with telephone(idle_s=1.0) as (_, port):
            return await sipp(steps, port)

    status, output = asyncio.run(scene())
    assert status == 0, output


def test_an_address_that_is_taken_is_a_sentence():
    async def scene():
        async with telephone() as (switchboard, port):
            second = SipEntrance(switchboard, SipSettings(port=port))
            with raises(ConfigError, match="choose another"):
                await second.listen()

    asyncio.run(scene())


def test_the_server_ends_its_calls_and_says_goodbye_when_it_stops():
    steps = [*step.call(), step.hear_request("BYE"), step.answer_again("200 OK")]

    async def scene():
        async with asyncio.TaskGroup() as group:
            async with telephone() as (switchboard, port):
                calling = group.create_task(sipp(steps, port))
                await until(lambda: switchboard.counts["answered"])
            return await calling

    status, output = asyncio.run(scene())
    assert status == 0, output
