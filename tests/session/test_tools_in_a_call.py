"""Tools in whole calls in virtual time: the real pipeline, a scripted model that asks for them."""

import asyncio
from dataclasses import dataclass, field, replace

from pytest import mark

from agent.core.errors import EngineFailed
from agent.core.protocols import Expectation, Role, Tool, ToolCall, ToolResult
from agent.core.turns import TurnConfig
from agent.scenario import Acted, Say, Scene, SceneCall, pipeline_of
from agent.session import run_call
from agent.trace import TraceList
from agent.virtual_loop import run_virtual
from pipelines.cascade.pipeline import CascadePipeline
from pipelines.cascade.speaker import UNKNOWN
from pipelines.cascade.tools.responder import ToolUser
from pipelines.cascade.tools.runnable import Runnable
from pipelines.cascade.tools.settings import ToolsSettings

GREETING = "Hello."
BOOKED = "Your table is booked, and we look forward to seeing you here on that day."


@dataclass
class Model:
    """Greets, then asks for the tool, then tells what came of it; says something else if asked
    again. Keeps what it was given."""

    given: list = field(default_factory=list)
    breaks: bool = False  # when it should tell what came of the tool

    async def reply(self, messages, tools):
        self.given.append(tuple(messages))
        await asyncio.sleep(0.1)
        last = messages[-1]
        if isinstance(last, ToolResult):
            if self.breaks:
                raise EngineFailed("model", "out of ink")
            yield BOOKED
        elif last.role is Role.EVENT:
            yield GREETING
        elif "book" in last.text and not any(isinstance(m, ToolResult) for m in messages):
            yield ToolCall("book", {"text": last.text})
        else:
            yield "All right."

    def expects(self, messages):
        return Expectation()


@dataclass
class Desk:
    """The tool: writes down when it was asked, and takes a while."""

    work_s: float
    effects: bool
    log: list = field(default_factory=list)

    async def run(self, arguments):
        self.log.append((asyncio.get_running_loop().time(), arguments["text"]))
        await asyncio.sleep(self.work_s)
        return "number seven"


def play(*say, desk, end_s=20.0, settings=None, breaks=False, **rest):
    """A call in which the model has a tool `book`; what came of it, and the model."""
    model, scene = Model(breaks=breaks), Scene(end_s, say=say, **rest)
    runnable = Runnable(Tool("book", "Books.", desk.effects), 5.0, desk.run)
    engines = replace(
        pipeline_of(scene).engines, responder=ToolUser(model, [runnable], (), settings)
    )

    async def main():
        call, trace = SceneCall(scene), TraceList(asyncio.get_running_loop().time)
        ended = await run_call(call, CascadePipeline(engines, pipeline_of(scene).config), trace)
        return Acted(ended, trace, call)

    return run_virtual(main()), model


class Cancelled(Desk):
    """Waits for something that another part of it cancels."""

    async def run(self, arguments):
        loop = asyncio.get_running_loop()
        inner = loop.create_future()
        loop.call_later(0.1, inner.cancel)
        return await inner


@mark.parametrize("effects", [False, True])
def test_a_tool_that_was_cancelled_from_within_is_answered(effects):
    acted, model = play(Say(4, "book it"), desk=Cancelled(5.0, effects=effects))
    assert acted.heard()[1] == (BOOKED, False)
    (result,) = [m for m in model.given[-1] if isinstance(m, ToolResult)]
    assert result.text == "book failed: what it waited for was cancelled"


def test_a_tool_without_effects_is_run_while_the_turn_is_not_decided():
    desk = Desk(0.3, effects=False)
    acted, _ = play(Say(4, "book it"), desk=desk, probability=0.1)
    released = acted.asked("ReleaseReply")[-1]
    assert desk.log[0][0] < float(released["t"])
    assert acted.heard()[1] == (BOOKED, False)


def test_a_tool_with_effects_is_run_once_and_only_after_the_release():
    desk = Desk(0.3, effects=True)
    acted, _ = play(Say(4, "book a"), Say(5.2, "table"), desk=desk, probability=0.1)
    released = acted.asked("ReleaseReply")[-1]
    ((at, text),) = desk.log
    assert at >= float(released["t"])
    assert text == "book a table"
    assert len(acted.asked("PrepareReply")) > 1
    assert acted.heard()[1] == (BOOKED, False)


def test_a_slow_tool_is_bridged_by_a_sentence():
    acted, _ = play(Say(4, "book it"), desk=Desk(3.0, effects=True))
    assert acted.heard()[1] == (f"One moment please. {BOOKED}", False)


def test_what_came_of_a_tool_stays_in_the_history():
    _, model = play(Say(4, "book it"), Say(14, "thank you"), desk=Desk(0.3, effects=True))
    *_, result, answer, thanks = model.given[-1]
    assert (result.text, result.call.name) == ("number seven", "book")
    assert (answer.role, answer.text) == (Role.AGENT, BOOKED)
    assert thanks.text == "thank you"


@mark.parametrize("noise", [Say(6.0, "", 0.15), Say(6.0, "okay", 0.3), Say(7.0, "okay", 0.3)])
def test_a_cough_or_a_murmur_while_a_tool_works_does_not_make_it_work_twice(noise):
    desk = Desk(2.0, effects=True)
    acted, model = play(Say(4, "book it"), noise, desk=desk)
    assert len(desk.log) == 1
    assert [text for text, _ in acted.heard()[1:]] == [f"One moment please. {BOOKED}"]
    assert [m.text for m in model.given[-1] if m.role is Role.CALLER] == ["book it"]


@mark.parametrize("start_s", [6.0, 7.5])
def test_what_is_said_while_a_tool_works_is_answered_after_its_result(start_s):
    desk = Desk(4.0, effects=True)
    acted, model = play(Say(4, "book it"), Say(start_s, "no stop"), desk=desk, end_s=30.0)
    assert len(desk.log) == 1
    assert [text for text, _ in acted.heard()[1:3]] == [
        f"One moment please. {BOOKED}",
        "All right.",
    ]
    said = next(given for given in model.given if given[-1].text == "no stop")
    assert [(m.role, m.text) for m in said[-3:]] == [
        (Role.EVENT, "number seven"), (Role.AGENT, f"One moment please. {BOOKED}"),
        (Role.CALLER, "no stop"),
    ]  # fmt: skip


def test_a_tool_that_is_given_up_leaves_a_mark_of_what_was_begun():
    desk = Desk(4.0, effects=True)
    turns = TurnConfig(reply_wait_s=3.0)
    _, model = play(Say(4, "book it"), desk=desk, turns=turns, settings=ToolsSettings(filler=""))
    assert len(desk.log) == 1
    assert [m.text for m in model.given[-1] if isinstance(m, ToolResult)] == [UNKNOWN]


def test_a_model_that_breaks_under_a_caller_after_its_tool_worked_is_apologised_for():
    desk = Desk(2.0, effects=True)
    acted, model = play(Say(4, "book it"), Say(5.5, "", 4.0), desk=desk, breaks=True)
    assert len(desk.log) == 1
    last = next(given for given in model.given if given[-1].text == "trouble")
    assert [m.text for m in last if isinstance(m, ToolResult)] == ["number seven"]
    assert acted.told("Happened")


def test_a_caller_who_speaks_before_the_answer_leaves_no_mark_of_what_was_only_looked_up():
    desk = Desk(4.0, effects=False)
    _, model = play(Say(4, "book it"), Say(6.0, "no stop"), desk=desk)
    assert not [m for m in model.given[-1] if isinstance(m, ToolResult)]
