"""What a caller sent, waiting for whoever listens."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from agent.core.audio import AudioFrame, Samples
from agent.core.calls import Incoming
from agent.core.events import Digit, Typed
from audio_io.framing import frame_samples
from audio_io.ring import SampleRing

_ENTERED = 64  # keys and lines waiting to be read; nobody types faster than a pipeline reads


class Inbox:
    """Sound, keys and lines of one call.

    Live sound is worth more new than old: at the limit the oldest goes, and is counted.
    """

    def __init__(self, rate: int, limit_s: float) -> None:
        """An empty one.

        Args:
            rate: of the sound, in Hz.
            limit_s: how much sound may wait.
        """
        self._rate = rate
        self._ring = SampleRing(max(1, round(limit_s * rate)))
        self._entered: deque[Digit | Typed] = deque(maxlen=_ENTERED)
        self._news = asyncio.Event()
        self._closed = False

    @property
    def dropped(self) -> int:
        """Samples that nobody took in time."""
        return self._ring.dropped

    @property
    def is_behind(self) -> bool:
        """Whether a whole frame waits for whoever listens."""
        return len(self._ring) >= frame_samples(self._rate)

    def hear(self, samples: Samples) -> None:
        """Sound of any length, float32 [n]."""
        self._ring.write(samples)
        self._news.set()

    def enter(self, entry: Digit | Typed) -> None:
        """A key or a line of the caller's."""
        self._entered.append(entry)
        self._news.set()

    def close(self) -> None:
        """Nothing more will come; what waits can still be taken."""
        self._closed = True
        self._news.set()

    async def frames(self) -> AsyncIterator[Incoming]:
        """Sound in frames of 20 ms as it arrives, and keys. May be called once."""
        count, start = frame_samples(self._rate), 0
        while True:
            if self._entered:
                yield self._entered.popleft()
            elif len(self._ring) >= count:
                yield AudioFrame(self._ring.read(count), self._rate, start)
                start += count
            elif self._closed:
                return
            else:
                self._news.clear()
                await self._news.wait()
