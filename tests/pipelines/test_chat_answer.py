"""One streamed answer from its chunks, without any client library."""

from pytest import mark, raises

from agent.core.protocols import ToolCall
from pipelines.engines.chat_answer import Answer, BadAnswer


def delta(finish=None, **fields):
    return {"choices": [{"delta": fields, "finish_reason": finish}]}


def part(index, key=None, name=None, arguments=None):
    return {"index": index, "id": key, "function": {"name": name, "arguments": arguments}}


def taken(*chunks):
    answer = Answer()
    return answer, [answer.take(c) for c in chunks]


def test_text_comes_piece_by_piece():
    answer, texts = taken(delta(content="Good "), delta(content="day."), delta("stop"))
    assert texts == ["Good ", "day.", None]
    assert answer.finished() == []


@mark.parametrize("chunk", [{}, {"choices": []}, {"choices": [{}]}, {"choices": [{"delta": None}]},
                            delta(role="assistant", content="")])  # fmt: skip
def test_a_chunk_without_words_is_no_sign_of_life(chunk):
    assert taken(chunk)[1] == [None]


def test_part_of_a_tool_call_is_a_sign_of_life():
    assert taken(delta(tool_calls=[part(0, "a", "f")]))[1] == [""]


def test_fragments_of_two_calls_may_come_in_any_order():
    answer, _ = taken(
        delta(tool_calls=[part(0, "a", "f", '{"x"'), part(1, "b", "g")]),
        delta("tool_calls", tool_calls=[part(1, arguments='{"y": 2}'), part(0, arguments=": 1}")]),
    )
    assert answer.finished() == [ToolCall("f", {"x": 1}), ToolCall("g", {"y": 2})]


def test_a_call_whose_index_is_missing_or_always_zero_is_told_by_its_id():
    for index in (0, None):
        parts = [part(index, "a", "f", "{}"), part(index, "b", "g", "{}")]
        answer, _ = taken(delta("stop", tool_calls=parts))
        assert answer.finished() == [ToolCall("f"), ToolCall("g")]


def test_a_refusal_is_said():
    answer, texts = taken(delta(refusal="I can't help with that."), delta("stop"))
    assert texts[0] == "I can't help with that."
    assert answer.finished() == []


@mark.parametrize("found", [[{"type": "text", "text": "Hi"}], {"text": "Hi"}, 5])
def test_what_is_no_text_where_a_text_belongs_is_no_answer(found):
    for fields in (
        {"content": found},
        {"refusal": found},
        {"tool_calls": [part(0, "a", found)]},
        {"tool_calls": [part(0, "a", "f", found)]},
    ):
        with raises(BadAnswer, match=r"expected text as (content|refusal|name|arguments), found"):
            taken(delta(**fields))


def test_half_a_character_is_left_out():
    answer, texts = taken(delta(content="Ok \ud83d fine."), delta(content="\ude00"), delta("stop"))
    assert texts[0] == "Ok  fine."
    assert answer.finished() == []
    assert taken(delta(content="Ok 😀"))[1] == ["Ok 😀"]


def test_a_thought_may_be_of_any_kind_since_nobody_hears_it():
    answer, texts = taken(delta(reasoning={"step": 1}), delta(content="Hi"), delta("stop"))
    assert texts == [None, "Hi", None]
    assert answer.finished() == []


@mark.parametrize(
    ("chunks", "sentence"),
    [
        ([delta(content="Good")], "broke off"),
        ([delta("stop")], "an empty answer"),
        ([delta(reasoning="Hm."), delta("length")], "turn its thinking off"),
        ([delta("content_filter")], "content filter"),
        ([delta("length", tool_calls=[part(0, "a", "f", '{"x')])], "raise max_tokens"),
        ([delta("stop", tool_calls=[part(0, "a", "f", '{"x')])], "expected a tool call"),
        ([delta("stop", tool_calls=[part(0, "a", "f", "[" * 100_000)])], "expected a tool call"),
        ([delta("stop", tool_calls=[part(0, "a", None, "{}")])], "no name"),
    ],
)
def test_an_answer_that_is_none_says_why(chunks, sentence):
    answer, _ = taken(*chunks)
    with raises(BadAnswer, match=sentence):
        answer.finished()
