"""A call's history as a chat server wants it: roles, marks, tools, and never too long."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from agent.core.audio import AudioFrame
from agent.core.protocols import Message, Role, Tool, ToolCall, ToolResult
from pipelines.engines.chat_messages import INTERRUPTED, fitting, to_chat, to_schemas
from tests.support.chat_server import decoded

GREETING = Message(Role.EVENT, "greeting")


def caller(text):
    return Message(Role.CALLER, text)


def agent(text, cut=False):
    return Message(Role.AGENT, text, cut)


def result(text, name="find", **arguments):
    return ToolResult(Role.EVENT, text, call=ToolCall(name, arguments))


def roles(*history):
    return [(m["role"], m["content"]) for m in to_chat(history)]


def test_caller_and_agent_become_user_and_assistant():
    assert roles(caller("hi"), agent("Hello."), caller("bye")) == [
        ("user", "hi"),
        ("assistant", "Hello."),
        ("user", "bye"),
    ]


def test_what_happened_is_told_in_brackets():
    ((role, text),) = roles(GREETING)
    assert role == "user"
    assert text == "[The call was answered. Greet the caller.]"
    assert roles(Message(Role.EVENT, "rain")) == [("user", "[rain]")]


def test_a_reply_that_was_cut_is_followed_by_a_neutral_mark():
    found = roles(caller("hours"), agent("We are open from", cut=True), caller("no, today"))
    assert found[1] == ("assistant", "We are open from")
    assert found[2] == ("user", f"{INTERRUPTED} no, today")


def test_sound_stands_in_place_of_its_words_behind_what_belongs_to_the_same_message():
    samples = np.sin(np.arange(800) * 0.1).astype(np.float32)
    heard = Message(Role.CALLER, "no, today", sound=AudioFrame(samples, 8_000, 0))
    found = to_chat([caller("hours"), agent("We are open from", cut=True), heard])
    assert [m["role"] for m in found] == ["user", "assistant", "user"]
    mark, sound = found[2]["content"]
    assert mark == {"type": "text", "text": INTERRUPTED}
    rate, back = decoded(sound)
    assert rate == 8_000
    assert np.abs(back - samples).max() < 1e-4
    ((part,),) = [m["content"] for m in to_chat([heard])]
    assert part == sound


def test_a_reply_of_which_nothing_was_heard_leaves_only_the_mark():
    found = roles(caller("hours"), agent("", cut=True), caller("no, today"))
    assert found == [("user", f"hours {INTERRUPTED} no, today")]


def test_a_tool_and_its_result_belong_to_the_assistant_before_them():
    chat = to_chat([caller("find a"), agent("Wait."), result("one", x=1), result("two", x=2)])
    assert [m["role"] for m in chat] == ["user", "assistant", "tool", "tool"]
    calls = chat[1]["tool_calls"]
    assert chat[1]["content"] == "Wait."
    assert [c["function"]["arguments"] for c in calls] == ['{"x": 1}', '{"x": 2}']
    assert [m["tool_call_id"] for m in chat[2:]] == [c["id"] for c in calls]
    assert all(len(c["id"]) == 9 and c["id"].isalnum() for c in calls)


def test_a_tool_called_before_any_word_has_an_empty_message():
    chat = to_chat([caller("find a"), result("one"), agent("Found one."), caller("and")])
    assert [m["role"] for m in chat] == ["user", "assistant", "tool", "assistant", "user"]
    assert chat[1]["content"] == ""


def test_what_is_said_between_two_tools_parts_them():
    chat = to_chat([caller("go"), result("one"), agent("Now this."), result("two")])
    assert [m["role"] for m in chat] == ["user", "assistant", "tool", "assistant", "tool"]
    assert [len(m.get("tool_calls", ())) for m in chat] == [0, 1, 0, 1, 0]


def test_a_tool_says_which_arguments_it_takes():
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    typed, plain = to_schemas([Tool("f", "F.", parameters=schema), Tool("g", "G.")])
    assert typed["function"] == {"name": "f", "description": "F.", "parameters": schema}
    assert plain["function"]["parameters"] == {"type": "object", "properties": {}}


# --- the budget -----------------------------------------------------------------------------------


def test_a_short_history_is_kept_whole():
    history = [GREETING, agent("Hi."), caller("hello")]
    assert fitting(history, 1000) == (history, 0)


def test_the_oldest_turns_go_first_and_the_rest_begins_with_a_question():
    history = [m for n in range(30) for m in (caller(f"ask {n}"), agent(f"answer {n}"))]
    history.append(caller("last"))
    kept, dropped = fitting(history, 600)
    assert dropped == len(history) - len(kept) > 0
    assert kept == history[dropped:]
    assert kept[0].role is Role.CALLER


def test_the_beginning_stays_the_same_for_some_turns():
    history, starts = [], []
    for number in range(60):
        history.append(caller(f"question number {number:02d}"))
        starts.append(fitting(history, 800)[1])
        history.append(agent(f"answer number {number:02d}"))
    assert len(set(starts)) < len(starts) / 3
    assert starts == sorted(starts)


def test_a_result_is_not_parted_from_its_question():
    history = [caller("old " * 50), agent("yes"), caller("find"), result("x" * 300)]
    kept, _ = fitting(history, 400)
    assert kept == history[2:]


@mark.parametrize("history", [[caller("x" * 900)], [caller("y"), result("x" * 900)]])
def test_what_is_too_long_by_itself_loses_its_beginning(history):
    kept, _ = fitting(history, 400)
    assert len(kept) == len(history)
    assert sum(len(m.text) for m in kept) <= 400


TEXT = st.text("ab ", max_size=120)
MESSAGES = st.builds(Message, st.sampled_from(Role), TEXT)
RESULTS = st.builds(result, TEXT)


@given(st.lists(MESSAGES | RESULTS, max_size=30), st.integers(200, 1000))
def test_no_history_is_longer_than_the_budget(history, limit):
    kept, dropped = fitting(history, limit)
    assert sum(len(m.text) for m in kept) <= limit
    assert dropped + len(kept) == len(history)
    if history and dropped:
        assert kept[0].role is not Role.AGENT
