"""Samples to bytes and back: the encodings a wire carries."""

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import ProtocolError

SAMPLE_BYTES = 2
"""Bytes of one sample in pcm_s16le."""

_SCALE = 32768.0  # so that every 16-bit value comes back as itself

_MULAW_BIAS = 33  # added to 14-bit magnitudes, so that each segment begins at a power of two
_MULAW_MOST = 8191  # 13 bits of magnitude, bias included


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


def mulaw_encode(samples: Samples) -> bytes:
    """Float32 [n] as G.711 µ-law, a byte a sample; clipped and silenced as in `to_pcm16`.

    Source: ITU-T G.711 (1988), table 2a; 16-bit values are cut to its 14 as in ITU-T G.191's
    ulaw_compress.
    """
    values = np.frombuffer(to_pcm16(samples), "<i2").astype(np.int32)
    magnitudes = (np.where(values < 0, ~values, values) >> 2) + _MULAW_BIAS
    magnitudes = np.minimum(magnitudes, _MULAW_MOST)
    segments = np.frexp(magnitudes.astype(np.float64))[1] - 6  # 0 for 33-63, 7 for 4096-8191
    steps = (magnitudes >> (segments + 1)) & 0xF
    codes = (segments << 4) | steps | np.where(values < 0, 0x80, 0)
    encoded: bytes = (~codes & 0xFF).astype(np.uint8).tobytes()  # sent with every bit inverted
    return encoded


def mulaw_decode(data: bytes) -> Samples:
    """G.711 µ-law as float32 [n], −1..1. Source: ITU-T G.711 (1988), table 2a, times 4."""
    return _MULAW_VALUES[np.frombuffer(data, np.uint8)]


def _mulaw_values() -> Samples:
    codes = ~np.arange(256) & 0xFF
    segments, steps = (codes >> 4) & 7, codes & 0xF
    magnitudes = (((2 * steps + _MULAW_BIAS) << segments) - _MULAW_BIAS) * 4
    values = np.where(codes & 0x80, -magnitudes, magnitudes) / _SCALE
    return values.astype(np.float32)


_MULAW_VALUES = _mulaw_values()


def to_alaw(samples: Samples) -> bytes:
    """Float32 [n] as G.711 A-law, a byte a sample; clipped and silenced as in `to_pcm16`.

    Source: ITU-T G.711 (1988), table 1a; 16-bit values are cut to its 13 as in ITU-T G.191's
    alaw_compress.
    """
    values = np.frombuffer(to_pcm16(samples), "<i2").astype(np.int32)
    magnitudes = np.where(values < 0, ~values, values) >> 4  # 11 bits, 0-2047
    segments = np.maximum(np.frexp(magnitudes.astype(np.float64))[1] - 4, 0)
    steps = (magnitudes >> np.maximum(segments - 1, 0)) & 0xF
    codes = (segments << 4) | steps | np.where(values < 0, 0, 0x80)
    encoded: bytes = (codes ^ 0x55).astype(np.uint8).tobytes()  # sent with even bits inverted
    return encoded


def from_alaw(data: bytes) -> Samples:
    """G.711 A-law as float32 [n], −1..1. Source: ITU-T G.711 (1988), table 1a, times 8."""
    return _ALAW_VALUES[np.frombuffer(data, np.uint8)]


def _alaw_values() -> Samples:
    codes = np.arange(256) ^ 0x55
    segments, steps = (codes >> 4) & 7, codes & 0xF
    first = 2 * steps + 1  # the middle of its step, in the lower two segments
    magnitudes = np.where(segments == 0, first, (first + 32) << np.maximum(segments - 1, 0)) * 8
    values = np.where(codes & 0x80, magnitudes, -magnitudes) / _SCALE
    return values.astype(np.float32)


_ALAW_VALUES = _alaw_values()
