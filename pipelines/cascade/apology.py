"""An apology that does not depend on the engine that has just failed."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from agent.core.errors import EngineError
from agent.core.events import Reason
from agent.core.protocols import Message, Piece, Remark, Role

WAIT_S = 2.0
"""A responder may find its own words for trouble. The caller has waited for a reply in vain, so it
is given a fraction of what a reply is given."""


def apologises(messages: Sequence[Message]) -> bool:
    """Whether the reply that is asked for is an apology for one that failed."""
    return bool(messages) and messages[-1] == Message(Role.EVENT, Reason.TROUBLE)


async def or_else(pieces: AsyncGenerator[Piece, None], text: str) -> AsyncGenerator[Piece, None]:
    """The pieces; `text` where the responder fails again, or has no word within WAIT_S."""
    has_spoken = False
    async with aclosing(pieces):
        try:
            while True:
                async with asyncio.timeout(None if has_spoken else WAIT_S):
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                has_spoken = has_spoken or isinstance(piece, str)
                yield piece
        except (EngineError, TimeoutError) as fault:
            why = str(fault) or f"the responder had no word within {WAIT_S:g} s"
    yield Remark(f"a fixed apology is said: {why}")
    yield f" {text}" if has_spoken else text
