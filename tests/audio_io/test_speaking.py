"""What the agent says, between handing it over and sending it."""

import asyncio

import numpy as np

from agent.virtual_loop import run_virtual
from audio_io.receive.speaking import Speaking

FRAME = np.ones(480, np.float32)


def test_whoever_speaks_waits_until_a_frame_is_sent_and_is_never_further_ahead():
    async def scene():
        speaking, handed = Speaking(24_000, 2, 0.0), []

        async def speak():
            for number in range(4):
                await speaking.put(FRAME)
                handed.append((number, asyncio.get_running_loop().time()))

        async with asyncio.TaskGroup() as group:
            group.create_task(speak())
            for _ in range(6):
                await asyncio.sleep(0.02)
                speaking.take()
        return handed

    handed = run_virtual(scene())
    times = [round((at - handed[0][1]) / 0.02, 3) for _, at in handed]
    assert times == [0, 1, 2, 3]


def test_while_nobody_takes_frames_what_is_said_waits_and_nothing_counts_as_played():
    async def scene():
        speaking = Speaking(24_000, 2, 0.0)
        await speaking.put(FRAME)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(speaking.put(FRAME))
            await asyncio.sleep(5.0)
            held = waiting.done(), speaking.played()
            speaking.take()
        await asyncio.sleep(1.0)
        return held, speaking.played()

    assert run_virtual(scene()) == ((False, 0), 480)


def test_a_flush_makes_room_and_counts_once_the_sound_before_it_is_heard():
    async def scene():
        speaking = Speaking(24_000, 2, 0.1)
        await speaking.put(FRAME)
        speaking.take()
        await speaking.put(FRAME)
        async with asyncio.TaskGroup() as group:
            group.create_task(speaking.put(FRAME))
            await asyncio.sleep(0.01)
            speaking.flush()
        early = speaking.played()
        await asyncio.sleep(0.2)
        return early, speaking.played(), speaking.take()

    assert run_virtual(scene()) == (0, 3 * 480, None)


def test_the_end_of_a_call_lets_everybody_go():
    async def scene():
        speaking = Speaking(24_000, 1, 0.0)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(speaking.put(FRAME))
            await asyncio.sleep(0.01)
            speaking.close()
        return waiting.done()

    assert run_virtual(scene())
