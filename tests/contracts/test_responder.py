"""What every responder keeps to."""

import asyncio
import contextlib

from pytest import fixture, param

from agent.core.protocols import Expectation, Message, Role, ToolCall
from agent.virtual_loop import run_virtual
from pipelines.engines.scripted import ScriptedResponder, ScriptedResponderSettings

GREETED = (Message(Role.EVENT, "greeting"),)
ANSWERED = (
    *GREETED,
    Message(Role.AGENT, "Good morning to you."),
    Message(Role.CALLER, "what can you do"),
)


def scripted():
    replies = ("Good morning to you.", "Not much, I am afraid.")
    return ScriptedResponder.load(ScriptedResponderSettings(replies, phrases=("what can you do",)))


@fixture(params=[param(scripted, id="scripted")])
def responder(request):
    return request.param()


async def reply(responder, messages):
    return [piece async for piece in responder.reply(messages, ())]


def test_a_reply_is_made_of_text_and_tool_calls(responder):
    pieces = run_virtual(reply(responder, GREETED))
    assert pieces
    assert all(isinstance(piece, str | ToolCall) for piece in pieces)


def test_the_history_alone_decides_what_is_said(responder):
    first = run_virtual(reply(responder, GREETED))
    other = run_virtual(reply(responder, ANSWERED))
    assert run_virtual(reply(responder, GREETED)) == first
    assert run_virtual(reply(responder, ANSWERED)) == other
    assert first != other


def test_two_replies_at_once_do_not_mix(responder):
    async def both():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(reply(responder, m)) for m in (GREETED, ANSWERED)]
        return [task.result() for task in tasks]

    first, second = run_virtual(both())
    assert first == run_virtual(reply(responder, GREETED))
    assert second == run_virtual(reply(responder, ANSWERED))


def test_a_reply_left_in_the_middle_does_not_disturb_the_next(responder):
    async def left():
        async with contextlib.aclosing(responder.reply(GREETED, ())) as pieces:
            await anext(pieces)

    before = run_virtual(reply(responder, GREETED))
    run_virtual(left())
    assert run_virtual(reply(responder, GREETED)) == before


def test_what_it_expects_follows_from_the_history(responder):
    found = responder.expects(ANSWERED)
    assert isinstance(found, Expectation)
    assert responder.expects(ANSWERED) == found
