"""A responder: its first text, and that of the next turn of the same call."""

import time
from collections.abc import Sequence
from contextlib import aclosing
from statistics import median

from agent.core.protocols import Message, Responder, Role
from benchmarks.engines.figures import Figures

RUNS = 5
TURNS = 12
"""Of a call that has been going on for a while."""

NEW = "and what would that be on friday evening"


def call(name: str) -> tuple[Message, ...]:
    """A history that no other call shares from its first word on; it ends with the agent."""
    said = f"{name} I would like to know when you are open and whether there is a table for us"
    turn = (Message(Role.CALLER, said), Message(Role.AGENT, "We are open from noon to ten."))
    return turn * TURNS


def asking(history: Sequence[Message], text: str = NEW) -> tuple[Message, ...]:
    """The same history, and a question."""
    return (*history, Message(Role.CALLER, text))


async def answered(mind: Responder, messages: Sequence[Message]) -> tuple[float, str]:
    """Seconds to the first text of a reply, and all of it."""
    first_s, text, start_s = 0.0, "", time.perf_counter()
    async with aclosing(mind.reply(messages, ())) as pieces:
        async for piece in pieces:
            if isinstance(piece, str):
                first_s = first_s or time.perf_counter() - start_s
                text += piece
    return first_s, text


async def measure(mind: Responder) -> Figures:
    """Each run: a turn, the next turn of that call, and the same prompt in a call nobody knows."""
    cold: list[float] = []
    warm: list[float] = []
    await answered(mind, asking(()))
    for run in range(RUNS):
        first = asking(call(f"known {run}"), "hello")
        _, said = await answered(mind, first)
        reply = Message(Role.AGENT, said)
        warm.append((await answered(mind, asking((*first, reply))))[0])
        other = asking(call(f"other {run}"), "hello")
        cold.append((await answered(mind, asking((*other, reply))))[0])
    return Figures(first_token_s=median(cold), next_turn=median(warm) / median(cold))
