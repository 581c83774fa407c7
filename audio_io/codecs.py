"""Samples to bytes and back: the encodings a wire carries."""

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import ProtocolError

SAMPLE_BYTES = 2
"""Bytes of one sample in pcm_s16le."""

_SCALE = 32768.0  # so that every 16-bit value comes back as itself


def to_pcm16(samples: Samples) -> bytes:
    """Float32 [n] as 16-bit little-endian PCM; what is beyond −1..1 is clipped, NaN is silence."""
    scaled = np.rint(np.nan_to_num(samples) * _SCALE)
    encoded: bytes = np.clip(scaled, -32768, 32767).astype("<i2").tobytes()
    return encoded


def from_pcm16(data: bytes) -> Samples:
    """16-bit little-endian PCM as float32 [n], −1..1.

    Raises:
        ProtocolError: half a sample at the end.
    """
    if len(data) % SAMPLE_BYTES:
        raise ProtocolError(
            f"PCM: expected an even number of bytes, 2 for each 16-bit sample, found {len(data)}; "
            "send whole samples in every message"
        )
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(_SCALE)
