"""The shipped configuration of a chat agent, from its file to the caller's ear."""

import asyncio
from dataclasses import replace

import numpy as np
from pytest import fixture, mark, raises

from agent.config import load
from agent.core.errors import ConfigError
from agent.scenario import TONE_HZ, Say, Scene, SceneCall, pipeline_of
from agent.session import run_call
from agent.trace import TraceList
from agent.wiring import build
from pipelines.cascade.pipeline import CascadePipeline
from pipelines.engines.chat_settings import OpenAIChatSettings
from pipelines.engines.openai_chat import OpenAIChat
from tests.support.chat_server import DONE, called, chunk, decoded, running, says
from tests.support.tools import package

pytestmark = [mark.e2e, mark.models]

LIGHT = ("detector.engine=energy", "recognizer.engine=scripted", "synthesizer.engine=scripted")


@fixture(scope="module")
def server():
    package("openai")
    with running() as made:
        yield made


def agent(server, *overrides):
    return build(load("openai", [f"responder.base_url={server.url}", *LIGHT, *overrides]))


def call(made, end_s):
    async def main():
        scene, trace = Scene(end_s), TraceList(asyncio.get_running_loop().time)
        await run_call(SceneCall(scene), made.pipeline, trace)
        return trace

    return asyncio.run(main())


def test_a_caller_hears_the_servers_words_and_what_came_of_a_tool(server):
    asks = [called(0, "a", "weather", '{"city": "Rome"}'), chunk({}, "tool_calls"), DONE]
    server.follow(says("Hello."), asks, says("Good ", "day, ", "it rains."))
    weather = "tools.weather={function = 'tests.support.phone_tools:weather', effects = false}"
    with agent(server, weather) as made:
        trace = call(made, 1.2)
    assert [line["text"] for line in trace.named("said")] == ["Good day, it rains."]
    assert [line["text"] for line in trace.named("tool_result")] == ["It rains in Rome."]
    warm_up, greeting, result = server.requests
    assert warm_up["messages"] == greeting["messages"] == result["messages"][:2]
    assert result["messages"][-1]["content"] == "It rains in Rome."
    names = [tool["function"]["name"] for tool in greeting["tools"]]
    assert names == ["hang_up", "transfer", "take_message", "weather"]
    assert greeting["chat_template_kwargs"] == {"enable_thinking": False}


def test_a_model_that_hears_is_sent_what_the_caller_said_and_older_turns_as_words(server):
    """In real time, as the server is."""
    package("openai")
    scene = Scene(9.0, say=(Say(1.2, "what are your hours"), Say(4.0, "and on sunday")))
    chat = OpenAIChat.load(OpenAIChatSettings("m", server.url, warm_up=False, sound_s=30))
    server.follow(says("Yes."))

    async def main():
        pipeline = pipeline_of(scene)
        engines = replace(pipeline.engines, responder=chat)
        trace = TraceList(asyncio.get_running_loop().time)
        await run_call(SceneCall(scene), CascadePipeline(engines, pipeline.config), trace)

    asyncio.run(main())
    asked = [request["messages"] for request in server.requests]
    assert isinstance(asked[0][-1]["content"], str)  # the greeting
    turns = [messages for messages in asked if isinstance(messages[-1]["content"], list)]
    for words, turn in ((4, turns[0]), (3, turns[-1])):
        rate, samples = decoded(turn[-1]["content"][-1])
        loud = np.abs(samples) > 1e-3
        assert abs(np.count_nonzero(loud) / rate - 0.3 * words) < 0.1
        spectrum = np.abs(np.fft.rfft(samples[loud]))
        assert abs(np.argmax(spectrum) * rate / np.count_nonzero(loud) - TONE_HZ) < 5
    before = [m["content"] for m in turns[-1] if m["role"] == "user"][:-1]
    assert all(isinstance(content, str) for content in before)
    assert any("what are your hours" in content for content in before)


def test_tools_are_refused_where_no_chat_server_uses_them():
    with raises(ConfigError, match="for the responders openai_chat, llama and flow"):
        build(load("openai", ["responder.engine=scripted", *LIGHT]))
