"""The clock jumps, stands still while a thread works, and says when nothing can ever happen."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st
from pytest import raises

from agent.virtual_loop import VirtualDeadlock, VirtualLoop, run_virtual

A_JOB_S = 0.03  # real seconds a thread works


def now():
    return asyncio.get_running_loop().time()


def work():
    """A job that takes real time, without the clock that tests may not wait for."""
    threading.Event().wait(A_JOB_S)
    return threading.current_thread().name


def test_the_clock_starts_at_zero_and_jumps_to_the_next_timer():
    async def main():
        assert now() == 0.0
        await asyncio.sleep(3600)
        return now()

    assert run_virtual(main()) == 3600


def test_timers_fire_in_the_order_of_their_times():
    async def main():
        loop, fired = asyncio.get_running_loop(), []
        for due in (3.0, 1.0, 2.0):
            loop.call_at(due, lambda due=due: fired.append((due, now())))
        await asyncio.sleep(4)
        return fired

    assert run_virtual(main()) == [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=20))
def test_every_sleeper_wakes_at_its_time(durations):
    async def sleep(duration):
        await asyncio.sleep(duration)
        return now() - duration

    async def main():
        return await asyncio.gather(*map(sleep, durations))

    assert max(abs(late) for late in run_virtual(main())) < 1e-9


def test_a_task_that_is_ready_runs_before_the_clock_moves():
    async def main():
        seen = []

        async def count():
            for _ in range(100):
                await asyncio.sleep(0)
                seen.append(now())

        async with asyncio.TaskGroup() as group:
            group.create_task(count())
            group.create_task(asyncio.sleep(5))
        return seen

    assert run_virtual(main()) == [0.0] * 100


def test_a_timeout_ends_in_virtual_time():
    async def main():
        with raises(TimeoutError):
            async with asyncio.timeout(600):
                await asyncio.Event().wait()
        return now()

    assert run_virtual(main()) == 600


def test_waiting_for_what_can_never_happen_is_a_deadlock():
    async def main():
        await asyncio.Event().wait()

    with raises(VirtualDeadlock, match="every task waits and no timer is set"):
        run_virtual(main())


def test_a_deadlock_ends_the_tasks_that_wait():
    ended = []

    async def waiter():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def main():
        async with asyncio.TaskGroup() as group:
            group.create_task(waiter())
            group.create_task(waiter())

    with raises(VirtualDeadlock):
        run_virtual(main())
    assert ended == [True, True]


def test_a_thread_at_work_costs_no_virtual_time():
    async def main():
        with ThreadPoolExecutor(1) as executor:
            await asyncio.get_running_loop().run_in_executor(executor, work)
        return now()

    assert run_virtual(main()) == 0.0


def test_no_timer_fires_while_a_thread_works():
    async def main():
        order, loop = [], asyncio.get_running_loop()
        loop.call_later(0.000001, order.append, "timer")
        with ThreadPoolExecutor(1) as executor:
            await loop.run_in_executor(executor, work)
            order.append("job")
        await asyncio.sleep(1)
        return order

    assert run_virtual(main()) == ["job", "timer"]


def test_the_clock_stands_still_until_the_last_of_several_jobs_is_done():
    async def main():
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(3) as executor:
            jobs = [loop.run_in_executor(executor, work) for _ in range(3)]
            await asyncio.gather(*jobs)
        return now()

    assert run_virtual(main()) == 0.0


def test_the_clock_goes_on_when_the_jobs_are_done():
    async def main():
        with ThreadPoolExecutor(1) as executor:
            await asyncio.get_running_loop().run_in_executor(executor, work)
        await asyncio.sleep(5)
        return now()

    assert run_virtual(main()) == 5


def test_a_job_that_fails_lets_the_clock_go_on():
    async def main():
        with ThreadPoolExecutor(1) as executor:
            with raises(ZeroDivisionError):
                await asyncio.get_running_loop().run_in_executor(executor, lambda: 1 / 0)
            await asyncio.sleep(5)
        return now()

    assert run_virtual(main()) == 5


def test_a_job_whose_caller_left_does_not_stop_the_clock():
    async def main():
        with ThreadPoolExecutor(1) as executor:
            job = asyncio.get_running_loop().run_in_executor(executor, work)
            await asyncio.sleep(0)
            job.cancel()
            await asyncio.sleep(5)
        return now()

    assert run_virtual(main()) == 5


def test_the_default_threads_end_with_the_loop():
    async def main():
        return await asyncio.get_running_loop().run_in_executor(None, work)

    before = set(threading.enumerate())
    assert run_virtual(main()).startswith("asyncio")
    assert set(threading.enumerate()) <= before


def test_what_a_socket_has_is_read_before_the_clock_moves():
    async def main():
        loop = asyncio.get_running_loop()
        here, there = socket.socketpair()
        with here, there:
            here.setblocking(False)
            loop.call_soon(there.send, b"now")
            async with asyncio.timeout(5):
                return await loop.sock_recv(here, 10), now()

    assert run_virtual(main()) == (b"now", 0.0)


def test_the_same_script_is_the_same_run():
    async def main():
        seen = []

        async def tick(name, every):
            for _ in range(20):
                await asyncio.sleep(every)
                seen.append((name, now()))

        async with asyncio.TaskGroup() as group:
            group.create_task(tick("a", 0.02))
            group.create_task(tick("b", 0.03))
            group.create_task(tick("c", 0.02))
        return seen

    assert run_virtual(main()) == run_virtual(main())


def test_the_result_and_the_fault_of_the_coroutine_come_through():
    async def fail():
        raise KeyError("found")

    async def succeed():
        return 42

    assert run_virtual(succeed()) == 42
    with raises(KeyError, match="found"):
        run_virtual(fail())


def test_a_loop_is_closed_after_its_run():
    async def main():
        return asyncio.get_running_loop()

    loop = run_virtual(main())
    assert isinstance(loop, VirtualLoop)
    assert loop.is_closed()
