"""What tokens, calls and prefill cost in a language model in this process."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from statistics import median

from agent.core.protocols import Message, Role
from benchmarks.engines.figures import Figures
from benchmarks.engines.responders import NEW, RUNS, asking, call
from benchmarks.engines.responders import measure as measure_any
from pipelines.engines.llama import Llama

CALLS = (1, 2, 4)


async def measure(engine: Llama) -> Figures:
    """The columns of every responder, and notes."""
    found = await measure_any(engine)
    notes = [
        *await _prompts(engine),
        await _giving_up(engine),
        *[await _together(engine, calls) for calls in CALLS],
    ]
    return replace(found, notes=notes)


async def _prompts(engine: Llama) -> list[str]:
    """Tokens computed and times, of prompts of which more or less is known."""
    costs: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for run in range(RUNS):
        history = call(f"run {run}")
        turn, longer = asking(history), asking(history, " ".join([NEW] * 4))
        costs["a prompt nobody knows"].append(await _first(engine, asking(history, "hello")))
        costs["another last message"].append(await _first(engine, turn))
        costs["the same once more"].append(await _first(engine, turn))
        await engine.read_ahead(asking(history, " ".join([NEW] * 3)), ())
        costs["a message of which three quarters were computed before"].append(
            await _first(engine, longer)
        )
    return [
        f"{what}: {median(t for t, _ in found):.0f} tokens to compute, "
        f"{median(s for _, s in found) * 1e3:.1f} ms to the first of the answer"
        for what, found in costs.items()
    ]


async def _first(engine: Llama, messages: Sequence[Message]) -> tuple[int, float]:
    """Tokens computed and seconds until the first piece of the answer."""
    before, start_s = engine.computed, time.perf_counter()
    async with aclosing(engine.reply(messages, ())) as pieces:
        await anext(pieces)
        return engine.computed - before, time.perf_counter() - start_s


async def _giving_up(engine: Llama) -> str:
    times: list[float] = []
    spent: list[int] = []
    for run in range(RUNS):
        pieces = engine.reply((Message(Role.CALLER, f"{run} hello"),), ())
        await anext(pieces)
        before, start_s = engine.computed, time.perf_counter()
        await pieces.aclose()
        times.append(time.perf_counter() - start_s)
        spent.append(engine.computed - before)
    return f"a reply given up: over in {median(times) * 1e6:.0f} µs, {max(spent)} more tokens"


async def _together(engine: Llama, calls: int) -> str:
    """Tokens per second of several replies at once, their prompts computed before."""
    rates: list[float] = []
    for run in range(RUNS):
        asked = [(Message(Role.CALLER, f"{run} {n} hello"),) for n in range(calls)]
        for messages in asked:
            await engine.read_ahead(messages, ())
        before, start_s = engine.computed, time.perf_counter()
        await asyncio.gather(*(_whole(engine, messages) for messages in asked))
        rates.append((engine.computed - before) / (time.perf_counter() - start_s))
    return f"{calls} replies at once: {median(rates):.0f} tokens a second together"


async def _whole(engine: Llama, messages: Sequence[Message]) -> None:
    async for _ in engine.reply(messages, ()):
        pass
