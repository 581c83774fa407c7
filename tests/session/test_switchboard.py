"""The calls of one server: how many may come in, in virtual time."""

import asyncio

from agent.admission import ServerSettings
from agent.core.errors import CallClosed
from agent.switchboard import Switchboard
from agent.virtual_loop import run_virtual


def test_of_those_who_were_told_at_once_that_there_is_room_only_as_many_come_in_as_there_is():
    async def agent(call):
        raise AssertionError("nobody gets so far")

    async def answered(name):
        most.append(switchboard.active)
        await asyncio.sleep(1)
        raise CallClosed("the caller thought better of it")

    async def scene():
        told = [switchboard.refusal("here") for _ in range(4)]
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(switchboard.connect("here", answered)) for _ in told]
        return told, [call.result() for call in calls]

    switchboard, most = Switchboard(ServerSettings(max_calls=2), agent), []
    told, came = run_virtual(scene())
    assert told == [None] * 4
    assert most == [1, 2]
    assert came[:2] == [None, None]
    assert [refused.status for refused in came[2:]] == [503, 503]
    assert switchboard.active == 0
