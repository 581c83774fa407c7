"""Telephone lines for whole calls in virtual time: a caller who speaks and presses keys."""

import asyncio
import tomllib
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from agent.core.calls import CallTraits
from agent.core.errors import OrderRefused
from agent.scenario import Acted, Press, Say, Scene, SceneCall, pipeline_of
from agent.session import run_call
from agent.trace import TraceFile, TraceList, both
from agent.virtual_loop import run_virtual
from pipelines.cascade.asides import Manners
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.responder import FlowResponder
from pipelines.cascade.pipeline import CascadePipeline
from pipelines.cascade.tools.toolbox import Toolbox
from pipelines.engines.scripted import ScriptedSynthesizerSettings

CONFIGS = Path(__file__).parents[2] / "configs"
OPEN = datetime(2026, 11, 17, 13, 0)  # a Tuesday
QUICK = ScriptedSynthesizerSettings(char_s=0.02)
"""A voice so quick that a menu takes a few seconds."""


class Line(SceneCall):
    """A call that carries out some orders, and refuses others of them."""

    def __init__(self, scene, orders=(), refuses=()):
        super().__init__(scene)
        self._orders, self._refuses = frozenset(orders), tuple(refuses)
        self.given = []
        self.told = []

    @property
    def traits(self):
        return CallTraits(rewinds=True, orders=self._orders)

    def tell(self, note):
        self.told.append(note)
        super().tell(note)

    async def order(self, order):
        if isinstance(order, self._refuses):
            raise OrderRefused("the far side answered 486, busy here")
        self.given.append((asyncio.get_running_loop().time(), order))


def responder_of(name, now=lambda: OPEN):
    """The flow of a shipped configuration, with its tools; `now` is asked for the house's time."""
    table = tomllib.loads((CONFIGS / name).read_text("utf-8"))
    flow = load_flow(table["flow"], f"{name}: [flow]")
    box = Toolbox.load(table.get("tools", {}), f"{name}: [tools]")
    return FlowResponder(flow, now=now, runnables=box.runnables)


def hold(scene, responder, *, orders=(), refuses=(), manners=None, path=None, line=Line):
    """Play a scene on a line; `path` is where its trace goes as well."""
    made = pipeline_of(scene)
    config = replace(made.config, manners=manners or Manners())
    pipeline = CascadePipeline(replace(made.engines, responder=responder), config)

    async def main():
        call = line(scene, orders, refuses)
        loop = asyncio.get_running_loop()
        trace = TraceList(loop.time)
        if path is None:
            return Acted(await run_call(call, pipeline, trace), trace, call)
        with closing(TraceFile(path, loop.time)) as file:
            file.header(turns={n: getattr(scene.turns, n) for n in scene.turns.__slots__})
            ended = await run_call(call, pipeline, both(trace, file))
        return Acted(ended, trace, call)

    return run_virtual(main())


def keys(start_s, text, every_s=0.3):
    """One key after the other."""
    return tuple(Press(start_s + n * every_s, key) for n, key in enumerate(text.replace(" ", "")))


__all__ = ("OPEN", "QUICK", "Line", "Press", "Say", "Scene", "hold", "keys", "responder_of")
