"""`parley serve`: answers calls from browsers, programs and telephones, many at once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from agent.admission import ServerSettings
from agent.commands.recorded import begin_trace, hold, open_kept, say
from agent.commands.settled import settle
from agent.config import Config
from agent.core.calls import Call, Json, Trace
from agent.entrances.choice import entrances
from agent.recording_settings import RecordingSettings
from agent.server import serve as run_server
from agent.switchboard import Switchboard
from agent.wiring import Agent, build
from audio_io.ear_reports import ReportsEar
from audio_io.recording import recorded

_log = logging.getLogger("parley.call")


def serve(config: Config, out: Path | None) -> int:
    """Answer calls until the process is told to stop; exit status."""
    settings = config.section(ServerSettings, "server")
    recording = config.section(RecordingSettings, "recording")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)  # now, and not when somebody has called
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    with build(config) as agent:

        async def answer(call: Call) -> None:
            async with _kept(agent, call, out, recording) as (fitting, trace):
                await hold(agent, fitting, trace)

        async def run() -> None:
            switchboard = Switchboard(settings, answer, agent.busy)
            ready = lambda url: say(f"{agent.name} answers at {url}")  # noqa: E731
            ways = entrances(config, switchboard)
            settle()
            await run_server(switchboard, ways, ready)

        asyncio.run(run())
    return 0


@asynccontextmanager
async def _kept(
    agent: Agent, call: Call, out: Path | None, settings: RecordingSettings
) -> AsyncIterator[tuple[Call, Trace]]:
    """The call and its trace: recorded in a folder of its own, or told to the log."""
    if out is None:
        yield call, _log_errors
        return
    folder = out / datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    trace = begin_trace(folder, agent, folder.name)
    if isinstance(call, ReportsEar):
        call.report_to(trace)
    try:
        with open_kept(folder, settings) as recording:
            yield call if recording is None else recorded(call, recording), trace
    finally:
        trace.close()


def _log_errors(event: str, /, **fields: Json) -> None:
    if event == "error":
        _log.warning("%s", fields.get("message"))
