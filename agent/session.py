"""One call and one pipeline: how long they live, what ends them, what is kept of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from agent.core.calls import Call, Note, Trace
from agent.core.errors import CallClosed, ParleyError
from agent.core.protocols import Pipeline

MAX_CALL_S = 3600.0
"""Longest call. A line that nobody hangs up would otherwise hold its place for ever."""


class Ending(StrEnum):
    """Why a call ended."""

    HUNG_UP = "hung up"
    TOO_LONG = "too long"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended, with a sentence where something was wrong."""

    ending: Ending
    message: str = ""


async def run_call(
    call: Call, pipeline: Pipeline, trace: Trace, *, max_call_s: float = MAX_CALL_S
) -> Ended:
    """Hold one conversation and close the call, whatever happens.

    A failure is traced once, told to the far side and returned: one call's end is no reason for
    another's. Only cancellation passes through.
    """
    try:
        ended = await _converse(call, pipeline, trace, max_call_s)
        if ended.message:
            trace("error", message=ended.message)
            call.tell(Note("error", {"message": ended.message}))
    except asyncio.CancelledError:
        trace("end", reason="cancelled")
        raise
    else:
        trace("end", reason=ended.ending.value)
        return ended
    finally:
        await call.close()


async def _converse(call: Call, pipeline: Pipeline, trace: Trace, max_call_s: float) -> Ended:
    limit = asyncio.timeout(max_call_s)
    try:
        async with limit:
            await pipeline.converse(call, trace)
    except TimeoutError as fault:
        if limit.expired():
            return Ended(Ending.TOO_LONG, f"the call reached its limit of {max_call_s:.0f} s")
        return Ended(Ending.FAILED, describe([fault]))
    except Exception as fault:  # the last door: a call must not take others with it
        faults = leaves(fault)
        if all(isinstance(f, CallClosed) for f in faults):
            return Ended(Ending.HUNG_UP)
        return Ended(Ending.FAILED, describe(faults))
    return Ended(Ending.HUNG_UP)


def leaves(fault: BaseException) -> list[BaseException]:
    """The exceptions inside nested groups, in order."""
    if isinstance(fault, BaseExceptionGroup):
        return [leaf for inner in fault.exceptions for leaf in leaves(inner)]
    return [fault]


def describe(faults: Sequence[BaseException]) -> str:
    """Sentences for a person: ours as they are, others with their type and place."""
    return "; ".join(dict.fromkeys(_sentence(f) for f in faults if not isinstance(f, CallClosed)))


def _sentence(fault: BaseException) -> str:
    if isinstance(fault, ParleyError):
        return str(fault)
    place = fault.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f" at {place.tb_frame.f_code.co_name}:{place.tb_lineno}"
    return f"unexpected {type(fault).__name__}: {fault}{where}"
