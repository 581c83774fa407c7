"""A model reads while the caller speaks: what stays, in steps, and not for ever."""

import asyncio
from contextlib import asynccontextmanager

from agent.core.errors import EngineFailed
from agent.core.events import Transcript
from agent.core.protocols import Message, Role
from agent.trace import TraceList
from agent.virtual_loop import run_virtual
from pipelines.cascade.reading_ahead import MOST, NEW_WORDS, ReadingAhead

SENTENCE = "i would like a table for two people on friday evening".split()


class Model:
    """Takes a while to read, and notes what it read to the end."""

    reads_ahead = True

    def __init__(self, work_s=0.0, fault=None):
        self.work_s, self.fault = work_s, fault
        self.begun, self.read, self.at_once = [], [], 0

    async def read_ahead(self, messages, tools):
        self.begun.append(messages[-1].text)
        self.at_once += 1
        assert self.at_once == 1
        try:
            await asyncio.sleep(self.work_s)
            if self.fault:
                raise self.fault
            self.read.append(messages[-1].text)
        finally:
            self.at_once -= 1


@asynccontextmanager
async def reading(model):
    async with asyncio.TaskGroup() as group:
        trace = TraceList(asyncio.get_running_loop().time)

        def drafted(text):
            return (Message(Role.AGENT, "Hello."), Message(Role.CALLER, text))

        ahead = ReadingAhead(model, group.create_task, drafted, trace)
        yield ahead, trace
        ahead.stop()


def heard(ahead, words, unstable=""):
    """The turn is one segment."""
    stable = " ".join(words)
    ahead.heard(Transcript(1, stable, unstable), f"{stable} {unstable}".strip())


async def settle():
    await asyncio.sleep(60)


def test_words_are_read_in_steps_and_only_those_that_stay():
    async def main():
        model = Model()
        async with reading(model) as (ahead, trace):
            for count in range(len(SENTENCE)):
                heard(ahead, SENTENCE[:count], SENTENCE[count])
                await settle()
        return model, trace

    model, trace = run_virtual(main())
    assert model.read == [" ".join(SENTENCE[:n]) for n in (3, 6, 9)]
    assert [line["words"] for line in trace.named("read_ahead")] == [3, 6, 9]


def test_a_step_that_lasts_is_not_disturbed_by_more_words():
    async def main():
        model = Model(work_s=5.0)
        async with reading(model) as (ahead, _):
            heard(ahead, SENTENCE[:3])
            await asyncio.sleep(1)
            heard(ahead, SENTENCE[:8])
            await settle()
            heard(ahead, SENTENCE[:9])
            await settle()
        return model.read

    assert run_virtual(main()) == [" ".join(SENTENCE[:3]), " ".join(SENTENCE[:9])]


def test_words_that_change_give_up_what_was_being_read_of_them():
    async def main():
        model = Model(work_s=5.0)
        async with reading(model) as (ahead, _):
            heard(ahead, SENTENCE[:6])
            await asyncio.sleep(1)
            other = ["we", *SENTENCE[1:6]]
            heard(ahead, other)
            await settle()
            assert model.read == []
            heard(ahead, other)
            await settle()
        return model

    model = run_virtual(main())
    assert model.begun == [" ".join(SENTENCE[:6]), " ".join(["we", *SENTENCE[1:6]])]
    assert model.read == model.begun[1:]


def test_a_turn_without_end_is_read_up_to_a_limit_and_the_next_turn_begins_anew():
    async def main():
        model, words = Model(), ["and"] * (MOST + 5) * NEW_WORDS
        async with reading(model) as (ahead, _):
            for count in range(0, len(words), NEW_WORDS):
                heard(ahead, words[:count])
                await settle()
            once = len(model.read)
            ahead.begin_turn()
            heard(ahead, SENTENCE)
            await settle()
        return once, model.read[once:]

    assert run_virtual(main()) == (MOST, [" ".join(SENTENCE)])


def test_a_model_that_breaks_is_left_alone_for_the_rest_of_the_turn():
    async def main():
        model = Model(fault=EngineFailed("model", "broke"))
        async with reading(model) as (ahead, trace):
            heard(ahead, SENTENCE[:3])
            await settle()
            heard(ahead, SENTENCE[:9])
            await settle()
        return model.begun, trace.named("error")

    begun, errors = run_virtual(main())
    assert len(begun) == 1
    assert [line["fallback"] for line in errors] == ["the reply reads all of it"]
