"""A call with everything kept of it: recording, trace, captions, and a report at the end."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from agent.core.calls import Call, Trace
from agent.live import Captions
from agent.recording_settings import Format, RecordingSettings
from agent.session import Ended, run_call
from agent.trace import TraceFile, both
from agent.wiring import Agent
from audio_io.opus_file import OpusWriter
from audio_io.wav_file import StereoWriter

RECORDING = "call.wav"
SMALL_RECORDING = "call.ogg"
TRACE = "trace.jsonl"
RATE = 16_000
"""Of recordings, in Hz: what recognisers are made for, and what floorbench measures."""


def open_kept(
    folder: Path, settings: RecordingSettings
) -> AbstractContextManager[StereoWriter | OpusWriter | None]:
    """The recording of a call that a server keeps in `folder`; None where it shall not.

    Raises:
        ConfigError: it cannot be made, or lacks a package.
    """
    if not settings.on:
        return nullcontext()
    if settings.format is Format.WAV:
        return open_recording(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return OpusWriter(folder / SMALL_RECORDING, RATE)


def open_recording(folder: Path) -> StereoWriter:
    """The recording in `folder`, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    return StereoWriter(folder / RECORDING, RATE)


def begin_trace(folder: Path, agent: Agent, call: str) -> TraceFile:
    """A trace in `folder`, with its header. Needs a running loop."""
    trace = TraceFile(folder / TRACE, asyncio.get_running_loop().time)
    trace.header(agent=agent.name, call=call, turns=agent.turns_fields())
    return trace


async def hold(agent: Agent, call: Call, trace: Trace, *, open_air: bool = False) -> Ended:
    """One conversation, as the pipeline wants it; `open_air` as in `Agent.fit`."""
    fitting = agent.fit(call, trace, open_air=open_air)
    return await run_call(fitting, agent.pipeline, trace, max_call_s=agent.calls.max_s)


async def hold_and_show(
    agent: Agent, call: Call, folder: Path | None, *, open_air: bool = False
) -> Ended:
    """One conversation with captions on the terminal, and a trace if there is a folder."""
    captions = Captions(asyncio.get_running_loop().time, say)
    if folder is None:
        return await hold(agent, call, captions, open_air=open_air)
    trace = begin_trace(folder, agent, folder.name)
    try:
        return await hold(agent, call, both(trace, captions), open_air=open_air)
    finally:
        trace.close()


@contextmanager
def hangs_up_here(folder: Path | None) -> Iterator[None]:
    """A call that Ctrl-C ends gets its report all the same: it is how one hangs up here.

    Put it around whatever holds the recording open. The trace of an earlier call goes, so that
    nobody's report is made of two calls.
    """
    trace = None if folder is None else folder / TRACE
    if trace is not None and trace.is_file():
        trace.unlink()
    try:
        yield
    except KeyboardInterrupt:
        if folder is not None and trace is not None and trace.is_file():
            report_on(folder)
        raise


def report_on(folder: Path) -> None:
    """Figures and picture of the call in `folder`."""
    from floorbench.call.report import write_report
    from floorbench.call.table import table

    results = write_report(folder)
    say("")
    say(table(results))
    say("")
    say(f"Listen: {folder / RECORDING}   Look: {folder / 'report.html'}")


def say(line: str) -> None:
    """Print at once: captions that come late are no captions."""
    print(line, flush=True)


def run(main: Coroutine[Any, Any, Ended], *, fast: bool) -> Ended:
    """Run a call in real or in virtual time."""
    from agent.virtual_loop import run_virtual

    return run_virtual(main) if fast else asyncio.run(main)
