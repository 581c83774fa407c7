"""The transition table of docs/turn_taking.md, row by row."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from agent.core.events import (
    Aside,
    Backchannel,
    CallAnswered,
    CancelReply,
    Digit,
    DuckReply,
    HoldReply,
    PrepareReply,
    Prompt,
    Reason,
    ReleaseReply,
    ReplyAudible,
    ReplyDone,
    ReplyFailed,
    ReplyReady,
    ResumeReply,
    SpeechEnded,
    SpeechJudged,
    SpeechStarted,
    Transcript,
    TurnEndPredicted,
)
from agent.core.turns import Floor, TurnConfig, TurnMachine

CONFIG = TurnConfig(
    pause_min_s=0.2,
    pause_max_s=1.0,
    prior=0.5,
    speculations_max=2,
    final_wait_s=0.5,
    reply_wait_s=4.0,
    hold_after_s=0.2,
    hold_above=0.45,
    yield_after_s=1.2,
    filler_after_s=1.5,
    user_max_s=30.0,
    agent_max_s=60.0,
    silence_s=8.0,
    prompts_max=1,
    digit_pause_s=1.5,
)


def told(*history, config=CONFIG):
    """A machine that was told (time, event) pairs, and all it asked for in the last step."""
    machine = TurnMachine(config)
    actions = []
    for now, event in history:
        actions = machine.expire(now) if event is None else machine.handle(event, now)
    return machine, actions


def said(segment, text, start, end, final=None):
    """A segment: voice from start to end, and its final words at `final` (default: at its end)."""
    when = end if final is None else final
    return [
        (start, SpeechStarted(segment)),
        (end, SpeechEnded(segment)),
        (when, Transcript(segment, text, final=True)),
    ]


SPOKEN = said(1, "hello there", 1.0, 2.0)
DECIDED = [*SPOKEN, (3.0, None)]  # 0.6 s of silence at the prior: decided at 2.6
AUDIBLE = [*DECIDED, (3.1, ReplyReady(1)), (3.2, ReplyAudible(1))]
OVERLAPPED = [*AUDIBLE, (4.0, SpeechStarted(2))]


# --- open and user ----------------------------------------------------------------------------


def test_an_answered_call_is_greeted():
    machine, actions = told((0.0, CallAnswered()))
    assert actions == [Prompt(1, Reason.GREETING)]
    assert machine.floor is Floor.PENDING


def test_speech_on_an_open_floor_takes_it():
    machine, actions = told((1.0, SpeechStarted(1)))
    assert (machine.floor, actions) == (Floor.USER, [])


def test_words_while_the_caller_speaks_change_nothing():
    machine, actions = told((1.0, SpeechStarted(1)), (1.5, Transcript(1, "", "hello")))
    assert (machine.floor, actions) == (Floor.USER, [])


def test_a_second_start_while_the_caller_speaks_changes_nothing():
    machine, actions = told((1.0, SpeechStarted(1)), (1.5, SpeechStarted(2)))
    assert (machine.floor, actions) == (Floor.USER, [])


def test_the_end_of_one_of_two_open_segments_is_no_pause():
    machine, _ = told((1.0, SpeechStarted(1)), (1.5, SpeechStarted(2)), (1.6, SpeechEnded(1)))
    assert machine.floor is Floor.USER


def test_a_caller_who_never_stops_is_answered_after_user_max():
    machine, actions = told(
        (1.0, SpeechStarted(1)), (2.0, Transcript(1, "on and on")), (31.0, None)
    )
    assert actions == [PrepareReply(1, "on and on"), ReleaseReply(1)]
    assert machine.floor is Floor.PENDING


def test_endless_sound_without_words_opens_the_floor_again():
    machine, actions = told((1.0, SpeechStarted(1)), (31.0, None))
    assert (machine.floor, actions) == (Floor.OPEN, [])


def test_words_of_a_caller_who_still_speaks_take_an_open_floor_back():
    machine, _ = told(
        (1.0, SpeechStarted(1)), (31.0, None), (32.0, Transcript(1, "and another thing"))
    )
    assert machine.floor is Floor.USER


def test_words_that_come_late_on_an_open_floor_are_answered():
    history = [(1.0, SpeechStarted(1)), (2.0, SpeechEnded(1)), (5.0, None)]
    machine, actions = told(*history, (6.0, Transcript(1, "hello", final=True)))
    assert actions == [PrepareReply(1, "hello")]
    assert machine.floor is Floor.PAUSE
    assert machine.expire(6.2) == [ReleaseReply(1)]


def test_an_empty_late_transcript_leaves_the_floor_open():
    history = [(1.0, SpeechStarted(1)), (2.0, SpeechEnded(1)), (5.0, None)]
    machine, actions = told(*history, (6.0, Transcript(1, "", final=True)))
    assert (machine.floor, actions) == (Floor.OPEN, [])


def test_silence_is_broken_once_and_no_more_often_than_allowed():
    machine, _ = told((0.0, CallAnswered()), (0.1, ReplyAudible(1)), (1.0, ReplyDone(1)))
    assert machine.expire(8.9) == []
    assert machine.expire(9.0) == [Prompt(2, Reason.SILENCE)]
    machine.handle(ReplyAudible(2), 9.1)
    machine.handle(ReplyDone(2), 10.0)
    assert machine.floor is Floor.OPEN
    assert machine.deadline() is None


# --- pause ------------------------------------------------------------------------------------


def test_a_reply_is_prepared_as_soon_as_there_are_words_in_the_pause():
    machine, actions = told(*SPOKEN)
    assert actions == [PrepareReply(1, "hello there")]
    assert machine.floor is Floor.PAUSE


def test_a_pause_is_decided_by_time_alone():
    machine, actions = told(*SPOKEN, (2.6, None))
    assert actions == [ReleaseReply(1)]
    assert machine.floor is Floor.PENDING


@mark.parametrize(("probability", "silence_s"), [(1.0, 0.2), (0.5, 0.6), (0.0, 1.0)])
def test_the_surer_the_end_the_shorter_the_wait(probability, silence_s):
    machine, _ = told(*SPOKEN, (2.0, TurnEndPredicted(1, probability)))
    assert machine.deadline() == 2.0 + silence_s


def test_a_late_sure_prediction_decides_at_once():
    machine, actions = told(*SPOKEN, (2.5, TurnEndPredicted(1, 1.0)))
    assert (machine.floor, actions) == (Floor.PENDING, [ReleaseReply(1)])


def test_a_prediction_for_another_segment_is_passed_over():
    machine, _ = told(*SPOKEN, (2.0, TurnEndPredicted(7, 1.0)))
    assert machine.deadline() == 2.6


def test_a_prediction_outside_a_pause_is_passed_over():
    machine, actions = told(*AUDIBLE, (3.3, TurnEndPredicted(1, 1.0)))
    assert (machine.floor, actions) == (Floor.AGENT, [])


def test_speech_in_the_pause_keeps_the_words_and_the_reply_that_may_still_fit():
    machine, actions = told(*SPOKEN, (2.3, SpeechStarted(2)))
    assert (machine.floor, actions, machine.text) == (Floor.USER, [], "hello there")
    machine.handle(SpeechEnded(2), 2.5)
    assert machine.handle(Transcript(2, "", final=True), 3.2) == [ReleaseReply(1)]


def test_words_before_and_after_a_pause_are_one_turn():
    _, actions = told(*said(1, "a table for", 1, 2), *said(2, "four people", 2.3, 3))
    assert actions == [CancelReply(1), PrepareReply(2, "a table for four people")]


def test_changed_words_replace_the_prepared_reply():
    _, actions = told(
        (1.0, SpeechStarted(1)),
        (1.9, Transcript(1, "", "hell")),
        (2.0, SpeechEnded(1)),
        (2.1, Transcript(1, "hello", final=True)),
    )
    assert actions == [CancelReply(1), PrepareReply(2, "hello")]


def test_speculation_has_a_budget_and_the_decision_does_not():
    history = [(1.0, SpeechStarted(1)), (2.0, SpeechEnded(1))]
    partials = [(2.0 + i / 100, Transcript(1, "", "word " * i)) for i in range(1, 4)]
    machine, actions = told(*history, *partials)
    assert actions == [CancelReply(2)]
    final = Transcript(1, "word word word", final=True)
    assert machine.handle(final, 2.7) == [PrepareReply(3, "word word word"), ReleaseReply(3)]


def test_the_decision_waits_for_the_final_words():
    machine, actions = told((1.0, SpeechStarted(1)), (2.0, SpeechEnded(1)), (2.7, None))
    assert (machine.floor, actions) == (Floor.PAUSE, [])
    assert machine.deadline() == 2.0 + 0.6 + 0.5
    actions = machine.handle(Transcript(1, "hello", final=True), 2.8)
    assert actions == [PrepareReply(1, "hello"), ReleaseReply(1)]


def test_a_recogniser_that_never_finishes_is_not_waited_for():
    machine, actions = told(
        (1.0, SpeechStarted(1)),
        (1.9, Transcript(1, "hello")),
        (2.0, SpeechEnded(1)),
        (3.1, None),
    )
    assert (machine.floor, actions) == (Floor.PENDING, [ReleaseReply(1)])


def test_a_turn_without_words_gets_no_reply():
    machine, actions = told(
        (1.0, SpeechStarted(1)),
        (2.0, SpeechEnded(1)),
        (2.1, Transcript(1, "", final=True)),
        (2.7, None),
    )
    assert (machine.floor, actions) == (Floor.OPEN, [])


def test_words_taken_back_take_the_prepared_reply_with_them():
    machine, actions = told(
        (1.0, SpeechStarted(1)),
        (1.9, Transcript(1, "", "huh")),
        (2.0, SpeechEnded(1)),
        (2.1, Transcript(1, "", final=True)),
    )
    assert actions == [CancelReply(1)]
    assert machine.expire(2.6) == []
    assert machine.floor is Floor.OPEN


def test_a_speculation_that_fails_is_made_again_at_the_decision():
    machine, actions = told(*SPOKEN, (2.1, ReplyFailed(1)))
    assert (machine.floor, actions) == (Floor.PAUSE, [])
    assert machine.expire(2.6) == [PrepareReply(2, "hello there"), ReleaseReply(2)]


def test_a_speculation_that_says_nothing_waits_for_the_decision():
    machine, actions = told(*SPOKEN, (2.1, ReplyDone(1)))
    assert (machine.floor, actions) == (Floor.PAUSE, [])
    assert machine.text == "hello there"


def test_a_deadline_that_nobody_fired_is_fired_by_the_next_event():
    _, actions = told(*SPOKEN, (3.0, SpeechStarted(2)))
    assert actions == [ReleaseReply(1), CancelReply(1)]


# --- pending ----------------------------------------------------------------------------------


def test_a_second_sentence_before_the_first_sound_merges_into_one_turn():
    machine, actions = told(*DECIDED, (3.1, SpeechStarted(2)))
    assert (machine.floor, actions) == (Floor.USER, [CancelReply(1)])
    machine.handle(SpeechEnded(2), 4.0)
    actions = machine.handle(Transcript(2, "again", final=True), 4.0)
    assert actions == [CancelReply(2), PrepareReply(3, "hello there again")]


def test_late_words_replace_a_reply_that_is_not_audible_yet():
    machine, _ = told(
        (1.0, SpeechStarted(1)),
        (1.9, Transcript(1, "a table")),
        (2.0, SpeechEnded(1)),
        (3.1, None),
    )
    assert machine.floor is Floor.PENDING
    actions = machine.handle(Transcript(1, "a table for four", final=True), 3.2)
    assert actions == [CancelReply(1), PrepareReply(2, "a table for four"), ReleaseReply(2)]


def test_partial_words_do_not_disturb_a_pending_reply():
    machine, actions = told(*DECIDED, (3.1, Transcript(1, "", "hello where")))
    assert (machine.floor, actions) == (Floor.PENDING, [])


def test_late_words_replace_a_prompt_that_is_not_audible_yet():
    history = [(1.0, SpeechStarted(1)), (2.0, SpeechEnded(1)), (3.2, None), (11.2, None)]
    machine, actions = told(*history)
    assert actions == [Prompt(1, Reason.SILENCE)]
    actions = machine.handle(Transcript(1, "hello", final=True), 11.3)
    assert actions == [CancelReply(1), PrepareReply(2, "hello"), ReleaseReply(2)]


def test_final_words_that_are_none_take_a_pending_reply_back():
    machine, _ = told(
        (1.0, SpeechStarted(1)),
        (1.9, Transcript(1, "", "huh")),
        (2.0, SpeechEnded(1)),
        (3.1, None),
    )
    assert machine.handle(Transcript(1, "", final=True), 3.2) == [CancelReply(1)]
    assert machine.floor is Floor.OPEN


def test_a_reply_that_never_sounds_is_given_up_with_an_apology():
    machine, actions = told(*DECIDED, (7.0, None))
    assert actions == [Backchannel(Aside.LATE), CancelReply(1), Prompt(2, Reason.TROUBLE)]
    assert machine.floor is Floor.PENDING


def test_a_reply_that_fails_is_apologised_for_once():
    machine, actions = told(*DECIDED, (3.1, ReplyFailed(1)))
    assert actions == [Prompt(2, Reason.TROUBLE)]
    assert machine.handle(ReplyFailed(2), 3.2) == []
    assert machine.floor is Floor.OPEN


def test_a_reply_of_nothing_opens_the_floor():
    machine, actions = told(*DECIDED, (3.1, ReplyDone(1)))
    assert (machine.floor, actions) == (Floor.OPEN, [])
    assert machine.text == ""


def test_news_of_another_reply_is_passed_over():
    machine, actions = told(*DECIDED, (3.1, ReplyAudible(9)))
    assert (machine.floor, actions) == (Floor.PENDING, [])


def test_the_end_of_speech_while_the_agent_has_the_turn_changes_nothing():
    machine, actions = told(*DECIDED, (3.1, SpeechEnded(1)))
    assert (machine.floor, actions) == (Floor.PENDING, [])


# --- agent ------------------------------------------------------------------------------------


def test_an_audible_reply_holds_the_floor_and_answers_its_words():
    machine, actions = told(*AUDIBLE)
    assert (machine.floor, actions) == (Floor.AGENT, [])
    assert machine.text == ""


def test_a_reply_is_audible_once():
    machine, actions = told(*AUDIBLE, (3.3, ReplyAudible(1)))
    assert (machine.floor, actions) == (Floor.AGENT, [])


def test_the_end_of_a_reply_opens_the_floor():
    machine, actions = told(*AUDIBLE, (5.0, ReplyDone(1)))
    assert (machine.floor, actions) == (Floor.OPEN, [])


def test_an_endless_reply_is_cut():
    machine, actions = told(*AUDIBLE, (63.3, None))
    assert (machine.floor, actions) == (Floor.OPEN, [CancelReply(1)])


def test_speech_over_the_agent_ducks_it():
    machine, actions = told(*OVERLAPPED)
    assert (machine.floor, actions) == (Floor.OVERLAP, [DuckReply(1)])


def test_an_engine_that_breaks_in_mid_reply_is_apologised_for():
    _, actions = told(*AUDIBLE, (4.0, ReplyFailed(1)))
    assert actions == [Prompt(2, Reason.TROUBLE)]


def test_words_that_come_late_over_the_agent_interrupt_it():
    machine, _ = told(
        (1.0, SpeechStarted(1)),
        (1.9, Transcript(1, "a table")),
        (2.0, SpeechEnded(1)),
        (3.1, None),
        (3.2, ReplyAudible(1)),
    )
    actions = machine.handle(Transcript(1, "a table for four", final=True), 3.3)
    assert actions == [CancelReply(1), PrepareReply(2, "for four")]
    assert machine.floor is Floor.PAUSE


def test_a_late_backchannel_does_not_interrupt():
    history = [*OVERLAPPED, (4.3, SpeechEnded(2)), (4.8, None)]
    machine, actions = told(*history, (5.0, Transcript(2, "uh-huh", final=True)))
    assert (machine.floor, actions) == (Floor.AGENT, [])


def test_partial_words_over_the_agent_wait_for_the_final_ones():
    history = [*OVERLAPPED, (4.3, SpeechEnded(2)), (4.8, None)]
    machine, actions = told(*history, (5.0, Transcript(2, "", "please wait")))
    assert (machine.floor, actions) == (Floor.AGENT, [])


# --- overlap ----------------------------------------------------------------------------------


def test_a_backchannel_is_over_when_its_words_are_final():
    history = [*OVERLAPPED, (4.3, SpeechEnded(2))]
    machine, actions = told(*history, (4.4, Transcript(2, "uh-huh", final=True)))
    assert (machine.floor, actions) == (Floor.AGENT, [ResumeReply(1)])
    assert machine.text == ""


def test_a_backchannel_whose_words_came_first_is_over_when_the_voice_is():
    history = [*OVERLAPPED, (4.2, Transcript(2, "yeah", final=True))]
    machine, actions = told(*history, (4.3, SpeechEnded(2)))
    assert (machine.floor, actions) == (Floor.AGENT, [ResumeReply(1)])


def test_sound_without_words_over_the_agent_is_over_when_it_ends():
    history = [*OVERLAPPED, (4.3, SpeechEnded(2))]
    machine, actions = told(*history, (4.8, None))
    assert (machine.floor, actions) == (Floor.AGENT, [ResumeReply(1)])


def test_sound_that_wants_the_floor_is_held_at_once_when_there_was_time_to_hear():
    machine, actions = told(*OVERLAPPED, (4.1, SpeechJudged(2, 1.0, 0.9)))
    assert (machine.floor, actions) == (Floor.OVERLAP, [])
    assert machine.expire(4.2) == [HoldReply(1)]


def test_a_murmur_is_talked_through():
    machine, actions = told(*OVERLAPPED, (4.1, SpeechJudged(2, 1.0, 0.05)), (4.5, None))
    assert (machine.floor, actions) == (Floor.OVERLAP, [])
    assert machine.handle(SpeechEnded(2), 4.6) == [ResumeReply(1)]
    assert machine.floor is Floor.AGENT


def test_words_that_want_the_floor_hold_what_the_sound_did_not():
    machine, _ = told(*OVERLAPPED, (4.1, SpeechJudged(2, 1.0, 0.3)))
    assert machine.handle(Transcript(2, "", "wait"), 4.4) == [HoldReply(1)]


def test_a_held_reply_goes_on_quietly_when_it_turns_out_to_be_a_murmur():
    machine, _ = told(*OVERLAPPED, (4.3, SpeechJudged(2, 1.0, 0.6)))
    assert machine.handle(SpeechJudged(2, 1.0, 0.05), 4.4) == [DuckReply(1)]
    assert machine.handle(SpeechJudged(2, 1.0, 0.8), 4.5) == [HoldReply(1)]


def test_guesses_end_no_reply():
    machine, actions = told(*OVERLAPPED, (4.2, Transcript(2, "", "stop it")), (5.1, None))
    assert (machine.floor, actions) == (Floor.OVERLAP, [])


def test_late_words_of_the_turn_before_are_judged_without_a_sound():
    history = [*OVERLAPPED, (4.1, SpeechJudged(2, 1.0, 0.02)), (4.3, SpeechEnded(2))]
    machine, actions = told(*history, (4.5, Transcript(2, "saturday", final=True)))
    assert (machine.floor, actions) == (Floor.AGENT, [])
    machine, actions = told(
        (1.0, SpeechStarted(1)), (2.0, SpeechEnded(1)), (2.1, Transcript(1, "", "a table")),
        (3.5, None), (3.6, ReplyAudible(1)),
        (3.7, Transcript(1, "a table for four", final=True)),
    )  # fmt: skip
    assert actions == [CancelReply(1), PrepareReply(2, "for four")]


def test_an_interruption_known_only_at_its_end_is_answered():
    history = [*OVERLAPPED, (4.3, SpeechEnded(2))]
    machine, actions = told(*history, (4.4, Transcript(2, "saturday", final=True)))
    assert (machine.floor, actions) == (Floor.OVERLAP, [])
    assert machine.expire(4.6) == [CancelReply(1), PrepareReply(2, "saturday")]
    assert machine.floor is Floor.PAUSE


def test_its_pause_counts_from_its_last_sound():
    history = [*OVERLAPPED, (4.3, SpeechEnded(2)), (4.4, Transcript(2, "saturday", final=True))]
    machine, _ = told(*history, (4.6, None))
    sure = TurnEndPredicted(2, 1.0)
    assert machine.handle(sure, 4.6) == [ReleaseReply(2)]


def test_what_looked_like_an_interruption_and_goes_on_as_praise_lets_the_agent_go_on():
    history = [*OVERLAPPED, (4.3, SpeechEnded(2)), (4.3, Transcript(2, "oh wait", final=True))]
    machine, _ = told(*history, (4.4, SpeechStarted(3)), (4.9, SpeechEnded(3)))
    praise = Transcript(3, "that's great", final=True)
    assert machine.handle(praise, 5.0) == [ResumeReply(1)]


def test_undecided_speech_over_the_agent_holds_it_and_then_takes_the_floor():
    machine, actions = told(*OVERLAPPED, (4.2, None))
    assert (machine.floor, actions) == (Floor.OVERLAP, [HoldReply(1)])
    assert machine.expire(5.2) == [CancelReply(1)]
    assert machine.floor is Floor.USER


def test_repeated_noise_cannot_hold_the_agent_for_ever():
    history = [*OVERLAPPED, (4.2, SpeechEnded(2)), (4.5, SpeechStarted(3)), (4.9, SpeechEnded(3))]
    machine, _ = told(*history, (5.1, SpeechStarted(4)))
    assert machine.expire(5.2) == [CancelReply(1)]


def test_a_reply_that_ends_under_the_caller_leaves_them_the_floor():
    machine, actions = told(*OVERLAPPED, (4.1, ReplyDone(1)))
    assert (machine.floor, actions) == (Floor.USER, [])


def test_an_engine_that_breaks_under_the_caller_leaves_them_the_floor():
    machine, actions = told(*OVERLAPPED, (4.1, ReplyFailed(1)))
    assert (machine.floor, actions) == (Floor.USER, [])


# --- who speaks -------------------------------------------------------------------------------


def test_a_bystander_on_an_open_floor_is_as_if_nobody_had_spoken():
    machine, _ = told((1.0, SpeechStarted(1)), (1.2, Transcript(1, "", "turn it off")))
    assert machine.handle(SpeechJudged(1, 0.1, 0.9), 1.3) == []
    assert (machine.floor, machine.text) == (Floor.OPEN, "")
    for event in (SpeechEnded(1), Transcript(1, "turn it off", final=True)):
        assert machine.handle(event, 2.0) == []
    assert machine.floor is Floor.OPEN


def test_a_bystander_over_the_agent_leaves_it_the_floor():
    machine, _ = told(*OVERLAPPED, (4.2, Transcript(2, "", "stop that")))
    assert machine.handle(SpeechJudged(2, 0.1, 0.9), 4.3) == [ResumeReply(1)]
    history = (SpeechJudged(2, 0.1, 1.0), SpeechEnded(2), Transcript(2, "stop that", final=True))
    assert [machine.handle(event, 4.6) for event in history] == [[], [], []]
    assert machine.floor is Floor.AGENT


def test_a_caller_taken_for_a_bystander_is_heard_when_they_go_on():
    machine, _ = told(*OVERLAPPED, (4.3, SpeechJudged(2, 0.1, 0.9)))
    assert machine.handle(SpeechJudged(2, 0.6, 0.9), 4.6) == [DuckReply(1)]
    assert machine.floor is Floor.OVERLAP
    machine.handle(Transcript(2, "stop that", final=True), 4.9)
    machine.handle(SpeechEnded(2), 5.0)
    assert machine.expire(5.3)[0] == CancelReply(1)


def test_a_noise_in_a_pause_costs_neither_the_reply_nor_time():
    machine, actions = told(*SPOKEN, (2.3, SpeechStarted(2)), (2.7, SpeechJudged(2, 0.1, 0.5)))
    assert (actions, machine.deadline()) == ([], 2.7)
    assert machine.expire(2.7) == [ReleaseReply(1)]


def test_a_noise_early_in_a_pause_leaves_the_rest_of_it():
    machine, actions = told(*SPOKEN, (2.2, SpeechStarted(2)), (2.4, SpeechJudged(2, 0.1, 0.5)))
    assert (machine.floor, actions) == (Floor.PAUSE, [])
    assert machine.expire(2.6) == [ReleaseReply(1)]


def test_a_noise_beside_the_caller_who_speaks_changes_nothing():
    history = [(1.0, SpeechStarted(1)), (1.2, SpeechStarted(2))]
    machine, actions = told(*history, (1.4, SpeechJudged(2, 0.0, 0.5)))
    assert (machine.floor, actions) == (Floor.USER, [])


def test_a_noise_between_two_turns_changes_nothing():
    history = [*AUDIBLE, (4.0, SpeechStarted(2)), (4.1, ReplyDone(1))]
    machine, _ = told(*history, (4.2, SpeechJudged(2, 0.0, 0.5)))
    assert machine.floor is Floor.OPEN


def test_words_that_change_while_the_caller_goes_on_end_a_speculation():
    machine, actions = told(*SPOKEN, (2.3, SpeechStarted(2)))
    assert (machine.floor, actions) == (Floor.USER, [])
    assert machine.handle(Transcript(2, "", "and"), 2.6) == [CancelReply(1)]


# --- manners ----------------------------------------------------------------------------------


def test_a_late_reply_is_announced_once_and_then_given_up():
    machine, actions = told(*DECIDED, (4.1, None))
    assert actions == [Backchannel(Aside.LATE)]
    assert machine.expire(6.5) == []
    assert machine.expire(6.6)[0] == CancelReply(1)


def test_a_late_greeting_is_not_announced():
    machine, _ = told((0.0, CallAnswered()))
    assert machine.expire(2.0) == []


def test_a_long_story_is_listened_to_audibly_where_that_is_wanted():
    config = replace(CONFIG, listen_every_s=5.0)
    story = [(0.0, SpeechStarted(1)), (3.0, SpeechEnded(1)), (3.1, TurnEndPredicted(1, 0.1)),
             (3.3, SpeechStarted(2)), (6.0, SpeechEnded(2))]  # fmt: skip
    machine, _ = told(*story, config=config)
    assert machine.handle(TurnEndPredicted(2, 0.5), 6.1) == []
    assert machine.handle(TurnEndPredicted(2, 0.1), 6.2) == [Backchannel(Aside.LISTENING)]
    assert machine.handle(TurnEndPredicted(2, 0.05), 6.3) == []


def test_nobody_interrupts_what_must_be_heard():
    notice = [*DECIDED, (3.1, ReplyReady(1, protected=True)), (3.2, ReplyAudible(1))]
    over = [(4.0, SpeechStarted(2)), (5.0, SpeechEnded(2)),
            (5.1, Transcript(2, "stop", final=True)), (5.2, Digit("1"))]  # fmt: skip
    machine, actions = told(*notice, *over)
    assert (machine.floor, actions) == (Floor.AGENT, [])
    assert machine.handle(ReplyDone(1), 9.0) == [PrepareReply(2, "stop 1")]


def test_a_yes_just_before_the_end_of_a_question_answers_it():
    history = [*OVERLAPPED, (4.3, SpeechEnded(2)), (4.4, Transcript(2, "yes", final=True))]
    machine, _ = told(*history)
    assert machine.handle(ReplyDone(1, asks=True), 5.0) == [PrepareReply(2, "yes")]
    for done in (ReplyDone(1, asks=False), ReplyDone(1, asks=True)):
        machine, _ = told(*history)
        when = 5.0 if not done.asks else 5.5  # half a sentence later it was not
        assert machine.handle(done, when) == []
        assert machine.floor is Floor.OPEN


# --- keys -------------------------------------------------------------------------------------


def test_a_key_stops_the_agent_at_once_and_waits_for_the_next():
    machine, actions = told(*AUDIBLE, (4.0, Digit("4")))
    assert actions == [CancelReply(1), PrepareReply(2, "4")]
    assert machine.deadline() == 5.5
    assert machine.handle(Digit("2"), 4.5) == [CancelReply(2), PrepareReply(3, "4 2")]


def test_the_hash_key_ends_the_input():
    machine, _ = told((1.0, Digit("4")))
    assert machine.handle(Digit("#"), 1.2) == [CancelReply(1), PrepareReply(2, "4 #")]
    assert machine.expire(1.2) == [ReleaseReply(2)]


def test_a_prediction_about_speech_does_not_shorten_the_wait_for_a_key():
    machine, _ = told(*SPOKEN, (2.1, Digit("4")), (2.2, TurnEndPredicted(1, 1.0)))
    assert machine.deadline() == 2.1 + 1.5


def test_a_key_that_completes_an_entry_ends_the_turn_while_somebody_speaks():
    machine, actions = told((1.0, SpeechStarted(1)), (1.5, Digit("1", 0.0)))
    assert (machine.floor, actions) == (Floor.PAUSE, [PrepareReply(1, "1")])
    assert machine.expire(1.5) == [ReleaseReply(1)]


def test_a_key_pressed_while_speaking_belongs_to_the_turn():
    machine, actions = told((1.0, SpeechStarted(1)), (1.5, Digit("4")))
    assert (machine.floor, actions) == (Floor.USER, [])
    assert machine.text == "4"


# --- settings ---------------------------------------------------------------------------------


@mark.parametrize(
    "wrong",
    [
        {"pause_min_s": -1.0},
        {"pause_min_s": 3.0},
        {"prior": 1.5},
        {"hold_after_s": 3.0},
        {"murmur_below": 0.9},
        {"silence_s": 1e9},
    ],
)
def test_settings_that_contradict_each_other_are_refused(wrong):
    with raises(ValueError, match="expected"):
        TurnConfig(**wrong)


def test_naming_a_reply_where_none_lives_is_a_fault_of_ours():
    with raises(AssertionError, match="no reply is live"):
        assert TurnMachine(CONFIG)._replies.number


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_wait_never_grows_with_the_probability(a, b):
    low, high = sorted((a, b))
    assert CONFIG.pause_s(low) >= CONFIG.pause_s(high)


def test_an_interruption_of_which_no_word_was_recognised_is_asked_for_again():
    history = [*OVERLAPPED, (4.1, SpeechJudged(2, 1.0, 0.97)), (4.9, SpeechEnded(2))]
    machine, _ = told(*history, (5.0, Transcript(2, "", final=True)))
    assert machine.expire(5.2) == [CancelReply(1), Prompt(2, Reason.UNHEARD)]
    assert machine.floor is Floor.PENDING
