"""Arbitrary chunks of sound in, frames of one exact size out."""

import numpy as np

from agent.core.audio import AudioFrame, Samples


def frame_samples(rate: int, frame_s: float = 0.02) -> int:
    """Samples of a frame of about `frame_s`: 320 at 16 kHz, 441 at 22.05 kHz."""
    return max(1, round(rate * frame_s))


def check_frame(frame: AudioFrame, samples: int, rate: int) -> None:
    """Refuse a frame that `Call.play` does not take.

    Raises:
        ValueError: it has not as many samples, or another rate.
    """
    if (len(frame.samples), frame.rate) != (samples, rate):
        raise ValueError(
            f"play: expected {samples} samples of {rate} Hz, "
            f"found {len(frame.samples)} of {frame.rate} Hz"
        )


class Reframer:
    """Cuts a stream into frames of `frame_samples` and counts their positions. Pure.

    Holds less than one frame. What comes out depends only on the samples that went in, never on
    how they were cut into chunks.
    """

    def __init__(self, frame_samples: int, rate: int) -> None:
        if frame_samples < 1:
            raise ValueError(f"frame_samples: expected at least 1, found {frame_samples}")
        self._frame_samples = frame_samples
        self._rate = rate
        self._rest: Samples = np.zeros(0, np.float32)
        self._position = 0

    @property
    def position(self) -> int:
        """Samples that came out so far: where the next frame starts."""
        return self._position

    @property
    def pending(self) -> int:
        """Samples held back because they do not fill a frame."""
        return len(self._rest)

    def push(self, samples: Samples) -> list[AudioFrame]:
        """Take samples, float32 [n], any n; every frame they complete, oldest first."""
        if len(self._rest) + len(samples) < self._frame_samples:
            self._rest = np.concatenate((self._rest, samples))
            return []
        whole = np.concatenate((self._rest, samples))
        count = len(whole) // self._frame_samples
        cut = count * self._frame_samples
        self._rest = whole[cut:].copy()  # a view would keep the whole chunk alive
        return [self._frame(part) for part in np.split(whole[:cut], count)]

    def finish(self) -> AudioFrame | None:
        """What is held back, padded with silence to a whole frame; None when nothing is."""
        if not self.pending:
            return None
        part = np.zeros(self._frame_samples, np.float32)
        part[: self.pending] = self._rest
        self.clear()
        return self._frame(part)

    def clear(self) -> None:
        """Forget what is held back; positions go on from what came out."""
        self._rest = np.zeros(0, np.float32)

    def _frame(self, samples: Samples) -> AudioFrame:
        frame = AudioFrame(samples, self._rate, self._position)
        self._position = frame.end
        return frame
