"""When a step begins: with all who are expected soon, and no later than a packet's length."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark

from agent.core.duplex import DuplexPrompt
from agent.virtual_loop import run_virtual
from pipelines.duplex.pipeline import DuplexPipeline
from pipelines.engines.duplex_batched import BatchedModel
from pipelines.engines.duplex_gathering import BURST_S, GATHER_S, GRACE_S, Gathering
from tests.support.counting_batch import CountingBatch
from tests.support.duplex import TapedCall, hold, said

FRAME_S = 0.08


def gathered(*arrivals):
    """A gathering that these rows have sent a frame to, each at its time, and a step took them."""
    found = Gathering(FRAME_S)
    for row, at in arrivals:
        found.arrived(row, at)
    found.begun()
    return found


def test_a_call_alone_waits_for_nobody():
    found = gathered((0, 1.0))
    found.arrived(0, 1.08)
    assert found.begin_s(1.08) == approx(1.08 + BURST_S)


def test_the_first_of_several_waits_for_those_whose_turn_is_soon():
    found = gathered((0, 1.0), (1, 1.01), (2, 1.015))
    found.arrived(0, 1.08)
    assert found.begin_s(1.08) == approx(1.095 + GRACE_S)
    found.arrived(1, 1.09)
    assert found.begin_s(1.09) == approx(1.095 + GRACE_S)
    found.arrived(2, 1.096)
    assert found.begin_s(1.096) == 1.096  # all are there


def test_who_is_late_is_waited_for_as_long_as_a_packet_lasts():
    found = gathered((0, 1.0), (1, 1.018))
    found.arrived(0, 1.08)
    assert found.begin_s(1.08) == approx(1.08 + GATHER_S)


def test_a_call_whose_turn_is_at_another_time_is_not_waited_for():
    found = gathered((0, 1.0), (1, 1.04))
    found.arrived(0, 1.08)
    assert found.begin_s(1.08) == approx(1.08 + BURST_S)


def test_a_call_that_has_gone_or_sends_no_more_is_not_waited_for():
    found = gathered((0, 1.0), (1, 1.01), (2, 1.0))
    found.left(1)
    found.begun()
    found.arrived(0, 1.08 + 2 * GRACE_S)  # the turn of 2 was before that
    assert found.begin_s(1.09) == approx(1.09 + BURST_S)


def test_where_nobody_has_a_frame_a_prompt_may_be_told_at_once():
    assert gathered((0, 1.0)).begin_s(1.05) == 1.05


@given(
    st.lists(st.tuples(st.integers(0, 7), st.floats(0, 0.1)), min_size=1, max_size=20),
    st.floats(0.08, 0.3),
)
def test_nobody_waits_longer_than_a_packet_lasts(arrivals, now):
    found = gathered(*arrivals)
    found.arrived(9, now)
    assert now <= found.begin_s(now) <= now + GATHER_S + 1e-9


def delays(calls, step_s, turnaround_s, stall_s=0.0, seconds=12.0):
    """How long each frame waited for its step to begin, in order, as reckoned in steps of 0.5 ms.

    Frames come every 80 ms, within one packet's length of each other. A caller sends the next one
    once the last was answered, so long after that; nothing is stepped while it stalls.
    """
    gathering, tick_s = Gathering(FRAME_S), 0.0005
    phase = [GATHER_S * row / calls for row in range(calls)]
    sent, free_at, stepping, found = [0] * calls, [0.0] * calls, [], []
    waiting, ends_s = {}, stall_s
    for tick in range(round(seconds / tick_s)):
        now = tick * tick_s
        if stepping and now >= ends_s:
            for row in stepping:
                gathering.answered(row, now)
                free_at[row] = now + turnaround_s * (1 + row) / calls
            stepping = []
        for row in range(calls):
            came_s = phase[row] + sent[row] * FRAME_S
            if row not in waiting and row not in stepping and now >= max(came_s, free_at[row]):
                gathering.arrived(row, now)
                waiting[row] = came_s
                sent[row] += 1
        if waiting and now >= ends_s and now >= gathering.begin_s(now):
            gathering.begun()
            found += [now - came_s for came_s in waiting.values()]
            stepping, waiting, ends_s = list(waiting), {}, now + step_s
    return found


@mark.parametrize("calls", [8, 32])
@mark.parametrize("step_s", [0.014, 0.045, 0.055])
def test_calls_that_fell_behind_together_catch_up_together(calls, step_s):
    found = delays(calls, step_s, turnaround_s=0.012, stall_s=0.5)
    assert max(found) > 0.4
    assert max(found[-5 * calls :]) < FRAME_S


def test_who_is_behind_is_not_waited_for_longer_than_a_packet_after_its_answer():
    found = gathered((0, 1.0), (1, 1.0))
    for row in (0, 1):
        found.answered(row, 1.2)
    found.arrived(0, 1.205)
    assert found.begin_s(1.205) == approx(1.2 + GATHER_S)
    assert found.begin_s(1.2 + GATHER_S) == 1.2 + GATHER_S
    found.arrived(1, 1.21)
    assert found.begin_s(1.21) == 1.21  # all are there


def test_calls_that_begin_at_any_time_are_in_the_same_steps_of_the_model():
    batch = CountingBatch()

    async def later(pipeline, begin_s):
        await asyncio.sleep(begin_s)
        return await hold(TapedCall(said(3, (0, 3))), pipeline)

    async def scene():
        model = BatchedModel(lambda: batch, "counting")
        pipeline = DuplexPipeline(model)
        async with asyncio.TaskGroup() as group:
            for begin_s in (0.0, 0.013, 0.047, 0.071):
                group.create_task(later(pipeline, begin_s))
        await model.open(DuplexPrompt())
        model.unload()

    run_virtual(scene())
    together = [step for step in batch.steps if len(step) == 4]
    # Three seconds hold 37 frames of each; only the first and the last few are stepped apart.
    assert len(together) >= 30
    assert len(batch.steps) <= 45
