"""A short conversation of parley with itself: do ears, recogniser, responder and voice fit?

The real engines of the offline configuration, and one sentence of the demo's recorded caller, in
virtual time: what the engines cost is not in its figures, and it is over as soon as they can.
"""

import asyncio
from dataclasses import dataclass, replace

from agent.commands.recorded import RATE, hold
from agent.config import Config, shipped
from agent.session import Ending
from agent.trace import TraceList
from agent.virtual_loop import run_virtual
from agent.wiring import Agent, build
from audio_io.caller import ScriptedCaller
from audio_io.script import Script, SpokenScript, load_script


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of it.

    Attributes:
        said: the caller's words, as the script has them.
        understood: what was recognised.
        answered: what the agent said then, and the caller heard.
        fault: a sentence, where the call failed.
    """

    said: str
    understood: str
    answered: str
    fault: str = ""

    @property
    def worked(self) -> bool:
        """Something was understood, and answered."""
        return bool(self.understood and self.answered and not self.fault)


def rehearse(config: Config) -> Rehearsed:
    """Hold it.

    Raises:
        ConfigError, EngineUnavailable: the agent cannot be built here.
    """
    with build(config) as agent:
        return run_virtual(_rehearse(agent))


async def _rehearse(agent: Agent) -> Rehearsed:
    spoken = _first_line(load_script(shipped("demo/script.toml"), RATE))
    trace = TraceList(asyncio.get_running_loop().time)
    ended = await hold(agent, ScriptedCaller(spoken, agent.pipeline.play_rate), trace)
    understood = [str(t["stable"]) for t in trace.named("told")
                  if t["what"] == "Transcript" and t["final"]]  # fmt: skip
    _, *answers = [str(h["text"]) for h in trace.named("heard") if h["text"]] or [""]
    fault = "" if ended.ending is Ending.HUNG_UP else ended.message or ended.ending.value
    said = spoken.script.line[0].text
    return Rehearsed(said, " ".join(filter(None, understood)), " ".join(answers), fault)


def _first_line(script: SpokenScript) -> SpokenScript:
    """Only the first line; the caller hangs up when the answer is over."""
    short = Script(script.script.line[:1], linger_s=1.5)
    return replace(script, script=short, sounds=script.sounds[:1])
