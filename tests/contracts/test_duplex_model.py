"""What every duplex model must do, run on those that need no torch."""

import asyncio

import numpy as np
from pytest import mark, raises

from agent.core.audio import AudioFrame, silence
from agent.core.duplex import DuplexPrompt
from agent.core.errors import EngineBusy, EngineError
from agent.virtual_loop import run_virtual
from tests.support.duplex import scripted, tone

MODELS = {"scripted": lambda: scripted(slots=3, echo=0.5)}
every = mark.parametrize("make", MODELS.values(), ids=MODELS)

NOTHING = DuplexPrompt()


def frames(model, samples):
    count = model.frame_samples
    return [
        AudioFrame(samples[at : at + count], model.rate, at)
        for at in range(0, len(samples) - count + 1, count)
    ]


async def said(model, samples):
    """What a fresh slot answers to this sound."""
    slot = await model.open(NOTHING)
    try:
        return [await model.step(slot, frame) for frame in frames(model, samples)]
    finally:
        await model.close(slot)


def sound(outputs):
    return np.concatenate([out.frame.samples for out in outputs if out.frame is not None])


def voice(model, hz, seconds=3.0):
    whole = np.zeros(round(seconds * model.rate), np.float32)
    loud = tone(0.5, hz, rate=model.rate)
    whole[model.rate // 2 : model.rate // 2 + len(loud)] = loud
    return whole


@every
def test_frames_follow_each_other_without_a_gap_and_are_as_long_as_promised(make):
    model = make()
    outputs = run_virtual(said(model, voice(model, 300)))
    given = [out.frame for out in outputs if out.frame is not None]
    assert given
    assert [f.start for f in given] == [n * model.frame_samples for n in range(len(given))]
    assert {(len(f.samples), f.rate) for f in given} == {(model.frame_samples, model.rate)}
    assert all(np.isfinite(f.samples).all() for f in given)
    assert all(out.batch >= 1 and out.step_s >= 0 for out in outputs)


@every
def test_calls_at_once_are_each_as_they_are_alone_also_while_others_come_and_go(make):
    async def together(model):
        async def visitor():
            for hz in (700, 800):
                await said(model, voice(model, hz, 1.0))

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(said(model, voice(model, hz))) for hz in (300, 500)]
            group.create_task(visitor())
        return [sound(task.result()) for task in tasks]

    at_once = run_virtual(together(make()))
    for number, hz in enumerate((300, 500)):
        model = make()
        assert np.array_equal(at_once[number], sound(run_virtual(said(model, voice(model, hz)))))


@every
def test_a_slot_that_is_used_again_knows_nothing_of_the_call_before(make):
    async def scene():
        model = make()
        await said(model, voice(model, 700))
        return sound(await said(model, voice(model, 300)))

    model = make()
    assert np.array_equal(run_virtual(scene()), sound(run_virtual(said(model, voice(model, 300)))))


@every
def test_seats_are_counted_and_one_too_many_is_busy(make):
    async def scene():
        model = make()
        total = model.seats().total
        slots = [await model.open(NOTHING) for _ in range(total)]
        assert model.seats().taken == total
        with raises(EngineBusy):
            await model.open(NOTHING)
        for slot in slots:
            await model.close(slot)
            await model.close(slot)
        return model.seats().taken

    assert run_virtual(scene()) == 0


@every
def test_a_step_that_was_cancelled_leaves_the_others_alone_and_its_slot_can_be_closed(make):
    async def scene():
        model = make()
        slot, other = await model.open(NOTHING), await model.open(NOTHING)
        quiet = silence(model.frame_samples, model.rate)
        with raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await model.step(slot, quiet)
        await model.close(slot)
        await model.step(other, quiet)
        await model.close(other)
        return model.seats().taken

    assert run_virtual(scene()) == 0


@every
def test_what_is_no_frame_and_a_slot_that_was_given_back_are_errors_in_words(make):
    async def scene():
        model = make()
        slot = await model.open(NOTHING)
        with raises(EngineError, match=f"expected {model.frame_samples} samples"):
            await model.step(slot, silence(model.frame_samples - 1, model.rate))
        await model.close(slot)
        with raises(EngineError):
            await model.step(slot, silence(model.frame_samples, model.rate))

    run_virtual(scene())
