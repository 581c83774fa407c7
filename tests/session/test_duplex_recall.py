"""The cascade takes over with what both said: the caller's last sound is recognised then."""

import asyncio
from dataclasses import replace

from pytest import mark

from agent.core.audio import AudioFrame
from agent.core.errors import EngineFailed
from agent.core.events import Reason
from agent.core.protocols import Expectation, Message, Role
from agent.duplex_takeover import CascadeSuccessor
from agent.session import Ending
from agent.virtual_loop import run_virtual
from pipelines.cascade.recall import LIMIT_S, stretches, with_words
from pipelines.duplex.line import RECALL_S
from pipelines.engines.scripted import ScriptedResponder, ScriptedResponderSettings
from tests.support.duplex import Hanging, Wrapped, cascade, said, scripted, taped

GREETING, FIRST = "Hello, I am listening.", "I see, please go on."
SORRY = "Sorry, that went wrong."
TROUBLE = Message(Role.EVENT, Reason.TROUBLE.value)
DIES_S = 9.0


class Listening:
    """A responder that keeps what it was asked, and may expect something."""

    def __init__(self, expected=Expectation()):  # noqa: B008  # it is a value
        self.asked, self.expected = [], expected
        self.says = ScriptedResponder(ScriptedResponderSettings((SORRY,), first_token_s=0.05))

    def reply(self, messages, tools):
        self.asked.append(tuple(messages))
        return self.says.reply((), tools)

    def expects(self, messages):
        return self.expected


class Slow:
    """A recogniser that takes longer than there is time, or fails."""

    rate = 16_000

    def __init__(self, recognizer, *, fails=False):
        self.recognizer, self.fails, self.closed = recognizer, fails, 0

    async def open(self, segment, expected):
        self.inner = await self.recognizer.open(segment, expected)
        return self

    async def feed(self, frame):
        if self.fails:
            raise EngineFailed("recognizer", "out of memory")
        return await self.inner.feed(frame)

    async def finish(self):
        await asyncio.sleep(2.0)
        return await self.inner.finish()

    async def close(self):
        self.closed += 1


def taken_over(*spans, script=(), model=Wrapped, recognizer=None, expected=Expectation(), end_s=16):  # noqa: B008  # a value
    """A call whose model dies at DIES_S: the call, and what the cascade's responder was asked.

    `script` is what the recogniser understands, in seconds of the caller's last ten.
    """
    responder, pipeline = Listening(expected), cascade(*script)
    engines = replace(pipeline.engines, responder=responder)
    if recognizer is not None:
        engines = replace(engines, recognizer=recognizer(engines.recognizer))
    successor = CascadeSuccessor(replace(pipeline, engines=engines))
    sound = said(end_s, *spans)
    return run_virtual(
        taped(sound, model(scripted(answer_after_s=1.0), DIES_S), successor=successor)
    ), responder


def after_death_s(call):
    return call.call.loud_from(DIES_S) - DIES_S


def test_the_last_question_is_answered_and_the_history_has_what_both_said():
    call, responder = taken_over(
        (2, 3), (7, 8.3), script=[(2.1, "your hours please"), (7.0, "and on sunday")]
    )
    assert responder.asked[0] == (
        Message(Role.AGENT, GREETING),
        Message(Role.CALLER, "your hours please"),
        Message(Role.AGENT, FIRST),
        Message(Role.CALLER, "and on sunday"),
    )
    assert [line["text"] for line in call.trace.named("recalled")] == [
        "your hours please", "and on sunday",
    ]  # fmt: skip
    assert call.heard()[-1] == (SORRY, False)
    assert after_death_s(call) < 0.7
    assert call.ended.ending is Ending.HUNG_UP


def test_a_question_that_the_model_has_answered_is_history_and_the_cascade_speaks_of_the_trouble():
    call, responder = taken_over((2, 3), script=[(2.1, "your hours please")])
    assert responder.asked[0] == (
        Message(Role.AGENT, GREETING),
        Message(Role.CALLER, "your hours please"),
        Message(Role.AGENT, FIRST),
        TROUBLE,
    )
    assert call.ended.ending is Ending.HUNG_UP


def test_what_was_said_in_two_breaths_is_one_question():
    _, responder = taken_over(
        (6.6, 7.1), (7.5, 8.3), script=[(6.6, "and on"), (7.6, "sunday then")]
    )
    assert responder.asked[0][-1] == Message(Role.CALLER, "and on sunday then")


def test_who_is_speaking_when_the_model_dies_is_heard_from_their_first_word():
    call, responder = taken_over(
        (2, 3), (8.6, 10.0), script=[(2.1, "your hours please"), (0.35, "and on sunday then")]
    )
    # The cascade's own part begins a little before 8.6 s.
    assert call.trace.named("speech")[0]["start_s"] < 0.5
    assert responder.asked[-1][-1] == Message(Role.CALLER, "and on sunday then")
    assert [line["text"] for line in call.trace.named("recalled")] == ["your hours please"]


@mark.parametrize("fails", [False, True])
def test_a_question_that_there_was_no_time_for_is_asked_for_once_more(fails):
    made = []

    def slow(recognizer):
        made.append(Slow(recognizer, fails=fails))
        return made[0]

    call, responder = taken_over((7, 8.3), script=[(7.0, "on sunday")], recognizer=slow)
    assert responder.asked[0][-1] == TROUBLE
    assert call.trace.named("recalled") == []
    assert call.heard()[-1] == (SORRY, False)
    assert after_death_s(call) < LIMIT_S + 0.5
    assert made[0].closed == 1
    faults = [line["message"] for line in call.trace.named("error")]
    assert any("out of memory" in fault for fault in faults) == fails
    assert call.ended.ending is Ending.HUNG_UP


def test_a_model_that_hangs_leaves_the_question_before_it_answered_too():
    call, responder = taken_over((7, 8.3), script=[(7.0, "and on sunday")], model=Hanging)
    assert responder.asked[0][-1] == Message(Role.CALLER, "and on sunday")
    assert after_death_s(call) < 1.0 + 0.7


def test_no_more_than_the_last_seconds_of_a_long_call_are_recognised():
    # Of 30 s the last ten are known: what was said at 22 s lies at 2 s in them.
    responder, pipeline = Listening(), cascade((2.0, "late words"))
    engines = replace(pipeline.engines, responder=responder)
    successor = CascadeSuccessor(replace(pipeline, engines=engines))
    sound = said(34, (5, 6), (22, 22.7))
    run_virtual(taped(sound, Wrapped(scripted(), 20.0 + RECALL_S), successor=successor))
    callers = [m.text for m in responder.asked[0] if m.role is Role.CALLER]
    assert callers == ["late words"]


def test_what_must_reach_no_disk_is_not_in_the_trace():
    call, responder = taken_over(
        (7, 8.3), script=[(7.0, "four one one one")], expected=Expectation(sensitive=True)
    )
    assert responder.asked[0][-1] == Message(Role.CALLER, "four one one one")
    assert call.trace.named("recalled") == []


def test_silence_has_no_stretches_and_noise_without_words_is_no_message():
    pipeline = cascade()
    quiet = AudioFrame(said(2, rate=16_000), 16_000, 0)
    noisy = AudioFrame(said(3, (1, 2), rate=16_000), 16_000, 0)

    async def scene():
        found = await stretches(noisy, pipeline)
        texts = await with_words(noisy, found, pipeline, Expectation(), lambda *_, **__: None)
        return await stretches(quiet, pipeline), found, texts

    none, found, texts = run_virtual(scene())
    assert none == []
    assert len(found) == 1
    assert 0.6 <= found[0].start / 16_000 <= 1.0
    assert 1.9 <= found[0].end / 16_000 <= 2.1
    assert [one.text for one in texts] == [""]
