"""One reply on its way to the playout: it waits for room, stops when stale, keeps its tools."""

import asyncio
from dataclasses import dataclass, field

import numpy as np
from pytest import mark, raises

from agent.core.audio import AudioFrame
from agent.core.errors import EngineFailed
from agent.core.events import ReplyAudible, ReplyDone, ReplyFailed, ReplyReady, WorkDone, WorkDue
from agent.core.playout import LIMIT_S, Playout, Put
from agent.core.protocols import Message, Remark, Role, Speech, ToolCall, ToolResult, ToolStart
from agent.trace import TraceList
from agent.virtual_loop import run_virtual
from pipelines.cascade.speaker import UNKNOWN, Reply, Speaker

RATE = 1000
FRAME = 20
HELLO = (Message(Role.CALLER, "hello"),)


@dataclass
class Responder:
    """Writes these pieces, each after a while; may break before one."""

    pieces: tuple = ()
    piece_s: float = 0.0
    breaks_before: int = -1
    given: list = field(default_factory=list)
    closed: int = 0

    async def reply(self, messages, tools):
        self.given.append((messages, tools))
        try:
            for number, piece in enumerate(self.pieces):
                await asyncio.sleep(self.piece_s)
                if number == self.breaks_before:
                    raise EngineFailed("writer", "out of ink")
                yield piece
        finally:
            self.closed += 1


@dataclass
class Voice:
    """Speaks every clause as so many samples; may break at one."""

    samples: int = 100
    work_s: float = 0.0
    breaks_at: str = ""
    rate: int = RATE
    spoken: list = field(default_factory=list)
    closed: int = 0

    async def speak(self, clauses):
        at = 0
        try:
            async for clause in clauses:
                if clause == self.breaks_at:
                    raise EngineFailed("voice", "hoarse")
                await asyncio.sleep(self.work_s)
                self.spoken.append(clause)
                yield Speech(AudioFrame(np.ones(self.samples, np.float32), RATE, at), clause)
                at += self.samples
        finally:
            self.closed += 1


class Stage:
    """A speaker with all that it works with."""

    def __init__(self, responder, voice=None):
        self.responder, self.voice = responder, voice or Voice()
        self.playout, self.room, self.told = Playout(RATE), asyncio.Event(), []
        self.trace = TraceList(asyncio.get_running_loop().time)
        self.speaker = Speaker(
            self.responder, self.voice, self.playout, self.room, self.told.append, self.trace
        )
        self.reply = Reply(1)
        self.playout.open(1)

    async def speak(self, messages=HELLO):
        await self.speaker.speak(self.reply, messages)

    def play(self, frames):
        """So many frames, and whatever happened in them."""
        events = []
        for _ in range(frames):
            events += self.playout.next(FRAME).events
            self.room.set()
        return events

    def named(self, event):
        return self.trace.named(event)


def now():
    return asyncio.get_running_loop().time()


def test_a_reply_is_written_spoken_and_put_behind_the_door():
    async def main():
        stage = Stage(Responder(("Good ", "morning. ", "Yes?")))
        await stage.speak()
        assert stage.responder.given == [(HELLO, ())]
        assert stage.voice.spoken == ["Good morning.", "Yes?"]
        assert stage.reply.said == ["Good morning.", "Yes?"]
        assert stage.told == [ReplyReady(1)]
        assert not stage.playout.next(FRAME).samples.any()
        stage.playout.release(1)
        assert stage.play(20) == [ReplyAudible(1), ReplyDone(1, asks=True)]

    run_virtual(main())


def test_what_is_traced_of_a_reply_has_its_times():
    async def main():
        stage = Stage(Responder(("Good morning. ", "Yes?"), piece_s=0.5), Voice(work_s=0.2))
        await stage.speak()
        assert [(line["t"], line["reply"]) for line in stage.named("first_token")] == [(0.5, 1)]
        assert [(line["t"], line["reply"]) for line in stage.named("first_audio")] == [(0.7, 1)]
        said = [(line["t"], line["text"]) for line in stage.named("said")]
        assert said == [(0.5, "Good morning."), (1.2, "Yes?")]

    run_virtual(main())


def test_a_reply_is_ready_with_its_first_sound_and_only_then():
    async def main():
        stage = Stage(Responder(("One. ", "Two. ", "Three.")), Voice(work_s=1.0))
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.speak())
            await asyncio.sleep(0.9)
            assert stage.told == []
            await asyncio.sleep(0.2)
            assert stage.told == [ReplyReady(1)]
        assert stage.told == [ReplyReady(1)]

    run_virtual(main())


def test_a_reply_of_nothing_is_complete_without_having_been_ready():
    async def main():
        stage = Stage(Responder(()))
        await stage.speak()
        stage.playout.release(1)
        assert stage.told == []
        assert stage.play(1) == [ReplyDone(1)]

    run_virtual(main())


def test_a_full_playout_makes_the_voice_wait_for_room():
    async def main():
        seconds = int(LIMIT_S) + 2
        stage = Stage(Responder(("Word. ",) * seconds), Voice(samples=RATE))
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(stage.speak())
            await asyncio.sleep(10)
            assert len(stage.voice.spoken) == LIMIT_S + 1  # one more is in its hand
            assert not speaking.done()
            stage.playout.release(1)
            events = stage.play(1)
            await asyncio.sleep(10)
            assert len(stage.voice.spoken) == seconds
            assert not speaking.done()
            while not speaking.done():
                events += stage.play(1)
                await asyncio.sleep(0)
        events += stage.play(seconds * RATE // FRAME)
        assert events == [ReplyAudible(1), ReplyDone(1)]
        assert stage.playout.heard(1, stage.playout.position).split() == ["Word."] * seconds

    run_virtual(main())


def test_a_reply_that_is_over_is_no_longer_made():
    async def main():
        stage = Stage(Responder(("Word. ",) * 100, piece_s=0.1))
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(stage.speak())
            await asyncio.sleep(1.05)
            stage.playout.cancel(1)
            await asyncio.sleep(1)
            assert speaking.done()
        assert len(stage.voice.spoken) < 13
        assert (stage.responder.closed, stage.voice.closed) == (1, 1)

    run_virtual(main())


def test_a_reply_that_waits_for_room_stops_when_it_is_over():
    async def main():
        stage = Stage(Responder(("Word. ",) * 10), Voice(samples=RATE))
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.speak())
            await asyncio.sleep(1)
            stage.playout.cancel(1)
            stage.play(1)
        assert (stage.responder.closed, stage.voice.closed) == (1, 1)
        assert stage.told == [ReplyReady(1)]

    run_virtual(main())


def test_an_old_reply_does_not_complete_the_one_that_took_its_place():
    async def main():
        stage = Stage(Responder(("Word. ",), piece_s=1.0))
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.speak())
            await asyncio.sleep(0.5)
            stage.playout.open(2)
        assert stage.playout.put(2, Speech(AudioFrame(np.ones(5, np.float32), RATE, 0), "")) is (
            Put.TAKEN
        )
        stage.playout.release(2)
        assert stage.play(3) == [ReplyAudible(2)]
        assert stage.told == []

    run_virtual(main())


def test_a_reply_that_is_cancelled_gives_back_its_engines():
    async def main():
        stage = Stage(Responder(("Word. ",) * 10, piece_s=1.0))
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(stage.speak())
            await asyncio.sleep(2.5)
            speaking.cancel()
        assert (stage.responder.closed, stage.voice.closed) == (1, 1)
        assert ReplyFailed(1) not in stage.told

    run_virtual(main())


@mark.parametrize(
    ("responder", "voice", "words"),
    [
        (Responder(("One. ", "Two."), breaks_before=1), Voice(), "writer: out of ink"),
        (Responder(("One. ", "Two. ")), Voice(breaks_at="Two."), "voice: hoarse"),
    ],
)
def test_an_engine_that_breaks_is_told_and_traced_and_not_raised(responder, voice, words):
    async def main():
        stage = Stage(responder, voice)
        await stage.speak()
        assert stage.told == [ReplyReady(1), ReplyFailed(1)]
        (error,) = stage.named("error")
        assert (error["message"], error["reply"]) == (words, 1)
        assert (responder.closed, voice.closed) == (1, 1)
        stage.playout.release(1)
        assert ReplyDone(1) not in stage.play(20)  # a reply that failed is never complete

    run_virtual(main())


def test_a_fault_that_is_no_engines_goes_through():
    async def main():
        await Stage(Responder((3,))).speak()

    with raises(ExceptionGroup) as found:
        run_virtual(main())
    assert found.group_contains(AssertionError)


def test_tools_are_kept_until_somebody_asks_and_are_not_spoken():
    async def main():
        book, leave = ToolCall("book", {"at": "noon"}), ToolCall("hang_up")
        stage = Stage(Responder(("Booked. ", book, "Good bye.", leave)))
        await stage.speak()
        assert stage.reply.tools == [book, leave]
        assert stage.voice.spoken == ["Booked.", "Good bye."]
        assert stage.told == [ReplyReady(1)]
        assert stage.named("tool") == []

    run_virtual(main())


def test_a_tool_with_effects_waits_for_the_release_of_its_reply():
    async def main():
        book = ToolCall("book", {"at": "noon"})
        stage = Stage(Responder(("One moment. ", ToolStart(book, effects=True), "Booked.")))
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.speak())
            await asyncio.sleep(5.0)
            assert stage.voice.spoken == ["One moment."]
            assert (stage.named("tool"), stage.reply.has_effects) == ([], False)
            stage.reply.released.set()
            await asyncio.sleep(1.0)
            assert (stage.named("tool"), stage.told[-1]) == ([], WorkDue(1))
            stage.reply.may_work.set()
        assert stage.voice.spoken == ["One moment.", "Booked."]
        assert [(t["t"], t["name"]) for t in stage.named("tool")] == [(6.0, "book")]
        assert stage.reply.results == [ToolResult(Role.EVENT, UNKNOWN, call=book)]

    run_virtual(main())


def test_what_comes_of_a_tool_is_kept_and_traced():
    async def main():
        look = ToolCall("look")
        found = ToolResult(Role.EVENT, "rain", call=look)
        stage = Stage(Responder((ToolStart(look, effects=False), found, Remark("hm"), "Rain.")))
        await stage.speak()
        assert stage.reply.results == [found]
        assert [t["text"] for t in stage.named("tool_result")] == ["rain"]
        assert [t["text"] for t in stage.named("remark")] == ["hm"]
        assert stage.voice.spoken == ["Rain."]

    run_virtual(main())


def test_a_tool_is_no_first_token():
    async def main():
        stage = Stage(Responder((ToolCall("look"), "Found."), piece_s=1.0))
        await stage.speak()
        assert [line["t"] for line in stage.named("first_token")] == [2.0]

    run_virtual(main())


def test_the_first_clause_is_spoken_while_the_rest_is_written():
    async def main():
        stage = Stage(Responder(("One. ", "Two. ", "Three."), piece_s=1.0))
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.speak())
            await asyncio.sleep(1.5)
            assert stage.voice.spoken == ["One."]

    run_virtual(main())


@mark.parametrize(
    "question", ["Really?", "**Really?**", '"Really?" ', "本当ですか？」", "هل أنت متأكد؟"]
)
def test_a_question_is_one_in_every_script(question):
    assert Reply(1, said=["Well.", question]).asks
    assert not Reply(1, said=[question, "Well."]).asks


def test_the_end_of_what_changes_the_world_is_told_once_all_of_it_has_ended():
    async def main():
        calls = [ToolCall("pay"), ToolCall("book")]
        results = [ToolResult(Role.EVENT, "done", call=call) for call in calls]
        look = ToolResult(Role.EVENT, "sunny", call=ToolCall("look"))
        stage = Stage(Responder((*(ToolStart(c, effects=True) for c in calls), look, *results)))
        stage.reply.released.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.speak())
            for _ in calls:
                await asyncio.sleep(1.0)
                stage.reply.may_work.set()
        assert stage.told == [WorkDue(1), WorkDue(1), WorkDone(1)]

    run_virtual(main())
