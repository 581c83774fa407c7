"""A tool that can be run, and what came of it in words for a model."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from agent.core.calls import Json
from agent.core.protocols import Tool

RESULT_CHARS = 4000
"""Longest result a model is told: about a thousand tokens, more than anybody would listen to."""


class ToolFault(Exception):
    """A tool could not do it; str() is a sentence for the model."""


@dataclass(frozen=True, slots=True)
class Runnable:
    """A tool and how to run it.

    Attributes:
        tool: what the model is told of it.
        deadline_s: how long it may take.
        run: does it, and says in words what came of it. Cancelled at the deadline, and when the
            caller interrupts.
    """

    tool: Tool
    deadline_s: float
    run: Callable[[Mapping[str, Json]], Awaitable[str]]


async def outcome(runnable: Runnable, arguments: Mapping[str, Json]) -> str:
    """Run a tool; its result, or what went wrong, in words. Raises only when it is cancelled."""
    name = runnable.tool.name
    limit = asyncio.timeout(runnable.deadline_s)
    try:
        async with limit:
            return clipped(await runnable.run(arguments))
    except ToolFault as fault:
        return clipped(f"{name} failed: {fault}")
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody cancelled us: something that the tool waited for was cancelled, inside it.
        return f"{name} failed: what it waited for was cancelled"
    except (Exception, SystemExit) as fault:  # whatever a tool raises, the model can speak about
        if limit.expired():
            return _too_slow(runnable)
        return clipped(f"{name} failed: {type(fault).__name__}: {fault}")


def _too_slow(runnable: Runnable) -> str:
    doubt = " It is not known whether it was done." if runnable.tool.effects else ""
    return f"{runnable.tool.name} did not answer within {runnable.deadline_s:g} s.{doubt}"


def clipped(text: str) -> str:
    """The text, or the beginning of one that is too long, as a model can be sent it: a file's name,
    for one, may hold lone surrogates."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= RESULT_CHARS else f"{text[:RESULT_CHARS]} [the rest was left out]"


def in_words(value: object) -> str:
    """What a function returned, for a model."""
    if value is None:
        return "done"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
