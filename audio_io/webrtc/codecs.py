"""The caller's packets into sound at our rate, and our sound into packets."""

import numpy as np

from agent.core.audio import Samples
from audio_io.opus import CLOCK_RATE, OpusDecoder, OpusEncoder, packet_samples
from audio_io.receive.jitter import JitterBuffer, JitterSettings, Packet
from audio_io.receive.received import ReceivedSound
from audio_io.resample import Resampler
from audio_io.rtp.codecs import open_decoder, open_encoder
from audio_io.sip.sdp import G722, PCMA, PCMU, Codec

FRAME_S = 0.02
"""What we send at a time."""


def telephone(name: str) -> Codec | None:
    """A codec of telephones by its name in SDP; None for Opus."""
    return next((c for c in (PCMU, PCMA, G722) if c.name.lower() == name), None)


def samples_in(codec: str, payload: bytes) -> int:
    """Length of a packet in ticks of its clock; 0 where it is broken."""
    return len(payload) if telephone(codec) else packet_samples(payload)


class Hearing:
    """What the caller says, whatever codec it comes in.

    Attributes:
        sound: the stream as it comes in, with its counts.
    """

    def __init__(self, rate: int, settings: JitterSettings) -> None:
        """Sound at `rate` Hz; Opus until another codec comes.

        Raises:
            DeviceError: there is no libopus.
        """
        self._rate = rate
        self._settings = settings
        self._codec = ""
        self._open("opus")

    def put(self, packet: Packet, codec: str) -> None:
        """A packet has come; `codec` as SDP has it, in small letters."""
        if codec != self._codec:
            self._open(codec)
        self.sound.buffer.put(packet)

    def take(self, due: float) -> tuple[Samples, float]:
        """What goes on at loop time `due`, and for how many seconds; the next is due after that."""
        samples = self.sound.take(due)
        return self._resampler.push(samples), len(samples) / self.sound.rate

    def counts(self) -> dict[str, float]:
        """What the network did to this stream since it began, and how long we wait for it now."""
        sound, buffer = self.sound, self.sound.buffer
        return {
            "packets": buffer.received,
            "lost": buffer.lost,
            "late": buffer.late,
            "dropped": buffer.dropped,
            "recovered_s": round(sound.recovered / sound.rate, 3),
            "concealed_s": round(sound.concealed / sound.rate, 3),
            "window_s": round(buffer.window_s, 4),
        }

    def _open(self, codec: str) -> None:
        self._codec = codec
        phone = telephone(codec)
        clock_rate = phone.clock if phone else CLOCK_RATE
        decoder = open_decoder(phone) if phone else OpusDecoder(self._rate)
        self.sound = ReceivedSound(JitterBuffer(clock_rate, self._settings), decoder, clock_rate)
        self._resampler = Resampler(self.sound.rate, self._rate)


class Voice:
    """What we say, 20 ms at a time, in the codec that was agreed on.

    Attributes:
        clock_rate: of its timestamps, in Hz.
    """

    def __init__(self, codec: str, rate: int, bitrate: int) -> None:
        """Of sound at `rate` Hz.

        Raises:
            DeviceError: a library is missing.
        """
        phone = telephone(codec)
        self._opus = None if phone else OpusEncoder(rate, bitrate)
        self._phone = open_encoder(phone) if phone else None
        coded_rate = phone.rate if phone else rate
        self.clock_rate = phone.clock if phone else CLOCK_RATE
        self._count = round(coded_rate * FRAME_S)
        self._resampler = Resampler(rate, coded_rate)
        self._rest: Samples = np.zeros(0, np.float32)

    def packet(self, samples: Samples) -> bytes:
        """The payload of 20 ms of sound."""
        if self._opus:
            return self._opus.encode(samples)
        assert self._phone
        self._rest = np.concatenate((self._rest, self._resampler.push(samples)))
        missing = self._count - len(self._rest)
        if missing > 0:  # at the very beginning, while the resampler fills
            self._rest = np.concatenate((np.zeros(missing, np.float32), self._rest))
        frame, self._rest = self._rest[: self._count], self._rest[self._count :]
        return self._phone(frame)

    def expect_loss(self, share: float) -> None:
        """How many of our packets are lost, 0–1."""
        if self._opus:
            self._opus.expect_loss(share)
