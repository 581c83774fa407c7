"""The longest call: its end is announced, and then it ends."""

import asyncio
from collections.abc import Callable

from agent.core.events import Reason
from pipelines.cascade.asides import Manners


async def watch(
    manners: Manners, happened: Callable[[Reason], None], end: Callable[[str, str], None]
) -> None:
    """Say that the call must end, `warn_s` before it does; return at once without a limit."""
    if manners.limit_s:
        await asyncio.sleep(manners.limit_s - manners.warn_s)
        happened(Reason.LIMIT)
        await asyncio.sleep(manners.warn_s)
        end("agent", "limit")
