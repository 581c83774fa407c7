"""What takes over when a duplex model fails in mid-call, or has no room; and what it is asked."""

import asyncio

import numpy as np
from pytest import approx, mark, raises

from agent.admission import Refusal
from agent.config import Config, load
from agent.core.audio import AudioFrame
from agent.core.errors import ConfigError, EngineFailed
from agent.core.events import Reason
from agent.core.protocols import Message, Role, Speech
from agent.duplex_takeover import CascadeSuccessor
from agent.duplex_wiring import CascadeDelegate, build_duplex, busy
from agent.metrics import call_figures
from agent.replay import replay
from agent.session import Ending
from agent.virtual_loop import run_virtual
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.responder import FlowResponder
from pipelines.duplex.config import DuplexConfig, WhenFull
from pipelines.duplex.continued import Continued
from pipelines.duplex.pipeline import DuplexPipeline
from pipelines.engines.scripted import ScriptedResponder, ScriptedResponderSettings
from tests.support.duplex import (
    RATE,
    Hanging,
    NotANumber,
    Slow,
    TapedCall,
    TooLong,
    Wrapped,
    cascade,
    hold,
    said,
    scripted,
    taped,
    tone,
)

GREETING, FIRST = "Hello, I am listening.", "I see, please go on."
SORRY = "Sorry, that went wrong."


class Listening:
    """A responder that keeps what it was asked."""

    def __init__(self, says=SORRY, first_token_s=0.05):
        self.asked = []
        self.says = ScriptedResponder(ScriptedResponderSettings((says,), first_token_s))

    def reply(self, messages, tools):
        self.asked.append(tuple(messages))
        return self.says.reply((), tools)

    def expects(self, messages):
        return self.says.expects(messages)


def behind(*say, responder=None):
    """A cascade that takes over; `say` in seconds after that."""
    pipeline = cascade(*say)
    if responder is not None:
        object.__setattr__(pipeline.engines, "responder", responder)
    return CascadeSuccessor(pipeline)


def broken(model, *say, end_s=15.0, **rest):
    return run_virtual(taped(said(end_s, (9, 10)), model, successor=behind(*say), **rest))


@mark.parametrize(
    ("model", "found_s"),
    [(Wrapped, 0.0), (Hanging, 1.0), (NotANumber, 0.0), (TooLong, 0.0)],
)
def test_the_caller_hears_the_cascade_soon_after_the_model_failed(model, found_s):
    failing = model(scripted(), 5.0)
    call = broken(failing, (4, "what now"))
    assert call.ended.ending is Ending.HUNG_UP
    assert call.heard() == [(GREETING, False), (SORRY, False), ("All right.", False)]
    assert call.call.loud_from(4.9) - 5.0 <= found_s + 0.45
    (fault,) = call.trace.named("error")
    assert fault["fallback"] == "cascade"
    assert failing.closed == 1


def test_a_model_that_falls_behind_is_replaced_too():
    call = broken(Slow(scripted(), 5.0))
    assert "behind the sound" in call.trace.named("error")[0]["message"]
    assert (SORRY, False) in call.heard()


def test_the_cascade_knows_what_was_heard_and_does_not_greet_again():
    responder = Listening()
    successor = behind(responder=responder)
    call = run_virtual(taped(said(12, (3, 4)), Wrapped(scripted(), 6.0), successor=successor))
    (first, *_) = responder.asked
    assert first == (
        Message(Role.AGENT, GREETING),
        Message(Role.AGENT, "I see, please go on."),
        Message(Role.EVENT, Reason.TROUBLE.value),
    )
    assert call.ended.ending is Ending.HUNG_UP


def test_what_was_said_while_the_model_hung_is_heard_by_the_cascade():
    # The caller speaks from 5.2 s to 5.8 s; the model hangs from 5 s on, found out at 6.1 s. The
    # cascade's own part begins a second before that.
    successor = behind((0.1, "are you there"))
    call = run_virtual(taped(said(14, (5.2, 5.8)), Hanging(scripted(), 5.0), successor=successor))
    starts = [x for x in call.trace.named("told") if x["what"] == "SpeechStarted"]
    assert starts
    assert float(starts[0]["t"]) < 6.3


def test_a_model_that_cannot_be_opened_is_a_call_for_the_cascade_from_its_greeting_on():
    class Gone(Wrapped):
        async def open(self, prompt):
            raise EngineFailed("scripted", "nobody there")

    responder = Listening()
    run_virtual(taped(said(5), Gone(scripted(), 0.0), successor=behind(responder=responder)))
    assert responder.asked[0] == (Message(Role.EVENT, Reason.GREETING.value),)


def test_the_next_call_is_the_models_again():
    class Once(Wrapped):
        """Fails in its first call only."""

        async def wrong(self, slot, frame):
            self.at_s = 1e9
            return await super().wrong(slot, frame)

    async def scene():
        pipeline = DuplexPipeline(Once(scripted(), 2.0), successor=behind())
        first = await hold(TapedCall(said(8)), pipeline)
        return first, await hold(TapedCall(said(8, (3, 4))), pipeline)

    first, second = run_virtual(scene())
    assert (SORRY, False) in first.heard()
    assert second.heard() == [(GREETING, False), (FIRST, False)]


def test_one_call_that_fails_leaves_the_others_alone():
    class ThirdFails(Wrapped):
        async def step(self, slot, frame):
            if slot.number == 3 and frame.start > 2 * RATE:
                raise EngineFailed("scripted", "this slot broke")
            return await self.model.step(slot, frame)

    async def scene():
        pipeline = DuplexPipeline(ThirdFails(scripted(), 0.0), successor=behind())
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(hold(TapedCall(said(6)), pipeline)) for _ in range(5)]
        return [call.result() for call in calls]

    heard = [call.heard() for call in run_virtual(scene())]
    assert heard[2] == [(GREETING, False), (SORRY, False)]
    assert [heard[n] for n in (0, 1, 3, 4)] == [[(GREETING, False)]] * 4


def test_who_hangs_up_while_the_cascade_speaks_ends_the_call():
    call = run_virtual(taped(said(2.6), Wrapped(scripted(), 2.0), successor=behind()))
    assert call.ended.ending is Ending.HUNG_UP


def test_captions_of_both_have_numbers_of_their_own():
    call = broken(Wrapped(scripted(), 5.0))
    final = [n.data for n in call.call.notes if n.data.get("reply") and n.data["final"]]
    assert [(data["reply"], data["text"]) for data in final] == [(1, GREETING), (2, SORRY)]


def test_the_trace_of_a_call_that_was_taken_over_replays():
    call = broken(Wrapped(scripted(), 5.0), (4, "what now"))
    outcome = replay(call.trace.lines)
    assert outcome.steps > 5
    assert outcome.differences == ()
    assert [reply.heard for reply in call_figures(call.trace.lines).replies] == [
        SORRY,
        "All right.",
    ]


# --- no room ------------------------------------------------------------------------------------


def test_a_call_without_a_seat_goes_to_the_cascade_where_the_configuration_says_so():
    async def scene():
        config = DuplexConfig(when_full=WhenFull.CASCADE)
        pipeline = DuplexPipeline(scripted(slots=1), config, successor=behind())
        async with asyncio.TaskGroup() as group:
            first = group.create_task(hold(TapedCall(said(4)), pipeline))
            await asyncio.sleep(0.5)
            assert pipeline.busy() is None
            second = group.create_task(hold(TapedCall(said(4)), pipeline))
        return first.result(), second.result()

    first, second = run_virtual(scene())
    assert first.heard() == [(GREETING, False)]
    assert second.heard() == [("Good day.", False)]
    assert "all 1 taken" in second.trace.named("error")[0]["message"]


def test_a_server_says_503_and_when_to_come_back():
    async def scene():
        pipeline = DuplexPipeline(scripted(slots=1), successor=behind())
        async with asyncio.TaskGroup() as group:
            group.create_task(hold(TapedCall(said(2)), pipeline))
            await asyncio.sleep(0.5)
            refused = busy(pipeline)
        return refused, busy(pipeline)

    refused, afterwards = run_virtual(scene())
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.retry_s) == (503, 60)
    assert "you are number 1 in the queue, try again in 60 s" in refused.message
    assert afterwards is None


# --- delegation ---------------------------------------------------------------------------------


QUESTION = "One moment, your opening hours."


def delegated(*, responder, end_s=14.0, replies=(QUESTION, "I see."), voice=None, **config):
    pipeline = cascade(rate=22_050)
    object.__setattr__(pipeline.engines, "responder", responder)
    object.__setattr__(pipeline.engines, "synthesizer", voice or pipeline.engines.synthesizer)
    model = scripted(replies=replies)
    return run_virtual(
        taped(
            said(end_s, (3, 4), (11.5, 12.0)), model,
            DuplexConfig(triggers=("one moment",), **config),
            delegate=CascadeDelegate(pipeline, RATE),
        )
    )  # fmt: skip


def test_the_responder_answers_what_the_model_passes_on():
    responder = Listening()
    call = delegated(responder=responder)
    (asked,) = responder.asked
    assert asked[-1] == Message(Role.CALLER, "your opening hours.")
    assert asked[0] == Message(Role.AGENT, GREETING)
    assert [text for text, _ in call.heard()] == [
        GREETING, "One moment, your opening hours.", SORRY, "I see.",
    ]  # fmt: skip
    (line,) = call.trace.named("delegated")
    assert line["question"] == "your opening hours."


def test_its_voice_replaces_the_models_for_as_long_as_it_speaks():
    call = delegated(responder=Listening())
    asked_s = float(call.trace.named("delegated")[0]["t"])
    sound = np.concatenate([part for at, part in call.call.heard if asked_s < at < asked_s + 4])
    assert np.count_nonzero(np.abs(sound) > 0.001) / RATE == approx(len(SORRY) * 0.07, abs=0.1)


def test_an_answer_with_the_trigger_in_it_is_not_the_next_question():
    responder = Listening("One moment please, we open at nine.")
    call = delegated(responder=responder, end_s=30.0)
    assert len(responder.asked) == 1
    assert [text for text, _ in call.heard()][-2:] == [
        "One moment please, we open at nine.", "I see.",
    ]  # fmt: skip


def test_a_question_while_an_answer_is_made_is_left_out_and_in_the_trace():
    responder = Listening(first_token_s=20.0)
    call = delegated(responder=responder, end_s=20.0, replies=(QUESTION, "One moment, the menu."))
    assert len(responder.asked) == 1
    (line,) = call.trace.named("remark")
    assert line["text"] == "not passed on while an answer is made: the menu."


def test_a_responder_that_fails_is_in_the_trace_and_the_model_goes_on():
    class Broken(Listening):
        async def reply(self, messages, tools):
            raise EngineFailed("chat", "no network")
            yield ""

    call = delegated(responder=Broken())
    assert "no network" in call.trace.named("error")[0]["message"]
    assert call.heard()[-1] == ("I see.", False)
    assert call.ended.ending is Ending.HUNG_UP


def test_an_answer_that_is_no_sound_is_in_the_trace_and_not_in_the_call():
    class NoNumbers:
        rate = RATE

        async def speak(self, clauses):
            async for clause in clauses:
                yield Speech(AudioFrame(np.full(2400, np.nan, np.float32), RATE, 0), clause)

    call = delegated(responder=Listening(), voice=NoNumbers())
    assert "not finite" in call.trace.named("error")[0]["message"]
    assert np.isfinite(call.call.agent()).all()


def test_the_rest_of_an_answer_that_is_too_long_is_left_out_and_not_pieces_of_its_middle():
    class Uneven:
        rate = RATE

        async def speak(self, clauses):
            lengths_s = iter((2.0, 1.5, 0.5))
            async for clause in clauses:
                yield Speech(AudioFrame(tone(next(lengths_s)), RATE, 0), clause)

    responder = Listening("We open at nine. On sundays we do not. Only then.")
    call = delegated(responder=responder, voice=Uneven(), answer_s=3.0)
    assert [text for text, _ in call.heard()][-2:] == ["We open at nine.", "I see."]
    (line,) = call.trace.named("remark")
    assert line["text"] == "the answer was too long: its rest is left out"


# --- the parts ----------------------------------------------------------------------------------


def test_a_continued_responder_sees_all_that_was_before():
    responder = Listening()
    history = (Message(Role.AGENT, "hello"),)
    more = (Message(Role.EVENT, Reason.GREETING.value), Message(Role.CALLER, "hi"))
    Continued(responder, history).reply(more, ())
    assert responder.asked == [
        (history[0], Message(Role.EVENT, Reason.TROUBLE.value), Message(Role.CALLER, "hi"))
    ]
    assert Continued(responder, history).expects(()) == responder.expects(())


def test_a_responder_that_hears_and_reads_ahead_does_so_in_the_middle_of_a_call_too():
    class Able(Listening):
        sound_s, reads_ahead = 20.0, True

        async def read_ahead(self, messages, tools):
            self.asked.append(messages)

    able, history = Able(), (Message(Role.AGENT, "hello"),)
    for responder, can in ((able, (20.0, True)), (Listening(), (0.0, False))):
        continued = Continued(responder, history)
        assert (continued.sound_s, continued.reads_ahead) == can
        asyncio.run(continued.read_ahead((Message(Role.CALLER, "hi"),), ()))
    assert able.asked == [(history[0], Message(Role.CALLER, "hi"))]


def test_a_flow_goes_on_with_its_word_about_trouble_and_not_with_its_greeting():
    tables = load("offline").tables["flow"]
    responder = Continued(
        FlowResponder(load_flow(tables, "offline")),
        (Message(Role.AGENT, "Hello, I am listening."),),
    )

    async def scene():
        begin = (Message(Role.EVENT, Reason.GREETING.value),)
        return "".join([str(piece) async for piece in responder.reply(begin, ())])

    words = run_virtual(scene())
    assert "something went wrong on my side" in words
    assert "this is the Olive Tree" not in words


def config(**tables):
    return Config("test.toml", "Test", tables)


def test_a_configuration_becomes_a_pipeline_and_its_model_is_closed_with_it():
    kept = []
    tables = {"duplex": {"when_full": "cascade"}, "duplex_model": {"engine": "scripted"}}
    pipeline = build_duplex(config(**tables), kept.append, cascade())
    assert pipeline.config.when_full is WhenFull.CASCADE
    assert pipeline.successor is not None
    assert (pipeline.rate, pipeline.play_rate) == (RATE, RATE)
    (model,) = kept
    model.close()


@mark.parametrize(
    ("tables", "sentence"),
    [
        ({}, r"\[duplex_model\] engine: expected one of"),
        ({"duplex": {"when_full": "panic"}}, "when_full"),
        ({"duplex": {"max_lag_s": 0}}, "max_lag_s: expected above 0"),
        ({"duplex": {"triggers": ["one moment"]}}, "expected a cascade whose responder is asked"),
        ({"duplex": {"triggers": [" "]}}, "triggers: expected words"),
    ],
)
def test_what_is_wrong_in_a_configuration_is_a_sentence(tables, sentence):
    with raises(ConfigError, match=sentence):
        build_duplex(config(**tables), lambda model: model, None)
