"""What prompts, tokens, calls and memory cost with `[responder] engine = "llama"`, as medians.

python -m tools.engines.llama model.gguf [--threads 2] [--gpu-layers -1]

Without a file a model with random weights is made and measured: its ratios hold, its times say
little about others.
"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from agent.commands.recorded import say
from agent.core.protocols import Message, Role
from pipelines.engines.llama import Llama
from pipelines.engines.llama_settings import LlamaSettings

RUNS = 5
TURNS = 12
"""Of a call that has been going on for a while."""

NEW = "and what would that be on friday evening"


def call(name: str) -> tuple[Message, ...]:
    """A history that no other call shares; it ends with the agent."""
    said = f"{name} I would like to know when you are open and whether there is a table for us"
    turn = (Message(Role.CALLER, said), Message(Role.AGENT, "We are open from noon to ten."))
    return turn * TURNS


async def first_token_s(engine: Llama, messages: Sequence[Message]) -> float:
    """From the question to the first piece of the answer."""
    start = time.perf_counter()
    async with aclosing(engine.reply(messages, ())) as pieces:
        await anext(pieces)
        return time.perf_counter() - start


async def whole_s(engine: Llama, messages: Sequence[Message]) -> tuple[float, int]:
    """Of a whole reply, and its tokens."""
    before, start = engine.computed, time.perf_counter()
    async for _ in engine.reply(messages, ()):
        pass
    return time.perf_counter() - start, engine.computed - before


async def latency(engine: Llama) -> None:
    """Cold prompts against those that go on, in turn."""
    cold: list[float] = []
    warm: list[float] = []
    again: list[float] = []
    read: list[float] = []
    for run in range(RUNS):
        history = call(f"run {run}")
        before = engine.computed
        cold.append(await first_token_s(engine, (*history, Message(Role.CALLER, "hello"))))
        long = engine.computed - before
        turn = (*history, Message(Role.CALLER, NEW))
        before = engine.computed
        warm.append(await first_token_s(engine, turn))
        new = engine.computed - before
        again.append(await first_token_s(engine, turn))
        more = (*history, Message(Role.CALLER, f"{NEW} {NEW} {NEW} {NEW}"))
        await engine.prefill((*history, Message(Role.CALLER, f"{NEW} {NEW} {NEW}")), ())
        read.append(await first_token_s(engine, more))
    base = statistics.median(cold)
    say(f"first token, prompt of {long} tokens, none known: {base * 1e3:.1f} ms")
    for what, times in (
        (f"next turn, {new} tokens new", warm),
        ("the same prompt again", again),
        ("three quarters of the words read before", read),
    ):
        found = statistics.median(times)
        say(f"  {what}: {found * 1e3:.1f} ms, {found / base:.1%} of it")


async def stop(engine: Llama) -> None:
    """How long a reply that is given up keeps the engine."""
    times: list[float] = []
    spent: list[int] = []
    for run in range(RUNS):
        pieces = engine.reply((Message(Role.CALLER, f"{run} hello"),), ())
        await anext(pieces)
        before, start = engine.computed, time.perf_counter()
        await pieces.aclose()
        times.append(time.perf_counter() - start)
        spent.append(engine.computed - before)
    say(f"giving a reply up: {statistics.median(times) * 1e6:.0f} us, at most {max(spent)} tokens")


async def together(engine: Llama, calls: int) -> None:
    """Tokens per second of several replies at once."""
    rates: list[float] = []
    for run in range(3):
        asked = [(Message(Role.CALLER, f"{run} {n} hello"),) for n in range(calls)]
        for messages in asked:
            await engine.prefill(messages, ())
        start = time.perf_counter()
        found = await asyncio.gather(*(whole_s(engine, messages) for messages in asked))
        tokens = max(count for _, count in found)  # each counts the tokens of all
        rates.append(tokens / (time.perf_counter() - start))
    say(f"{calls} at once: {statistics.median(rates):.0f} tokens a second together")


def memory_mb() -> float:
    """Of this process, now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / 1e6


def measure(settings: LlamaSettings) -> None:
    """Print everything."""
    Llama.load(settings).close()  # the library itself stays in memory
    empty = memory_mb()
    engine = Llama.load(settings)
    try:
        asyncio.run(latency(engine))
        asyncio.run(stop(engine))
        for calls in (1, 2, 4):
            asyncio.run(together(engine, calls))
        full = memory_mb()
    finally:
        engine.close()
    say(f"memory: {full - empty:.0f} MB while it is open, {memory_mb() - empty:.0f} MB after")


def random_model(folder: str) -> str:
    """A model of 3 million random weights."""
    from tests.support.tiny_gguf import Shape, write_gguf  # noqa: PLC0415  # only without a file

    path = Path(folder) / "random.gguf"
    write_gguf(path, shape=Shape(256, 8, 768, 4))
    return str(path)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu-layers", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = LlamaSettings(
            asked.model or random_model(folder),
            temperature=0,
            max_tokens=64,
            threads=asked.threads,
            gpu_layers=asked.gpu_layers,
        )
        measure(replace(settings, context_tokens=4096))


if __name__ == "__main__":
    main()
