"""Whatever is wrong with a recording or its events: a sentence, and never a better figure."""

import math

import numpy as np
import pytest

from floorbench.recording import Recording
from floorbench.score.outcome import Outcome, State
from floorbench.score.run import score
from floorbench.score.session import score_session
from floorbench.session import RATE, CallerEvent, Expect, Session
from tests.support.floor import event, ignored, interruption, results, session, turn
from tests.support.recordings import sounding

ASKED = turn((1.0, 3.0))
ANSWERED = [(3.5, 6.0)]


def void(made):
    scored = score_session(made)
    assert scored.session.state is State.VOID
    assert all(e.outcome is Outcome.NOT_COUNTED and e.figures == {} for e in scored.events)
    assert scored.session.amounts == {}
    return scored.session.notices[0]


def with_channels(caller, agent, rate=RATE, **more):
    return Session("s", "S1", Recording(caller, agent, rate), (ASKED,), **more)


def test_a_caller_who_was_late_voids_the_session():
    assert "found 5.1 ms" in void(session([ASKED], ANSWERED, caller_lag_s=0.0051))
    in_time = score_session(session([ASKED], ANSWERED, caller_lag_s=0.005))
    assert in_time.session.state is State.SCORED


@pytest.mark.parametrize("rate", [0, -16_000, 11_025])
def test_a_rate_without_whole_frames_of_10_ms_voids_the_session(rate):
    sound = np.zeros(RATE, np.float32)
    assert f"found {rate} Hz" in void(with_channels(sound, sound, rate))


def test_a_call_that_was_refused_is_void_and_says_why():
    empty = np.zeros(0, np.float32)
    assert "connection refused" in void(with_channels(empty, empty, fault="connection refused"))


def test_a_silent_caller_voids_the_session():
    quiet = np.zeros(20 * RATE, np.float32)
    assert "silent" in void(with_channels(quiet, sounding(ANSWERED, 20.0)))


def test_samples_that_are_no_numbers_void_the_session():
    broken = sounding([(1.0, 3.0)], 20.0)
    broken[5000] = np.nan
    assert "not numbers" in void(with_channels(broken, sounding(ANSWERED, 20.0)))


def test_channels_of_different_length_are_judged_as_far_as_both_go():
    late = turn((15.0, 16.0))
    made = session([ASKED, late], ANSWERED)
    cut = Recording(made.recording.caller, made.recording.agent[: 12 * RATE], RATE)
    scored = score_session(Session("s", "S1", cut, made.events))
    assert scored.session.duration_s == 12.0
    assert any(
        "20.00 s of the caller and 12.00 s of the agent" in n for n in scored.session.notices
    )
    assert scored.events[0].outcome is Outcome.REPLIED
    assert "outside the recording" in scored.events[1].reason


def test_a_quiet_agent_whose_channel_is_cut_short_is_not_praised_for_it():
    noise = ignored("noise", 15.0, 15.5, over=False)
    made = session([ASKED, noise], ANSWERED)
    cut = Recording(made.recording.caller, made.recording.agent[: 12 * RATE], RATE)
    scored = score_session(Session("s", "S7", cut, made.events))
    assert scored.events[1].outcome is Outcome.NOT_COUNTED


@pytest.mark.parametrize(
    ("on_s", "off_s", "words"),
    [
        (25.0, 26.0, "outside the recording of 20.00 s"),
        (19.0, 21.0, "outside the recording"),
        (-1.0, 1.0, "outside the recording"),
        (5.0, 4.0, "before it begins"),
        (math.nan, 4.0, "not numbers"),
        (1.0, math.inf, "not numbers"),
    ],
)
def test_an_event_that_cannot_be_there_does_not_count(on_s, off_s, words):
    odd = CallerEvent("odd", "turn", on_s, off_s, (), Expect.REPLY)
    found, told = results([ASKED, odd], ANSWERED)
    assert found["odd"].outcome is Outcome.NOT_COUNTED
    assert words in found["odd"].reason
    assert any("1 of 2 events lie outside" in n for n in told.notices)
    assert found["turn@1.0"].outcome is Outcome.REPLIED
    assert math.isfinite(found["odd"].start_s + found["odd"].end_s)


def test_an_event_that_was_never_sent_does_not_count():
    made = session([ASKED], ANSWERED)
    ghost = turn((10.0, 11.0))
    scored = score_session(Session("s", "S1", made.recording, (ASKED, ghost)))
    assert "silent where it should be" in scored.events[1].reason


def test_clipping_is_said():
    made = session([ASKED], ANSWERED)
    loud = (made.recording.agent * 20).clip(-1, 1)
    scored = score_session(with_channels(made.recording.caller, loud))
    assert any("agent's channel is clipped in" in n for n in scored.session.notices)


def test_an_agent_that_never_answers_misses_every_turn():
    made = score([session([ASKED, turn((9.0, 10.0))], [])])
    figures = {f.name: f for f in made.figures}
    assert figures["missed"].value == 1.0
    assert figures["missed"].n == 2
    assert figures["gap.p50"].value is None
    assert figures["gap.p50"].missed == 2
    assert any("no sound is to be heard" in n for n in made.notices)


def test_an_agent_that_talks_without_end_gains_nothing_by_it():
    events = [ASKED, interruption(6.0, 7.0), ignored("backchannel", 10.0, 10.4)]
    made = score([session(events, [(0.1, 20.0)])])
    figures = {f.name: f.value for f in made.figures}
    assert (figures["missed"], figures["yield"], figures["S_BC"]) == (1.0, 0.0, 1.0)
    assert figures["joint"] is None
    assert any("the agent sounds for" in n for n in made.notices)


def test_an_agent_that_hangs_up_is_scored_to_the_end_and_it_is_said():
    made = score([session([ASKED], [], duration_s=3.5, fault="the agent hung up")])
    assert {f.name: f.value for f in made.figures}["missed"] == 1.0
    assert any("ended early: the agent hung up" in n for n in made.notices)


def test_no_sessions_at_all_are_no_figures():
    made = score([])
    assert all(f.value is None for f in made.figures)
    assert made.notices == ()


def test_void_sessions_and_uncounted_events_are_said_first():
    good = session([ASKED, interruption(12.0, 13.0)], ANSWERED)
    late = session([ASKED], ANSWERED, caller_lag_s=0.02)
    made = score([good, late])
    assert made.notices[0] == "1 of 2 sessions are void and count for nothing"
    assert made.notices[1].startswith("2 of 3 events did not count, most often because")
    assert {f.name: f.n for f in made.figures}["gap.p50"] == 1


def test_an_event_of_an_unknown_kind_is_judged_by_what_is_expected():
    odd = event("whistle", Expect.IGNORE, (5.0, 5.5), over=True)
    found, _ = results([odd], [(2.0, 9.0)])
    assert found["whistle@5.0"].figures == {"false_stop": 0, "kept_noise": 1}


@pytest.mark.parametrize(("offset", "told"), [(0.05, True), (0.004, True), (0.003, False)])
def test_a_channel_that_is_off_zero_is_said(offset, told):
    agent = sounding(ANSWERED, 20.0) + np.float32(offset)
    scored = score_session(with_channels(sounding([(1.0, 3.0)], 20.0), agent))
    assert any("agent's channel is off zero by 0.0" in n for n in scored.session.notices) is told
