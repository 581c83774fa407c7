"""The sound of the caller's turn, for a responder that hears it instead of reading its words."""

from collections import deque
from collections.abc import Collection

import numpy as np

from agent.core.audio import AudioFrame


class TurnSound:
    """Keeps what the recogniser was given of the last segments, up to `limit_s` in all.

    Pauses between segments are in it as far as the recogniser had them. What does not fit is the
    oldest sound: a model answers the end of what was said.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._frames: deque[tuple[int, AudioFrame]] = deque()
        self._samples = 0

    def take(self, segment: int, frame: AudioFrame) -> None:
        """The next sound of a segment, all of one rate."""
        self._frames.append((segment, frame))
        self._samples += len(frame.samples)
        while self._samples > self._limit_s * frame.rate:
            _, oldest = self._frames.popleft()
            self._samples -= len(oldest.samples)

    def forget(self, segments: Collection[int]) -> None:
        """What was heard of these segments has been answered; what follows of them is kept."""
        self._frames = deque(kept for kept in self._frames if kept[0] not in segments)
        self._samples = sum(len(frame.samples) for _, frame in self._frames)

    def of(self, segments: Collection[int]) -> AudioFrame | None:
        """These segments, one after the other; None where nothing of them is kept."""
        frames = [frame for segment, frame in self._frames if segment in segments]
        if not frames:
            return None
        sound = np.concatenate([frame.samples for frame in frames])
        return AudioFrame(sound, frames[0].rate, frames[0].start)
