"""The caller's segments on their way to the recogniser, which may be slower than the sound.

The listener never waits for it: sound queues here, bounded, and is fed in one piece when the
recogniser is free again. What does not fit is the oldest sound, and is counted.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from agent.core.audio import AudioFrame, join
from agent.core.calls import Trace
from agent.core.errors import EngineError
from agent.core.events import Transcript
from agent.core.protocols import Expectation, Recognition, Recognizer
from pipelines.cascade.turn_sound import TurnSound

LIMIT_S = 30.0
"""Sound that may wait for the recogniser. Loading one takes about a second; at 30 s it has failed,
and answering to what was said half a minute ago would be worse than asking again."""


@dataclass(frozen=True, slots=True)
class _Begin:
    segment: int


@dataclass(frozen=True, slots=True)
class _End:
    segment: int


class Hearing:
    """Feeds the segments of one call to the recogniser, in order."""

    def __init__(
        self,
        recognizer: Recognizer,
        expected: Callable[[], Expectation],
        heard: Callable[[Transcript], None],
        sound: TurnSound,
        trace: Trace,
    ) -> None:
        """`expected` is asked when a segment begins; `heard` is told every transcript."""
        self._recognizer = recognizer
        self._expected = expected
        self._heard = heard
        self._sound = sound
        self._trace = trace
        self._segment = 0
        self._waiting: deque[_Begin | AudioFrame | _End] = deque()
        self._samples = 0
        self._last = Transcript(
            0, ""
        )  # the newest of the present segment, kept if the engine breaks
        self._arrived = asyncio.Event()

    def begin(self, segment: int) -> None:
        """A segment starts; its sound follows."""
        self._segment = segment
        self._put(_Begin(segment))

    def feed(self, frame: AudioFrame) -> None:
        """Sound of the segment that began last."""
        self._sound.take(self._segment, frame)
        self._samples += len(frame.samples)
        self._put(frame)
        while self._samples > LIMIT_S * frame.rate:
            self._drop_oldest()

    def end(self, segment: int) -> None:
        """The segment is over."""
        self._put(_End(segment))

    async def run(self) -> None:
        """Recognise until cancelled. An engine that fails loses its segment, not the call."""
        while True:
            begin = await self._take()
            if isinstance(begin, _Begin):
                await self._recognise(begin.segment)

    async def _recognise(self, segment: int) -> None:
        self._last = Transcript(segment, "")
        try:
            recognition = await self._recognizer.open(segment, self._expected())
            try:
                await self._follow(recognition)
                self._last = await recognition.finish()
            finally:
                await recognition.close()
        except EngineError as fault:
            self._trace("error", message=str(fault), segment=segment)
            self._last = Transcript(segment, self._last.text, final=True)
        self._heard(self._last)

    async def _follow(self, recognition: Recognition) -> None:
        """Feed until the segment ends, and tell what changes."""
        while not isinstance(item := await self._take(), _End):
            if isinstance(item, _Begin):
                continue  # its end was never told; treat both as one segment
            for transcript in await recognition.feed(self._all_that_waits(item)):
                if transcript != self._last:
                    self._heard(transcript)
                    self._last = transcript

    def _put(self, item: _Begin | AudioFrame | _End) -> None:
        self._waiting.append(item)
        self._arrived.set()

    async def _take(self) -> _Begin | AudioFrame | _End:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        item = self._waiting.popleft()
        if isinstance(item, AudioFrame):
            self._samples -= len(item.samples)
        return item

    def _all_that_waits(self, first: AudioFrame) -> AudioFrame:
        """`first` and the frames that follow it without a gap."""
        frames = [first]
        while self._waiting:
            following = self._waiting[0]
            if not isinstance(following, AudioFrame) or following.start != frames[-1].end:
                break
            self._samples -= len(following.samples)
            self._waiting.popleft()
            frames.append(following)
        return join(frames)

    def _drop_oldest(self) -> None:
        oldest = next(i for i in self._waiting if isinstance(i, AudioFrame))
        self._waiting.remove(oldest)
        self._samples -= len(oldest.samples)
        self._trace("dropped", what="recognizer", samples=len(oldest.samples))
