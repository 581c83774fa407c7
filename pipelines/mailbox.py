"""A bounded mailbox for events, which must never be dropped."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class MailboxFull(RuntimeError):
    """More events wait than a live call can produce: the reader is stuck."""


class Mailbox(Generic[T]):
    """Events from the tasks of one call, read by one task in order.

    `limit` is far above what a call produces between two loop steps (a handful); reaching it means
    that the reader is stuck, and the call must end rather than lose an event.
    """

    def __init__(self, limit: int = 1024) -> None:
        self._items: deque[T] = deque()
        self._limit = limit
        self._arrived = asyncio.Event()

    def put(self, item: T) -> None:
        """Add one, without waiting.

        Raises:
            MailboxFull: the reader has stopped reading.
        """
        if len(self._items) >= self._limit:
            raise MailboxFull(f"mailbox: expected at most {self._limit} waiting events")
        self._items.append(item)
        self._arrived.set()

    async def take(self, deadline: float | None) -> T | None:
        """The oldest event, or None when loop time reaches `deadline` first."""
        if not self._items:
            self._arrived.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._arrived.wait()
            except TimeoutError:
                return None
        return self._items.popleft()
