"""Text between a writer and a voice: as it is wanted, and ahead once the reply is heard."""

import asyncio

from pytest import raises

from agent.core.errors import EngineFailed
from agent.virtual_loop import run_virtual
from pipelines.cascade.written import AHEAD_CHARS, Written


async def write(written, pieces, log, fault=None):
    for piece in pieces:
        await written.wanted()
        log.append(piece)
        written.put(piece)
    written.end(fault)


def scene(act, pieces, fault=None):
    """A writer at work, and what `act` does with the text and the log of what was written."""

    async def main():
        written, log = Written(), []
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(write(written, pieces, log, fault))
            await asyncio.sleep(1)
            await act(written, log)
            writing.cancel()

    run_virtual(main())


def test_nothing_is_written_before_the_voice_wants_it():
    async def act(written, log):
        assert log == []
        text = written.pieces()
        assert await anext(text) == "one "
        await asyncio.sleep(1)
        assert log == ["one "]
        assert await anext(text) == "two "
        assert log == ["one ", "two "]
        await text.aclose()

    scene(act, ["one ", "two ", "three "])


def test_once_it_is_heard_all_of_it_is_written_at_once():
    async def act(written, log):
        written.go_ahead()
        await asyncio.sleep(1)
        assert log == ["one ", "two ", "three "]
        assert [piece async for piece in written.pieces()] == log

    scene(act, ["one ", "two ", "three "])


def test_no_more_is_written_ahead_than_could_be_spoken():
    piece = "x" * (AHEAD_CHARS // 2)

    async def act(written, log):
        written.go_ahead()
        await asyncio.sleep(1)
        assert len(log) == 2
        text = written.pieces()
        await anext(text)
        await asyncio.sleep(1)
        assert len(log) == 3
        await text.aclose()

    scene(act, [piece] * 5)


def test_what_was_written_before_a_fault_is_spoken_before_it_is_told():
    async def act(written, log):
        written.go_ahead()
        await asyncio.sleep(1)
        text = written.pieces()
        assert await anext(text) == "one "
        with raises(EngineFailed):
            await anext(text)

    scene(act, ["one "], EngineFailed("writer", "out of ink"))
