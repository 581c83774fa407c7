"""This project as a target in its own process: the real session and pipeline, no transport."""

import asyncio
from dataclasses import replace

import numpy as np
from pytest import approx, mark, raises

from agent.core.audio import silence
from agent.core.errors import CallClosed, ConfigError, EngineFailed
from agent.virtual_loop import run_virtual
from floorbench.activity import agent_episodes, levels_db
from floorbench.caller import hold
from floorbench.scenarios import planned
from floorbench.session import RATE, Flushed
from floorbench.stimuli.library import open_library
from floorbench.targets.in_process import InProcess, InProcessPipeline
from tests.support.far_ends import attentive
from tests.support.tools import package

SHORT_S = 40.0  # of virtual time: an agent that hears its own echo would go on for minutes

SCRIPTED = """
name = "Test desk"
[detector]
engine = "energy"
[recognizer]
engine = "scripted"
[predictor]
engine = "completeness"
[responder]
engine = "scripted"
replies = ["Hello, this is a desk for tests."]
[synthesizer]
engine = "scripted"
rate = 22050
"""


def one(scenario, index=0, seed=1):
    return planned([scenario])[index].plan(open_library(), seed)


def held(target, of):
    return run_virtual(hold(target, of))


def same(a, b):
    return (
        np.array_equal(a.session.recording.caller, b.session.recording.caller)
        and np.array_equal(a.session.recording.agent, b.session.recording.agent)
        and a.session.events == b.session.events
        and a.left_out == b.left_out
    )


@mark.parametrize("scenario", ["S1", "S3", "S4", "S9", "S10", "S13", "S14"])
def test_the_same_seed_gives_the_same_session_bit_for_bit(scenario):
    plan = replace(one(scenario), limit_s=SHORT_S)
    first, again = (held(attentive(), plan) for _ in range(2))
    assert same(first, again)
    assert first.session.fault == again.session.fault
    assert first.session.recording.agent.any()


def test_another_seed_gives_another_session():
    assert not same(held(attentive(), one("S1", seed=1)), held(attentive(), one("S1", seed=2)))


def test_every_turn_of_a_smooth_session_is_answered():
    session = held(attentive(), one("S1")).session
    episodes = agent_episodes(levels_db(session.recording.agent, RATE))
    assert session.fault == ""
    assert len(session.events) == 4
    for event in session.events:
        assert any(0 < e.start_s - event.t_off < 1.0 for e in episodes), event.id


def test_an_interruption_stops_it():
    session = held(attentive(), one("S4")).session
    episodes = agent_episodes(levels_db(session.recording.agent, RATE))
    for event in (e for e in session.events if e.kind == "interruption"):
        (cut,) = [e for e in episodes if e.start_s < event.t_on < e.end_s]
        assert cut.end_s < event.t_off + 0.5


def test_an_agent_that_breaks_is_a_fault_of_the_session():
    class Broken:
        rate = play_rate = RATE

        async def converse(self, call, trace):
            await asyncio.sleep(1.0)
            raise EngineFailed("voice", "expected sound, found none")

    session = held(InProcessPipeline("broken", Broken()), one("S1")).session
    assert session.fault.startswith("the agent hung up after 1.0 s, with 4 of 4 steps to go")
    assert session.fault.endswith("(voice: expected sound, found none)")


def test_an_agent_that_does_not_leave_is_stopped():
    class Deaf:
        rate = play_rate = RATE

        async def converse(self, call, trace):
            await asyncio.Event().wait()

    async def main():
        line = await InProcessPipeline("deaf", Deaf()).connect()
        with raises(Exception, match="still running; it was stopped"):
            await line.hang_up()
        return asyncio.all_tasks() == {asyncio.current_task()}

    assert run_virtual(main())


def test_what_was_played_follows_the_clock_and_a_flush_reaches_the_caller():
    played = []

    class Playing:
        rate = play_rate = RATE

        async def converse(self, call, trace):
            for n in range(25):
                await call.play(silence(320, RATE, n * 320))
            played.append(call.played())
            call.flush()
            played.append(call.played())
            async for _ in call.frames():
                pass

    async def main():
        line = await InProcessPipeline("playing", Playing()).connect()
        kinds = []
        async for item in line.sound():
            kinds.append(type(item))
            if isinstance(item, Flushed):
                break
        await line.hang_up()
        with raises(CallClosed):
            await line.speak(None)
        return kinds

    kinds = run_virtual(main())
    assert len(kinds) == 26
    assert played == [approx(25 * 320 - 640, abs=320), 25 * 320]


def test_a_configuration_file_is_an_agent(tmp_path):
    (tmp_path / "desk.toml").write_text(SCRIPTED)
    with InProcess(str(tmp_path / "desk.toml"), ["responder.first_token_s=0.5"]) as target:
        assert target.name == "in process: Test desk"
        done = held(target, one("S1"))
    session = done.session
    (greeting, *_) = agent_episodes(levels_db(session.recording.agent, RATE))
    assert 0.5 < greeting.start_s < 1.0
    assert done.trace[0]["event"] == "call"
    assert done.trace[0]["turns"]["prior"] == 0.5


def test_what_the_agent_was_told_is_on_the_clock_of_the_recording():
    done = held(attentive(), one("S1"))
    heard = [e.start_s for e in agent_episodes(levels_db(done.session.recording.agent, RATE))]
    told = [e["t"] for e in done.trace if e.get("what") == "ReplyAudible"]
    assert [min(abs(t - h) for h in heard) < 0.15 for t in told] == [True] * len(told)
    assert len(told) == 5  # the greeting and four turns


def test_a_configuration_that_is_wrong_is_told_in_a_sentence():
    with raises(ConfigError, match=r"no such file"):
        InProcess("nowhere")


@mark.models
def test_the_offline_agent_is_the_same_agent_twice():
    package("pocketsphinx")
    package("espeakng_loader")
    with InProcess("offline", []) as target:
        first, again = (held(target, one("S4")) for _ in range(2))
    assert first.session.fault == ""
    assert same(first, again)
