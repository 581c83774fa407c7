"""A WAV file as the caller's microphone."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.calls import CallTraits, Incoming, Note, Order
from audio_io.circuit import Circuit
from audio_io.framing import frame_samples
from audio_io.orders import refusal
from audio_io.wav_file import StereoWriter, read_wav


class WavCall:
    """A call from somebody who plays a WAV file into the telephone and hangs up.

    Frames of 20 ms are paced by loop time: real time on a usual loop, no time on a virtual one.

    Attributes:
        notice: what is wrong with the file though it could be used, or empty.
        circuit: the clock, the loudspeaker and the notes of this call.
    """

    def __init__(
        self,
        path: Path,
        play_rate: int | None = None,
        tail_s: float = 2.0,
        recording: StereoWriter | None = None,
    ) -> None:
        """A call from a file.

        Args:
            path: the caller's sound, at any rate.
            play_rate: rate of the agent's sound in Hz; by default the file's.
            tail_s: silence after the file before hanging up, for the agent to finish.
            recording: both sides, as they were heard; closed by whoever opened it.

        Raises:
            ConfigError: the file cannot be used.
        """
        wav = read_wav(path)
        tail = np.zeros(round(tail_s * wav.rate), np.float32)
        self._samples = np.concatenate((wav.samples, tail))
        self.notice = wav.notice
        self.circuit = Circuit(wav.rate, play_rate or wav.rate, recording)

    @property
    def rate(self) -> int:
        """The file's rate, in Hz."""
        return self.circuit.rate

    @property
    def play_rate(self) -> int:
        """Rate of the agent's sound, in Hz."""
        return self.circuit.play_rate

    @property
    def frame_samples(self) -> int:
        """Samples in 20 ms at `play_rate`."""
        return self.circuit.frame_samples

    @property
    def traits(self) -> CallTraits:
        """Our clock, exact flushes."""
        return CallTraits(rewinds=True)

    async def frames(self) -> AsyncIterator[Incoming]:
        """The file, then silence, then the end. May be called once."""
        count = frame_samples(self.rate)
        start = 0
        while start < len(self._samples) and await self.circuit.beat() is not None:
            samples = np.zeros(count, np.float32)
            part = self._samples[start : start + count]
            samples[: len(part)] = part
            yield self.circuit.said(AudioFrame(samples, self.rate, start))
            start += count
        self.circuit.close()

    async def play(self, frame: AudioFrame) -> None:
        """The agent's next 20 ms; returns when at most 40 ms wait to be heard."""
        await self.circuit.play(frame)

    def flush(self) -> None:
        """Take back what was not heard yet."""
        self.circuit.flush()

    def played(self) -> int:
        """Samples heard or flushed."""
        return self.circuit.played()

    def tell(self, note: Note) -> None:
        """Keep the note among the newest of the circuit."""
        self.circuit.notes.append(note)

    async def order(self, order: Order) -> None:
        """None is carried out."""
        raise refusal(order, "a WAV file")

    async def close(self) -> None:
        """Hang up."""
        self.circuit.close()
