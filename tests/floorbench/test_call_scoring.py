"""Whole calls with known edges, every figure worked out by hand."""

import pytest

from agent.metrics import Waterfall, call_figures
from floorbench.call.ear import listen
from floorbench.call.results import Interruption, Outcome, Waited, distribution
from floorbench.call.scoring import score
from floorbench.call.turn_scoring import waited
from floorbench.recording import Recording
from tests.support.recordings import RATE, answered, asked, in_order, line, sounding, spoken

END = [line(9.0, "end", reason="hung up")]


def scored(caller, agent, *groups, duration_s=10.0):
    recording = Recording(sounding(caller, duration_s), sounding(agent, duration_s), RATE)
    return score(listen(recording), call_figures(in_order(*groups)))


def near(seconds):
    return pytest.approx(seconds, abs=1e-6)


# --- one turn -----------------------------------------------------------------------------------

QUESTION = spoken(1, 1.0, 2.05, "for two")
ANSWER = answered(1, "for two", 2.45, 2.55, 4.05, "Two it is.")


def test_the_delay_is_the_waveforms_and_the_trace_explains_it():
    results = scored([(1.0, 2.0)], [(2.6, 4.0)], QUESTION, ANSWER, END)
    (turn,) = results.turns
    assert (turn.caller_end_s, turn.onset_s, turn.ear_s) == (near(2.0), near(2.6), near(0.6))
    assert turn.outcome is Outcome.HEARD
    assert turn.waited == Waited(
        silence_s=near(0.25), decision_s=near(0.2), model_s=0.0, voice_s=0.0, door_s=near(0.1),
        remainder_s=near(0.05),
    )  # fmt: skip
    assert turn.end_lag_s == near(0.05)
    assert (turn.premature, turn.cut, turn.unheard) == (False, False, "")
    assert results.notices == ()


def test_the_parts_of_the_wait_and_the_remainder_add_up_to_the_delay():
    (turn,) = scored([(1.0, 2.0)], [(2.6, 4.0)], QUESTION, ANSWER, END).turns
    w = turn.waited
    parts = (w.silence_s, w.decision_s, w.model_s, w.voice_s, w.door_s, w.remainder_s)
    assert sum(parts) == near(turn.ear_s)


def test_a_part_that_is_ready_before_the_one_in_front_costs_nothing():
    stamps = Waterfall(
        speech_ended_s=0.2, decided_s=0.5, first_token_s=0.3, first_audio_s=0.9, audible_s=0.92
    )
    assert waited(stamps, 1.0, 0.0) == Waited(
        silence_s=0.2, decision_s=near(0.3), model_s=0.0, voice_s=near(0.4), door_s=near(0.02),
        remainder_s=near(0.08),
    )  # fmt: skip


def test_a_part_the_trace_does_not_have_is_charged_to_the_next_one():
    stamps = Waterfall(speech_ended_s=0.2, first_audio_s=0.7, audible_s=0.7)
    parts = Waited(silence_s=0.2, voice_s=near(0.5), remainder_s=near(-0.05))
    assert waited(stamps, 0.65, 0.0) == parts


def test_a_delay_of_nothing_at_all_is_explained_like_any_other():
    lines = answered(1, "for two", 1.85, 1.95, 4.05, "Two it is.")
    (turn,) = scored([(1.0, 2.0)], [(2.0, 4.0)], spoken(1, 1.0, 1.6, "for two"), lines, END).turns
    assert turn.ear_s == 0.0
    assert turn.waited is not None


def test_an_agent_that_answers_before_the_end_has_a_negative_delay_and_was_premature():
    lines = answered(1, "for two", 1.6, 1.7, 4.05, "Two it is.")
    results = scored([(1.0, 2.0)], [(1.75, 4.0)], spoken(1, 1.0, 1.4, "for"), lines, END)
    assert (results.turns[0].ear_s, results.turns[0].premature) == (near(-0.25), True)
    assert (results.summary.premature, results.summary.ear.p50_s) == (1, near(-0.25))
    assert results.summary.talk_over.agent_s == near(0.25)
    assert results.interjections == ()


def test_a_reply_right_at_the_end_of_the_words_is_early_and_not_premature():
    results = scored([(1.0, 2.0)], [(1.96, 4.0)], QUESTION,
                     answered(1, "for two", 1.9, 1.95, 4.05, "Two."), END)  # fmt: skip
    assert (results.turns[0].ear_s, results.turns[0].premature) == (near(-0.04), False)


@pytest.mark.parametrize(("again_s", "premature"), [(2.75, True), (2.85, False)])
def test_words_that_were_on_their_way_when_the_reply_began_make_it_premature(again_s, premature):
    results = scored([(1.0, 2.0), (again_s, 3.5)], [(2.6, 4.0)], QUESTION, ANSWER, END)
    assert results.turns[0].premature is premature
    assert len(results.interjections) == (0 if premature else 1)


def test_a_sound_a_little_before_its_stamp_is_still_that_reply():
    late_stamp = answered(1, "for two", 2.45, 2.65, 4.05, "Two it is.")
    (turn,) = scored([(1.0, 2.0)], [(2.6, 4.0)], QUESTION, late_stamp, END).turns
    assert (turn.ear_s, turn.waited.remainder_s) == (near(0.6), near(-0.05))


def test_the_sound_of_the_next_reply_is_not_that_of_one_which_made_none():
    more, two = spoken(2, 3.0, 3.5, "hello"), answered(2, "hello", 3.9, 4.0, 5.0, "Yes?")
    results = scored([(1.0, 2.0), (3.0, 3.5)], [(4.05, 5.0)], QUESTION, ANSWER, more, two, END)
    assert [t.ear_s for t in results.turns] == [None, near(0.55)]
    assert (results.summary.ear.n, results.summary.ear.missed) == (1, 1)


def test_a_reply_that_was_withdrawn_before_its_first_sound_is_no_miss():
    draft = [
        asked(2.3, "PrepareReply", 1, text="for"),
        asked(2.4, "ReleaseReply", 1),
        asked(2.45, "CancelReply", 1),
    ]
    more = spoken(2, 2.4, 3.0, "or three")
    lines = answered(2, "for or three", 3.4, 3.5, 5.0, "Three.")
    results = scored([(1.0, 2.0), (2.4, 3.0)], [(3.55, 5.0)], QUESTION, draft, more, lines, END)
    assert [t.outcome for t in results.turns] == [Outcome.WITHDRAWN, Outcome.HEARD]
    assert (results.summary.ear.n, results.summary.ear.missed) == (1, 0)
    assert results.turns[1].ear_s == near(0.55)


def test_a_reply_that_makes_no_sound_is_missed_once():
    results = scored([(1.0, 2.0)], [], QUESTION, ANSWER, END)
    assert results.turns[0].outcome is Outcome.MISSED
    assert (results.summary.ear.n, results.summary.ear.missed, results.summary.unanswered) == (
        0,
        1,
        0,
    )
    assert "no sound is to be heard in the agent's channel" in results.notices


def test_words_that_got_no_reply_at_all_are_unanswered():
    results = scored([(1.0, 2.0)], [], QUESTION, END)
    assert (results.turns, results.summary.unanswered) == ((), 1)


def test_a_reply_after_the_end_of_the_recording_is_unrecorded_and_not_missed():
    results = scored([(1.0, 2.0)], [], QUESTION, ANSWER, END, duration_s=2.4)
    assert results.turns[0].outcome is Outcome.UNRECORDED
    assert (results.summary.ear.n, results.summary.ear.missed) == (0, 0)
    assert results.notices[0].startswith(
        "the recording ends at 2.40 s and the trace goes on to 9.00 s"
    )


def test_without_the_end_of_speech_in_the_trace_the_waveform_alone_still_gives_the_delay():
    speechless = [e for e in QUESTION if e["event"] != "speech"]
    (turn,) = scored([(1.0, 2.0)], [(2.6, 4.0)], speechless, ANSWER, END).turns
    assert (turn.ear_s, turn.waited, turn.end_lag_s) == (near(0.6), None, None)


def test_a_turn_of_two_stretches_ends_with_the_second():
    lines = answered(1, "on no", 4.0, 4.1, 6.0, "Yes.")
    results = scored([(1.0, 2.0), (2.8, 3.6)], [(4.15, 6.0)], QUESTION, spoken(2, 2.8, 3.6, "no"),
                     lines, END)  # fmt: skip
    assert results.turns[0].ear_s == near(0.55)


def test_a_call_without_a_trace_still_has_its_sounds():
    results = scored([(1.0, 2.0)], [(2.6, 4.0)])
    assert (results.turns, len(results.caller), len(results.agent)) == ((), 1, 1)
    assert (
        "the trace does not say how the call ended; it may have been cut short" in results.notices
    )


# --- both at once -------------------------------------------------------------------------------

SORRY = spoken(2, 4.0, 5.0, "wait, three")
LONG = answered(1, "for two", 2.45, 2.55, 8.0, "Two it is. By the window?")


def test_an_interruption_is_timed_to_the_silence():
    stopped = answered(1, "for two", 2.45, 2.55, 4.3, "Two it is. By the window?", heard="Two it")
    duck = [asked(4.1, "DuckReply", 1)]
    results = scored([(1.0, 2.0), (4.0, 5.0)], [(2.6, 4.35)], QUESTION, stopped, duck, SORRY, END)
    (found,) = results.interjections
    assert found.outcome is Interruption.YIELDED
    assert (found.stop_s, found.words) == (near(0.35), "wait, three")
    assert found.undecided_for_s == near(0.2)
    assert results.turns[0].unheard == "is. By the window?"
    assert results.summary.talk_over.caller_s == near(0.35)
    assert [(m.kind, m.at_s) for m in results.markers] == [("duck", 4.1), ("cancel", 4.3)]


def test_a_backchannel_that_the_agent_talks_on_through_survives():
    lines = [asked(4.1, "DuckReply", 1), asked(4.4, "ResumeReply", 1)]
    results = scored([(1.0, 2.0), (4.0, 4.3)], [(2.6, 8.0)], QUESTION, LONG, lines,
                     spoken(2, 4.0, 4.3, "mm-hm"), END)  # fmt: skip
    (found,) = results.interjections
    assert (found.outcome, found.hole_s, found.stop_s) == (Interruption.KEPT_TALKING, 0.0, None)
    assert results.summary.talk_over.kept_talking_s == near(0.3)
    assert results.summary.talk_over.per_minute_s == near(1.8)


def test_a_backchannel_that_tears_a_hole_says_how_long():
    lines = [asked(4.1, "HoldReply", 1), asked(4.9, "ResumeReply", 1)]
    results = scored(
        [(1.0, 2.0), (4.0, 4.3)], [(2.6, 4.2), (4.95, 8.0)], QUESTION, LONG, lines, END
    )
    assert results.interjections[0].hole_s == near(0.75)
    assert results.summary.false_holds == 1


def test_a_sound_nobody_noticed_was_talked_on_through():
    results = scored([(1.0, 2.0), (4.0, 4.3)], [(2.6, 8.0)], QUESTION, LONG, END)
    assert [i.outcome for i in results.interjections] == [Interruption.KEPT_TALKING]


def test_words_into_the_last_second_of_a_reply_are_neither():
    results = scored([(1.0, 2.0), (7.3, 7.8)], [(2.6, 8.0)], QUESTION, LONG, END)
    assert [i.outcome for i in results.interjections] == [Interruption.WAS_ENDING]
    assert (results.summary.yielded, results.summary.kept_talking) == (0, 0)


def test_an_interruption_in_two_pieces_is_one():
    stopped = answered(1, "for two", 2.45, 2.55, 4.7, "Two it is.", heard="Two")
    duck = [asked(4.1, "DuckReply", 1)]
    results = scored(
        [(1.0, 2.0), (4.0, 4.3), (4.5, 5.5)], [(2.6, 4.75)], QUESTION, stopped, duck, END
    )
    assert [(i.outcome, i.stop_s) for i in results.interjections] == [
        (Interruption.YIELDED, near(0.75))
    ]


def test_an_interruption_between_two_sentences_is_timed_to_the_end_of_the_sound():
    stopped = answered(1, "for two", 2.45, 2.55, 4.5, "Two. By the window?", heard="Two.")
    duck = [asked(4.1, "DuckReply", 1)]
    results = scored([(1.0, 2.0), (4.0, 5.0)], [(2.6, 3.8), (4.2, 4.55)], QUESTION, stopped, duck,
                     SORRY, END)  # fmt: skip
    assert [i.stop_s for i in results.interjections] == [near(0.55)]


# --- sums ---------------------------------------------------------------------------------------


def test_percentiles_keep_the_sign_and_count_what_is_missing():
    found = distribution([-0.1, 0.5, None, 0.7, 0.9, 1.1])
    assert (found.n, found.missed, found.p50_s) == (5, 1, near(0.7))
    assert (found.p90_s, found.p95_s) == (near(1.02), near(1.06))


def test_nothing_has_no_percentiles():
    assert distribution([None, None]).p95_s is None
    assert (distribution([]).n, distribution([None]).missed) == (0, 1)
