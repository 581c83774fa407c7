"""Many calls on one batch: who steps when, and that nobody feels anybody else."""

import asyncio
import threading
from contextlib import contextmanager, suppress

import numpy as np
from pytest import mark, raises

from agent.core.audio import AudioFrame
from agent.core.duplex import DuplexPrompt
from agent.core.errors import EngineBusy, EngineFailed, EngineUnavailable
from agent.virtual_loop import run_virtual
from pipelines.engines.duplex_batched import BatchedModel
from pipelines.engines.duplex_gathering import BURST_S
from pipelines.engines.duplex_pauses import RecyclePolicy
from tests.support.counting_batch import FRAME, RATE, CountingBatch

NOTHING, ABC = DuplexPrompt(), DuplexPrompt("abc")


@contextmanager
def model_of(batch, recycle=None):
    model = BatchedModel(lambda: batch, "counting", recycle)
    try:
        yield model
    finally:
        model.unload()


def frame(value=0.0, number=0):
    return AudioFrame(np.full(FRAME, value, np.float32), RATE, number * FRAME)


def level(output):
    return None if output.frame is None else round(float(output.frame.samples[0]), 3)


def run(main, batch=None, recycle=None):
    batch = batch or CountingBatch()
    with model_of(batch, recycle) as model:
        run_virtual(main(model, batch))
    return batch


async def failure(asked):
    with raises(EngineFailed) as found:
        await asked
    return found.value


def test_calls_that_have_a_frame_at_the_same_time_are_in_one_step():
    async def main(model, batch):
        slots = [await model.open(NOTHING) for _ in range(3)]
        await asyncio.gather(*(model.step(slot, frame()) for slot in slots))
        assert batch.steps == [[0, 1, 2]]

    run(main)


def test_a_frame_waits_for_others_no_longer_than_the_gathering_time():
    async def main(model, batch):
        now = asyncio.get_running_loop().time
        slot, _other = await model.open(NOTHING), await model.open(NOTHING)
        began = now()
        await model.step(slot, frame())
        assert now() - began == BURST_S
        assert batch.steps == [[0]]

    run(main)


def test_a_call_without_a_frame_stands_still_while_others_step():
    async def main(model, batch):
        one, two = await model.open(NOTHING), await model.open(NOTHING)
        await asyncio.gather(model.step(one, frame()), model.step(two, frame()))
        for _ in range(5):
            await model.step(one, frame())
        assert level(await model.step(two, frame(0.5))) == 2.5
        assert level(await model.step(one, frame(0.5))) == 7.5

    run(main)


def test_answers_are_numbered_without_gaps_and_begin_after_the_models_delay():
    async def main(model, batch):
        slot = await model.open(NOTHING)
        outputs = [await model.step(slot, frame(0, n)) for n in range(4)]
        assert outputs[0].frame is None
        assert [o.frame.start for o in outputs[1:]] == [0, FRAME, 2 * FRAME]
        assert "".join(o.text for o in outputs) == " one one one"
        assert outputs[1].tokens == (1,)
        assert (outputs[1].batch, round(outputs[1].step_s, 6)) == (4, 0.004)

    run(main)


def test_a_row_is_wiped_before_somebody_else_gets_it():
    async def main(model, batch):
        slot = await model.open(NOTHING)
        for _ in range(3):
            await model.step(slot, frame())
        others = [await model.open(NOTHING) for _ in range(3)]
        await model.close(slot)
        new = await model.open(NOTHING)
        assert (await model.step(new, frame())).frame is None
        assert batch.log[-2:] == [("wipe", [0, 1, 2, 3]), ("step", [0])]
        del others

    run(main)


def test_the_sixth_caller_of_five_is_told_that_all_slots_are_taken():
    async def main(model, batch):
        slots = [await model.open(NOTHING) for _ in range(5)]
        assert (model.seats().taken, model.seats().total, model.seats().next_batch) == (5, 5, 5)
        with raises(EngineBusy, match="all 5 taken"):
            await model.open(NOTHING)
        await model.close(slots[2])
        await model.close(slots[2])
        assert model.seats().taken == 4
        assert (await model.open(NOTHING)).index == 2

    run(main, CountingBatch(5))


def test_a_prompt_is_told_before_the_first_frame_and_between_the_frames_of_others():
    async def main(model, batch):
        talking = await model.open(NOTHING)
        async with asyncio.TaskGroup() as group:
            opening = group.create_task(model.open(DuplexPrompt("abc")))
            for _ in range(2):
                await model.step(talking, frame())
        slot = opening.result()
        await model.step(slot, frame())
        told = [what for what in batch.log if what[0] == "force"]
        assert told == [("force", {1: "a"}), ("force", {1: "b"}), ("force", {1: "c"})]
        assert batch.log.index(told[-1]) < batch.log.index(("step", [1]))
        assert batch.log.index(("step", [0])) < batch.log.index(told[-1])

    run(main)


def test_a_prompt_that_the_model_does_not_take_frees_its_slot():
    async def main(model, batch):
        with raises(EngineFailed, match="no voice nobody"):
            await model.open(DuplexPrompt(voice="nobody"))
        assert model.seats().taken == 0

    run(main)


def test_a_prompt_is_told_though_the_others_leave_no_time_between_their_steps():
    async def main(model, batch):
        slots = [await model.open(NOTHING) for _ in range(2)]
        async with asyncio.TaskGroup() as group:
            for slot in slots:
                group.create_task(talk(model, slot))
            await model.open(ABC)
            assert len(batch.steps) < 15
        told = [what for what, _ in batch.log if what != "wipe"][:12]
        assert told == [*["step"] * 3, "force"] * 3

    async def talk(model, slot):
        for number in range(50):
            await model.step(slot, frame(0, number))

    run(main)


def test_a_prompt_of_blanks_is_none():
    async def main(model, batch):
        slot = await asyncio.wait_for(model.open(DuplexPrompt("  ")), 1.0)
        await model.step(slot, frame())
        assert batch.log == [("wipe", [0]), ("step", [0])]

    run(main, Tokenizing())


class Tokenizing(CountingBatch):
    """Blanks are no tokens, as in sentencepiece."""

    def told(self, prompt):
        return list(prompt.text.strip())


def test_a_model_that_breaks_while_a_prompt_is_prepared_says_so_to_who_waits_for_it():
    async def main(model, batch):
        talking = await model.open(NOTHING)
        batch.fail_at = 1
        async with asyncio.TaskGroup() as group:
            step = group.create_task(failure(model.step(talking, frame())))
            await asyncio.sleep(BURST_S)  # the step begins: the prompt is prepared after it
            opening = group.create_task(failure(asyncio.wait_for(model.open(ABC), 1.0)))
            await asyncio.sleep(0)
            batch.may_end.set()
        assert "out of memory" in str(step.result())
        assert "out of memory" in str(opening.result())
        assert model.seats().taken == 1

    run(main, Held())


class Held(CountingBatch):
    """A step ends when it may."""

    def __init__(self):
        super().__init__()
        self.may_end = threading.Event()

    def step(self, frames):
        assert self.may_end.wait(5.0)
        return super().step(frames)


def test_who_gives_up_during_a_step_leaves_the_others_alone():
    async def main(model, batch):
        one, two = await model.open(NOTHING), await model.open(NOTHING)
        await asyncio.gather(model.step(one, frame()), model.step(two, frame()))
        async with asyncio.TaskGroup() as group:
            leaving = group.create_task(model.step(one, frame()))
            staying = group.create_task(model.step(two, frame()))
            await asyncio.sleep(0)
            leaving.cancel()
            with suppress(asyncio.CancelledError):
                await leaving
        await model.close(one)
        assert level(await staying) == 2
        assert level(await model.step(two, frame())) == 3

    run(main)


def test_a_broken_step_is_told_to_all_at_once_and_to_all_who_come_later():
    async def main(model, batch):
        one, two = await model.open(NOTHING), await model.open(NOTHING)
        batch.fail_at = 1
        failed = await asyncio.gather(
            model.step(one, frame()), model.step(two, frame()), return_exceptions=True
        )
        assert [type(fault) for fault in failed] == [EngineFailed, EngineFailed]
        assert "out of memory" in str(failed[0])
        assert model.seats().total == 0
        with raises(EngineFailed, match="out of memory"):
            await model.open(NOTHING)
        await model.close(one)

    run(main)


def test_a_model_that_is_unloaded_says_so_to_who_waits_for_it():
    async def main(model, batch):
        slot = await model.open(NOTHING)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(failure(model.step(slot, frame())))
            await asyncio.sleep(0)
            model.unload()
        assert "unloaded" in str(waiting.result())
        assert batch.closed

    run(main)


def test_what_is_no_number_never_reaches_the_model():
    async def main(model, batch):
        slot = await model.open(NOTHING)
        await model.step(slot, frame())
        broken = np.zeros(FRAME, np.float32)
        broken[:3] = [np.nan, np.inf, -np.inf]
        broken[3] = 40.0
        output = await model.step(slot, AudioFrame(broken, RATE, FRAME))
        assert np.allclose(output.frame.samples, 2 + 1 / FRAME)
        assert slot.unclean == 3

    run(main)


@mark.parametrize("wrong", [AudioFrame(np.zeros(1919, np.float32), RATE, 0),
                            AudioFrame(np.zeros(96_000, np.float32), RATE, 0),
                            AudioFrame(np.zeros(FRAME, np.float32), 16_000, 0)])  # fmt: skip
def test_a_frame_of_another_size_is_refused_in_words(wrong):
    async def main(model, batch):
        slot = await model.open(NOTHING)
        with raises(EngineFailed, match="expected 1920 samples at 24000 Hz"):
            await model.step(slot, wrong)
        assert batch.steps == []

    run(main)


def test_a_slot_that_was_given_back_takes_no_frame():
    async def main(model, batch):
        slot = await model.open(NOTHING)
        await model.close(slot)
        with raises(EngineFailed, match="given back"):
            await model.step(slot, frame())

    run(main)


def test_a_model_that_has_listened_for_long_begins_anew_in_a_pause_and_the_call_goes_on():
    async def main(model, batch):
        slot = await model.open(NOTHING)
        outputs = [await model.step(slot, frame(0.5, n)) for n in range(20)]
        assert ("renew", [0]) not in batch.log
        batch.is_quiet = True
        outputs += [await model.step(slot, frame()) for _ in range(2)]
        batch.is_quiet = False
        outputs += [await model.step(slot, frame()) for _ in range(3)]
        assert batch.log.count(("renew", [0])) == 1
        assert [o.frame.start for o in outputs[1:]] == [FRAME * n for n in range(24)]
        assert [level(o) for o in outputs[-3:]] == [0, 2, 3]

    run(main, recycle=RecyclePolicy(after=10, pause=2))


def test_a_prompt_is_told_once_more_when_the_model_begins_anew():
    async def main(model, batch):
        slot = await model.open(DuplexPrompt("ab"))
        batch.is_quiet = True
        outputs = []
        while len(forced := [what for what in batch.log if what[0] == "force"]) < 4:
            assert len(outputs) < 30
            outputs.append(await model.step(slot, frame()))
        assert batch.log.count(("renew", [0])) == 1
        assert forced == [("force", {0: part}) for part in "abab"]
        assert [o.frame.start for o in outputs[1:]] == [FRAME * n for n in range(len(outputs) - 1)]
        assert slot.untold <= 2

    run(main, recycle=RecyclePolicy(after=10, pause=2))


def test_a_model_that_cannot_be_loaded_leaves_no_thread_behind():
    def fail():
        raise EngineUnavailable("counting", "no weights")

    with raises(EngineUnavailable, match="no weights"):
        BatchedModel(fail, "counting")
