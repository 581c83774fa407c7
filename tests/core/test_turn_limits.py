"""At the very instant, after a long delay, and a second time: the edges of the turn machine."""

from pytest import mark, raises

from agent.core.events import (
    Aside,
    Backchannel,
    CallAnswered,
    CancelReply,
    Digit,
    PrepareReply,
    Prompt,
    Reason,
    ReleaseReply,
    ReplyAudible,
    ReplyDone,
    SpeechEnded,
    SpeechStarted,
    Transcript,
    TurnEndPredicted,
)
from agent.core.turns import Floor, TurnConfig, TurnMachine

CONFIG = TurnConfig(
    pause_min_s=0.25,
    pause_max_s=0.75,
    prior=0.5,
    final_wait_s=0.5,
    reply_wait_s=4.0,
    hold_after_s=0.5,
    yield_after_s=1.0,
    agent_max_s=60.0,
    silence_s=8.0,
)  # sums of powers of two, so that instants are exact


def told(*history):
    """A machine that was told (time, event) pairs, and all it asked for in the last step."""
    machine, actions = TurnMachine(CONFIG), []
    for now, event in history:
        actions = machine.expire(now) if event is None else machine.handle(event, now)
    return machine, actions


SPOKEN = ((1.0, SpeechStarted(1)), (2.0, SpeechEnded(1)))
FINAL = (2.0, Transcript(1, "hello there", final=True))
AUDIBLE = (*SPOKEN, FINAL, (2.5, None), (3.0, ReplyAudible(1)))


def test_last_words_that_come_at_the_very_end_of_the_pause_decide_it():
    machine, actions = told(*SPOKEN, (2.5, Transcript(1, "hello", final=True)))
    assert actions == [PrepareReply(1, "hello"), ReleaseReply(1)]
    assert machine.floor is Floor.PENDING


def test_a_prediction_that_makes_the_pause_end_now_decides_it():
    _, actions = told(*SPOKEN, FINAL, (2.25, TurnEndPredicted(1, 1.0)))
    assert actions == [ReleaseReply(1)]


def test_a_recogniser_that_was_given_up_is_not_waited_for_in_the_next_turn():
    history = [*SPOKEN, (2.25, Transcript(1, "hello")), (3.0, None)]
    history += [(3.5, SpeechStarted(2)), (4.0, SpeechEnded(2))]
    machine, _ = told(*history, (4.0, Transcript(2, "again", final=True)))
    assert machine.expire(4.5) == [ReleaseReply(3)]


def test_after_an_answer_silence_is_broken_again():
    history = [(0.0, CallAnswered()), (0.5, ReplyAudible(1)), (1.0, ReplyDone(1)), (9.0, None)]
    history += [(9.5, ReplyAudible(2)), (10.0, ReplyDone(2)), (11.0, SpeechStarted(1))]
    history += [(12.0, SpeechEnded(1)), (12.0, Transcript(1, "yes", final=True)), (12.5, None)]
    history += [(13.0, ReplyAudible(3)), (14.0, ReplyDone(3))]
    machine, _ = told(*history)
    assert machine.expire(22.0) == [Prompt(4, Reason.SILENCE)]


def test_an_endless_reply_is_cut_though_it_was_resumed():
    history = [*AUDIBLE, (4.0, SpeechStarted(2)), (4.25, SpeechEnded(2))]
    machine, _ = told(*history, (4.5, Transcript(2, "uh-huh", final=True)))
    assert machine.floor is Floor.AGENT
    assert machine.expire(64.5) == [CancelReply(1)]


def test_a_machine_that_was_left_alone_catches_up_with_every_deadline_at_its_time():
    machine, _ = told(*SPOKEN, FINAL)
    actions = machine.expire(17.0)
    assert actions == [
        ReleaseReply(1),  # at 2.5
        Backchannel(Aside.LATE),  # at 4.0
        CancelReply(1),
        Prompt(2, Reason.TROUBLE),  # at 6.5
        CancelReply(2),  # at 10.5
    ]
    assert (machine.floor, machine.deadline()) == (Floor.OPEN, 18.5)


def test_an_event_that_comes_late_finds_the_deadlines_before_it_done():
    machine, actions = told(*SPOKEN, FINAL, (7.0, ReplyDone(2)))
    assert actions[0] == ReleaseReply(1)
    assert actions[2:4] == [CancelReply(1), Prompt(2, Reason.TROUBLE)]
    assert machine.floor is Floor.OPEN


def test_speech_that_lasts_to_the_very_instant_takes_the_floor():
    machine, actions = told(*AUDIBLE, (4.0, SpeechStarted(2)), (4.5, None), (5.0, None))
    assert (machine.floor, actions) == (Floor.USER, [CancelReply(1)])


def test_a_reply_whose_words_were_answered_twice_leaves_no_words_behind():
    history = [*SPOKEN, (2.0, Transcript(1, "hello")), (3.0, None), (3.25, ReplyAudible(1))]
    history += [(3.5, Transcript(1, "hello uh-huh", final=True))]
    machine, actions = told(*history, (5.0, ReplyDone(1)))
    assert (machine.floor, actions, machine.text) == (Floor.OPEN, [], "")


def test_the_hundredth_turn_waits_no_longer_than_the_first():
    machine, now = TurnMachine(CONFIG), 0.0
    for number in range(1, 101):
        machine.handle(SpeechStarted(number), now)
        machine.handle(SpeechEnded(number), now + 1)
        machine.handle(Transcript(number, f"w{number}", final=True), now + 1)
        assert machine.expire(now + 1.5) == [ReleaseReply(number)]
        machine.handle(ReplyAudible(number), now + 2)
        machine.handle(ReplyDone(number), now + 3)
        now += 4


@mark.parametrize(
    "allowed",
    [
        {"silence_s": 3600.0},
        {"silence_s": 0.0},
        {"pause_min_s": 0.5, "pause_max_s": 0.5},
        {"hold_after_s": 1.0, "yield_after_s": 1.0},
        {"prior": 0.0},
        {"prior": 1.0},
    ],
)
def test_settings_may_go_to_their_limits(allowed):
    config = TurnConfig(**allowed)
    assert all(getattr(config, name) == value for name, value in allowed.items())


@mark.parametrize(
    ("wrong", "said"),
    [
        ({"silence_s": 3600.5}, "silence_s: expected 0 to 3600 seconds, found 3600.5"),
        ({"silence_s": -0.5}, "silence_s: expected 0 to 3600 seconds, found -0.5"),
        ({"silence_s": float("nan")}, "silence_s: expected 0 to 3600 seconds, found nan"),
        ({"pause_min_s": 3.0}, "pause_min_s: expected at most pause_max_s"),
        ({"hold_after_s": 3.0}, "hold_after_s: expected at most yield_after_s"),
        ({"prior": 1.5}, "prior: expected 0 to 1, found 1.5"),
        ({"prior": -0.5}, "prior: expected 0 to 1, found -0.5"),
    ],
)
def test_settings_beyond_their_limits_are_refused_by_name(wrong, said):
    with raises(ValueError, match=f"^{said}"):
        TurnConfig(**wrong)


@mark.parametrize(("probability", "decided"), [(float("nan"), 2.75), (-3.0, 2.75), (7.0, 2.25)])
def test_a_predictor_that_breaks_down_cannot_stop_the_clock(probability, decided):
    machine, _ = told(*SPOKEN, FINAL, (2.0, TurnEndPredicted(1, probability)))
    assert machine.deadline() == decided


def test_an_overlap_is_not_settled_while_words_of_it_are_owed():
    history = [*AUDIBLE, (4.0, SpeechStarted(2)), (4.125, SpeechEnded(2))]
    history += [(4.25, SpeechStarted(3)), (4.375, SpeechEnded(3))]
    machine, actions = told(*history, (4.5, Transcript(2, "", final=True)))
    assert (machine.floor, actions) == (Floor.OVERLAP, [])


def test_a_backchannel_in_a_reply_to_a_misheard_word_is_not_answered_when_the_reply_ends():
    history = [*SPOKEN, (2.0, Transcript(1, "mm")), (3.0, None), (3.25, ReplyAudible(1))]
    history += [(3.5, Transcript(1, "uh-huh", final=True))]
    machine, actions = told(*history, (5.0, ReplyDone(1)))
    assert (machine.floor, actions, machine.text) == (Floor.OPEN, [], "")


def test_a_key_of_a_longer_entry_waits_for_the_end_of_what_is_being_said():
    machine, actions = told((1.0, SpeechStarted(1)), (2.0, Digit("1", 3.0)))
    assert actions == []
    assert machine.floor is Floor.USER
