"""A duplex worker is killed in mid-call: when the caller hears the cascade, and what it answers.

A tiny random Moshi in a worker of its own holds a WebSocket call; behind it stands the cascade of
configs/offline.toml, with its real recogniser and voice. The caller asks something in a synthetic
voice, and the worker gets `kill -9` a while after the question, or in the middle of it. On a
machine with `make moshi` done:

    .venv/bin/python -m benchmarks.duplex_takeover
"""
# ruff: noqa: T201  (a table is printed)

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from agent import config as configuration
from agent.core.audio import AudioFrame, Samples
from agent.core.errors import CallClosed
from agent.core.record import Line
from agent.core.turns import TurnConfig
from agent.entrances.websocket import WebSocketEntrance
from agent.trace import TraceList
from agent.wiring import cascade
from audio_io.websocket_client import connect
from audio_io.wire import Start
from floorbench.stimuli.library import Role, open_library, seeded
from tests.support.duplex_calls import duplex_of, serving
from tests.support.duplex_workers import running_worker, write_tiny_moshi

RATE, PACKET_S = 16_000, 0.02
QUESTIONS = ("what are your opening hours", "where are you located", "when do you close")
BEFORE_S = 1.0
"""Silence before the question."""


async def _caller(address: str, question: Samples, kill_s: float, kill: Callable[[], None]) -> None:
    """Says it, kills the worker so long after its end, and stays for a while."""
    loop, is_killed = asyncio.get_running_loop(), False
    quiet = np.zeros(round(BEFORE_S * RATE), np.float32)
    sound = np.concatenate([quiet, question, np.zeros(8 * RATE, np.float32)])
    at_kill, count = len(quiet) + len(question) + round(kill_s * RATE), round(PACKET_S * RATE)

    async def say() -> None:
        nonlocal is_killed
        began = loop.time()
        with suppress(CallClosed):
            for start in range(0, len(sound), count):
                await asyncio.sleep(max(0.0, began + start / RATE - loop.time()))
                if not is_killed and start >= at_kill:
                    is_killed = True
                    kill()
                await far.speak(sound[start : start + count])
            await far.hang_up()

    async with connect(f"ws://{address}/ws", Start(1, RATE)) as far, asyncio.TaskGroup() as group:
        group.create_task(say())
        async for arrival in far.arrivals():
            assert not isinstance(arrival, AudioFrame) or arrival.rate == RATE


async def _one(checkpoint: Path, text: str, kill_s: float) -> tuple[float, float, str, str]:
    """Seconds from the kill until it was noticed and the cascade heard; what it knew and said."""
    library = open_library()
    entry = next(one for one in library.entries[Role.LONG] if one.text == text)
    question = library.load(Role.LONG, entry, seeded(1)).samples
    opened = configuration.load("offline")
    with running_worker(checkpoint, slots=2) as (process, where):
        behind = cascade(opened, opened.section(TurnConfig, "turns"), lambda engine: engine)
        async with serving(duplex_of(where, behind), (WebSocketEntrance,)) as (address, kept):

            def kill() -> None:
                os.kill(process.pid, signal.SIGKILL)
                kept[0].trace("killed")

            await _caller(address, question, kill_s, kill)
    return _told(kept[0].trace)


def _told(trace: TraceList) -> tuple[float, float, str, str]:
    def at(line: Line) -> float:
        return float(str(line["t"]))

    (killed,) = trace.named("killed")
    (fault,) = trace.named("error")
    audible = next(line for line in trace.lines if line.get("what") == "ReplyAudible")
    recalled = " / ".join(str(line["text"]) for line in trace.named("recalled"))
    said = (str(line["text"]) for line in trace.named("said"))
    return at(fault) - at(killed), at(audible) - at(killed), recalled, next(said, "")


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="A worker is killed: when is the cascade heard?")
    parser.add_argument("--rounds", type=int, default=2, help="for each question and moment")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} before\n")
    print("| killed | asked | noticed | heard | recalled | said |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = write_tiny_moshi(Path(folder))
        for kill_s in (-0.7, 0.2, 0.8):
            for text in QUESTIONS * options.rounds:
                fault, heard, recalled, said = asyncio.run(_one(checkpoint, text, kill_s))
                times = f"{kill_s:+.1f} | {text} | {fault:.2f} | {heard:.2f}"
                print(f"| {times} | {recalled} | {said} |")
    print("\ns, from the kill; killed: seconds from the end of the question.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
