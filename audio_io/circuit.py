"""A telephone circuit within this process: loudspeaker, clock and recording of a call."""

import asyncio
from collections import deque
from enum import Enum

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.calls import Note
from agent.core.errors import CallClosed
from audio_io.framing import check_frame, frame_samples
from audio_io.pacing import Pacer, position
from audio_io.recording import Tracks
from audio_io.room import Room
from audio_io.wav_file import Side, StereoWriter

LEAD_S = 0.04
"""Two frames of cushion against a late event loop, within the 60 ms that are allowed."""

_STALL_S = 0.5  # a device's own ring would have kept this much; after more the clock starts anew
_NOTES = 256  # the newest notes kept for whoever asks


async def sleep_until(due: float) -> None:
    """Sleep until loop time `due`; gives others a turn even when it is past."""
    await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))


class Loudspeaker:
    """A far side's loudspeaker on a time line of samples. Pure.

    What is put sounds in order without gaps as long as there is any, and silence otherwise.
    `now` is always a position on that line.

    Attributes:
        handed: samples put so far.
        gaps: times it ran dry and then went on.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Samples]] = deque()  # start and samples
        self._rendered = 0
        self.end = 0
        self.handed = 0
        self.gaps = 0

    def put(self, samples: Samples, now: int) -> None:
        """Let float32 [n] sound after what waits, from `now` on when nothing does."""
        self.gaps += self.handed > 0 and self.end < now
        start = max(self.end, now)
        self._waiting.append((start, samples))
        self.end = start + len(samples)
        self.handed += len(samples)

    def played(self, now: int) -> int:
        """Samples that have sounded or were flushed."""
        return self.handed - max(0, self.end - now)

    def flush(self, now: int) -> None:
        """Take back what has not sounded at `now`."""
        while self._waiting and self._waiting[-1][0] >= now:
            self._waiting.pop()
        if self._waiting and self.end > now:
            start, samples = self._waiting.pop()
            self._waiting.append((start, samples[: now - start]))
        self.end = min(self.end, now)

    def render(self, now: int) -> Samples:
        """What sounded since the last time, float32, silence included."""
        out = np.zeros(max(0, now - self._rendered), np.float32)
        while self._waiting and self._waiting[0][0] < now:
            start, samples = self._waiting.popleft()
            heard = samples[: now - start]
            out[start - self._rendered : start - self._rendered + len(heard)] = heard
            if len(heard) < len(samples):
                self._waiting.appendleft((now, samples[len(heard) :]))
        self._rendered = max(now, self._rendered)
        return out


class CircuitState(Enum):
    """What a circuit is doing."""

    IDLE = "idle"
    OPEN = "open"
    CLOSED = "closed"


class Circuit:
    """Both directions of a call that is played out here, by loop time: real or virtual.

    Sample s of either side sounds at `started + s / rate`.

    Attributes:
        notes: what the agent told the far side, newest last, at most 256.
        pacer: the beat of the caller's frames; counts how late they were.
        speaker: what of the agent's sound was heard when.
    """

    def __init__(self, rate: int, play_rate: int, recording: StereoWriter | None = None) -> None:
        self.rate = rate
        self.play_rate = play_rate
        self.frame_samples = frame_samples(play_rate)
        self.notes: deque[Note] = deque(maxlen=_NOTES)
        self.pacer = Pacer(frame_samples(rate) / rate, stall_s=_STALL_S)
        self.speaker = Loudspeaker()
        self._room = Room()
        self._state = CircuitState.IDLE
        self._started = 0.0
        self._tracks = Tracks(recording, rate, play_rate) if recording else None

    @property
    def is_open(self) -> bool:
        """Somebody is there."""
        return self._state is not CircuitState.CLOSED

    def now(self) -> float:
        """Seconds since the circuit was opened, which the first use does."""
        now = asyncio.get_running_loop().time()
        if self._state is CircuitState.IDLE:
            self._state, self._started = CircuitState.OPEN, now
            self.pacer.sent(now)  # a frame is there at its end: the first one a period from now
        return now - self._started

    async def beat(self) -> Samples | None:
        """Waits for the end of a frame of the caller's; what the agent said during it, float32.

        None when the circuit has been closed.
        """
        self.now()
        await sleep_until(self.pacer.due(self._started))
        if not self.is_open:
            return None
        self.pacer.sent(asyncio.get_running_loop().time())
        return self._listen()

    def said(self, frame: AudioFrame) -> AudioFrame:
        """Record the caller's frame, and pass it on."""
        if self._tracks:
            self._tracks.add(Side.CALLER, frame.samples)
        return frame

    async def play(self, frame: AudioFrame) -> None:
        """As `Call.play`; returns when at most 40 ms wait to be heard, and when flushed."""
        if not self.is_open:
            raise CallClosed("the caller has hung up")
        check_frame(frame, self.frame_samples, self.play_rate)
        self.speaker.put(frame.samples, self._heard())
        await self._room.wait_until(self._started + self.speaker.end / self.play_rate - LEAD_S)

    def flush(self) -> None:
        """As `Call.flush`."""
        self.speaker.flush(self._heard())
        self._room.make()

    def played(self) -> int:
        """As `Call.played`."""
        return self.speaker.played(self._heard())

    def close(self) -> None:
        """As `Call.close`, without waiting."""
        if self._state is CircuitState.OPEN:
            self._listen()
        self._state = CircuitState.CLOSED
        self._room.make()

    def _heard(self) -> int:
        return position(self.now(), self.play_rate)

    def _listen(self) -> Samples:
        samples = self.speaker.render(self._heard())
        if self._tracks:
            self._tracks.add(Side.AGENT, samples)
        return samples
