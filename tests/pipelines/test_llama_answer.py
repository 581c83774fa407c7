"""What a model writes, taken apart, wherever its tokens happen to be cut."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import mark, raises

from agent.core.protocols import ToolCall
from pipelines.engines.chat_answer import BadAnswer
from pipelines.engines.llama_answer import Answer, Part

CALL = '{"name": "book", "arguments": {"day": "friday"}}'


def taken(pieces):
    answer = Answer()
    text = "".join(answer.take(piece) for piece in pieces)
    return text + answer.finish(), answer


@mark.parametrize(
    ("written", "said"),
    [
        ("Good morning.", "Good morning."),
        ("\n Good morning.", "Good morning."),
        ("<think>\nHm.\n</think>\n\nYes.", "Yes."),
        ("<think>never ends", ""),
        ("Yes. <think>Hm.</think>No.", "Yes. No."),
        ("1 < 2 <tool", "1 < 2 <tool"),
        (f"I look. <tool_call>{CALL}", "I look. "),
    ],
)
@settings(max_examples=25)
@given(data=st.data())
def test_only_what_is_meant_for_the_caller_is_said(written, said, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=6)))
    bounds = [0, *cuts, len(written)]
    pieces = [written[a:b] for a, b in pairwise(bounds)]
    assert taken(pieces)[0] == said


def test_text_that_is_no_mark_is_said_at_once():
    answer = Answer()
    assert [answer.take(t) for t in ("a", " <", "b", "<t", "ime")] == ["a", " ", "<b", "", "<time"]


def test_a_call_is_whole_with_its_last_bracket():
    answer = Answer()
    answer.take("<tool_call>\n")
    assert answer.part is Part.CALL
    whole = []
    for letter in CALL:
        answer.take(letter)
        whole.append(answer.is_whole_call())
    assert whole.index(True) == len(CALL) - 1
    assert answer.called() == ToolCall("book", {"day": "friday"})


def test_a_call_that_breaks_off_is_none():
    answer = Answer()
    answer.take("<tool_call>" + CALL[:-2])
    with raises(BadAnswer, match="raise max_tokens"):
        answer.called()


def test_a_call_that_nests_without_end_is_none():
    answer = Answer()
    answer.take('<tool_call>{"name": "book", "arguments": ' + "[" * 100_000)
    assert not answer.is_whole_call()
    with raises(BadAnswer):
        answer.called()


def test_what_follows_the_mark_in_its_own_token_is_left_out():
    answer = Answer()
    for token in ("<tool_", "call", ">{"):
        answer.take(token)
    assert answer.begin_call(">{") == ">\n"
    answer.take(CALL)
    assert answer.is_whole_call()


def test_a_call_may_hold_a_line_end():
    answer = Answer()
    answer.take('<tool_call>{"name": "note", "arguments": {"text": "one\ntwo"}}')
    assert answer.called() == ToolCall("note", {"text": "one\ntwo"})
