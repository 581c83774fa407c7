"""Clients that hear less than they are sent, or nothing: in virtual time, over a network that
carries a part of the voice and takes its time."""

import asyncio
import contextlib

from pytest import approx, mark

from agent.core.errors import CallClosed
from agent.virtual_loop import run_virtual
from audio_io.unheard import Unheard
from audio_io.wire import End
from tests.audio_io.test_websocket_call import (
    SILENCE,
    START_WITH_MARKS,
    frame,
    open_call,
)

RATE = 16_000
FRAME_S = 0.02


async def hears(socket, *, carries=2.0, delay_s=0.1, every_s=0.04):
    """The client and its network, which carries so many times what the voice needs: a frame is
    heard and marked once the network has taken it, and `delay_s` after that."""
    free_at, number, heard, marked_at = 0.0, 0, 0, -1.0
    while True:
        while number == len(socket.sound()):  # noqa: ASYNC110  # in virtual time
            await asyncio.sleep(FRAME_S / 4)
        sent_at, sound = socket.sound()[number]
        free_at = max(free_at, sent_at) + FRAME_S / carries
        number, heard = number + 1, heard + len(sound) // 2
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(max(0, free_at + delay_s - now))
        if free_at + delay_s >= marked_at + every_s:
            marked_at = free_at + delay_s
            socket.put(f'{{"type":"played","samples":{heard}}}')


async def talk(call, socket, seconds):
    """Play, and hear the client's silence; the most that was ever sent and not marked, in s."""
    most_s = 0.0
    for _ in range(round(seconds / FRAME_S)):
        socket.put(SILENCE)
        await call.play(frame())
        most_s = max(most_s, (call._sent - call._marked) / RATE)
    return most_s


async def held(seconds=20.0, start=START_WITH_MARKS, **network):
    async with open_call(start) as (call, socket), asyncio.TaskGroup() as group:
        client = group.create_task(hears(socket, **network))
        most_s = await talk(call, socket, seconds)
        call.flush()
        said_at = asyncio.get_running_loop().time()
        await asyncio.sleep(0.01)
        came_at = socket.got[-1][0]
        client.cancel()
        assert '"flush"' in socket.got[-1][1]
        return most_s, call.dropped_output / RATE, came_at - said_at


@mark.parametrize("carries", [0.25, 0.5, 0.9])
def test_a_client_whose_network_carries_too_little_hears_gaps_and_not_the_past(carries):
    most_s, dropped_s, flush_s = run_virtual(held(carries=carries))
    assert most_s < 0.85  # the 0.1 s of the way, 0.5 s to spare, and a mark and a frame or two
    assert dropped_s == approx(20 * (1 - carries), abs=1.0)
    assert flush_s == approx(0, abs=0.001)


@mark.parametrize(
    "network",
    [
        {},
        {"delay_s": 1.2},  # a satellite, and a wireless headset
        {"every_s": 1.0},  # nothing but reports of the ear
        {"carries": 1.05},
    ],
)
def test_a_client_whose_network_carries_enough_misses_nothing(network):
    _, dropped_s, _ = run_virtual(held(**network))
    assert dropped_s == 0


def test_a_client_that_never_marks_gets_all_of_it():
    async def scene():
        async with open_call(START_WITH_MARKS) as (call, socket):
            await talk(call, socket, 10)
            return call.dropped_output, call.ended, len(socket.sound())

    assert run_virtual(scene()) == (0, None, 500)


def test_a_client_that_marked_and_then_marks_nothing_for_5_s_is_given_up():
    async def scene():
        async with open_call(START_WITH_MARKS) as (call, socket):
            async with asyncio.TaskGroup() as group:
                client = group.create_task(hears(socket))
                await talk(call, socket, 2)
                client.cancel()
            with contextlib.suppress(CallClosed):
                await talk(call, socket, 10)
            return asyncio.get_running_loop().time(), call.ended, len(socket.sound()) * FRAME_S

    now, ended, sent_s = run_virtual(scene())
    assert ended is End.LOST
    assert now == approx(7, abs=0.2)
    assert sent_s < 3.2


def test_a_client_that_takes_nothing_costs_5_s_and_not_another_5_for_its_goodbye():
    async def scene():
        async with open_call() as (call, socket):
            await asyncio.sleep(0)
            socket.reads.clear()
            socket.close = socket.reads.wait
            await call.play(frame())
            while call.ended is None:  # noqa: ASYNC110  # in virtual time
                await asyncio.sleep(0.1)
            socket.vanish()
        return asyncio.get_running_loop().time(), call.ended

    now, ended = run_virtual(scene())
    assert ended is End.LOST
    assert now == approx(5, abs=0.2)


def test_what_is_always_on_its_way_is_the_least_that_ever_was():
    unheard = Unheard(1000)
    assert not unheard.is_too_much(60_000, 0.0)
    unheard.mark(900, 1.0)
    unheard.mark(300, 2.0)
    unheard.mark(700, 3.0)
    assert not unheard.is_too_much(800, 3.0)
    assert unheard.is_too_much(801, 3.0)
    assert not unheard.is_too_much(1000, 3.2)  # 0.2 s of it will have been heard since the mark
    assert unheard.is_too_much(1301, 9.0)
