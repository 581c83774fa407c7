"""A call as its pipelines need it: what was heard may be taken by one, and then by another."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

import numpy as np

from agent.core.around import CallAround
from agent.core.audio import AudioFrame, Samples
from agent.core.calls import Call, Incoming, Note
from agent.core.errors import CallClosed

WAITING_S = 2.0
"""The caller's sound that waits for a pipeline; the oldest beyond it is dropped."""

ENTERED = 64
"""Keys and lines that wait with it: nobody types more in that time. Later ones are left out."""

RECALL_S = 10.0
"""The caller's last sound, kept for who takes over: a question and the answer to it, and as much as
a recogniser gets through before the caller loses patience. One megabyte a call."""


class Line:
    """One call. `listen` must run all the time.

    Attributes:
        call: the call itself.
        handed: samples handed over to be played.
        dropped: samples dropped because nobody took them.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self.handed = 0
        self.dropped = 0
        self._items: deque[Incoming] = deque()
        self._waiting = 0
        self._recall: deque[AudioFrame] = deque()
        self._recalled = 0
        self._sounds_until = 0.0  # loop time, as if all that is handed over sounds at once
        self._news = asyncio.Event()
        self._over = asyncio.Event()
        self._patience: asyncio.Timeout | None = None

    @property
    def is_over(self) -> bool:
        """Whether the caller has hung up."""
        return self._over.is_set()

    async def listen(self) -> None:
        """Take what comes from the caller, until they hang up."""
        try:
            async for item in self.call.frames():
                self._put(item)
        except CallClosed:
            pass
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        """Nobody is there any more."""
        self._over.set()
        self._news.set()
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())

    @contextlib.asynccontextmanager
    async def while_there(self, seconds: float) -> AsyncIterator[None]:
        """Raises TimeoutError in what is done here after so long, or once the caller hangs up."""
        try:
            async with asyncio.timeout(0 if self.is_over else seconds) as self._patience:
                yield
        finally:
            self._patience = None

    def take(self) -> list[Incoming]:
        """All that has come and was not taken."""
        items = list(self._items)
        self._items.clear()
        self._waiting = 0
        for item in items:
            self._keep(item)
        return items

    async def wait(self, deadline: float | None) -> None:
        """Until something comes, the caller hangs up, or loop time reaches `deadline`."""
        if self._items or self.is_over:
            return
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._news.wait()

    async def play(self, samples: Samples) -> None:
        """The next `call.frame_samples` samples, as `Call.play`."""
        start, self.handed = self.handed, self.handed + len(samples)
        now = asyncio.get_running_loop().time()
        self._sounds_until = max(self._sounds_until, now) + len(samples) / self.call.play_rate
        await self.call.play(AudioFrame(samples, self.call.play_rate, start))

    def ahead(self) -> int:
        """Samples that were handed over and cannot have sounded yet, by our clock."""
        left_s = self._sounds_until - asyncio.get_running_loop().time()
        return max(0, round(left_s * self.call.play_rate))

    def when(self, position: int) -> float:
        """Loop time at which this sample of the agent's sounds, as far as our clock knows."""
        return self._sounds_until - (self.handed - position) / self.call.play_rate

    def rest(self, replies: int) -> "Rest":
        """The call from here on, for who takes over.

        Its positions and the numbers of its replies begin anew; the far side has heard `replies`.
        """
        recent = [frame.samples for frame in self._recall]
        sound = np.concatenate([np.zeros(0, np.float32), *recent])
        until = asyncio.get_running_loop().time() - self._waiting / self.call.rate
        self._recall.clear()
        self._recalled = 0
        return Rest(self, replies, AudioFrame(sound, self.call.rate, 0), until)

    def _put(self, item: Incoming) -> None:
        if isinstance(item, AudioFrame):
            self._waiting += len(item.samples)
        elif sum(not isinstance(other, AudioFrame) for other in self._items) >= ENTERED:
            return
        self._items.append(item)
        while self._waiting > WAITING_S * self.call.rate:
            self._lose_sound()
        self._news.set()

    def _lose_sound(self) -> None:
        """The oldest that waits; keys and lines stay where they are."""
        sounds = ((n, item) for n, item in enumerate(self._items) if isinstance(item, AudioFrame))
        place, frame = next(sounds)
        del self._items[place]
        self._waiting -= len(frame.samples)
        self.dropped += len(frame.samples)

    def _keep(self, item: Incoming) -> None:
        if not isinstance(item, AudioFrame):
            return
        self._recall.append(item)
        self._recalled += len(item.samples)
        while self._recalled > RECALL_S * self.call.rate:
            self._recalled -= len(self._recall.popleft().samples)


class Rest(CallAround):
    """What is left of a call.

    Attributes:
        recent: the caller's last sound before it.
        recent_until: loop time at which that ends.
    """

    def __init__(self, line: Line, replies: int, recent: AudioFrame, recent_until: float) -> None:
        self._line, self._replies = line, replies
        super().__init__(line.call)
        self._before = line.handed
        self._again = np.zeros(0, np.float32)
        self.recent, self.recent_until = recent, recent_until

    def again_from(self, start: int) -> None:
        """The rest begins with `recent` from this sample on: nobody has taken it in."""
        self._again = self.recent.samples[start:]

    async def frames(self) -> AsyncIterator[Incoming]:
        position = len(self._again)
        if position:
            yield AudioFrame(self._again, self.rate, 0)
        while True:
            for item in self._line.take():
                if isinstance(item, AudioFrame):
                    yield AudioFrame(item.samples, item.rate, position)
                    position += len(item.samples)
                else:
                    yield item
            if self._line.is_over:
                return
            await self._line.wait(None)

    async def play(self, frame: AudioFrame) -> None:
        await self._line.play(frame.samples)

    def played(self) -> int:
        return max(0, self.call.played() - self._before)

    def tell(self, note: Note) -> None:
        match note.data.get("reply"):
            case int() as reply:
                note = Note(note.kind, {**note.data, "reply": reply + self._replies})
            case _:
                pass
        self.call.tell(note)
