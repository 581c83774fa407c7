"""The caller keeps time, records what was heard, and says what was wrong with the agent."""

import asyncio

import numpy as np
from pytest import approx, mark

from agent.core.audio import AudioFrame
from agent.core.errors import CallError
from agent.virtual_loop import run_virtual
from floorbench.activity import Span, agent_episodes, caller_parts, levels_db
from floorbench.caller import hold
from floorbench.scenarios import planned
from floorbench.scenarios.plan import Cue, Mark, Network, SessionPlan, Step, Surroundings, When
from floorbench.session import RATE, Expect, Flushed
from floorbench.stimuli.library import open_library
from tests.support.far_ends import Humming, Refusing, Silent, attentive
from tests.support.recordings import sounding


def turn(cue, length_s=0.5, expect=Expect.REPLY, key=""):
    span = Span(0.0, length_s)
    event = Mark("key" if key else "turn", expect, span, (span,))
    return Step(cue, sounding([(0.0, length_s)], length_s), (event,), key)


def plan(*steps, **options):
    options = {"ending": Cue(When.AFTER_OWN, 1.0), **options}
    return SessionPlan("P-000", "S1", steps, seed=(1, 1, 0), **options)


def held(target, of):
    return run_virtual(hold(target, of))


FIRST = turn(Cue(When.AFTER_AGENT, 0.7, patience_s=2.0))


# --- what is recorded -----------------------------------------------------------------------------


@mark.parametrize("scenario", ["S1", "S2", "S4", "S6", "S7", "S12"])
def test_every_edge_of_an_event_is_within_10_ms_of_the_channel(scenario):
    (one,) = planned([scenario], limit=1)
    session = held(attentive(), one.plan(open_library(), 1)).session
    assert session.events
    for event in session.events:
        alone = np.zeros_like(session.recording.caller)
        around = slice(round((event.t_on - 0.05) * RATE), round((event.t_off + 0.05) * RATE))
        alone[around] = session.recording.caller[around]
        found = caller_parts(levels_db(alone, RATE))
        assert len(found) == len(event.parts), event.id
        for ours, theirs in zip(event.parts, found, strict=True):
            assert ours.start_s == approx(theirs.start_s, abs=0.0101), event.id
            assert ours.end_s == approx(theirs.end_s, abs=0.0101), event.id


def test_the_caller_is_recorded_as_sent():
    target = Silent()
    session = held(target, plan(FIRST)).session
    sent = np.concatenate([frame.samples for frame in target.frames])
    assert np.array_equal(session.recording.caller, sent)
    assert [frame.start for frame in target.frames[:3]] == [0, 320, 640]
    assert len(session.recording.agent) == len(session.recording.caller)


@mark.parametrize("rate", [16_000, 24_000, 8_000])
def test_the_agent_is_recorded_where_it_was_heard(rate):
    target = Humming(1.0, rate, then="stay")
    session = held(target, plan(FIRST, cushion_s=0.06)).session
    (episode,) = agent_episodes(levels_db(session.recording.agent, RATE))
    assert (episode.start_s, episode.end_s) == (approx(0.06, abs=0.011), approx(1.06, abs=0.011))


def test_the_voice_of_a_caller_on_time_is_never_late():
    assert held(Silent(), plan(FIRST)).session.caller_lag_s == approx(0.0, abs=1e-6)


class Stalling(Silent):
    """Takes every tenth frame 30 ms late."""

    async def speak(self, frame):
        await super().speak(frame)
        await asyncio.sleep(0.03 if frame.start // 320 % 10 == 0 else 0)


def test_a_caller_who_is_held_up_says_so():
    assert held(Stalling(), plan(FIRST)).session.caller_lag_s == approx(0.01, abs=1e-3)


class Flushing(Silent):
    """Hands over two seconds at once, and half a second later takes back what was not heard."""

    async def sound(self):
        yield AudioFrame(sounding([(0.0, 2.0)], 2.0), RATE, 0)
        await asyncio.sleep(0.5)
        yield Flushed()
        await asyncio.sleep(0.5)
        yield AudioFrame(sounding([(0.0, 0.4)], 0.4), RATE, 0)
        await self._over.wait()


def test_what_the_agent_takes_back_is_not_heard():
    session = held(Flushing(), plan(FIRST, cushion_s=0.0)).session
    episodes = agent_episodes(levels_db(session.recording.agent, RATE))
    assert [(e.start_s, e.end_s) for e in episodes] == [
        (0.0, approx(0.5, abs=0.011)),
        (approx(1.0, abs=0.011), approx(1.4, abs=0.011)),
    ]


# --- what is sent ---------------------------------------------------------------------------------


def test_noise_around_the_caller_is_sent_and_is_not_in_the_callers_channel():
    target, bed = Silent(), 0.01 * np.sin(np.arange(RATE) / 3)
    out = held(target, plan(FIRST, surroundings=Surroundings(bed=bed)))
    sent = np.concatenate([frame.samples for frame in target.frames])
    assert np.array_equal(out.microphone, sent)
    assert not out.session.recording.caller[:RATE].any()
    assert np.std(sent[:RATE]) == approx(0.007, abs=0.001)


def test_a_clean_voice_needs_no_second_recording():
    assert held(Silent(), plan(FIRST)).microphone is None


def test_a_delayed_line_delays_both_ways():
    target = Humming(1.0, then="stay")
    network = Network(delay_s=0.15)
    session = held(target, plan(FIRST, network=network, cushion_s=0.0)).session
    (episode,) = agent_episodes(levels_db(session.recording.agent, RATE))
    assert episode.start_s == approx(0.15, abs=0.021)
    late = len(session.recording.caller) - sum(len(f.samples) for f in target.frames)
    assert late == approx(0.15 * RATE, abs=320)


def test_what_the_line_loses_is_counted():
    out = held(Humming(then="stay"), plan(FIRST, turn(Cue(When.START, 20.0)),
                                          network=Network(loss=0.05)))  # fmt: skip
    assert 0 < out.line_lost < 0.15


def test_a_key_is_pressed_where_the_line_has_keys():
    target = Silent()
    target.takes_keys = True
    key = turn(Cue(When.START, 0.5), 0.07, Expect.IGNORE, key="5")
    session = held(target, plan(key)).session
    assert target.keys == ["5"]
    assert not session.recording.caller.any()
    assert [(e.kind, e.parts) for e in session.events] == [("key", ())]


def test_elsewhere_its_tone_is_sent():
    target = Silent()
    key = turn(Cue(When.START, 0.5), 0.07, Expect.IGNORE, key="5")
    session = held(target, plan(key)).session
    assert np.flatnonzero(session.recording.caller)[-1] / RATE == approx(0.57, abs=0.001)


def test_a_caller_who_calls_again_has_called_before():
    target = Silent()
    held(target, plan(FIRST, rehearsals=2))
    assert (target.calls, target.open) == (3, 0)


# --- agents that misbehave ------------------------------------------------------------------------


def test_an_agent_that_never_answers_is_told_and_its_turns_are_kept():
    session = held(Silent(), plan(FIRST, FIRST)).session
    assert session.fault == "the agent made no sound in 6.0 s"
    assert [e.kind for e in session.events] == ["turn", "turn"]


def test_an_agent_that_talks_for_ever_is_told_and_the_caller_has_tried():
    session = held(Humming(), plan(FIRST, FIRST, FIRST)).session
    assert session.fault == (
        "the agent spoke for more than 60 s without a pause, with 2 of 3 steps to go"
    )
    assert len(session.events) == 1


def test_an_agent_that_hangs_up_is_told():
    out = held(Humming(1.0), plan(FIRST, FIRST))
    session = out.session
    assert [item.step for item in out.left_out] == ["P-000.1", "P-000.2"]
    assert session.fault == "the agent hung up after 1.0 s, with 2 of 2 steps to go"
    assert session.recording.duration_s == approx(1.02, abs=0.021)


def test_an_agent_that_breaks_is_told_with_its_own_words():
    target = Humming(1.0, then=CallError("the model ran out of memory"))
    session = held(target, plan(FIRST)).session
    assert session.fault.endswith("(the model ran out of memory)")


def test_an_agent_that_hangs_up_after_its_last_answer_has_done_well():
    session = held(Humming(1.0), plan()).session
    assert session.fault == ""


def test_an_agent_that_refuses_is_told():
    session = held(Refusing(), plan(FIRST)).session
    assert session.fault == ("the agent refused the call: expected a free line, found it engaged")
    assert (session.recording.duration_s, session.events) == (0.0, ())


class Absent(Silent):
    """Never lets a call in."""

    async def connect(self):
        await asyncio.Event().wait()


def test_an_agent_that_does_not_pick_up_is_told():
    session = held(Absent(), plan(FIRST)).session
    assert session.fault == ("the agent refused the call: no answer within 20 s; is it running?")


class Stuck(Silent):
    """Takes one second of sound and then no more."""

    async def speak(self, frame):
        await super().speak(frame)
        if len(self.frames) > 50:
            await asyncio.Event().wait()


def test_a_line_that_takes_no_sound_is_told():
    session = held(Stuck(), plan(FIRST)).session
    assert session.fault.endswith("(the line took no sound for 10 s)")
    assert session.caller_lag_s == 0.0 or session.caller_lag_s > 1.0


def test_a_session_has_a_limit():
    steps = (turn(Cue(When.START, 1000.0, patience_s=1000.0)),)
    session = held(Humming(0.5, then="stay"), plan(*steps, limit_s=5.0)).session
    assert session.fault == "the session reached its limit of 5 s, with 1 of 1 steps to go"


@mark.parametrize("target", [Silent(), Humming(), Humming(1.0), Stuck()])
def test_every_call_is_hung_up(target):
    held(target, plan(FIRST))
    assert target.open == 0
