"""What serving adds to a duplex step: from a whole frame to its answer, without the step itself.

A tiny random Moshi in a worker of its own; callers send packets of 20 ms at random phases through
the client that servers use. On a machine with `make moshi` done:

    .venv/bin/python -m benchmarks.duplex_delay
"""
# ruff: noqa: T201  (a table is printed)

import argparse
import asyncio
import os
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.duplex import DuplexPrompt
from pipelines.duplex.beat import Beat
from pipelines.engines.duplex_remote import RemoteModel, RemoteSettings, RemoteSlot
from pipelines.mailbox import Mailbox
from tests.support.duplex_workers import running_worker, write_tiny_moshi

PACKET_S = 0.02
WARM = 12
"""Frames of a call before the first that counts."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One frame of a call.

    Attributes:
        delay_s: from the packet that made it whole to its answer, less the step.
        step_s: as the worker measured it.
    """

    delay_s: float
    step_s: float


class Caller:
    """One call at real pace.

    `shift_s`: its frames end that much later than those that parley cuts; 0 is how calls are held.
    """

    def __init__(self, model: RemoteModel, phase_s: float, shift_s: float) -> None:
        self._model, self._phase_s, self._shift_s = model, phase_s, shift_s
        self._whole = Mailbox[tuple[AudioFrame, float] | None]()
        self.answered: list[Answered] = []

    async def talk(self, frames: int) -> None:
        """Hold the call until so many frames were answered."""
        slot = await self._model.open(DuplexPrompt())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._answers(slot))
                await self._speak(frames)
                self._whole.put(None)
        finally:
            await self._model.close(slot)

    async def _speak(self, frames: int) -> None:
        loop, sound = asyncio.get_running_loop(), _noise(round(self._model.rate * PACKET_S))
        at = loop.time() + self._phase_s
        beat = Beat(self._model.frame_samples, self._model.rate, at - self._shift_s)
        while frames > 0:
            await asyncio.sleep(max(0.0, at - loop.time()))
            beat.hear(sound)
            if (taken := beat.take(at - self._shift_s)) is not None:
                self._whole.put((taken.frame, loop.time()))
                frames -= 1
            at += PACKET_S

    async def _answers(self, slot: RemoteSlot) -> None:
        loop = asyncio.get_running_loop()
        while (found := await self._whole.take(None)) is not None:
            frame, whole = found
            output = await self._model.step(slot, frame)
            delay_s = loop.time() - whole - output.step_s
            self.answered.append(Answered(delay_s, output.step_s))


def _noise(count: int) -> Samples:
    return (np.random.default_rng(1).normal(size=count) * 0.1).astype(np.float32)


async def _measured(worker: str, calls: int, frames: int, together: bool) -> list[Answered]:
    model, dice = RemoteModel(RemoteSettings(worker, connect_s=10, answer_s=20)), random.Random(1)
    callers = [
        Caller(model, dice.uniform(0, 0.08), 0.0 if together else dice.uniform(0, 0.08))
        for _ in range(calls)
    ]
    async with asyncio.TaskGroup() as group:
        for caller in callers:
            group.create_task(caller.talk(frames))
    return [answered for caller in callers for answered in caller.answered[WARM:]]


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="What serving adds to a duplex step.")
    parser.add_argument("--calls", default="1,2,4,8,16,32", help="at once, such as 1,8")
    parser.add_argument("--frames", type=int, default=200, help="of 80 ms, for each call")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} before; {options.frames} frames a call\n")
    print("| calls | cut | delay p50 | p95 | step p50 | p99 |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = write_tiny_moshi(Path(folder))
        for calls in (int(count) for count in options.calls.split(",")):
            with running_worker(checkpoint, slots=calls) as (_, where):
                for together in (True, False):
                    found = asyncio.run(_measured(where, calls, options.frames, together))
                    print(_row(calls, together, found))
    print("\nms.")
    return 0


def _row(calls: int, together: bool, found: list[Answered]) -> str:
    delays = np.array([each.delay_s for each in found]) * 1000
    steps = np.array([each.step_s for each in found]) * 1000
    figures = (
        np.median(delays), np.percentile(delays, 95), np.median(steps), np.percentile(steps, 99)
    )  # fmt: skip
    cut = "at the same times" if together else "at phases of their own"
    return f"| {calls} | {cut} | " + " | ".join(f"{figure:.1f}" for figure in figures) + " |"


if __name__ == "__main__":
    sys.exit(main())
