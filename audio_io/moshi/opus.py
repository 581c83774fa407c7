"""Opus packets to sound and back, by PyAV, which comes with aiortc and with faster-whisper."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import ConfigError, ProtocolError

if TYPE_CHECKING:
    from av import AudioCodecContext

OUT_RATE = 48_000
"""What a decoder puts out, in Hz, whatever the encoder took. Source: RFC 7845, section 5.1."""


class OpusEncoder:
    """20 ms in, one packet out, 6.5 ms late by the codec's look-ahead.

    Attributes:
        head: the OpusHead that a decoder needs.
    """

    def __init__(self, rate: int) -> None:
        """`rate` is one of Opus's own: 8000, 12000, 16000, 24000, 48000 Hz."""
        self._codec = _codec("libopus", "w")
        self._codec.sample_rate, self._codec.layout, self._codec.format = rate, "mono", "flt"
        self._codec.bit_rate = 32_000  # wide-band speech without audible loss
        self._codec.options = {"application": "voip", "frame_duration": "20"}
        self._codec.open()
        self._rate = rate
        self.head = bytes(self._codec.extradata or b"")

    def encode(self, samples: Samples) -> list[bytes]:
        """Float32 [rate / 50] as packets."""
        from av import AudioFrame as AvFrame  # noqa: PLC0415

        frame = AvFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
        frame.sample_rate = self._rate
        return [bytes(packet) for packet in self._codec.encode(frame)]


class OpusDecoder:
    """Packets in, mono sound at 48 kHz out."""

    def __init__(self, head: bytes) -> None:
        """`head` is the stream's OpusHead."""
        self._codec = _codec("opus", "r")
        self._codec.extradata = head

    def decode(self, packet: bytes) -> Samples:
        """Float32 [n], −1..1. Raises ProtocolError for what is no Opus."""
        from av import FFmpegError, Packet  # noqa: PLC0415

        if not packet:  # to FFmpeg the end of the stream: it would decode nothing after it
            return np.zeros(0, np.float32)
        try:
            frames = self._codec.decode(Packet(packet))
        except FFmpegError as fault:
            raise ProtocolError(
                f"expected an Opus packet, found {len(packet)} bytes that are none"
            ) from fault
        parts = [frame.to_ndarray().mean(axis=0) for frame in frames]
        return np.concatenate([np.zeros(0, np.float32), *parts]).astype(np.float32)


def _codec(name: Literal["libopus", "opus"], mode: Literal["r", "w"]) -> "AudioCodecContext":
    try:
        from av import CodecContext  # noqa: PLC0415
    except ImportError as fault:
        raise ConfigError("Opus: expected the package av, found none; `pip install av`") from fault
    return CodecContext.create(name, mode)
