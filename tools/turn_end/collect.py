"""Hold sessions with an agent that waits, and keep every pause."""

import argparse
import asyncio
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from agent.commands.recorded import say
from agent.config import load
from agent.core.errors import ConfigError
from agent.core.protocols import Pause, Prediction
from agent.virtual_loop import run_virtual
from agent.wiring import build
from floorbench.caller import hold
from floorbench.scenarios import planned
from floorbench.stimuli.library import open_library
from floorbench.targets.in_process import InProcessPipeline
from pipelines.cascade.pipeline import CascadePipeline
from tools.turn_end.pauses import Labelled, labelled, source_of

WAITS = ("turns.pause_max_s=2.6", "turns.prior=0")
"""Longer than every pause of S2, so that each is seen to its end."""


class Patient:
    """A TurnPredictor that never believes in an end, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, Pause]] = []

    async def predict(self, pause: Pause) -> Prediction:
        """Not over."""
        self.asked.append((asyncio.get_running_loop().time(), pause))
        return Prediction(0.0, "waits")


def collected(options: argparse.Namespace) -> Iterator[Labelled]:
    """The pauses of every session."""
    library, patient = open_library(options.speech), Patient()
    with build(load("offline", WAITS)) as agent:
        if not isinstance(agent.pipeline, CascadePipeline):
            raise ConfigError("offline: expected a cascade")
        engines = replace(agent.pipeline.engines, predictor=patient)
        target = InProcessPipeline("patient", replace(agent.pipeline, engines=engines))
        for one in planned(options.scenarios.split(","), limit=options.limit):
            patient.asked.clear()
            held = run_virtual(hold(target, one.plan(library, options.seed)))
            for pause in labelled(held.session, patient.asked):
                told = source_of(pause.text, options.speech) if options.speech else pause.source
                yield replace(pause, source=told)


def main() -> None:
    """Write the pauses to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--speech", type=Path)
    parser.add_argument("--scenarios", default="S1,S2")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=0, help="sessions of each scenario; 0 is all")
    options = parser.parse_args()
    found = list(collected(options))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(pickle.dumps(found))
    over = sum(pause.gone_on_s is None for pause in found)
    say(f"{options.out}: {over} turn ends, {len(found) - over} pauses inside turns")


if __name__ == "__main__":
    main()
