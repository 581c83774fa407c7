"""What every responder keeps to."""

import asyncio
import contextlib
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest import fixture, mark, param

from agent.core.protocols import Expectation, Message, Role, ToolCall
from agent.virtual_loop import run_virtual
from benchmarks.tiny_models.gguf import write_gguf
from pipelines.engines.chat_settings import OpenAIChatSettings
from pipelines.engines.llama import Llama
from pipelines.engines.llama_settings import LlamaSettings
from pipelines.engines.openai_chat import OpenAIChat
from pipelines.engines.scripted import ScriptedResponder, ScriptedResponderSettings
from tests.support.chat_server import running, says
from tests.support.tools import package

GREETED = (Message(Role.EVENT, "greeting"),)
ANSWERED = (
    *GREETED,
    Message(Role.AGENT, "Good morning to you."),
    Message(Role.CALLER, "what can you do"),
)


@contextlib.contextmanager
def scripted():
    replies = ("Good morning to you.", "Not much, I am afraid.")
    settings = ScriptedResponderSettings(replies, phrases=("what can you do",))
    yield ScriptedResponder.load(settings), run_virtual


@contextlib.contextmanager
def openai_chat():
    """Over a real socket, so in real time."""
    package("openai")
    with running() as server:
        server.follow(lambda asked: says("You said: ", asked["messages"][-1]["content"]))
        yield OpenAIChat.load(OpenAIChatSettings("m", server.url, warm_up=False)), asyncio.run


@contextlib.contextmanager
def llama():
    """A tiny model with random weights."""
    package("llama_cpp")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.gguf"
        write_gguf(path)
        settings = LlamaSettings(str(path), max_tokens=16, context_tokens=1024, threads=1)
        engine = Llama.load(settings)
        try:
            yield engine, run_virtual
        finally:
            engine.close()


@fixture(
    params=[
        param(scripted, id="scripted"),
        param(llama, id="llama", marks=mark.models),
        param(openai_chat, id="openai_chat", marks=[mark.e2e, mark.models]),
    ]
)
def made(request):
    with request.param() as responder_and_run:
        yield responder_and_run


@fixture
def responder(made):
    return made[0]


@fixture
def run(made):
    return made[1]


async def reply(responder, messages):
    return [piece async for piece in responder.reply(messages, ())]


def test_a_reply_is_made_of_text_and_tool_calls(responder, run):
    pieces = run(reply(responder, GREETED))
    assert pieces
    assert all(isinstance(piece, str | ToolCall) for piece in pieces)


def test_the_history_alone_decides_what_is_said(responder, run):
    first = run(reply(responder, GREETED))
    other = run(reply(responder, ANSWERED))
    assert run(reply(responder, GREETED)) == first
    assert run(reply(responder, ANSWERED)) == other
    assert first != other


def test_two_replies_at_once_do_not_mix(responder, run):
    async def both():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(reply(responder, m)) for m in (GREETED, ANSWERED)]
        return [task.result() for task in tasks]

    first, second = run(both())
    assert first == run(reply(responder, GREETED))
    assert second == run(reply(responder, ANSWERED))


def test_a_reply_left_in_the_middle_does_not_disturb_the_next(responder, run):
    async def left():
        async with contextlib.aclosing(responder.reply(GREETED, ())) as pieces:
            await anext(pieces)

    before = run(reply(responder, GREETED))
    run(left())
    assert run(reply(responder, GREETED)) == before


def test_what_it_expects_follows_from_the_history(responder):
    found = responder.expects(ANSWERED)
    assert isinstance(found, Expectation)
    assert responder.expects(ANSWERED) == found
