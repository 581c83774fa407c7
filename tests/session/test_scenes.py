"""Whole calls in virtual time: the real pipeline with scripted engines, one behaviour each."""

import numpy as np
from pytest import approx, mark

from agent.core.turns import TurnConfig
from agent.replay import replay
from agent.scenario import Acted, Press, Say, Scene, act
from agent.session import Ending
from agent.virtual_loop import run_virtual
from audio_io.circuit import LEAD_S
from pipelines.cascade.asides import Manners
from pipelines.engines.scripted import ScriptedResponderSettings, ScriptedSynthesizerSettings

GREETING = "Hello, how can I help you?"
STORY = "We are open from nine to five on weekdays, and from ten to four on saturdays and sundays."
AGENT = ScriptedResponderSettings(replies=(GREETING, STORY, "All right."))
FRAME_S = 0.02


def play(*say, end_s=20.0, responder=AGENT, **rest) -> Acted:
    return run_virtual(act(Scene(end_s, say=say, responder=responder, **rest)))


def sound(acted):
    """The agent's sound as it was played, float32 at the call's play rate."""
    return np.concatenate(acted.call.heard), acted.call.play_rate


def time_of(lines):
    return float(lines[0]["t"])


# --- turns --------------------------------------------------------------------------------------


def test_the_agent_greets_and_the_caller_hangs_up():
    acted = play(end_s=6.0)
    assert acted.heard() == [(GREETING, False)]
    assert acted.ended.ending is Ending.HUNG_UP


def test_a_question_is_answered_with_all_its_words():
    acted = play(Say(4, "what are your hours"))
    assert acted.asked("PrepareReply")[-1]["text"] == "what are your hours"
    assert acted.heard() == [(GREETING, False), (STORY, False)]


def test_words_before_and_after_a_pause_are_answered_together():
    acted = play(Say(4, "i want a table for"), Say(6.2, "four people"), probability=0.1)
    assert acted.heard()[-1] == (STORY, False)
    released = acted.asked("ReleaseReply")[-1]["reply"]
    texts = {line["reply"]: line["text"] for line in acted.asked("PrepareReply")}
    assert texts[released] == "i want a table for four people"


def test_words_that_start_with_the_call_are_not_lost():
    acted = play(Say(0.0, "good evening to you"))
    assert acted.asked("PrepareReply")[-1]["text"] == "good evening to you"


def test_a_reply_is_prepared_in_the_pause_and_heard_only_after_the_decision():
    acted = play(Say(4, "what are your hours"), turns=TurnConfig(pause_min_s=0.8, pause_max_s=0.9))
    released = time_of(acted.asked("ReleaseReply"))
    ready = time_of([r for r in acted.told("ReplyReady") if r["reply"] != 1])
    audible = time_of([r for r in acted.told("ReplyAudible") if r["reply"] != 1])
    assert ready < released <= audible <= released + FRAME_S


def test_noise_gets_no_reply():
    acted = play(Say(4, "", for_s=0.5), end_s=8.0)
    assert acted.asked("PrepareReply") == []
    assert len(acted.heard()) == 1


def test_a_long_silence_is_broken_once():
    acted = play(end_s=60.0)
    assert [p["reason"] for p in acted.asked("Prompt")] == ["greeting", "silence"]


def test_keys_are_words():
    acted = play(press=(Press(4.0, "4"), Press(4.5, "2"), Press(4.8, "#")))
    assert acted.asked("PrepareReply")[-1]["text"] == "4 2 #"


# --- barge-in -----------------------------------------------------------------------------------


def test_an_interruption_silences_the_agent_within_what_is_handed_ahead():
    acted = play(Say(4, "what are your hours"), Say(8, "stop it please"))
    samples, rate = sound(acted)
    held = next(h for h in acted.asked("HoldReply") if float(h["t"]) > 8)
    end = int((float(held["t"]) + LEAD_S + FRAME_S) * rate)
    before = int((float(held["t"]) - 0.1) * rate)
    assert acted.asked("CancelReply")
    assert np.abs(samples[before:end]).max() > 0.01
    assert np.abs(samples[end : end + rate // 2]).max() == 0.0


def test_history_keeps_what_was_heard_of_an_interrupted_reply():
    acted = play(Say(4, "what are your hours"), Say(8, "stop it please"))
    text, cut = acted.heard()[1]
    assert cut
    assert STORY.startswith(text)
    assert 0 < len(text.split()) < len(STORY.split())


def test_an_interruption_is_answered():
    acted = play(Say(4, "what are your hours"), Say(8, "stop it please"))
    assert acted.asked("PrepareReply")[-1]["text"] == "stop it please"
    assert acted.heard()[-1] == ("All right.", False)


def test_speech_over_the_agent_makes_it_quieter():
    acted = play(Say(4, "what are your hours"), Say(8, "uh-huh", for_s=0.5))
    samples, rate = sound(acted)
    at = int(8.15 * rate)
    loud = np.abs(samples[int(7.8 * rate) : 8 * rate]).max()
    quiet = np.abs(samples[at : at + int(0.1 * rate)]).max()
    assert 20 * np.log10(loud / quiet) == approx(15, abs=1)


def test_a_backchannel_costs_no_sample_of_the_reply():
    alone, _ = sound(play(Say(4, "what are your hours")))
    with_it, _ = sound(play(Say(4, "what are your hours"), Say(8, "uh-huh", for_s=0.5)))
    assert np.count_nonzero(alone) == np.count_nonzero(with_it)
    assert len(alone) == len(with_it)


def test_a_held_reply_comes_back_where_it_stopped():
    acted = play(Say(4, "what are your hours"), Say(8, "", for_s=1.0))
    assert [line["what"] for line in acted.trace.named("asked")].count("HoldReply") == 1
    assert acted.heard()[-1] == (STORY, False)
    alone, _ = sound(play(Say(4, "what are your hours")))
    held, rate = sound(acted)
    lost = np.count_nonzero(alone) - np.count_nonzero(held)
    assert abs(lost) < 0.002 * rate  # zero crossings at the seams, no sound


def test_a_key_stops_the_agent_at_once():
    acted = play(Say(4, "what are your hours"), press=(Press(8.0, "1"),))
    assert time_of(acted.asked("CancelReply")[-1:]) == approx(8.0, abs=2 * FRAME_S)


# --- engines that are slow, or break ------------------------------------------------------------


@mark.parametrize("final_delay_s", [0.0, 0.5, 3.0])
def test_however_late_the_recogniser_every_word_is_answered(final_delay_s):
    acted = play(Say(4, "what are your hours"), end_s=30, final_delay_s=final_delay_s)
    answered = " ".join(str(p["text"]) for p in acted.asked("PrepareReply"))
    assert set("what are your hours".split()) <= set(answered.split())


def test_a_responder_that_never_answers_is_given_up():
    slow = ScriptedResponderSettings(replies=("Too late.",), first_token_s=100.0)
    acted = play(Say(4, "hello"), responder=slow, end_s=40)
    assert "trouble" in [p["reason"] for p in acted.asked("Prompt")]
    assert acted.heard() == [(Manners().trouble, False)]


def test_a_voice_that_cannot_keep_up_is_seen_in_the_trace():
    slow = ScriptedSynthesizerSettings(work_s=1.5)
    acted = play(end_s=10.0, synthesizer=slow)
    assert acted.trace.named("underrun")
    assert acted.heard() == [(GREETING, False)]


# --- the trace ----------------------------------------------------------------------------------


def test_a_call_replays_to_the_same_decisions():
    acted = play(Say(4, "what are your hours"), Say(7, "uh-huh"), Say(9, "stop it please"))
    outcome = replay(acted.trace.lines)
    assert outcome.steps > 20
    assert outcome.differences == ()


def test_replaying_with_other_settings_shows_what_would_have_changed():
    acted = play(Say(4, "what are your hours"))
    outcome = replay(acted.trace.lines, TurnConfig(pause_max_s=3.0, prior=0.0))
    assert outcome.differences


def test_the_same_scene_gives_the_same_trace():
    lines = [play(Say(4, "what are your hours"), Say(8, "stop now")).trace.lines for _ in "ab"]
    assert lines[0] == lines[1]
