"""The recording of one call: what both sides sent, on one clock."""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import ParleyError


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Two channels of equal length, float32 [n], -1..1: the caller as sent, the agent as played."""

    caller: Samples
    agent: Samples
    rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.caller) / self.rate


def read_recording(path: Path) -> Recording:
    """A stereo WAV of 16-bit samples, caller left, agent right.

    Raises:
        ParleyError: it is no WAV, or not such a one.
    """
    try:
        with wave.open(str(path), "rb") as file:
            shape = (file.getnchannels(), file.getsampwidth() * 8)
            rate = file.getframerate()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as fault:
        raise ParleyError(f"{path}: expected a WAV file: {fault}; record the call again") from fault
    if shape != (2, 16) or rate == 0 or rate % 100:
        raise ParleyError(
            f"{path}: expected 2 channels of 16 bits at a multiple of 100 Hz, found {shape[0]} "
            f"of {shape[1]} bits at {rate} Hz; record the call with parley"
        )
    pairs = np.frombuffer(data[: len(data) // 4 * 4], "<i2").reshape(-1, 2)
    both = pairs.astype(np.float32) / np.float32(32768)
    return Recording(np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1]), rate)
