"""What parley itself costs: start-up, overhead per turn, flush, memory, calls per core.

Everything is measured with scripted engines, whose delays are known: the same scene in virtual time
takes exactly those delays, so what real time takes beyond them is parley's own. Figures are printed
and written down, never asserted: they belong to the machine they were measured on.
"""

import asyncio
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.protocols import SpeechDetector
from agent.scenario import Acted, Say, Scene, SceneCall, act, pipeline_of
from agent.session import run_call
from agent.virtual_loop import run_virtual
from audio_io.circuit import LEAD_S
from pipelines.engines.scripted import ScriptedResponderSettings

TURNS = 12
TURN_S = 3.0
CALLS = 50
CALLS_S = 20.0
HOUR_S = 3600.0
STARTS = 7
FRAME_S = 0.02
AUDIBLE = 0.003  # −50 dBFS, the floor below which floorbench hears nothing


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `goal` in words, `met` or not."""

    name: str
    value: str
    goal: str
    met: bool


# --- start-up -------------------------------------------------------------------------------------


def help_s() -> list[float]:
    """Wall time of `parley --help`, as a whole process, several times."""
    command = [sys.executable, "-m", "agent.cli", "--help"]
    times = []
    for _ in range(STARTS):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return times


def first_sound_s(out: Path) -> list[float]:
    """From starting `parley demo` to the agent's first audible sample, by its first caption."""
    command = [sys.executable, "-m", "agent.cli", "demo", "--out", str(out / "start")]
    return [_until_agent_speaks(command) for _ in range(3)]


def _until_agent_speaks(command: Sequence[str]) -> float:
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout or ():
                if line[7:].strip().startswith("agent"):
                    return time.perf_counter() - start
        finally:
            process.kill()
    raise RuntimeError("the demo ended before the agent spoke")


# --- one turn -------------------------------------------------------------------------------------


def talkative(turns: int, turn_s: float = TURN_S) -> Scene:
    """A call of many short turns, each answered before the next."""
    lines = tuple(Say(1.5 + i * turn_s, "hello there") for i in range(turns))
    agent = ScriptedResponderSettings(replies=("Yes.",), first_token_s=0.1)
    return Scene(1.5 + turns * turn_s, lines, responder=agent)


def response_delays(acted: Acted) -> list[float]:
    """From the end of the caller's speech, by stream position, to the reply's first sample."""
    ends = [float(str(line["end_s"])) for line in acted.trace.named("speech")]
    audible = [float(str(line["t"])) for line in acted.told("ReplyAudible")]
    return [min(a for a in audible if a > end) - end for end in ends if max(audible) > end]


def overheads() -> list[float]:
    """Response delays in real time beyond the same ones in virtual time, in seconds."""
    scene = talkative(TURNS)
    scripted = response_delays(run_virtual(act(scene)))

    async def together() -> list[Acted]:
        return list(await asyncio.gather(*(act(scene) for _ in range(4))))

    return [
        real - exact
        for acted in asyncio.run(together())
        for real, exact in zip(response_delays(acted), scripted, strict=True)
    ]


def flush_s() -> list[float]:
    """From a cancel to the last audible sample of the reply, in real time, from the sound."""
    story = "We are open from nine to five on weekdays, and from ten to four on saturdays. " * 2
    agent = ScriptedResponderSettings(replies=("Hello.", story), first_token_s=0.05)
    scene = Scene(8.0, (Say(2.0, "hello there"), Say(5.0, "stop it")), responder=agent)
    return [_silent_after(asyncio.run(act(scene))) for _ in range(3)]


def _silent_after(acted: Acted) -> float:
    rate = acted.call.play_rate
    at = float(str(acted.asked("CancelReply")[-1]["t"]))
    resumed = [float(str(a["t"])) for a in acted.told("ReplyAudible") if float(str(a["t"])) > at]
    until = int((min(resumed, default=1e9) - 0.1) * rate)  # the next reply is another matter
    samples = np.abs(np.concatenate(acted.call.heard))[:until]
    loud = np.flatnonzero(samples > AUDIBLE)
    return max(0.0, float(loud[-1] + 1) / rate - at)


# --- many turns, many calls -----------------------------------------------------------------------


def simulated_hour() -> tuple[float, float]:
    """Wall seconds for an hour of calls in virtual time, and growth of memory in MB."""
    scene = talkative(40, 7.5)
    calls = int(HOUR_S / scene.end_s)
    run_virtual(_quietly(scene))  # warm: imports and caches are no growth
    before, start = _memory_mb(), time.perf_counter()
    for _ in range(calls):
        run_virtual(_quietly(scene))
    return time.perf_counter() - start, _memory_mb() - before


async def _quietly(scene: Scene) -> None:
    await run_call(SceneCall(scene), pipeline_of(scene), _no_trace)


def _no_trace(event: str, /, **fields: object) -> None:
    del event, fields


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


class _TimedCall(SceneCall):
    """A scene's call that notes how late the agent's frames are, by the loudspeaker's clock."""

    def __init__(self, scene: Scene, lateness: list[float]) -> None:
        super().__init__(scene)
        self._lateness = lateness

    async def play(self, frame: AudioFrame) -> None:
        """Hand over; the next frame is late by as much as this returns after it is wanted."""
        before_s, rate = self.circuit.now(), self.play_rate
        end_s = max(self.circuit.speaker.end / rate, before_s) + len(frame.samples) / rate
        await super().play(frame)
        if end_s - LEAD_S > before_s:  # otherwise it was one of a burst, wanted at once
            self._lateness.append(max(0.0, self.circuit.now() - (end_s - LEAD_S)))


def lateness_of_calls(calls: int, detector: SpeechDetector[Any]) -> tuple[list[float], float]:
    """Lateness of every agent frame with that many calls at once, and the cores they took."""
    lateness: list[float] = []
    scene = replace(talkative(6), end_s=CALLS_S)

    async def one(delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        await run_call(_TimedCall(scene, lateness), pipeline_of(scene, detector), _no_trace)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(i * 0.037) for i in range(calls)))

    cpu, wall = time.process_time(), time.perf_counter()
    asyncio.run(all_of_them())
    cores = (time.process_time() - cpu) / (time.perf_counter() - wall)
    return lateness, cores


# --- the table ------------------------------------------------------------------------------------


def measure(out: Path) -> Iterator[Figure]:
    """Every figure, as it is measured; a few minutes in all."""
    yield _seconds("parley --help", statistics.median(help_s()), 0.3)
    yield _seconds("parley demo to first sound", statistics.median(first_sound_s(out)), 3.0)
    over = overheads()
    yield _seconds("overhead per turn, p50", float(np.percentile(over, 50)), 0.005)
    yield _seconds("overhead per turn, p99", float(np.percentile(over, 99)), 0.020)
    yield _seconds("silent after a cancel, worst", max(flush_s()), FRAME_S)
    hour_s, grown_mb = simulated_hour()
    yield _seconds("one hour of calls in virtual time", hour_s, 20.0)
    yield Figure("memory grown in that hour", f"{grown_mb:.1f} MB", "flat (< 5 MB)", grown_mb < 5)
    yield from _many_calls()


def _many_calls() -> Iterator[Figure]:
    from pipelines.engines.silero import Silero, SileroSettings  # noqa: PLC0415  (slow to import)

    lateness, cores = lateness_of_calls(CALLS, Silero.load(SileroSettings()))
    p99 = float(np.percentile(lateness, 99))
    yield _seconds(f"{CALLS} calls, real VAD: frame lateness p99", p99, 0.020)
    yield Figure(f"cores taken by {CALLS} calls", f"{cores:.2f}", "-", True)
    yield Figure("calls per core", f"{CALLS / cores:.0f}", "-", True)


def _seconds(name: str, value: float, goal: float) -> Figure:
    return Figure(name, _shown(value), f"<= {_shown(goal)}", value <= goal)


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if abs(seconds) < 1 else f"{seconds:.2f} s"


def bench(out: Path) -> int:
    """Measure, print the table, write it to `out`/runtime.json; always 0."""
    out.mkdir(parents=True, exist_ok=True)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    figures = []
    for figure in measure(out):
        mark = "" if figure.met else "   falls short"
        print(f"{figure.name:<42} {figure.value:>10}   {figure.goal:<12}{mark}", flush=True)
        figures.append(asdict(figure))
    (out / "runtime.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0
