"""Threads for functions that may never return."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

from pipelines.cascade.tools.runnable import ToolFault

P = ParamSpec("P")
T = TypeVar("T")


class AbandonableThreads(Executor):
    """One thread a job, at most `limit` at a time. One that never returns keeps its place, but
    keeps neither another tool's nor the process from its end."""

    def __init__(self, name: str, limit: int) -> None:
        self._name, self._limit = name, limit
        self._places = threading.BoundedSemaphore(limit)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start a job at once.

        Raises:
            ToolFault: as many as are allowed have not returned yet.
        """
        if not self._places.acquire(blocking=False):
            raise ToolFault(f"it is busy: {self._limit} earlier calls have not returned")
        future: Future[T] = Future()

        def work() -> None:
            try:
                result = fn(*args, **kwargs)
            except BaseException as fault:  # it belongs to whoever waits for the result
                self._places.release()
                future.set_exception(_carried(fault))
            else:
                self._places.release()
                future.set_result(result)

        future.set_running_or_notify_cancel()
        # No pool of the standard library lets go of a thread that is stuck.
        threading.Thread(target=work, name=self._name, daemon=True).start()  # noqa: TID251
        return future


def _carried(fault: BaseException) -> Exception:
    """A fault as a future takes it to an event loop: SystemExit would end the loop, a cancellation
    whoever waits, and StopIteration never arrives."""
    if isinstance(fault, Exception) and not isinstance(fault, StopIteration):
        return fault
    return ToolFault(f"{type(fault).__name__}: {fault}")
