"""A reply that changes the world: nothing that the caller does ends it before they heard of it."""

from pytest import fixture, mark

from agent.core.events import (
    BeginWork,
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
    SpeechEnded,
    SpeechJudged,
    SpeechStarted,
    Transcript,
    WorkDone,
    WorkDue,
)
from agent.core.turns import Floor, TurnConfig, TurnMachine

CONFIG = TurnConfig(pause_min_s=0.2, pause_max_s=1.0, yield_after_s=1.2, filler_after_s=7.0)


class Machine(TurnMachine):
    """Told an event at a time; the last actions are those of this event or deadline alone."""

    def told(self, now, *events):
        actions = self.expire(now)
        for event in events:
            actions += self.handle(event, now)
        return actions

    def says(self, segment, text, start, end):
        """All that a sentence of the caller's leads to, its turn's end included."""
        actions = self.told(start, SpeechStarted(segment))
        actions += self.told(end, SpeechEnded(segment), Transcript(segment, text, final=True))
        return actions + self.told(end + 1.5)


@fixture
def machine():
    """At work since 4.0 for reply 1, which is silent still."""
    made = Machine(CONFIG)
    made.says(1, "pay it", 1.0, 2.0)
    assert made.told(4.0, WorkDue(1)) == [BeginWork(1)]
    assert (made.floor, made.text) == (Floor.PENDING, "")
    return made


def test_a_cough_holds_it_and_lets_it_go_on(machine):
    assert machine.told(4.5, SpeechStarted(2)) == [HoldReply(1)]
    assert machine.floor is Floor.USER
    assert machine.told(4.7, SpeechEnded(2), Transcript(2, "", final=True)) == []
    assert machine.told(6.0) == [ReleaseReply(1)]
    assert machine.told(6.1, WorkDone(1), ReplyAudible(1), ReplyDone(1)) == []
    assert machine.floor is Floor.OPEN


def test_a_bystander_lets_it_go_on_too(machine):
    machine.told(4.5, SpeechStarted(2))
    assert machine.told(4.7, SpeechJudged(2, 0.1, 0.5)) == []
    assert machine.told(6.0) == [ReleaseReply(1)]
    assert machine.told(6.1, SpeechJudged(2, 0.9, 0.5)) == [HoldReply(1)]


def test_words_said_meanwhile_are_answered_after_it(machine):
    assert machine.says(2, "and what about tomorrow", 4.5, 5.5) == [HoldReply(1), ReleaseReply(1)]
    machine.told(7.1, WorkDone(1), ReplyAudible(1))
    assert machine.told(9.0, ReplyDone(1)) == [PrepareReply(2, "and what about tomorrow")]


def test_a_murmur_meanwhile_is_answered_by_nothing(machine):
    assert machine.says(2, "okay", 4.5, 5.0) == [HoldReply(1), ReleaseReply(1)]
    assert machine.told(7.0, WorkDone(1), ReplyAudible(1), ReplyDone(1)) == []
    assert machine.floor is Floor.OPEN


def test_words_said_before_it_sounds_do_not_interrupt_it_together_with_a_later_murmur(machine):
    machine.says(2, "and what about tomorrow", 4.5, 5.5)
    machine.told(7.1, WorkDone(1), ReplyAudible(1))
    machine.told(7.5, SpeechStarted(3))
    machine.told(7.8, SpeechEnded(3), Transcript(3, "uh-huh", final=True))
    assert machine.floor is Floor.AGENT
    machine.told(8.0, Transcript(2, "and what about tomorrow", final=True))
    assert machine.floor is Floor.AGENT
    assert machine.told(9.0, ReplyDone(1)) == [PrepareReply(2, "and what about tomorrow")]


def test_a_key_waits_for_it_and_is_answered_after_it(machine):
    assert machine.told(4.5, Digit("#")) == [HoldReply(1)]
    assert machine.told(4.5) == [ReleaseReply(1)]
    machine.told(6.0, WorkDone(1), ReplyAudible(1))
    assert machine.told(7.0, ReplyDone(1)) == [PrepareReply(2, "#")]


def test_once_its_result_is_heard_it_may_be_interrupted_like_any_other(machine):
    machine.told(6.0, WorkDone(1), ReplyAudible(1))
    assert machine.told(6.5, SpeechStarted(2)) == [DuckReply(1)]
    assert CancelReply(1) in machine.told(8.0)


def test_the_caller_may_take_the_floor_of_one_that_speaks_while_it_works_and_hears_it_later(
    machine,
):
    machine.told(4.5, ReplyAudible(1))
    machine.told(5.0, SpeechStarted(2))
    machine.told(6.5)
    assert machine.floor is Floor.USER
    machine.told(6.6, WorkDone(1))
    assert machine.told(6.7, SpeechEnded(2), Transcript(2, "stop it", final=True)) == []
    assert machine.told(8.5) == [ReleaseReply(1)]
    machine.told(8.6, ReplyAudible(1))
    assert machine.told(9.0, ReplyDone(1)) == [PrepareReply(2, "stop it")]


def test_a_result_that_comes_under_the_caller_is_heard_when_the_reply_goes_on(machine):
    machine.told(4.5, ReplyAudible(1))
    machine.told(5.0, SpeechStarted(2))
    machine.told(5.2, WorkDone(1))
    machine.told(5.3, SpeechEnded(2), Transcript(2, "okay", final=True))
    assert machine.floor is Floor.AGENT
    machine.told(6.0, SpeechStarted(3))
    assert CancelReply(1) in machine.told(8.0)


def test_a_held_reply_without_sound_left_is_over(machine):
    machine.told(4.5, SpeechStarted(2))
    assert machine.told(4.6, ReplyDone(1)) == []
    assert (machine.floor, machine.live) == (Floor.USER, None)
    machine.told(4.7, SpeechEnded(2), Transcript(2, "hello", final=True))
    assert machine.live.text == "hello"


def test_a_second_tool_may_begin_while_the_caller_speaks(machine):
    machine.told(4.5, SpeechStarted(2))
    assert machine.told(4.6, WorkDone(1), WorkDue(1)) == [BeginWork(1)]


def test_a_reply_that_nobody_has_asked_for_begins_nothing():
    machine = Machine(CONFIG)
    machine.told(1.0, SpeechStarted(1))
    machine.told(2.0, SpeechEnded(1), Transcript(1, "pay it", final=True))
    assert machine.told(2.1, WorkDue(1)) == []
    assert machine.told(2.1, WorkDone(1)) == []
    assert machine.text == "pay it"


@mark.parametrize("words", ["", "hello"])
def test_one_that_breaks_while_the_caller_speaks_leaves_them_the_floor(machine, words):
    machine.told(4.5, SpeechStarted(2))
    assert machine.told(4.6, ReplyFailed(1)) == []
    machine.told(4.7, SpeechEnded(2), Transcript(2, words, final=True))
    machine.told(6.0)
    assert machine.floor is (Floor.PENDING if words else Floor.OPEN)


def test_one_that_never_sounds_is_given_up_like_any_other(machine):
    machine.told(10.0)
    assert machine.told(12.0) == [CancelReply(1), Prompt(2, Reason.TROUBLE)]
