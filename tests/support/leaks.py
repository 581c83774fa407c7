"""What a test must not leave behind: asyncio tasks, threads, sockets."""

import asyncio
import contextlib
import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

SETTLE_S = 2.0  # a closed executor's threads and a closing socket may take this long to be gone


def sockets() -> set[str]:
    """The sockets this process has open, by inode."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the directory's own descriptor is gone by now
            target = os.readlink(entry)  # noqa: PTH115  # not a path: "socket:[1234]"
            if target.startswith("socket:"):
                found.add(target)
    return found


@contextlib.contextmanager
def no_leaks() -> Iterator[None]:
    """Fail when the block leaves a task, a thread or a socket behind that was not there before.

    A task counts as left behind when its loop's runner ends and has to cancel it. The runner's
    own sweep is watched for that: it is private to asyncio, and `tests/audio_io/test_leaks.py`
    fails if it moves.
    """
    left: list[str] = []
    threads = set(threading.enumerate())
    before = sockets()
    with _watched_runners(left):
        yield
    if left:
        raise AssertionError("tasks left behind: " + "; ".join(left))
    _settle("threads", lambda: {t.name for t in set(threading.enumerate()) - threads})
    _settle("sockets", lambda: sockets() - before)


@contextlib.contextmanager
def _watched_runners(left: list[str]) -> Iterator[None]:
    """Note the tasks which a runner finds unfinished after its main coroutine has returned."""
    sweep = asyncio.runners._cancel_all_tasks

    def watched(loop: asyncio.AbstractEventLoop) -> None:
        if sys.exc_info()[1] is None:  # a run that broke off had no chance to end its tasks
            coroutines = [str(task.get_coro()) for task in asyncio.all_tasks(loop)]
            # An iterator that nobody finished is closed by the loop, in a task of the loop's own.
            left.extend(c for c in coroutines if not c.startswith("<async_generator_athrow"))
        sweep(loop)

    asyncio.runners._cancel_all_tasks = watched
    try:
        yield
    finally:
        asyncio.runners._cancel_all_tasks = sweep


def _settle(what: str, left) -> None:
    if not left():
        return
    gc.collect()
    until = time.monotonic() + SETTLE_S
    while left():
        if time.monotonic() > until:
            raise AssertionError(f"{what} left behind: {sorted(left())}")
        time.sleep(0.01)  # noqa: TID251  # threads of others end in their own time
