"""Sound into RTP payloads and back, for each codec a telephone call may agree on."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.core.audio import Samples
from agent.core.errors import DeviceError, ProtocolError
from audio_io.codecs import from_alaw, from_pcm16, mulaw_decode, mulaw_encode, to_alaw, to_pcm16
from audio_io.opus import packet_samples
from audio_io.receive.concealment import Concealer
from audio_io.receive.received import Decoder
from audio_io.sip.sdp import G722, OPUS, PCMA, PCMU, Codec

_LONGEST_BYTES = 1500  # a datagram; a codec is not given more

Read = Callable[[bytes], Samples]

Encode = Callable[[Samples], bytes]
"""20 ms of sound, float32 [n], as a payload."""


class PhoneDecoder:
    """Payloads of one codec into sound; what is lost is made up from what was heard.

    Attributes:
        rate: of the sound, in Hz.
    """

    def __init__(self, rate: int, reads: Read) -> None:
        self.rate = rate
        self._reads = reads
        self._concealer = Concealer(rate)

    def decode(self, payload: bytes) -> Samples:
        """The sound of a packet; raises ProtocolError where it is none."""
        if len(payload) > _LONGEST_BYTES:
            raise ProtocolError(
                f"RTP: expected at most {_LONGEST_BYTES} bytes of sound, found more"
            )
        return self._concealer.good(self._reads(payload))

    def conceal(self, count: int) -> Samples:
        """Sound for `count` samples that were lost."""
        return self._concealer.lost(count)

    def recover(self, copy: bytes, count: int) -> Samples | None:
        """None: these codecs carry no copies that telephones would send."""
        del copy, count
        return None


def open_decoder(codec: Codec) -> Decoder:
    """A decoder for one call; raises DeviceError where a package is missing."""
    if codec.name == PCMU.name:
        return PhoneDecoder(codec.rate, mulaw_decode)
    if codec.name == PCMA.name:
        return PhoneDecoder(codec.rate, from_alaw)
    return PhoneDecoder(codec.rate, _AvReader(codec))


def open_encoder(codec: Codec) -> Encode:
    """An encoder for one call; raises DeviceError where a package is missing."""
    if codec.name == PCMU.name:
        return _by_table(_ULAW)
    if codec.name == PCMA.name:
        return _by_table(_ALAW)
    return _AvWriter(codec)


def usable(codec: Codec) -> bool:
    """Whether what the codec needs is installed."""
    try:
        open_encoder(codec)
    except DeviceError:
        return False
    return True


def samples_in(codec: Codec, payload: bytes) -> int:
    """Ticks of the RTP clock that a payload lasts; 0 where it is no sound.

    Source: RFC 3551, section 4.5.14, for G.722.
    """
    if codec.name == OPUS.name:
        return packet_samples(payload)
    return len(payload)  # a byte is a tick, for G.722 by an old mistake


# --- G.711 ----------------------------------------------------------------------------------------


def _table(encode: Encode) -> NDArray[np.uint8]:
    """The code of every 16-bit value, −32768 first: a look costs a tenth of a calculation, and
    with 50 calls 2500 frames are encoded a second."""
    every = (np.arange(-32768, 32768) / 32768).astype(np.float32)
    return np.frombuffer(encode(every), np.uint8)


_ULAW = _table(mulaw_encode)
_ALAW = _table(to_alaw)


def _by_table(table: NDArray[np.uint8]) -> Encode:
    def encode(samples: Samples) -> bytes:
        if not np.isfinite(np.dot(samples, samples)):
            samples = np.nan_to_num(samples)
        values = np.rint(np.minimum(np.maximum(samples, -1), 1) * np.float32(32768))
        index = np.minimum(values, 32767).astype(np.int32) + 32768
        encoded: bytes = table[index].tobytes()
        return encoded

    return encode


# --- codecs of FFmpeg -----------------------------------------------------------------------------

_NAMES = ((G722.name, "g722", "g722"), (OPUS.name, "libopus", "libopus"))


def _av() -> Any:
    try:
        import av  # noqa: PLC0415  # heavy, and may be missing
    except ImportError as fault:
        raise DeviceError(
            "codecs G722 and opus: expected the package av, found none; "
            'pip install \'av>=14\', or set codecs = ["PCMU", "PCMA"]'
        ) from fault
    return av


class _AvWriter:
    def __init__(self, codec: Codec) -> None:
        self._av = _av()
        name = next(writer for known, writer, _ in _NAMES if known == codec.name)
        self._context = self._av.CodecContext.create(name, "w")
        self._context.sample_rate = self._rate = codec.rate
        self._context.format, self._context.layout = "s16", "mono"
        self._context.time_base = Fraction(1, codec.rate)
        if codec.name == OPUS.name:
            self._context.bit_rate = (
                24_000  # speech is transparent. Source: RFC 7587, section 3.1.1
            )
            self._context.options = {"application": "voip"}
        self._context.open()
        self._at = 0

    def __call__(self, samples: Samples) -> bytes:
        values = np.frombuffer(to_pcm16(samples), "<i2").reshape(1, -1)
        frame = self._av.AudioFrame.from_ndarray(values, format="s16", layout="mono")
        frame.sample_rate, frame.pts = self._rate, self._at
        self._at += len(samples)
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


class _AvReader:
    def __init__(self, codec: Codec) -> None:
        self._av = _av()
        name = next(reader for known, _, reader in _NAMES if known == codec.name)
        self._context = self._av.CodecContext.create(name, "r")
        self._context.sample_rate = codec.rate
        self._context.layout = "mono"

    def __call__(self, payload: bytes) -> Samples:
        try:
            frames = self._context.decode(self._av.Packet(payload))
        except self._av.FFmpegError as fault:
            raise ProtocolError(f"RTP: cannot be decoded: {fault}") from fault
        sound = b"".join(frame.to_ndarray().astype("<i2").tobytes() for frame in frames)
        return from_pcm16(sound)
