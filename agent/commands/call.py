"""`parley call`: calls a telephone, and holds the conversation."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from agent.commands.recorded import (
    hangs_up_here,
    hold_and_show,
    open_recording,
    report_on,
    run,
    say,
)
from agent.config import Config
from agent.core.calls import Call
from agent.core.errors import ParleyError
from agent.session import Ended, Ending, leaves
from agent.wiring import Agent, build
from audio_io.recording import recorded
from audio_io.sip.call import SipCall
from audio_io.sip.phone import Line, SipPhone
from audio_io.sip.settings import SipSettings
from audio_io.sip.setup import place
from audio_io.wav_file import StereoWriter

RING_S = 45.0
"""How long it rings: most answering machines have taken the call by then."""


def call(config: Config, to: str, out: Path | None, ring_s: float = RING_S) -> int:
    """Call `to`, such as sip:100@host, and talk; exit status.

    Raises:
        CallError: nobody answered, or the line is of no use.
    """
    settings = config.section(SipSettings, "sip")
    with hangs_up_here(out), ExitStack() as stack:
        recording = stack.enter_context(open_recording(out)) if out is not None else None
        agent = stack.enter_context(build(config))
        ended = run(_call(agent, settings, to, recording, out, ring_s), fast=False)
    if out is not None:
        report_on(out)
    if ended.message:
        say(f"parley: {ended.message}")
    return 0 if ended.ending is Ending.HUNG_UP else 1


async def _call(  # it is all that was said on the command line
    agent: Agent,
    settings: SipSettings,
    to: str,
    recording: StereoWriter | None,
    out: Path | None,
    ring_s: float,
) -> Ended:
    try:
        async with _calling(settings) as phone:
            say(f"calling {to}; Ctrl-C hangs up")
            placed = await place(phone, to, ring_s)
            say("answered")
            async with _carried(placed):
                talked: Call = placed if recording is None else recorded(placed, recording)
                return await hold_and_show(agent, talked, out)
    except ExceptionGroup as group:  # the tasks beside it make one of whatever was raised
        faults = [fault for fault in leaves(group) if isinstance(fault, ParleyError)]
        if not faults:
            raise
        raise faults[0] from group


@asynccontextmanager
async def _calling(settings: SipSettings) -> AsyncIterator[SipPhone]:
    """A telephone for one call that goes out: at any port, and unknown to the registrar, so that
    nobody's calls are taken away from a server that is registered under the same name."""
    phone = SipPhone(dataclasses.replace(settings, port=0), _busy)
    await phone.open(register=False)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(phone.run())
        try:
            yield phone
        finally:
            await phone.close()
            running.cancel()


@asynccontextmanager
async def _carried(placed: SipCall) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        group.create_task(placed.carry())
        try:
            yield
        finally:
            await placed.close()


def _busy(line: Line) -> None:
    line.reject(486)
