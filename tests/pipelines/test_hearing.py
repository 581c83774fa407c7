"""Sound on its way to a recogniser that may be slow, or broken: bounded, counted, in order."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from pytest import mark, raises

from agent.core.audio import AudioFrame
from agent.core.errors import EngineFailed
from agent.core.events import Transcript
from agent.core.protocols import Expectation
from agent.trace import TraceList
from agent.virtual_loop import run_virtual
from pipelines.cascade.hearing import LIMIT_S, Hearing
from pipelines.cascade.turn_sound import TurnSound

RATE = 1000
STEP = 32


def frame(number, step=STEP):
    """The frame at this place, of samples that are their own positions."""
    start = number * step
    return AudioFrame(np.arange(start, start + step, dtype=np.float32), RATE, start)


@dataclass
class Recogniser:
    """Notes what it is given; slow or broken where a test says so."""

    rate: int = RATE
    open_s: float = 0.0
    feed_s: float = 0.0
    breaks: str = ""  # "open", "feed", "finish" or "close"
    partial: str = ""
    opened: list = field(default_factory=list)
    fed: list = field(default_factory=list)  # (segment, frame)
    closed: list = field(default_factory=list)

    async def open(self, segment, expected):
        await asyncio.sleep(self.open_s)
        self.opened.append((segment, expected))
        self.check("open")
        return Stretch(self, segment)

    def check(self, step):
        if self.breaks == step:
            raise EngineFailed("recogniser", f"broke in {step}")

    def positions(self, segment):
        """Every sample that was fed for a segment, in order."""
        return [int(x) for number, f in self.fed if number == segment for x in f.samples]


@dataclass
class Stretch:
    """One segment of the recogniser above; its words are how many samples it had."""

    engine: Recogniser
    segment: int
    samples: int = 0

    async def feed(self, sound):
        await asyncio.sleep(self.engine.feed_s)
        self.engine.check("feed")
        self.engine.fed.append((self.segment, sound))
        self.samples += len(sound.samples)
        return [Transcript(self.segment, "", self.engine.partial)] if self.engine.partial else []

    async def finish(self):
        self.engine.check("finish")
        return Transcript(self.segment, str(self.samples), final=True)

    async def close(self):
        self.engine.closed.append(self.segment)
        self.engine.check("close")


@asynccontextmanager
async def hearing(engine, expected=Expectation):
    """A running hearing, with the transcripts and the trace that come of it."""
    heard, trace = [], TraceList(asyncio.get_running_loop().time)
    ears = Hearing(engine, expected, heard.append, TurnSound(0), trace)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(ears.run())
        yield ears, heard, trace
        running.cancel()


async def settle():
    """Time for whatever can still happen."""
    await asyncio.sleep(60)


def say(ears, segment, numbers):
    ears.begin(segment)
    for number in numbers:
        ears.feed(frame(number))
    ears.end(segment)


def test_a_segment_is_fed_whole_and_in_order_and_its_words_are_told():
    async def main():
        engine = Recogniser()
        async with hearing(engine) as (ears, heard, _):
            say(ears, 1, range(10))
            await settle()
        assert engine.positions(1) == list(range(320))
        assert heard == [Transcript(1, "320", final=True)]
        assert engine.closed == [1]

    run_virtual(main())


def test_segments_follow_each_other():
    async def main():
        engine = Recogniser(open_s=1.0, feed_s=0.5)
        async with hearing(engine) as (ears, heard, _):
            say(ears, 1, range(3))
            say(ears, 2, range(5, 9))
            await settle()
        assert [t.segment for t in heard] == [1, 2]
        assert engine.positions(2) == list(range(160, 288))

    run_virtual(main())


def test_what_is_expected_is_asked_when_a_segment_begins():
    async def main():
        engine, asked = Recogniser(), iter(["yes", "no"])
        async with hearing(engine, lambda: Expectation((next(asked),))) as (ears, _, _):
            say(ears, 1, range(2))
            await settle()
            say(ears, 2, range(2, 4))
            await settle()
        assert engine.opened == [(1, Expectation(("yes",))), (2, Expectation(("no",)))]

    run_virtual(main())


def test_partial_words_are_told_when_they_change():
    async def main():
        engine = Recogniser(partial="hello")
        async with hearing(engine) as (ears, heard, _):
            ears.begin(1)
            for number in range(4):
                ears.feed(frame(number))
                await asyncio.sleep(1)
            ears.end(1)
            await settle()
        assert heard == [Transcript(1, "", "hello"), Transcript(1, "128", final=True)]

    run_virtual(main())


def test_sound_that_comes_while_the_recogniser_is_busy_is_fed_in_one_piece():
    async def main():
        engine = Recogniser(feed_s=1.0)
        async with hearing(engine) as (ears, _, _):
            ears.begin(1)
            ears.feed(frame(0))
            await asyncio.sleep(0.5)
            for number in range(1, 6):
                ears.feed(frame(number))
            ears.end(1)
            await settle()
        assert [len(f.samples) for _, f in engine.fed] == [32, 160]
        assert engine.positions(1) == list(range(192))

    run_virtual(main())


def test_the_first_word_waits_for_a_recogniser_that_is_not_ready():
    async def main():
        engine = Recogniser(open_s=5.0)
        async with hearing(engine) as (ears, heard, trace):
            say(ears, 1, range(20))
            await settle()
        assert engine.positions(1) == list(range(640))
        assert heard == [Transcript(1, "640", final=True)]
        assert trace.lines == []

    run_virtual(main())


def test_a_hole_in_the_sound_stays_a_hole():
    async def main():
        engine = Recogniser(open_s=1.0)
        async with hearing(engine) as (ears, _, _):
            say(ears, 1, [0, 1, 4, 5])
            await settle()
        assert [(f.start, f.end) for _, f in engine.fed] == [(0, 64), (128, 192)]

    run_virtual(main())


def test_over_the_limit_the_oldest_sound_is_dropped_and_counted():
    async def main():
        engine = Recogniser(open_s=50.0)
        count = int(LIMIT_S * RATE) // STEP + 5
        async with hearing(engine) as (ears, _, trace):
            say(ears, 1, range(count))
            await settle()
        dropped = trace.named("dropped")
        assert {line["what"] for line in dropped} == {"recognizer"}
        gone = sum(line["samples"] for line in dropped)
        assert gone > 0
        assert engine.positions(1) == list(range(gone, count * STEP))
        assert LIMIT_S * RATE - STEP < count * STEP - gone <= LIMIT_S * RATE

    run_virtual(main())


def test_one_long_frame_pushes_out_as_many_short_ones_as_it_needs():
    async def main():
        engine = Recogniser(open_s=50.0)
        limit = int(LIMIT_S * RATE)
        async with hearing(engine) as (ears, _, trace):
            ears.begin(1)
            for number in range(100):
                ears.feed(frame(number))
            ears.feed(AudioFrame(np.zeros(limit - STEP, np.float32), RATE, 100 * STEP))
            ears.end(1)
            await settle()
        assert sum(line["samples"] for line in trace.named("dropped")) == 99 * STEP
        assert len(engine.positions(1)) == limit

    run_virtual(main())


def test_what_was_fed_no_longer_counts_toward_the_limit():
    async def main():
        engine = Recogniser()
        async with hearing(engine) as (ears, _, trace):
            ears.begin(1)
            for number in range(3 * int(LIMIT_S * RATE) // STEP):
                ears.feed(frame(number))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            ears.end(1)
            await settle()
        assert trace.named("dropped") == []

    run_virtual(main())


def test_sound_fed_in_one_piece_no_longer_counts_toward_the_limit():
    async def main():
        engine = Recogniser(feed_s=10.0)
        async with hearing(engine) as (ears, _, trace):
            ears.begin(1)
            for second in range(60):
                for number in range(10):
                    ears.feed(frame(second * 10 + number, 100))
                await asyncio.sleep(1)
            ears.end(1)
            await settle()
        assert trace.named("dropped") == []
        assert len(engine.positions(1)) == 60 * RATE

    run_virtual(main())


@mark.parametrize("step", ["open", "feed", "finish", "close"])
def test_a_recogniser_that_breaks_loses_its_segment_and_not_the_call(step):
    async def main():
        engine = Recogniser(breaks=step)
        async with hearing(engine) as (ears, heard, trace):
            say(ears, 1, range(4))
            await settle()
            engine.breaks = ""
            say(ears, 2, range(4, 8))
            await settle()
        assert [(t.segment, t.final) for t in heard] == [(1, True), (2, True)]
        assert heard[1].text == "128"
        (error,) = trace.named("error")
        assert error["segment"] == 1
        assert f"broke in {step}" in error["message"]
        assert engine.closed == ([2] if step == "open" else [1, 2])

    run_virtual(main())


def test_the_words_before_a_fault_are_kept():
    async def main():
        engine = Recogniser(partial="a table for")
        async with hearing(engine) as (ears, heard, _):
            ears.begin(1)
            ears.feed(frame(0))
            await asyncio.sleep(1)
            engine.breaks = "feed"
            ears.feed(frame(1))
            ears.end(1)
            await settle()
        assert heard[-1] == Transcript(1, "a table for", final=True)

    run_virtual(main())


def test_the_words_of_one_segment_are_not_taken_for_those_of_the_next():
    async def main():
        engine = Recogniser()
        async with hearing(engine) as (ears, heard, _):
            say(ears, 1, range(4))
            await settle()
            engine.breaks = "open"
            say(ears, 2, range(4, 8))
            await settle()
        assert heard == [Transcript(1, "128", final=True), Transcript(2, "", final=True)]

    run_virtual(main())


def test_the_sound_after_a_fault_is_passed_over_until_the_next_segment():
    async def main():
        engine = Recogniser(breaks="feed")
        async with hearing(engine) as (ears, heard, _):
            ears.begin(1)
            ears.feed(frame(0))
            await asyncio.sleep(1)
            engine.breaks = ""
            for number in range(1, 5):
                ears.feed(frame(number))
            ears.end(1)
            say(ears, 2, [7])
            await settle()
        assert engine.positions(1) == []
        assert engine.positions(2) == list(range(224, 256))
        assert [t.segment for t in heard] == [1, 2]

    run_virtual(main())


def test_a_segment_whose_end_was_never_told_runs_into_the_next():
    async def main():
        engine = Recogniser()
        async with hearing(engine) as (ears, heard, _):
            ears.begin(1)
            ears.feed(frame(0))
            say(ears, 2, [1])
            await settle()
        assert engine.positions(1) == list(range(64))
        assert [t.segment for t in heard] == [1]

    run_virtual(main())


def test_a_fault_that_is_no_engines_goes_through():
    async def main():
        engine = Recogniser()
        engine.open = None  # a fault of ours
        async with hearing(engine) as (ears, _, _):
            say(ears, 1, [0])
            await settle()

    with raises(ExceptionGroup) as fault:
        run_virtual(main())
    assert fault.group_contains(TypeError)


def test_a_call_that_ends_in_mid_segment_gives_the_recogniser_back():
    async def main():
        engine = Recogniser()
        async with hearing(engine) as (ears, _, _):
            ears.begin(1)
            ears.feed(frame(0))
            await asyncio.sleep(1)
        assert engine.closed == [1]

    run_virtual(main())
