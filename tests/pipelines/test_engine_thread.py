"""One model, one thread: jobs in order, callers free at once, generators closed where they run."""

import asyncio
import threading
from contextlib import aclosing, contextmanager

from pytest import mark, raises

from agent.virtual_loop import run_virtual
from pipelines.engine_thread import EngineThread

SOON_S = 5.0  # how long a thread may take before a test has failed


def thread_name():
    return threading.current_thread().name


@contextmanager
def engine(name="model"):
    thread = EngineThread(name)
    try:
        yield thread
    finally:
        thread.close()


class Gate:
    """A step that does not end before the test lets it."""

    def __init__(self):
        self.entered, self.opened = threading.Event(), threading.Event()

    def step(self):
        self.entered.set()
        assert self.opened.wait(SOON_S)

    async def reached(self):
        """Waits, on the loop, until a step is under way."""
        await asyncio.get_running_loop().run_in_executor(None, self.entered.wait, SOON_S)


class Steps:
    """An iterator of a model's, which notes in which thread it is made, advanced and closed."""

    def __init__(self, count=3, gate=None):
        self.log, self._count, self._gate = [], count, gate

    def make(self):
        self.log.append(("made", thread_name()))
        return self._run()

    def _run(self):
        try:
            for number in range(self._count):
                if self._gate and number == 1:
                    self._gate.step()
                self.log.append((number, thread_name()))
                yield number
        finally:
            self.log.append(("closed", thread_name()))

    def what(self):
        return [what for what, _ in self.log]


def test_a_job_runs_in_the_engines_thread_and_its_result_comes_back():
    async def main(thread):
        return await thread.run(thread_name)

    with engine("whisper") as thread:
        assert run_virtual(main(thread)).startswith("whisper")


def test_all_jobs_of_an_engine_share_one_thread():
    async def main(thread):
        return set(await asyncio.gather(*(thread.run(thread_name) for _ in range(10))))

    with engine() as thread:
        assert len(run_virtual(main(thread))) == 1


def test_jobs_run_in_the_order_in_which_they_were_asked_for():
    async def main(thread):
        done = []
        await asyncio.gather(*(thread.run(lambda n=n: done.append(n)) for n in range(20)))
        return done

    with engine() as thread:
        assert run_virtual(main(thread)) == list(range(20))


def test_a_fault_of_a_job_reaches_its_caller_and_not_the_next():
    async def main(thread):
        with raises(ZeroDivisionError):
            await thread.run(lambda: 1 / 0)
        return await thread.run(lambda: "alive")

    with engine() as thread:
        assert run_virtual(main(thread)) == "alive"


def test_a_job_costs_no_virtual_time():
    async def main(thread):
        await thread.run(lambda: threading.Event().wait(0.02))
        return asyncio.get_running_loop().time()

    with engine() as thread:
        assert run_virtual(main(thread)) == 0.0


def test_a_cancelled_caller_is_free_while_its_step_is_still_under_way():
    async def main(thread, gate):
        caller = asyncio.ensure_future(thread.run(gate.step))  # noqa: TID251  # the test's own
        await gate.reached()
        caller.cancel()
        with raises(asyncio.CancelledError):
            await caller
        assert not gate.opened.is_set()
        gate.opened.set()
        return await thread.run(lambda: "next")

    with engine() as thread:
        assert asyncio.run(main(thread, Gate())) == "next"


def test_a_job_cancelled_before_its_turn_never_runs():
    async def main(thread, gate):
        ran = []
        async with asyncio.TaskGroup() as group:
            first = group.create_task(thread.run(gate.step))
            await gate.reached()
            second = group.create_task(thread.run(lambda: ran.append("second")))
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.sleep(0)
            gate.opened.set()
            await first
        await thread.run(lambda: ran.append("third"))
        return ran

    with engine() as thread:
        assert asyncio.run(main(thread, Gate())) == ["third"]


def test_an_iterator_is_made_advanced_and_closed_in_the_engines_thread():
    async def main(thread, steps):
        return [item async for item in thread.steps(steps.make)]

    steps = Steps()
    with engine("voice") as thread:
        assert run_virtual(main(thread, steps)) == [0, 1, 2]
    assert steps.what() == ["made", 0, 1, 2, "closed"]
    assert all(name.startswith("voice") for _, name in steps.log)


def test_a_consumer_that_stops_early_closes_the_iterator_before_the_next_job():
    async def main(thread, steps):
        async with aclosing(thread.steps(steps.make)) as items:
            async for _ in items:
                break
        await thread.run(lambda: steps.log.append(("next", thread_name())))

    steps = Steps()
    with engine("voice") as thread:
        run_virtual(main(thread, steps))
    assert steps.what() == ["made", 0, "closed", "next"]
    assert all(name.startswith("voice") for _, name in steps.log)


def test_a_consumer_cancelled_in_a_step_is_free_and_the_iterator_closed_before_the_next_job():
    async def consume(thread, steps):
        async with aclosing(thread.steps(steps.make)) as items:
            async for _ in items:
                pass

    async def main(thread, steps, gate):
        consumer = asyncio.ensure_future(consume(thread, steps))  # noqa: TID251  # the test's own
        await gate.reached()
        consumer.cancel()
        with raises(asyncio.CancelledError):
            await consumer
        assert not gate.opened.is_set()  # free, though the step goes on
        gate.opened.set()
        await thread.run(lambda: steps.log.append(("next", thread_name())))

    gate = Gate()
    steps = Steps(gate=gate)
    with engine("voice") as thread:
        asyncio.run(main(thread, steps, gate))
    assert steps.what() == ["made", 0, 1, "closed", "next"]
    assert all(name.startswith("voice") for _, name in steps.log)


def test_two_iterators_take_turns_step_by_step():
    async def drain(thread, name, log):
        async for number in thread.steps(lambda: iter(range(3))):
            log.append((name, number))

    async def main(thread):
        log = []
        async with asyncio.TaskGroup() as group:
            group.create_task(drain(thread, "a", log))
            group.create_task(drain(thread, "b", log))
        return log

    with engine() as thread:
        log = run_virtual(main(thread))
    assert log == [(name, number) for number in range(3) for name in "ab"]


def test_an_iterator_that_breaks_tells_its_consumer_and_the_engine_goes_on():
    def breaks():
        yield 1
        raise KeyError("weights")

    async def main(thread):
        items = thread.steps(breaks)
        first = await anext(items)
        with raises(KeyError, match="weights"):
            await anext(items)
        return first, await thread.run(lambda: "alive")

    with engine() as thread:
        assert run_virtual(main(thread)) == (1, "alive")


@mark.parametrize("falsy", [None, 0, "", False])
def test_an_iterator_may_yield_anything(falsy):
    async def main(thread):
        return [item async for item in thread.steps(lambda: iter([falsy, falsy]))]

    with engine() as thread:
        assert run_virtual(main(thread)) == [falsy, falsy]


def test_closing_waits_for_the_step_in_progress_and_drops_what_waits():
    async def main(thread, gate, ran):
        async with asyncio.TaskGroup() as group:
            group.create_task(thread.run(gate.step))
            await gate.reached()
            waiting = group.create_task(thread.run(lambda: ran.append("dropped")))
            await asyncio.sleep(0)
            closing = asyncio.get_running_loop().run_in_executor(None, thread.close)
            with raises(asyncio.CancelledError):
                await waiting
            assert not closing.done()
            gate.opened.set()
            await closing
        return ran

    assert asyncio.run(main(EngineThread("model"), Gate(), [])) == []


def test_a_consumer_may_leave_after_its_engine_was_closed():
    async def main(thread):
        async with aclosing(thread.steps(lambda: iter(range(3)))) as items:
            first = await anext(items)
            thread.close()
        return first

    assert run_virtual(main(EngineThread("model"))) == 0
