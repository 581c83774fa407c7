"""The leak check itself catches leaks."""

import asyncio
import socket
import threading

from pytest import fixture, mark, raises

from agent.virtual_loop import run_virtual
from tests.support import leaks


@fixture
def leaves_nothing_behind():
    """Off here: these tests leak on purpose, inside a check of their own."""


@mark.parametrize("run", [asyncio.run, run_virtual])
def test_a_task_that_outlives_the_main_coroutine_is_found(run):
    async def forgetful():
        tasks.append(asyncio.get_running_loop().create_task(asyncio.Event().wait()))

    tasks = []
    with raises(AssertionError, match=r"tasks left behind.*wait"), leaks.no_leaks():
        run(forgetful())


def test_a_socket_left_open_is_found(monkeypatch):
    monkeypatch.setattr(leaks, "SETTLE_S", 0.0)
    with raises(AssertionError, match="sockets left behind"), leaks.no_leaks():
        left = socket.socket()
    left.close()


def test_a_thread_left_running_is_found(monkeypatch):
    monkeypatch.setattr(leaks, "SETTLE_S", 0.0)
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="left")  # noqa: TID251
    with raises(AssertionError, match=r"threads left behind.*left"), leaks.no_leaks():
        thread.start()
    end.set()
    thread.join()


def test_a_clean_block_passes():
    async def tidy():
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))

    with leaks.no_leaks():
        asyncio.run(tidy())


def test_a_run_that_broke_off_is_not_blamed_for_its_tasks():
    async def breaks():
        asyncio.get_running_loop().create_task(asyncio.sleep(100))
        raise OSError("broken")

    with leaks.no_leaks(), raises(OSError, match="broken"):
        asyncio.run(breaks())
