"""Tools in the middle of a reply: rounds, time, effects and interruptions, in virtual time."""

import asyncio
from contextlib import aclosing

from pytest import mark, raises

from agent.core.errors import EngineFailed
from agent.core.protocols import (
    Expectation,
    Message,
    Remark,
    Role,
    Tool,
    ToolCall,
    ToolResult,
    ToolStart,
)
from agent.virtual_loop import run_virtual
from pipelines.cascade.tools.responder import ToolUser
from pipelines.cascade.tools.runnable import Runnable
from pipelines.cascade.tools.settings import ToolsSettings

ASK = (Message(Role.CALLER, "what about the weather"),)
WEATHER = ToolCall("weather", {"city": "Rome"})
BOOK = ToolCall("book")
HANG_UP = Tool("hang_up", "Ends the call.")


class Writer:
    """Writes one list of pieces a round, the last one again and again."""

    def __init__(self, *rounds):
        self.rounds, self.given, self.closed = list(rounds), [], 0

    async def reply(self, messages, tools):
        self.given.append((tuple(messages), [t.name for t in tools]))
        pieces = self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]
        try:
            for piece in pieces:
                yield piece
        finally:
            self.closed += 1

    def expects(self, messages):
        return Expectation(("rain",))


class Work:
    """A tool that takes a while, and notes when it began and how it ended."""

    def __init__(self, name="weather", work_s=0.0, effects=False):
        self.work_s, self.log = work_s, []
        self.runnable = Runnable(Tool(name, name, effects), 5.0, self.run)

    async def run(self, arguments):
        self.log.append(("begun", now()))
        try:
            await asyncio.sleep(self.work_s)
        except asyncio.CancelledError:
            self.log.append(("cancelled", now()))
            raise
        return f"rain, {arguments}"


def now():
    return asyncio.get_running_loop().time()


def user(writer, *works, **settings):
    return ToolUser(writer, [w.runnable for w in works], (HANG_UP,), ToolsSettings(**settings))


async def pieces(made, after=None):
    """Everything, each with its time; `after` seconds pass before a tool with effects may go on."""
    found = []
    async with aclosing(made.reply(ASK, ())) as reply:
        async for piece in reply:
            found.append((now(), piece))
            if isinstance(piece, ToolStart) and piece.effects and after:
                await asyncio.sleep(after)
    return found


def said(found):
    return "".join(piece for _, piece in found if isinstance(piece, str))


def test_a_reply_without_tools_passes_through():
    writer = Writer(["Good ", "day.", Remark("x"), ToolCall("hang_up")])
    found = run_virtual(pieces(user(writer, Work())))
    assert [p for _, p in found] == ["Good ", "day.", Remark("x"), ToolCall("hang_up")]
    assert writer.given == [(ASK, ["hang_up", "weather"])]
    assert user(writer).expects(ASK) == Expectation(("rain",))


def test_a_tool_is_run_and_its_result_given_to_the_model():
    writer, work = Writer(["Let me look. ", WEATHER], ["It rains."]), Work()
    found = [p for _, p in run_virtual(pieces(user(writer, work)))]
    result = ToolResult(Role.EVENT, "rain, {'city': 'Rome'}", call=WEATHER)
    assert found == ["Let me look. ", "\n", ToolStart(WEATHER, False), result, "It rains."]
    assert writer.given[1][0] == (*ASK, Message(Role.AGENT, "Let me look. "), result)
    assert writer.closed == 2


@mark.parametrize(
    ("text", "end"),
    [("One moment", ".\n"), ("At 3 p.m.", "\n"), ("Really?", "\n"), ("Well, ", ".\n")],
)
def test_what_is_said_before_a_tool_is_spoken_at_once(text, end):
    found = run_virtual(pieces(user(Writer([text, WEATHER], ["Rain."]), Work())))
    assert said(found) == f"{text}{end}Rain."


def test_several_tools_run_at_the_same_time():
    slow, other = Work("weather", 0.5), Work("news", 0.7)
    writer = Writer([WEATHER, ToolCall("news")], ["So it is."])
    found = run_virtual(pieces(user(writer, slow, other)))
    assert slow.log == other.log == [("begun", 0.0)]
    assert [t for t, p in found if p == "So it is."] == [0.7]
    assert [p.call.name for _, p in found if isinstance(p, ToolResult)] == ["weather", "news"]


# --- waiting --------------------------------------------------------------------------------------


@mark.parametrize(
    ("work_s", "before", "expected"),
    [(0.9, [], "Rain."), (1.1, [], "One moment please. Rain."), (1.1, ["Hm."], "Hm.\nRain.")],
)
def test_a_filler_is_said_when_a_tool_is_slow_and_nothing_was_said(work_s, before, expected):
    writer = Writer([*before, WEATHER], ["Rain."])
    assert said(run_virtual(pieces(user(writer, Work(work_s=work_s))))) == expected


def test_a_filler_comes_at_its_time_and_once_a_reply():
    writer = Writer([WEATHER], [WEATHER], ["Rain."])
    found = run_virtual(pieces(user(writer, Work(work_s=3.0), filler="Hm.", filler_after_s=2.0)))
    assert [(t, p) for t, p in found if isinstance(p, str)] == [(2.0, "Hm. "), (6.0, "Rain.")]


def test_no_filler_is_said_where_none_is_set():
    found = run_virtual(pieces(user(Writer([WEATHER], ["Rain."]), Work(work_s=3), filler="")))
    assert said(found) == "Rain."


def test_a_tool_that_never_returns_is_reported_to_the_model_at_its_deadline():
    found = run_virtual(pieces(user(Writer([WEATHER], ["I cannot say."]), Work(work_s=1e9))))
    ((at, result),) = [(t, p) for t, p in found if isinstance(p, ToolResult)]
    assert at == 5.0
    assert result.text == "weather did not answer within 5 s."
    assert said(found).endswith("I cannot say.")


# --- effects --------------------------------------------------------------------------------------


def test_a_tool_with_effects_begins_only_when_the_next_piece_is_asked_for():
    read, write = Work("weather", 0.1), Work("book", 0.1, effects=True)
    writer = Writer([BOOK, WEATHER], ["Done."])
    found = run_virtual(pieces(user(writer, read, write), after=3.0))
    assert read.log == [("begun", 0.0)]
    assert write.log == [("begun", 3.1)]
    starts = [p for _, p in found if isinstance(p, ToolStart)]
    assert starts == [ToolStart(WEATHER, False), ToolStart(BOOK, True)]


def test_a_speculation_that_is_given_up_has_no_effects():
    write = Work("book", effects=True)

    async def main():
        async with aclosing(user(Writer([BOOK]), write).reply(ASK, ())) as reply:
            assert await anext(reply) == ToolStart(BOOK, True)

    run_virtual(main())
    assert write.log == []


# --- interruptions --------------------------------------------------------------------------------


def test_an_interruption_cancels_the_tools_under_way(caplog):
    work, other = Work(work_s=3.0), Work("news", 4.0)
    writer = Writer([WEATHER, ToolCall("news")])

    async def main():
        async with asyncio.TaskGroup() as group:
            task = group.create_task(pieces(user(writer, work, other)))
            await asyncio.sleep(2.0)
            task.cancel()

    run_virtual(main())
    assert work.log == other.log == [("begun", 0.0), ("cancelled", 2.0)]
    assert writer.closed == 1
    assert not caplog.records  # such as an exception that nobody retrieved


def test_closing_the_reply_at_the_filler_cancels_the_tools_under_way():
    work = Work(work_s=3.0)

    async def main():
        async with aclosing(user(Writer([WEATHER]), work).reply(ASK, ())) as reply:
            async for piece in reply:
                if isinstance(piece, str):
                    break

    run_virtual(main())
    assert work.log == [("begun", 0.0), ("cancelled", 1.0)]


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_tool_that_does_not_exist_is_told_to_the_model():
    writer = Writer([ToolCall("fly")], ["I cannot fly."])
    found = run_virtual(pieces(user(writer, Work())))
    (result,) = [p for _, p in found if isinstance(p, ToolResult)]
    assert result.text == "There is no tool fly. There are: weather."


def test_a_model_that_never_stops_asking_is_offered_no_tools_in_the_end():
    writer, work = Writer([WEATHER], [WEATHER], ["Enough."]), Work()
    assert said(run_virtual(pieces(user(writer, work, max_rounds=2)))) == "Enough."
    assert [tools for _, tools in writer.given] == [
        ["hang_up", "weather"],
        ["hang_up", "weather"],
        ["hang_up"],
    ]


def test_a_model_that_asks_even_then_has_failed():
    with raises(EngineFailed, match=r"more than 2 times \(weather\); raise max_rounds"):
        run_virtual(pieces(user(Writer([WEATHER]), Work(), max_rounds=2)))


def test_a_model_that_says_nothing_after_its_tools_has_failed():
    with raises(EngineFailed, match="then said nothing"):
        run_virtual(pieces(user(Writer([WEATHER], []), Work(work_s=2.0))))


def test_a_model_that_spoke_before_its_tools_may_be_silent_after_them():
    writer = Writer(["I will book it. ", WEATHER], [])
    assert said(run_virtual(pieces(user(writer, Work())))).strip() == "I will book it."


def test_two_replies_at_once_do_not_mix():
    made = user(Writer([WEATHER], [WEATHER], ["Rain."]), Work(work_s=0.5))

    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(pieces(made)) for _ in range(2)]
        return [said(task.result()) for task in tasks]

    assert run_virtual(main()) == ["Rain.", "Rain."]
