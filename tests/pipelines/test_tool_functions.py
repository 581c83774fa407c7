"""Python functions as tools: what a model is told of them, and what happens when one is run."""

import asyncio
import threading
from enum import StrEnum
from functools import partial
from typing import Literal

from pytest import mark, raises

from agent.core.errors import ConfigError
from agent.virtual_loop import run_virtual
from pipelines.cascade.tools.builtin import BUILTIN
from pipelines.cascade.tools.functions import AT_ONCE, load, runnable
from pipelines.cascade.tools.runnable import RESULT_CHARS, outcome
from pipelines.cascade.tools.schema import described
from pipelines.cascade.tools.settings import read_tools
from pipelines.cascade.tools.toolbox import Toolbox

HERE = "tests.support.phone_tools"


class Day(StrEnum):
    MONDAY = "monday"
    SUNDAY = "sunday"


def book(
    people: int, day: Day, at: Literal["noon", "eight"], names: list[str], note: str | None = None
) -> str:
    """Books a table,
    if there is one.

    Args:
        people: how many will come,
            children included.
        day: which day.

    Returns:
        A sentence.
    """
    return f"{people} on {day.name} at {at} for {'+'.join(names)} ({note})"


GOOD = {"people": 4, "day": "sunday", "at": "noon", "names": ["Ann", "Bo"]}


def run(function, arguments, deadline_s=1.0, effects=True):
    made = runnable("book", function, deadline_s, effects=effects)
    return asyncio.run(outcome(made, arguments))


# --- what a model is told -------------------------------------------------------------------------


def test_the_signature_and_the_docstring_describe_the_tool():
    tool = described("book", book, effects=True)
    assert tool.description == "Books a table, if there is one."
    assert tool.effects
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "people": {
                "type": "integer",
                "description": "how many will come, children included.",
            },
            "day": {
                "type": "string",
                "enum": ["monday", "sunday"],
                "description": "which day.",
            },
            "at": {"type": "string", "enum": ["noon", "eight"]},
            "names": {"type": "array", "items": {"type": "string"}},
            "note": {"type": "string"},
        },
        "required": ["people", "day", "at", "names"],
    }


def untyped(x):
    return x


def various(*x: int):
    return x


def strange(x: complex):
    return x


def nameless(x: int, /):
    return x


def unresolved(x: "Missing"):  # noqa: F821
    return x


class Callable:
    def __call__(self, x: int) -> int:
        return x


@mark.parametrize(
    "function",
    [
        untyped,
        various,
        strange,
        nameless,
        unresolved,
        Callable(),
        partial(book, 4),
        int,
    ],
)
def test_a_function_that_cannot_be_described_is_refused(function):
    with raises(ConfigError, match=r"^book.*expected"):
        described("book", function, effects=False)


# --- running --------------------------------------------------------------------------------------


def test_arguments_arrive_as_the_function_wants_them():
    assert run(book, GOOD) == "4 on SUNDAY at noon for Ann+Bo (None)"
    assert run(book, {**GOOD, "note": None}) == run(book, GOOD)


@mark.parametrize(
    ("wrong", "told"),
    [
        ({"people": "four"}, "people: expected a whole number, found 'four'"),
        ({"day": "someday"}, "day: expected one of monday, sunday"),
        ({"at": "six"}, "at: expected one of noon, eight"),
        ({"names": [1]}, "names[0]: expected text"),
        ({"cat": True}, "there is no argument cat"),
    ],
)
def test_wrong_arguments_are_told_to_the_model(wrong, told):
    assert run(book, {**GOOD, **wrong}).startswith("book failed: ")
    assert told in run(book, {**GOOD, **wrong})


def test_a_missing_argument_is_told_to_the_model():
    assert run(book, {}) == "book failed: the argument people is missing"


def test_what_a_tool_raises_is_told_to_the_model():
    def full() -> str:
        raise ValueError("no table is free")

    assert run(full, {}) == "book failed: ValueError: no table is free"


@mark.parametrize(
    "fault", [SystemExit(2), KeyboardInterrupt(), StopIteration(), asyncio.CancelledError()]
)
def test_a_function_that_raises_what_is_no_fault_has_failed_too(fault):
    def quits() -> str:
        raise fault

    assert run(quits, {}).startswith(f"book failed: {type(fault).__name__}: ")


def test_a_coroutine_that_ends_the_process_has_failed():
    async def quits() -> str:
        raise SystemExit(2)

    assert run(quits, {}) == "book failed: SystemExit: 2"


def test_a_coroutine_that_waits_for_what_was_cancelled_has_failed():
    async def waits() -> str:
        inner = asyncio.get_running_loop().create_future()
        inner.cancel()
        return str(await inner)

    assert run(waits, {}) == "book failed: what it waited for was cancelled"


def test_who_cancels_a_tool_is_not_told_that_it_failed():
    made = runnable("book", asyncio.Event().wait, 5.0, effects=False)

    async def main():
        async with asyncio.TaskGroup() as group:
            task = group.create_task(outcome(made, {}))
            await asyncio.sleep(1)
            task.cancel()
        return task.cancelled()

    assert run_virtual(main())


@mark.parametrize(("value", "words"), [(None, "done"), ({"ü": [1]}, '{"ü": [1]}'), ("so", "so")])
def test_what_a_tool_returns_is_put_into_words(value, words):
    async def plain() -> object:
        return value

    assert run(plain, {}) == words


def test_a_result_is_text_that_a_model_can_be_sent():
    def name() -> str:
        return "caf\udce9.txt"

    assert run(name, {}) == "caf?.txt"


def test_a_long_result_is_cut():
    def long() -> str:
        return "x" * 10_000

    found = run(long, {})
    assert found.endswith("[the rest was left out]")
    assert len(found) < RESULT_CHARS + 50


def test_a_coroutine_that_never_returns_is_cancelled_at_its_deadline():
    ends = []

    async def stuck() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append(asyncio.get_running_loop().time())

    for effects, doubt in ((False, ""), (True, " It is not known whether it was done.")):
        made = runnable("book", stuck, 5.0, effects=effects)
        assert run_virtual(outcome(made, {})) == f"book did not answer within 5 s.{doubt}"
    assert ends == [5.0, 5.0]


def test_a_function_that_never_returns_is_left_behind_at_its_deadline():
    release, was_daemon = threading.Event(), []

    def stuck() -> str:
        was_daemon.append(threading.current_thread().daemon)
        release.wait()
        return "too late"

    made = runnable("book", stuck, 0.01, effects=False)

    async def main():
        return [await outcome(made, {}) for _ in range(AT_ONCE + 1)]

    *first, last = asyncio.run(main())
    release.set()
    assert first == ["book did not answer within 0.01 s."] * AT_ONCE
    assert last == f"book failed: it is busy: {AT_ONCE} earlier calls have not returned"
    assert was_daemon == [True] * AT_ONCE


# --- the table [tools] ----------------------------------------------------------------------------


def test_a_table_names_functions_and_the_agents_own_tools():
    table = {
        "builtin": ["hang_up", "transfer"],
        "weather": {"function": f"{HERE}:weather", "effects": False, "deadline_s": 2.0},
        "book": {"function": f"{HERE}:book"},
    }
    box = Toolbox.load(table, "x.toml: [tools]")
    weather, made = box.runnables
    assert (weather.tool.name, weather.tool.effects, weather.deadline_s) == ("weather", False, 2.0)
    assert made.tool.effects
    assert box.settings.builtin == ("hang_up", "transfer")
    assert all(BUILTIN[name].parameters for name in box.settings.builtin)
    box.close()


@mark.parametrize(
    ("table", "told"),
    [
        ({"builtin": ["fly"]}, "builtin: expected some of hang_up"),
        ({"max_rounds": 0}, "max_rounds"),
        ({"filler_after_s": -1.0}, "filler_after_s"),
        ({"a": {}}, r"\.a: expected either function or mcp"),
        ({"a": {"function": "x:y", "deadline_s": 0.0}}, "deadline_s"),
        ({"a b": {"function": "x:y"}}, "expected a name of letters"),
        ({"a": {"funktion": "x:y"}}, "did you mean function"),
    ],
)
def test_a_wrong_table_says_what_is_allowed(table, told):
    with raises(ConfigError, match=told):
        read_tools(table, "x.toml: [tools]")


@mark.parametrize(
    ("path", "told"),
    [
        ("weather", "expected module:name"),
        ("no_such_module_here:f", "No module named"),
        (".relative:f", "found that .relative raises TypeError"),
        (f"{HERE}:no_such", "expected a function no_such"),
        (f"{HERE}:__name__", "expected a function __name__"),
    ],
)
def test_a_function_that_is_not_there_is_refused(path, told):
    with raises(ConfigError, match=told):
        load(path, "x.toml: [tools].a")


@mark.parametrize(
    ("module", "told"),
    [
        ("def f(x: int)\n", "SyntaxError: expected ':'"),
        ("import os; os.environ['NO_SUCH_KEY']", "KeyError: 'NO_SUCH_KEY'"),
        ("import sys; sys.exit(2)", "SystemExit: 2"),
    ],
)
def test_a_module_that_does_not_load_is_named_with_its_tool(module, told, tmp_path, monkeypatch):
    (tmp_path / "my_broken_tools.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    table = {"book": {"function": "my_broken_tools:f"}}
    with raises(ConfigError) as caught:
        Toolbox.load(table, "x.toml: [tools]")
    assert str(caught.value).startswith("x.toml: [tools].book function: expected a module that")
    assert f"my_broken_tools raises {told}" in str(caught.value)


def test_two_tools_of_one_name_are_refused():
    table = {"builtin": ["hang_up"], "hang_up": {"function": f"{HERE}:weather"}}
    with raises(ConfigError, match="found hang_up twice"):
        Toolbox.load(table, "x.toml: [tools]")
