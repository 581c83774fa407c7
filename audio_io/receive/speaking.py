"""What the agent says on its way to a caller: a short queue that is emptied at a steady beat."""

import asyncio
from collections import deque

from agent.core.audio import Samples
from audio_io.ear_clock import EarClock


class Speaking:
    """Frames handed over and not sent yet, and how much of what was sent has reached the ear.

    Whoever hands over waits while it is full, so that nothing is ever far ahead; while nobody takes
    frames, what is said is held.
    """

    def __init__(self, rate: int, limit: int, ear_s: float) -> None:
        """Of sound of `rate` Hz, `limit` frames of it, for an ear `ear_s` away."""
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._clock = EarClock(rate, ear_s)
        self._frames: deque[Samples] = deque()
        self._room = asyncio.Event()
        self._closed = False

    async def put(self, samples: Samples) -> None:
        """Hand over a frame; returns when there is room for another."""
        self._frames.append(samples)
        while len(self._frames) >= self._limit and not self._closed:
            self._room.clear()
            await self._room.wait()

    def take(self) -> Samples | None:
        """The next frame, which is sent now; None where there is none."""
        if not self._frames:
            return None
        samples = self._frames.popleft()
        self._clock.sent(len(samples), self._loop.time())
        self._room.set()
        return samples

    def flush(self) -> None:
        """Take back what was not sent; it counts as played."""
        self._clock.flushed(sum(map(len, self._frames)), self._loop.time())
        self._frames.clear()
        self._room.set()

    def close(self) -> None:
        """Nothing more will be sent."""
        self._closed = True
        self.flush()

    def played(self) -> int:
        """Samples that have reached the ear, or were flushed."""
        return self._clock.played(self._loop.time())

    def ear_is(self, away_s: float) -> None:
        """How long it is from our sending to the ear, from now on."""
        self._clock.delay_s = away_s
