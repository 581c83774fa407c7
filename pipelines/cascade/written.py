"""Text between who writes a reply and the voice that speaks it."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from enum import Enum, auto

from agent.core.errors import EngineError

AHEAD_CHARS = 2000
"""Text that may wait for the voice: two minutes of talk, after which a reply is cut."""


class Pace(Enum):
    """How far the writer may go."""

    WAIT = auto()
    NEXT = auto()  # the voice waits for a piece
    AHEAD = auto()


class Written:
    """One writer, one voice.

    The writer goes on when the voice wants more, so that little is written in vain for a reply that
    may be thrown away. Once the reply is heard it writes ahead, up to AHEAD_CHARS: what it calls
    for at its end is known while its beginning is spoken.
    """

    def __init__(self) -> None:
        self._pieces: deque[str] = deque()
        self._chars = 0
        self._pace = Pace.WAIT
        self._ends: list[EngineError | None] = []
        self._changed = asyncio.Event()

    def go_ahead(self) -> None:
        """The reply is heard."""
        self._pace = Pace.AHEAD
        self._changed.set()

    def put(self, text: str) -> None:
        """More text; `wanted` first."""
        self._pieces.append(text)
        self._chars += len(text)
        self._pace = Pace.AHEAD if self._pace is Pace.AHEAD else Pace.WAIT
        self._changed.set()

    def end(self, fault: EngineError | None = None) -> None:
        """There is no more; the voice is told of a fault once it has come so far."""
        self._ends.append(fault)
        self._changed.set()

    async def wanted(self) -> None:
        """Wait until more should be written."""
        while self._pace is Pace.WAIT or self._chars >= AHEAD_CHARS:
            await self._change()

    async def pieces(self) -> AsyncGenerator[str, None]:
        """The text as it comes.

        Raises:
            EngineError: the one that ended it.
        """
        while True:
            if not self._pieces and self._pace is Pace.WAIT:
                self._pace = Pace.NEXT
            self._changed.set()
            while not self._pieces and not self._ends:
                await self._change()
            if not self._pieces:
                break
            text = self._pieces.popleft()
            self._chars -= len(text)
            yield text
        if (fault := self._ends[0]) is not None:
            raise fault

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
