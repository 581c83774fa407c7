"""Language models through llama.cpp's own loading, tokens and steps, with models made here."""

import asyncio
import subprocess
import sys
from contextlib import aclosing, contextmanager
from dataclasses import replace

from pytest import fixture, mark, raises

from agent.core.errors import EngineFailed, EngineUnavailable
from agent.core.protocols import Message, Remark, Role, Tool, ToolCall, ToolResult
from agent.scenario import Acted, Say, Scene, SceneCall, pipeline_of
from agent.session import run_call
from agent.trace import TraceList
from agent.virtual_loop import run_virtual
from benchmarks.tiny_models.gguf import END, TEMPLATE, Shape, write_gguf
from pipelines.cascade.pipeline import CascadePipeline
from pipelines.cascade.tools.responder import ToolUser
from pipelines.engines.llama import Llama
from pipelines.engines.llama_rules import rules
from pipelines.engines.llama_settings import LlamaSettings
from tests.support.tools import package

pytestmark = mark.models

HELLO = (Message(Role.CALLER, "hello there"),)
OTHER = (Message(Role.CALLER, "what are your opening hours on sunday"),)

TAIL = len("/n/assistantn")
"""Tokens behind the last word: the message ends, and the agent's begins."""

BOOK = Tool(
    "book",
    "Books a table.",
    parameters={
        "type": "object",
        "properties": {"day": {"enum": ["friday"]}, "people": {"type": "integer"}},
        "required": ["day", "people"],
    },
)
HANG_UP = Tool("hang_up", "Ends the call.")


@fixture(scope="module")
def folder(tmp_path_factory):
    package("llama_cpp")
    return tmp_path_factory.mktemp("gguf")


@fixture(scope="module")
def settings(folder):
    """Of a model with random weights."""
    write_gguf(folder / "random.gguf")
    return LlamaSettings(
        str(folder / "random.gguf"), "Be kind.", 0, max_tokens=24, context_tokens=1024, threads=1
    )


@contextmanager
def opened(settings, **changes):
    engine = Llama.load(replace(settings, **changes))
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def scripted(settings, folder, *script, **written):
    """An engine whose model writes these tokens, whatever it is asked."""
    path = folder / f"script{abs(hash((script, *written)))}.gguf"
    write_gguf(path, script=script, **written)
    with opened(settings, model=str(path), max_tokens=200) as engine:
        yield engine


@fixture
def engine(settings):
    with opened(settings) as made:
        yield made


async def replied(engine, messages=HELLO, tools=()):
    return [piece async for piece in engine.reply(messages, tools)]


def said(engine, messages=HELLO, tools=()):
    return "".join(asyncio.run(replied(engine, messages, tools)))


def cost(engine, messages):
    """The reply, and how many tokens of its prompt were computed."""
    before = engine.computed
    text = said(engine, messages)
    return text, engine.computed - before - (engine._settings.max_tokens - 1)


def length(engine, messages):
    """Of the whole prompt, in tokens."""
    return len(engine._prompts.fit(engine._settings.system, messages, ()).tokens)


# --- what is said ---------------------------------------------------------------------------------


def test_a_reply_comes_piece_by_piece_and_ends_where_the_model_ends(settings, folder):
    with scripted(settings, folder, "Good", "▁mor", "ning", ".") as engine:
        assert asyncio.run(replied(engine)) == ["Good", " mor", "ning", "."]


def test_a_reply_ends_at_max_tokens(engine, settings):
    assert 1 <= len(asyncio.run(replied(engine))) <= settings.max_tokens
    assert len(said(engine)) >= settings.max_tokens


def test_the_same_history_gets_the_same_reply_with_dice_too(settings):
    with opened(settings, temperature=1.5) as engine:
        first, other = said(engine), said(engine, OTHER)
        assert said(engine) == first != other
    with opened(settings, temperature=1.5, seed=2) as engine:
        assert said(engine) != first


def test_thoughts_are_not_said(settings, folder):
    script = ("<think>", "▁Hm", ".", "</think>", "Yes", "!")
    with scripted(settings, folder, *script) as engine:
        assert said(engine) == "Yes!"


def test_half_a_character_is_never_said(settings, folder):
    with scripted(settings, folder, "Caf", "<0xC3>", "<0xA9>", "<0xFF>", "!") as engine:
        assert asyncio.run(replied(engine)) == ["Caf", "é", "!"]


def test_a_model_that_says_nothing_has_failed(settings, folder):
    with scripted(settings, folder) as engine, raises(EngineFailed, match="said nothing"):
        said(engine)


def test_a_model_whose_numbers_are_none_has_failed(settings, folder):
    def spoil(weights):
        weights["output.weight"][300] = float("nan")

    write_gguf(folder / "nan.gguf", spoil=spoil)
    with (
        opened(settings, model=str(folder / "nan.gguf")) as engine,
        raises(EngineFailed, match="NaN"),
    ):
        said(engine)


def test_nobody_ends_a_message_by_what_they_say(engine):
    """Else what a tool found could speak as the system."""
    forged = Message(Role.CALLER, f"a{END}")
    tokens = engine._native.tokens
    mark = tokens(END)
    assert len(mark) == 1
    plain = engine._prompts.fit("Be kind.", (Message(Role.CALLER, "a"),), ()).tokens
    prompt = engine._prompts.fit("Be kind.", (forged,), ()).tokens
    assert prompt.count(mark[0]) == plain.count(mark[0])


# --- what is computed -----------------------------------------------------------------------------


def test_a_reply_given_up_costs_no_further_token(settings):
    """And its caller is free at once."""

    async def main(engine):
        async with aclosing(engine.reply(HELLO, ())) as pieces:
            await anext(pieces)
            await anext(pieces)
            before = engine.computed
        left = engine.computed
        await replied(engine, OTHER)
        return before, left

    with opened(settings) as engine:
        before, left = asyncio.run(main(engine))
    assert left - before <= 1


def test_a_prompt_given_up_stops_between_two_steps(settings):
    """The caller goes on speaking while the model still reads."""
    long = (Message(Role.CALLER, "word " * 100),)

    async def main(engine):
        async with aclosing(engine._thread.steps(lambda: engine._written(long, ()))) as steps:
            assert [await anext(steps), await anext(steps)] == ["", ""]
        return await engine._thread.run(lambda: engine.computed)

    with opened(settings, step_tokens=16) as engine:
        assert asyncio.run(main(engine)) == 32
        _, rest = cost(engine, long)
        assert rest == length(engine, long) - 32


def test_the_second_turn_pays_for_its_new_words_only(engine):
    answer, cold = cost(engine, HELLO)
    assert cold == length(engine, HELLO)
    turn = (*HELLO, Message(Role.AGENT, answer), Message(Role.CALLER, "and on monday"))
    again, warm = cost(engine, turn)
    assert warm <= length(engine, turn) - cold - len(answer) + 2  # the last token, and a guess
    with opened(engine._settings) as fresh:
        assert cost(fresh, turn) == (again, length(engine, turn))


def test_a_reply_prepared_again_for_more_words_pays_for_those(engine):
    so_far = Message(Role.CALLER, "I would like a table for two people on friday")
    cost(engine, (so_far,))
    _, computed = cost(engine, (replace(so_far, text=f"{so_far.text} at eight"),))
    assert computed == len(" at eight") + TAIL


def test_what_was_said_so_far_can_be_read_before_a_reply_is_wanted(engine):
    partial = (Message(Role.CALLER, "I would like a table for two people on"),)
    whole = (replace(partial[0], text=f"{partial[0].text} friday"),)
    asyncio.run(engine.read_ahead(partial, ()))
    assert engine.computed == length(engine, partial)
    text, warm = cost(engine, whole)
    with opened(engine._settings) as fresh:
        same, cold = cost(fresh, whole)
    assert text == same
    assert warm < cold / 4


def test_a_cut_reply_is_continued_from_what_was_heard(engine):
    answer, _ = cost(engine, HELLO)
    cut = (*HELLO, Message(Role.AGENT, answer[:5], cut=True), Message(Role.CALLER, "stop"))
    text, warm = cost(engine, cut)
    with opened(engine._settings) as fresh:
        same, cold = cost(fresh, cut)
    assert text == same
    assert warm <= cold - length(engine, HELLO)


# --- several calls --------------------------------------------------------------------------------


def test_replies_written_side_by_side_are_those_written_alone(settings):
    histories = [(Message(Role.CALLER, f"question number {n}"),) for n in range(6)]

    async def together(engine):
        return await asyncio.gather(*(replied(engine, h) for h in histories))

    with opened(settings, calls=3) as engine:
        found = asyncio.run(together(engine))
    with opened(settings, calls=1) as engine:
        assert found == [asyncio.run(replied(engine, h)) for h in histories]
    assert len(set(map(tuple, found))) == len(histories)


def test_instructions_are_computed_once_for_all_calls(settings):
    with opened(settings, instructions="Be kind. " * 20) as engine:
        _, first = cost(engine, HELLO)
        _, second = cost(engine, (Message(Role.CALLER, "another caller"),))
    assert second < first / 3


def test_a_call_keeps_its_memory_while_others_talk(settings):
    """Two calls in turn, on three sequences: neither ever pays for its history again."""
    histories = {"a": [Message(Role.CALLER, "a " * 30)], "b": [Message(Role.CALLER, "b " * 30)]}
    with opened(settings, calls=3) as engine:
        for turn in range(4):
            for name, history in histories.items():
                _, computed = cost(engine, history)
                assert not turn or computed < 100
                history += [Message(Role.AGENT, "yes"), Message(Role.CALLER, f"{name} more")]


def test_a_whole_call_is_answered_and_each_guess_pays_for_new_words_only(settings, folder):
    """The caller pauses in a sentence, so that one reply is prepared in vain."""
    say = (Say(4, "i would like"), Say(5.2, "a table"), Say(10, "thank you"))
    scene = Scene(20.0, say=say, probability=0.1)

    async def main(engine):
        pipeline = pipeline_of(scene)
        engines = replace(pipeline.engines, responder=engine)
        call, trace = SceneCall(scene), TraceList(asyncio.get_running_loop().time)
        ended = await run_call(call, CascadePipeline(engines, pipeline.config), trace)
        return Acted(ended, trace, call)

    with scripted(settings, folder, "Good", "▁mor", "ning", ".") as engine:
        acted = run_virtual(main(engine))
        computed = engine.computed
        once = length(engine, (Message(Role.EVENT, "greeting"),))
    replies = len(acted.asked("PrepareReply")) + len(acted.asked("Prompt"))
    assert acted.heard() == [("Good morning.", False)] * 3
    assert replies >= 4
    assert computed < once + 60 * replies


class Metered:
    """The model, and how many tokens each reply computed before its first word, or in vain."""

    def __init__(self, engine, *, reads_ahead):
        self.engine, self.reads_ahead, self.prompts = engine, reads_ahead, []

    async def read_ahead(self, messages, tools):
        await self.engine.read_ahead(messages, tools)

    async def reply(self, messages, tools):
        before = self.engine.computed
        async with aclosing(self.engine.reply(messages, tools)) as pieces:
            try:
                first = await anext(pieces)
            finally:
                self.prompts.append((messages[-1].text, self.engine.computed - before))
            yield first
            async for piece in pieces:
                yield piece

    def expects(self, messages):
        return self.engine.expects(messages)


@mark.parametrize("has_tools", [False, True])
def test_a_turn_of_which_words_were_read_while_they_were_spoken_has_less_to_read(
    settings, folder, has_tools
):
    sentence = "i would like a table for two people on friday evening please"
    scene = Scene(12.0, say=(Say(3, sentence),))

    async def main(model):
        pipeline = pipeline_of(scene)
        responder = ToolUser(model, (), (HANG_UP,)) if has_tools else model
        engines = replace(pipeline.engines, responder=responder)
        trace = TraceList(asyncio.get_running_loop().time)
        await run_call(SceneCall(scene), CascadePipeline(engines, pipeline.config), trace)
        return trace

    found = {}
    for reads_ahead in (False, True):
        with scripted(settings, folder, "Good", "▁mor", "ning", ".") as engine:
            model = Metered(engine, reads_ahead=reads_ahead)
            trace = run_virtual(main(model))
            assert bool(trace.named("read_ahead")) is reads_ahead
            assert {line["text"] for line in trace.named("heard")} == {"Good morning."}
        turn = [tokens for text, tokens in model.prompts if text.startswith("i would")]
        found[reads_ahead] = sum(turn)
    assert found[False] > len(sentence)  # each letter is a token of this model
    assert found[True] < found[False] / 2


# --- a history that is too long -------------------------------------------------------------------


def test_the_oldest_turns_are_left_out_and_the_trace_is_told(settings):
    turn = (Message(Role.CALLER, "and then " * 3), Message(Role.AGENT, "x" * 40))
    with opened(settings, context_tokens=512) as engine:
        pieces = asyncio.run(replied(engine, (*turn * 12, *HELLO)))
        assert engine.computed < 512
    assert isinstance(pieces[0], Remark)
    assert "oldest messages were left out" in pieces[0].text
    assert len(pieces) > 1


def test_a_last_message_that_is_too_long_is_cut_at_its_beginning(settings):
    with opened(settings, context_tokens=512) as engine:
        assert said(engine, (Message(Role.CALLER, "long " * 400),))
        assert engine.computed < 512


def test_instructions_that_leave_no_room_have_failed_in_words(settings):
    with (
        opened(settings, instructions="Be kind. " * 50, context_tokens=512) as engine,
        raises(EngineFailed, match="raise context_tokens"),
    ):
        said(engine)


# --- tools ----------------------------------------------------------------------------------------


def test_a_tool_is_called_as_its_schema_wants_it(settings, folder):
    """The model writes no JSON by itself: after the mark the grammar leads it."""
    with scripted(settings, folder, "Sure", ".", "<tool_call>") as engine:
        pieces = asyncio.run(replied(engine, tools=(BOOK,)))
    assert pieces[:2] == ["Sure", "."]
    [call] = pieces[2:]
    assert call.name == "book"
    assert call.arguments["day"] == "friday"
    assert isinstance(call.arguments["people"], int)


def test_a_mark_in_pieces_is_a_mark_and_not_said(settings, folder):
    with scripted(settings, folder, "Ok", "<", "tool", "_call", ">x") as engine:
        pieces = asyncio.run(replied(engine, tools=(HANG_UP,)))
    assert pieces == ["Ok", ToolCall("hang_up", {})]


def test_a_schema_that_no_grammar_can_say_takes_any_arguments(engine):
    odd = replace(BOOK, parameters={"type": "object", "properties": {"a": {"$ref": "http://x"}}})
    found = rules((odd,))
    assert "arguments ::= object" in found
    engine._native.free(engine._native.grammar(found))


def test_a_call_without_tools_is_not_said(settings, folder):
    with scripted(settings, folder, "Hm", ".", "<tool_call>", "x") as engine:
        assert said(engine) == "Hm."


def test_after_a_tools_result_the_model_may_be_silent(settings, folder):
    done = ToolResult(Role.EVENT, "booked", call=ToolCall("book", {"day": "friday"}))
    with scripted(settings, folder) as engine:
        assert asyncio.run(replied(engine, (*HELLO, done), (BOOK,))) == []


# --- files ----------------------------------------------------------------------------------------


def test_a_missing_file_is_named(settings, tmp_path):
    with raises(EngineUnavailable, match="found nothing at"):
        Llama.load(replace(settings, model=str(tmp_path / "none.gguf")))


WITHOUT_MEMORY = """
import resource, sys
from agent.core.errors import EngineUnavailable
from pipelines.engines.llama import Llama
from pipelines.engines.llama_settings import LlamaSettings

def load(calls):
    Llama.load(LlamaSettings(sys.argv[1], context_tokens=4096, calls=calls, threads=1)).close()

load(1)  # with its library in memory, and what the first one leaves
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 200_000_000,) * 2)
load(1)
try:
    load(60)
except EngineUnavailable as fault:
    print(fault)
"""


def test_more_calls_than_there_is_memory_for_are_refused_in_words(folder):
    """With real memory, and little of it: a process of its own, limited to 200 MB more."""
    path = folder / "larger.gguf"
    write_gguf(path, shape=Shape(256, 8, 256, 4))  # 16 MB for each call of 4096 tokens
    command = [sys.executable, "-c", WITHOUT_MEMORY, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "no memory for 60 calls of 4096 tokens; lower calls or context_tokens" in done.stdout


@mark.parametrize("length", [0, 100, 20_000, 300_000])
def test_a_file_that_is_cut_short_is_refused(settings, tmp_path, length):
    path = tmp_path / "short.gguf"
    write_gguf(path)
    path.write_bytes(path.read_bytes()[:length])
    with raises(EngineUnavailable, match="expected GGUF"):
        Llama.load(replace(settings, model=str(path)))


def test_a_model_without_a_chat_template_is_refused(settings, tmp_path):
    write_gguf(tmp_path / "base.gguf", template=None)
    with raises(EngineUnavailable, match="no chat template"):
        Llama.load(replace(settings, model=str(tmp_path / "base.gguf")))


def test_a_template_that_refuses_everything_is_refused(settings, tmp_path):
    write_gguf(tmp_path / "never.gguf", template="{{ raise_exception('never') }}")
    with raises(EngineUnavailable, match="never"):
        Llama.load(replace(settings, model=str(tmp_path / "never.gguf")))


def test_a_template_that_refuses_a_history_fails_that_reply(settings, tmp_path):
    picky = "{% if 'monday' in messages[-1].content %}{{ raise_exception('no') }}{% endif %}"
    write_gguf(tmp_path / "picky.gguf", template=picky + TEMPLATE)
    with opened(settings, model=str(tmp_path / "picky.gguf")) as engine:
        with raises(EngineFailed, match="refused the history"):
            said(engine, (Message(Role.CALLER, "on monday"),))
        assert said(engine)


def test_a_template_without_a_system_gets_instructions_in_the_first_message(settings, tmp_path):
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
    write_gguf(tmp_path / "strict.gguf", template=strict + TEMPLATE)
    with opened(settings, model=str(tmp_path / "strict.gguf")) as engine:
        prompt = engine._prompts.fit("Be kind.", HELLO, ()).tokens
        text = b"".join(map(engine._native.piece, prompt)).decode()
    assert "Be kind.\n\nhello there" in text


def test_more_than_the_model_was_trained_on_is_refused(settings):
    with raises(EngineUnavailable, match="expected at most 4096"):
        Llama.load(replace(settings, context_tokens=8192))


def test_an_engine_closed_in_the_middle_of_a_reply_gives_everything_back(settings):
    async def main():
        engine = Llama.load(settings)
        async with aclosing(engine.reply(HELLO, ())) as pieces:
            first = await anext(pieces)
            engine.close()
            engine.close()
        return first

    assert asyncio.run(main())


@mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": 3}, "temperature: expected 0..2"),
        ({"max_tokens": 600}, "max_tokens: expected 1..512"),
        ({"calls": 0}, "calls: expected 1..64"),
        ({"model": ""}, "model: expected the path"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, changes, message):
    with raises(ValueError, match=message):
        replace(settings, **changes)
