"""One model, one thread, one step at a time: blocking engines without blocking the event loop."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_END = object()


def beside(name: str, make: Callable[[], T]) -> tuple[ThreadPoolExecutor, T]:
    """A thread, and what was made in it: for a model that belongs to one thread from the start.

    Raises:
        Exception: whatever `make` raised; the thread has ended then.
    """
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
    try:
        return thread, thread.submit(make).result()
    except BaseException:
        thread.shutdown()
        raise


class EngineThread:
    """Runs the jobs of one model in order, in a thread of its own.

    A cancelled caller is free at once; the step in progress ends in the thread and its result is
    thrown away. Everything goes through `loop.run_in_executor`, so that a virtual-time loop knows
    when to hold its clock still.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, job: Callable[[], T]) -> T:
        """The result of one job. Jobs run in the order in which they were asked for."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, job)

    async def steps(self, make: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        """What an iterator yields, one step of work at a time, so that others get their turn.

        The iterator is made, advanced and closed in the engine's thread; when the consumer stops
        early it is closed before any job that is asked for later.
        """
        iterator = await self.run(make)
        try:
            while True:
                item = await self.run(lambda: next(iterator, _END))
                if item is _END:
                    return
                yield item  # type: ignore[misc]  # _END was just excluded
        finally:
            with contextlib.suppress(RuntimeError):  # the engine was closed: its thread is gone
                self._executor.submit(_close, iterator)

    def close(self) -> None:
        """Drop waiting jobs and end the thread; waits for the step in progress."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def _close(iterator: Iterator[object]) -> None:
    close = getattr(iterator, "close", None)  # generators have it, plain iterators need none
    if close is not None:
        close()
