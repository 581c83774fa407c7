"""What the scenarios hold, and when the caller says it."""

from collections import Counter
from dataclasses import replace

import numpy as np
from pytest import approx, mark, raises

from agent.core.errors import ConfigError
from floorbench.activity import Span
from floorbench.scenarios import CORE, SCENARIOS, planned
from floorbench.scenarios.microphone import Microphone
from floorbench.scenarios.plan import Cue, Echo, Mark, SessionPlan, Step, Surroundings, When
from floorbench.scenarios.prompter import AFTERMATH_S, ENDLESS_S, LONGEST_WAIT_S, Prompter
from floorbench.session import RATE, Expect
from floorbench.stimuli.library import open_library
from tests.support.recordings import sounding

FRAME = 320


def plans(scenario, **options):
    library = open_library()
    quick = bool(options.get("quick"))
    return [one.plan(library, 1, quick=quick) for one in planned([scenario], **options)]


def marks(scenario, **options):
    return [m for p in plans(scenario, **options) for s in p.steps for m in s.marks]


# --- what they hold -------------------------------------------------------------------------------


def test_there_are_fifteen_scenarios_in_order():
    assert [s.id for s in SCENARIOS] == [f"S{n}" for n in range(1, 16)]


def test_a_scenario_that_does_not_exist_is_told_in_a_sentence():
    with raises(ConfigError, match=r"expected one of S1, S2.*found S16"):
        planned(["S16"])


def test_the_quick_set_is_one_of_each_core_scenario_at_least():
    assert {one.scenario.id for one in planned(quick=True)} == set(CORE)
    assert len(planned(quick=True)) < 15


@mark.parametrize(
    ("scenario", "expect"),
    [("S1", Expect.REPLY), ("S2", Expect.HOLD), ("S3", Expect.IGNORE), ("S4", Expect.YIELD),
     ("S5", Expect.REPLY), ("S6", Expect.IGNORE), ("S7", Expect.IGNORE)],
)  # fmt: skip
def test_the_standard_set_has_200_events_for_each_core_rate(scenario, expect):
    assert sum(m.expect is expect for m in marks(scenario)) >= 200


@mark.parametrize("scenario", [s.id for s in SCENARIOS])
def test_ids_are_unique_and_parts_lie_inside_their_sound(scenario):
    for plan in plans(scenario, limit=12):
        names = [m.at(f"{plan.id}.{n}", 0.0).id for n, s in enumerate(plan.steps) for m in s.marks]
        assert len(set(names)) == len(names)
        for step in plan.steps:
            for event in step.marks:
                assert 0 <= event.span.start_s < event.span.end_s <= len(step.sound) / RATE + 0.01
                assert len(event.params["sha256"]) == 64
                assert all(p.start_s < p.end_s for p in event.parts)


def test_every_kind_of_pause_comes_with_every_length_once_in_24_turns():
    turns = [s.marks[1] for p in plans("S2", limit=8) for s in p.steps]
    found = Counter((m.params["place"], m.params["pause_s"]) for m in turns)
    assert len(found) == 24
    assert set(found.values()) == {1}


def test_a_pause_is_as_long_as_it_was_meant():
    for pause in (m for m in marks("S2", limit=8) if m.kind == "pause"):
        before, after = pause.parts
        assert after.start_s - before.end_s == approx(pause.params["pause_s"], abs=0.021)
        assert pause.span == Span(before.start_s, after.end_s)


def test_every_fourth_interruption_is_a_bare_stop():
    bare = [m.params["bare"] for m in marks("S4") if m.kind == "interruption"]
    assert sum(bare) == len(bare) // 4
    assert all(0.5 <= m.params["into_s"] <= 4.0 for m in marks("S4") if m.kind == "interruption")


def test_noises_come_in_every_kind_and_loudness_over_the_agent_and_in_silence():
    noises = [m for m in marks("S7") if m.kind == "noise"]
    for talking in (True, False):
        some = [m for m in noises if m.needs_agent_talking is talking]
        assert len({(m.params["noise"], m.params["snr_db"]) for m in some}) == 8 * 5


def test_side_talk_is_near_and_far_over_the_agent_and_in_silence():
    cases = Counter((m.params["place"], m.needs_agent_talking) for m in marks("S6")
                    if m.kind == "side_talk")  # fmt: skip
    assert set(cases.values()) == {50}


@mark.parametrize(("scenario", "conditions"), [("S8", 12), ("S9", 3), ("S10", 8)])
def test_every_condition_meets_every_plain_scenario(scenario, conditions):
    kinds = {}
    for plan in plans(scenario):
        for event in (m for s in plan.steps for m in s.marks):
            kinds.setdefault(event.params["condition"], set()).add(event.kind)
    assert len(kinds) == conditions
    assert all({"turn", "backchannel", "interruption"} <= found for found in kinds.values())


def test_a_monologue_lasts_20_to_40_s_and_ends_in_a_question():
    for plan in plans("S15"):
        (event,) = plan.steps[0].marks
        assert 20 <= event.span.duration_s <= 50
        assert event.expect is Expect.REPLY


# --- when it is said ------------------------------------------------------------------------------


def step(cue, expect=Expect.REPLY, length_s=0.4, kind="turn", **more):
    sound = sounding([(0.0, length_s)], length_s)
    span = Span(0.0, length_s)
    event = Mark(kind, expect, span, (span,), needs_agent_talking=cue.needs_agent)
    return Step(cue, sound, (event,), **more)


def played(steps, agent, for_s=20.0, **options):
    """A prompter that hears an agent sounding in the given spans; when each step began."""
    prompter = Prompter(SessionPlan("P", "S1", tuple(steps), **options))
    heard = sounding(agent, for_s)
    for at in range(0, len(heard), FRAME):
        if prompter.is_over():
            break
        prompter.frame(FRAME)
        prompter.ear.hear(heard[at : at + FRAME])
    return prompter, [event.t_on for event in prompter.events()]


def near(*seconds):
    return approx(list(seconds), abs=0.041)


def test_the_first_turn_follows_the_greeting():
    _, began = played([step(Cue(When.AFTER_AGENT, 0.7))], [(0.5, 2.0)])
    assert began == near(2.7)


def test_without_a_greeting_the_caller_begins_when_patience_is_over():
    prompter, began = played([step(Cue(When.AFTER_AGENT, 0.7, patience_s=4.0))], [])
    assert began == near(4.0)
    assert prompter.events()[0].params["on_cue"] is False


def test_the_next_turn_waits_for_the_answer_to_the_last():
    turns = [step(Cue(When.AFTER_AGENT, 0.7))] * 2
    _, began = played(turns, [(0.0, 1.0), (3.5, 6.0), (6.3, 7.0)])
    assert began == near(1.7, 7.7)  # the short pause at 6 s is inside the answer


def test_an_unanswered_turn_is_followed_by_the_next():
    turns = [step(Cue(When.AFTER_AGENT, 0.7))] * 2
    _, began = played(turns, [(0.0, 1.0)])
    assert began == near(1.7, 1.7 + 0.4 + 6.0)


def test_an_interruption_comes_so_far_into_the_agents_speech():
    ask, stop = step(Cue(When.AFTER_AGENT, 0.7)), step(Cue(When.INTO_AGENT, 2.0), Expect.YIELD)
    _, began = played([ask, stop], [(0.0, 1.0), (3.0, 9.0)])
    assert began == near(1.7, 5.0)


def test_what_the_agent_still_says_after_an_interruption_is_no_answer():
    ask, stop = step(Cue(When.AFTER_AGENT, 0.7)), step(Cue(When.INTO_AGENT, 2.0), Expect.YIELD)
    _, began = played([ask, stop, ask], [(0.0, 1.0), (3.0, 5.6), (6.6, 8.0)])
    assert began == near(1.7, 5.0, 8.7)


def test_an_agent_that_does_not_yield_is_taken_to_have_answered():
    ask, stop = step(Cue(When.AFTER_AGENT, 0.7)), step(Cue(When.INTO_AGENT, 2.0), Expect.YIELD)
    _, began = played([ask, stop, ask], [(0.0, 1.0), (3.0, 9.0)])
    assert began == near(1.7, 5.0, 9.7)


def test_a_backchannel_waits_for_the_end_of_a_clause():
    ask = step(Cue(When.AFTER_AGENT, 0.7))
    murmur = step(Cue(When.AT_CLAUSE_END, 1.0), Expect.IGNORE)
    _, began = played([ask, murmur], [(0.0, 1.0), (3.0, 3.5), (3.7, 6.0), (6.2, 8.0)])
    assert began == near(1.7, 6.08)


def test_in_a_speech_without_pauses_it_comes_inside_the_clause():
    ask = step(Cue(When.AFTER_AGENT, 0.7))
    murmur = step(Cue(When.AT_CLAUSE_END, 1.0), Expect.IGNORE)
    _, began = played([ask, murmur], [(0.0, 1.0), (3.0, 12.0)])
    assert began == near(1.7, 7.0)


def test_a_sound_over_the_agent_is_left_out_when_the_agent_has_finished():
    ask = step(Cue(When.AFTER_AGENT, 0.7))
    murmur = step(Cue(When.INTO_AGENT, 3.0), Expect.IGNORE, kind="backchannel")
    prompter, began = played([ask, murmur, ask], [(0.0, 1.0), (3.0, 4.0)])
    assert began == near(1.7, 4.0 + AFTERMATH_S)
    (left_out,) = prompter.left_out
    assert (left_out.step, left_out.reason) == ("P.2", "backchannel: the agent was not speaking")


def test_after_a_disturbance_the_caller_waits_whether_the_agent_comes_back():
    ask = step(Cue(When.AFTER_AGENT, 0.7))
    murmur = step(Cue(When.INTO_AGENT, 1.0), Expect.IGNORE)
    _, began = played([ask, murmur, ask], [(0.0, 1.0), (3.0, 4.2)])  # it stopped for the murmur
    assert began == near(1.7, 4.0, 4.4 + AFTERMATH_S)


def test_a_caller_who_cannot_get_a_word_in_speaks_anyway():
    stutter = [(at, at + 0.8) for at in np.arange(0.0, 70.0, 1.4)]
    prompter, began = played([step(Cue(When.AFTER_AGENT, 0.7))], stutter, 70.0)
    assert began == near(LONGEST_WAIT_S)
    assert prompter.events()[0].params["on_cue"] is False


def test_an_agent_without_a_pause_shuts_the_caller_out():
    prompter, _ = played([step(Cue(When.INTO_AGENT, 90.0))], [(0.0, 80.0)], ENDLESS_S + 2)
    assert prompter.is_shut_out()
    prompter, _ = played([step(Cue(When.INTO_AGENT, 90.0))], [(0.0, 80.0)], ENDLESS_S - 2)
    assert not prompter.is_shut_out()


def test_both_are_quiet_before_a_turn_that_waits_for_it():
    noise = step(Cue(When.AFTER_AGENT, 1.0), Expect.IGNORE)
    _, began = played([noise, step(Cue(When.BOTH_QUIET, 2.3))], [(0.0, 1.0), (3.0, 4.0)])
    assert began == near(2.0, 6.3)


def test_the_caller_hangs_up_once_the_answer_is_over():
    prompter, _ = played([step(Cue(When.AFTER_AGENT, 0.7))], [(0.0, 1.0), (3.0, 4.0)])
    assert prompter.is_over()
    assert prompter.is_answered()


def test_what_is_cut_short_ends_with_the_recording():
    long = step(Cue(When.START, 0.0), length_s=5.0)
    prompter, _ = played([long], [], 2.0)
    (event,) = prompter.events()
    assert (event.t_off, event.parts) == (2.0, (Span(0.0, 2.0),))
    assert event.params["cut_short"] is True


def test_a_key_that_the_line_takes_is_no_sound():
    key = step(Cue(When.START, 0.0), Expect.IGNORE, length_s=0.07, key="5")
    prompter = Prompter(SessionPlan("P", "S13", (key,)))
    samples, pressed = prompter.frame(FRAME)
    assert (pressed, bool(samples.any())) == ("5", True)
    prompter.pressed()
    assert not prompter.frame(FRAME)[0].any()
    assert prompter.events()[0].parts == ()


# --- what the microphone picks up -----------------------------------------------------------------


def heard(around, voice, agent):
    microphone = Microphone(around)
    pairs = zip(np.split(voice, len(voice) // FRAME), np.split(agent, len(agent) // FRAME),
                strict=True)  # fmt: skip
    return np.concatenate([microphone.hear(v, a) for v, a in pairs])


def test_a_headset_sends_the_voice_as_it_is():
    voice = sounding([(0.2, 0.8)], 1.0)
    assert np.array_equal(heard(Surroundings(), voice, voice), voice)


def test_a_bed_of_noise_goes_on_all_the_time():
    bed = 0.01 * np.sin(np.arange(1000.0))
    out = heard(Surroundings(bed=bed), np.zeros(RATE, np.float32), np.zeros(RATE, np.float32))
    assert out == approx(np.resize(bed, RATE), abs=1e-4)


@mark.parametrize(("loss_db", "delay_s"), [(20.0, 0.02), (0.0, 0.25)])
def test_an_echo_is_late_and_quieter_by_what_was_asked_for(loss_db, delay_s):
    taps = np.array([0.6, 0.0, 0.8])
    agent = np.zeros(RATE, np.float32)
    agent[1000] = 0.01  # too soft to bend
    out = heard(Surroundings(echo=Echo(taps, delay_s, loss_db)), np.zeros_like(agent), agent)
    expected = np.zeros(RATE)
    expected[1000 + round(delay_s * RATE) :][:3] = 0.01 * taps * 10 ** (-loss_db / 20)
    assert out == approx(expected, abs=2e-5)


def test_a_loud_echo_is_bent():
    agent = np.full(RATE, 0.9, np.float32)
    around = Surroundings(echo=Echo(np.ones(1), 0.0, 0.0))
    assert heard(around, np.zeros_like(agent), agent)[100] == approx(0.5 * np.tanh(1.8), abs=1e-4)


def test_a_room_is_a_convolution_of_the_voice():
    voice = sounding([(0.1, 0.7)], 1.0)
    taps = np.array([1.0, 0.0, 0.0, 0.5])
    out = heard(Surroundings(room=taps), voice, np.zeros_like(voice))
    assert out == approx(np.convolve(voice, taps)[:RATE], abs=3e-5)


def test_a_plan_without_steps_is_over_at_once():
    empty = SessionPlan("P", "S1", (), ending=Cue(When.AFTER_OWN, 0.0))
    assert Prompter(replace(empty)).is_over()
