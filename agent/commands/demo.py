"""`parley demo`: a recorded caller talks to the agent, and the call is measured by ear."""

from pathlib import Path

from agent.commands.recorded import RATE, hold_and_show, open_recording, report_on, run, say
from agent.config import Config
from agent.session import Ended, Ending
from agent.wiring import Agent, build
from audio_io.caller import ScriptedCaller
from audio_io.script import SpokenScript, load_script


def demo(config: Config, script: Path, out: Path, *, fast: bool) -> int:
    """Hold the scripted conversation, print captions and figures, write the report; exit status."""
    spoken = load_script(script, RATE)
    with build(config) as agent:
        say(f"{agent.name}: {len(spoken.script.line)} lines of a recorded caller, in "
            f"{'virtual' if fast else 'real'} time")  # fmt: skip
        ended = run(_talk(agent, spoken, out), fast=fast)
    report_on(out)
    return 0 if ended.ending is Ending.HUNG_UP else 1


async def _talk(agent: Agent, spoken: SpokenScript, out: Path) -> Ended:
    with open_recording(out) as recording:
        caller = ScriptedCaller(spoken, agent.pipeline.play_rate, recording)
        return await hold_and_show(agent, caller, out)
