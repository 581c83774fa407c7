"""Recording a call while it is held."""

from collections.abc import AsyncIterator
from typing import Protocol

import numpy as np

from agent.core.around import CallAround
from agent.core.audio import AudioFrame, Samples
from agent.core.calls import Call, Incoming, Note
from audio_io.resample import Resampler
from audio_io.ring import SampleRing
from audio_io.wav_file import Side

_UNEVEN_S = 0.06  # marks come in blocks: only a longer gap is a pause of the agent's
_WAITING_S = 2.0  # far more than any transport lets wait between `play` and the ear


class Recording(Protocol):
    """A call on disk as it happens."""

    @property
    def rate(self) -> int:
        """Samples per second of both sides, in Hz."""

    def append(self, side: Side, frame: AudioFrame) -> None:
        """Put sound on one side at `frame.start`; silence fills the way there."""


class Tracks:
    """Two unbroken streams on their way to a recording at its own rate.

    Attributes:
        level: 1, or 0 while what is said must reach no disk: silence takes its place.
    """

    def __init__(self, recording: Recording, rate: int, play_rate: int) -> None:
        self._recording = recording
        self._resamplers = {
            Side.CALLER: Resampler(rate, recording.rate),
            Side.AGENT: Resampler(play_rate, recording.rate),
        }
        self._positions = {Side.CALLER: 0, Side.AGENT: 0}
        self.level = 1.0

    def add(self, side: Side, samples: Samples) -> None:
        """The next samples of one side."""
        out = self._resamplers[side].push(samples if self.level else np.zeros_like(samples))
        frame = AudioFrame(out, self._recording.rate, self._positions[side])
        self._recording.append(side, frame)
        self._positions[side] = frame.end


def recorded(call: Call, recording: Recording) -> Call:
    """The same call, with both sides on disk as they were heard, to about 60 ms.

    While the call is told `Note("sensitive", {"on": true})` both sides are silent on disk, and time
    goes on: a card's number reaches no file.

    For transports that end in the world. The agent's sound is put where the call says it was
    played, on the caller's time line; what was flushed is not in it. Calls that are played out in
    this process record themselves, exactly.
    """
    return _RecordedCall(call, recording)


class _RecordedCall(CallAround):
    def __init__(self, call: Call, recording: Recording) -> None:
        super().__init__(call)
        self._tracks = Tracks(recording, call.rate, call.play_rate)
        self._unheard = SampleRing(round(_WAITING_S * call.play_rate))
        self._handed = 0
        self._heard = 0  # of what was handed over, samples that have sounded or are gone
        self._gone = 0  # samples up to which a flush took the rest
        self._now = 0  # end of the caller's sound so far, at the play rate
        self._placed = 0  # end of the agent's track, at the play rate

    async def frames(self) -> AsyncIterator[Incoming]:
        async for item in self.call.frames():
            if isinstance(item, AudioFrame):
                self._tracks.add(Side.CALLER, item.samples)
                self._now = item.end * self.play_rate // item.rate
                self._place()
            yield item

    async def play(self, frame: AudioFrame) -> None:
        self._handed += len(frame.samples)
        self._unheard.write(frame.samples)
        await self.call.play(frame)

    def flush(self) -> None:
        self._place()
        self._unheard.clear()
        self._gone = self._handed
        self.call.flush()

    def tell(self, note: Note) -> None:
        if note.kind == "sensitive":
            self._place()  # what was heard until now is as it was before
            self._tracks.level = 0.0 if note.data.get("on") else 1.0
        self.call.tell(note)

    def _place(self) -> None:
        """Put what sounded since the last time on the agent's track."""
        played = self.call.played()
        count = max(0, played - max(self._heard, self._gone))
        self._heard = max(self._heard, played)
        count = min(count, len(self._unheard))
        pause = self._now - count - self._placed
        if count and pause > _UNEVEN_S * self.play_rate:
            self._tracks.add(Side.AGENT, np.zeros(pause, np.float32))
            self._placed += pause
        self._tracks.add(Side.AGENT, self._unheard.read(count))
        self._placed += count
