"""Waiting for a loudspeaker to have room again."""

import asyncio
import contextlib


class Room:
    """Lets `play` wait for its time, and not a moment longer once a flush has made room."""

    def __init__(self) -> None:
        self._made = asyncio.Event()

    def make(self) -> None:
        """Whoever waits goes on at once."""
        self._made.set()

    async def wait_until(self, due: float) -> None:
        """Wait until loop time `due` or until room is made; gives others a turn in any case."""
        self._made.clear()
        if due <= asyncio.get_running_loop().time():
            await asyncio.sleep(0)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._made.wait()
