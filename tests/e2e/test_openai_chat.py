"""The chat engine, through the true client library, against a chat server that follows a script."""

import asyncio
import contextlib
import json

import numpy as np
import pytest
from pytest import fixture, mark, raises

from agent.core.audio import AudioFrame
from agent.core.errors import EngineFailed, EngineTooSlow, EngineUnavailable
from agent.core.protocols import Message, Remark, Role, Tool, ToolCall, ToolResult
from pipelines.engines.chat_settings import OpenAIChatSettings
from pipelines.engines.openai_chat import OpenAIChat
from tests.support.chat_server import (
    DONE,
    Do,
    Raw,
    Refuse,
    called,
    chunk,
    closed_port,
    decoded,
    running,
    says,
)
from tests.support.tools import package

pytestmark = [mark.e2e, mark.models]

HELLO = (Message(Role.EVENT, "greeting"), Message(Role.AGENT, "Hi."), Message(Role.CALLER, "hello"))
TABLE = Tool("book", "Books a table.", parameters={"type": "object", "properties": {}})


@fixture(scope="module")
def server():
    package("openai")
    with running() as made:
        yield made


def chat(url, **settings):
    return OpenAIChat.load(OpenAIChatSettings("m", url, **{"warm_up": False, **settings}))


async def pieces(engine, messages=HELLO, tools=()):
    return [piece async for piece in engine.reply(messages, tools)]


def test_a_model_that_hears_is_sent_the_sound_of_the_last_turn_in_place_of_its_words(server):
    sound = AudioFrame(0.3 * np.sin(np.arange(16_000) * 0.1).astype(np.float32), 16_000, 0)
    asked = (*HELLO[:2], Message(Role.CALLER, "hello", sound=sound))
    assert answer(server, *says("Good day."), messages=asked, sound_s=30) == ["Good day."]
    last = server.requests[0]["messages"][-1]
    rate, samples = decoded(last["content"][-1])
    assert rate == 16_000
    assert np.abs(samples - sound.samples).max() < 1e-4
    assert "hello" not in json.dumps(last)


def test_a_model_that_cannot_hear_is_found_at_the_start(server):
    def refuse(request):
        _, samples = decoded(request["messages"][-1]["content"][-1])
        assert not samples.any()
        return [Refuse(400, "this model takes no audio")]

    server.follow(refuse)
    with raises(EngineUnavailable, match=r"this model takes no audio.*set sound_s to 0"):
        chat(server.url, warm_up=True, sound_s=30)
    assert len(server.requests) == 1


def answer(server, *script, tools=(), messages=HELLO, **settings):
    server.follow(list(script))
    return asyncio.run(pieces(chat(server.url, **settings), messages, tools))


def failure(kind, server, *script, **settings):
    """The sentence with which an answer fails, and what was said before it."""
    server.follow(list(script))
    said = []

    async def main():
        async for piece in chat(server.url, **settings).reply(HELLO, ()):
            said.append(piece)  # noqa: PERF401  # what came before the failure counts

    with raises(kind) as found:
        asyncio.run(main())
    return str(found.value), said


# --- what is asked, what is answered --------------------------------------------------------------


def test_an_answer_comes_in_the_pieces_in_which_it_is_written(server):
    assert answer(server, *says("Good ", "morn", "ing.")) == ["Good ", "morn", "ing."]
    assert server.ending() == "sent"


def test_the_server_is_asked_for_a_stream_with_the_history_and_the_settings(server):
    answer(server, *says("Yes."), instructions="Be brief.", temperature=0.5, max_tokens=9)
    (asked,) = server.requests
    assert asked["messages"][0]["role"] == "system"
    assert asked["messages"][0]["content"].startswith("Be brief.")
    assert [m["role"] for m in asked["messages"][1:]] == ["user", "assistant", "user"]
    assert asked["messages"][-1]["content"] == "hello"
    settings = {k: asked[k] for k in ("model", "stream", "temperature", "max_tokens")}
    assert settings == {"model": "m", "stream": True, "temperature": 0.5, "max_tokens": 9}
    assert "tools" not in asked


def test_what_only_this_server_knows_is_sent_along(server):
    answer(server, *says("Yes."), max_tokens=0, extra='{"chat_template_kwargs": {"think": false}}')
    (asked,) = server.requests
    assert asked["chat_template_kwargs"] == {"think": False}
    assert not {"max_tokens", "temperature"} & set(asked)


def test_the_key_is_read_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "sesame")
    answer(server, *says("Yes."), api_key_env="SOME_KEY")
    assert server.headers[0]["authorization"] == "Bearer sesame"


def test_characters_split_between_packets_arrive_whole(server):
    data = chunk({"content": "Grüß Gott, 你好"}).data.replace(b"\\u", b"\\u")
    spoken = "é".encode()
    whole = chunk({"content": "@"}).data.replace(b"@", spoken)
    cut = whole.index(spoken) + 1
    parts = (Raw(data), Raw(whole[:cut]), Raw(whole[cut:]))
    assert "".join(answer(server, *parts, *says("!"))) == "Grüß Gott, 你好é!"


def test_thinking_is_not_said(server):
    thought = chunk({"reasoning_content": "Hm, the caller says hello."})
    assert answer(server, thought, *says("Hello.")) == ["Hello."]


def test_several_replies_use_one_connection(server):
    server.follow(says("Yes."))

    async def main():
        engine = chat(server.url)
        return [await pieces(engine) for _ in range(3)]

    assert asyncio.run(main()) == [["Yes."]] * 3
    assert len(server.clients) == 3
    assert len(set(server.clients)) == 1


def test_an_engine_is_used_in_one_loop_after_another(server):
    server.follow(says("Yes."))
    engine = chat(server.url)
    assert [asyncio.run(pieces(engine)) for _ in range(2)] == [["Yes."]] * 2


# --- tools ----------------------------------------------------------------------------------------


def test_a_tool_call_is_put_together_from_its_fragments(server):
    found = answer(
        server,
        *(chunk({"content": "One moment. "}), called(0, "c1", "book", "")),
        *(called(0, arguments='{"peo'), called(0, arguments='ple": 4, "day": "mon')),
        *(called(0, arguments='day"}'), chunk({}, "tool_calls"), DONE),
        tools=(TABLE,),
    )
    assert found == ["One moment. ", ToolCall("book", {"people": 4, "day": "monday"})]
    function = {"name": "book", "description": "Books a table.", "parameters": TABLE.parameters}
    assert server.requests[0]["tools"] == [{"type": "function", "function": function}]


def test_several_tools_are_called_at_once(server):
    parts = (
        called(0, "a", "book", '{"day":'),
        called(1, "b", "hang_up"),
        called(0, arguments="1}"),
    )
    found = answer(server, *parts, chunk({}, "tool_calls"), DONE)
    assert found == [ToolCall("book", {"day": 1}), ToolCall("hang_up")]


def test_a_server_that_numbers_every_call_zero_is_understood(server):
    parts = (called(0, "a", "book", '{"n": 1}'), called(0, "b", "book", '{"n": 2}'))
    found = answer(server, *parts, chunk({}, "stop"), DONE)
    assert found == [ToolCall("book", {"n": 1}), ToolCall("book", {"n": 2})]


def test_after_a_tool_the_model_may_have_nothing_to_add(server):
    history = (*HELLO, ToolResult(Role.EVENT, "booked", call=ToolCall("book", {"day": 1})))
    assert answer(server, *says(""), messages=history) == []
    *_, asked, result = server.requests[0]["messages"]
    assert asked["tool_calls"][0]["function"] == {"name": "book", "arguments": '{"day": 1}'}
    assert result["content"] == "booked"
    assert result["tool_call_id"] == asked["tool_calls"][0]["id"]


@mark.parametrize("arguments", ['{"day": ', "[1]"])
def test_a_tool_called_with_no_object_is_a_failure(server, arguments):
    parts = (called(0, "a", "book", arguments), chunk({}, "tool_calls"), DONE)
    assert "expected a tool call with a JSON object" in failure(EngineFailed, server, *parts)[0]


# --- the caller interrupts ------------------------------------------------------------------------


def test_closing_the_reply_closes_the_stream_at_the_server(server):
    server.follow([chunk({"content": "I am "}), Do.HANG])

    async def main():
        async with contextlib.aclosing(chat(server.url).reply(HELLO, ())) as reply:
            said = await anext(reply)
        return said, await ending(server)

    assert asyncio.run(main()) == ("I am ", "closed by the client")


async def ending(server):
    """As the server sees it while our loop goes on: it is not the loop's end that closes it."""
    return await asyncio.get_running_loop().run_in_executor(None, server.ending)


@mark.parametrize("script", [[Do.HANG], [chunk({"content": "I am "}), Do.HANG]])
def test_cancelling_while_the_server_thinks_closes_the_stream(server, script):
    server.follow(script)

    async def main():
        async with asyncio.TaskGroup() as group:
            task = group.create_task(pieces(chat(server.url)))
            await asyncio.get_running_loop().run_in_executor(None, server.asked)
            task.cancel()
        return await ending(server)

    assert asyncio.run(main()) == "closed by the client"


# --- what goes wrong ------------------------------------------------------------------------------


def test_nobody_listens(server):
    with raises(EngineFailed, match=r"no connection to http.*start the chat server"):
        asyncio.run(pieces(chat(closed_port())))


def test_a_server_without_a_first_word_is_too_slow(server):
    for script in ([Do.HANG], [chunk({"role": "assistant", "content": ""}), Do.HANG]):
        told, said = failure(EngineTooSlow, server, *script, first_token_s=0.3)
        assert "for 0.3 s (first_token_s)" in told
        assert said == []
        assert server.ending() == "closed by the client"


def test_a_server_that_hangs_between_words_is_too_slow(server):
    script = (chunk({"content": "I am "}), Do.HANG)
    told, said = failure(EngineTooSlow, server, *script, token_s=0.05)
    assert "(token_s)" in told
    assert said == ["I am "]
    assert server.ending() == "closed by the client"


def test_a_server_that_fails_once_is_asked_again_before_the_first_word(server):
    for first in ([Refuse(503)], [Do.BREAK], [Raw(b'data: {"error": {"message": "oom"}}\n\n')]):
        server.follow(first, says("Yes."))
        remark, said = asyncio.run(pieces(chat(server.url)))
        assert said == "Yes."
        assert remark.text.startswith("asked twice: ")
        assert len(server.requests) == 2


def test_it_is_asked_again_only_once(server):
    told, _ = failure(EngineFailed, server, Refuse(503, "loading model"))
    assert "answered 503: loading model; look at the server's log" in told
    assert len(server.requests) == 2


def test_it_is_not_asked_again_after_the_first_word(server):
    told, said = failure(EngineFailed, server, chunk({"content": "I am "}), Do.BREAK)
    assert "no connection to" in told
    assert said == ["I am "]
    assert len(server.requests) == 1


@mark.parametrize(
    ("status", "advice"),
    [(400, "context_chars"), (401, "api_key_env"), (404, "base_url"), (429, "wait")],
)
def test_a_refused_request_is_not_sent_again_and_says_what_to_do(server, status, advice):
    told, _ = failure(EngineFailed, server, Refuse(status, "such is life"))
    assert f"answered {status}: such is life" in told
    assert advice in told
    assert len(server.requests) == 1


def test_an_error_in_the_middle_of_an_answer_is_a_failure(server):
    script = (chunk({"content": "I "}), Raw(b'data: {"error": {"message": "out of memory"}}\n\n'))
    told, said = failure(EngineFailed, server, *script)
    assert "reported a fault inside its answer: out of memory" in told
    assert said == ["I "]


def test_half_a_token_is_a_failure(server):
    for half in (b'data: {"choices": [{"del\n\n', b"data: [1]\n\n", b'data: "x"\n\n'):
        told, said = failure(EngineFailed, server, chunk({"content": "I "}), Raw(half))
        assert "sent what is no chat answer" in told
        assert said == ["I "]


@mark.parametrize(
    "other",
    [chunk({"content": [{"type": "text", "text": "Hi"}]}), chunk({"content": {"text": "Hi"}}),
     called(0, "a", "book", {"day": "friday"}), Raw(b"data: " + b"[" * 100_000 + b"\n\n")],
)  # fmt: skip
def test_an_answer_of_another_make_is_a_failure_of_its_reply_alone(server, other):
    told, said = failure(EngineFailed, server, chunk({"content": "I "}), other)
    assert "sent what is no chat answer" in told
    assert said == ["I "]


def test_an_answer_that_ends_without_saying_so_is_a_failure(server):
    told, said = failure(EngineFailed, server, chunk({"content": "I "}))
    assert "broke off" in told
    assert said == ["I "]


def test_an_empty_answer_is_a_failure(server):
    assert "an empty answer (finish_reason stop)" in failure(EngineFailed, server, *says(""))[0]
    thought = chunk({"reasoning": "Hm."})
    told, _ = failure(EngineFailed, server, thought, *says("", finish="length"))
    assert "turn its thinking off" in told
    assert "filter" in failure(EngineFailed, server, *says("", finish="content_filter"))[0]


# --- the context ----------------------------------------------------------------------------------


def test_a_long_call_loses_its_oldest_turns_and_says_so(server):
    turn = (Message(Role.CALLER, "what about this " * 20), Message(Role.AGENT, "fine " * 50))
    history = (*turn * 40, Message(Role.CALLER, "and now"))
    remark, said = answer(server, *says("Yes."), messages=history, context_chars=4000)
    assert said == "Yes."
    assert isinstance(remark, Remark)
    assert "oldest messages were left out" in remark.text
    sent = server.requests[0]["messages"]
    assert sum(len(m["content"]) for m in sent) < 4000
    assert [m["role"] for m in sent[:2]] == ["system", "user"]
    assert sent[-1]["content"] == "and now"


# --- loading --------------------------------------------------------------------------------------


def test_loading_asks_once_so_that_the_model_is_in_memory(server):
    server.follow(says("Hello", " there", " caller."))
    chat(server.url, warm_up=True)
    (asked,) = server.requests
    assert asked["messages"][0]["role"] == "system"


def test_a_server_that_is_not_there_is_found_when_loading(server):
    with raises(EngineUnavailable, match="start the chat server"):
        chat(closed_port(), warm_up=True)


@mark.parametrize("warm_up", [True, False])
@mark.parametrize("url", ["http://localhost:80O0/v1", "http://[::1/v1", "http://999.1.1.1/v1"])
def test_an_address_that_is_none_is_found_when_loading(server, url, warm_up):
    with raises(EngineUnavailable, match="base_url: expected an address such as http"):
        chat(url, warm_up=warm_up)


def test_a_key_that_is_not_there_is_found_when_loading(server, monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with raises(EngineUnavailable, match="environment variable NO_SUCH_KEY"):
        chat(server.url, api_key_env="NO_SUCH_KEY")


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    with raises(EngineUnavailable, match=r"pip install 'parley\[openai\]'"):
        chat("http://127.0.0.1:1/v1")


@mark.parametrize(
    ("name", "value"),
    [("base_url", "localhost"), ("extra", "[1]"), ("extra", "{"), ("extra", "[" * 100_000),
     ("temperature", 3.0),
     ("max_tokens", -1), ("context_chars", 10), ("token_s", 0.0)],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        OpenAIChatSettings("m", **{name: value})


def test_a_tool_without_arguments_takes_an_empty_object(server):
    answer(server, *says("Yes."), tools=(Tool("hang_up", "Ends the call."),))
    (declared,) = server.requests[0]["tools"]
    assert declared["function"]["parameters"] == {"type": "object", "properties": {}}
