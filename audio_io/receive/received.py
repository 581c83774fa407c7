"""Sound out of packets: a receive buffer, a decoder, and what makes up for the network. Pure."""

from typing import Protocol

from agent.core.audio import Samples
from agent.core.errors import ProtocolError
from audio_io.receive.comfort import ComfortNoise
from audio_io.receive.jitter import JitterBuffer, Lost, Quiet, Sound
from audio_io.receive.time_scale import lengthened, shortened

_CONCEALED_S = 0.1  # what a decoder makes up is a voice for so long; after it, noise
_NOT_MUCH = 0.5  # a piece is made longer by so much of itself at most


class Decoder(Protocol):
    """Payloads into sound."""

    @property
    def rate(self) -> int:
        """Samples per second of what it makes, in Hz."""

    def decode(self, payload: bytes) -> Samples:
        """The sound of a packet, float32 [n].

        Raises:
            ProtocolError: it is none of this codec.
        """

    def conceal(self, count: int) -> Samples:
        """Sound for `count` samples that were lost, float32 [count]."""

    def recover(self, copy: bytes, count: int) -> Samples | None:
        """The `count` samples before a packet, from the copy it holds of them, if it does."""


class ReceivedSound:
    """One stream's sound, piece by piece.

    Attributes:
        buffer: where its packets are put.
        concealed: samples that were made up.
        recovered: samples that came out of copies.
        broken: packets that could not be decoded.
    """

    def __init__(self, buffer: JitterBuffer, decoder: Decoder, clock_rate: int) -> None:
        """Of a stream whose timestamps tick at `clock_rate` Hz."""
        self.buffer = buffer
        self.concealed = 0
        self.recovered = 0
        self.broken = 0
        self._decoder = decoder
        self._clock_rate = clock_rate
        self._comfort = ComfortNoise(decoder.rate)
        self._lost = 0  # samples made up since the last real one

    @property
    def rate(self) -> int:
        """Samples per second, in Hz."""
        return self._decoder.rate

    def take(self, due: float) -> Samples:
        """The piece that goes on at loop time `due`, float32 [n]; the next is due at its end."""
        piece = self.buffer.take(due)
        match piece:
            case Sound():
                return self._sound(piece)
            case Lost():
                return self._conceal(piece)
            case Quiet():
                return self._comfort.make(max(1, self._samples(piece.samples)))

    def _sound(self, piece: Sound) -> Samples:
        try:
            samples = self._decoder.decode(piece.payload)
        except ProtocolError:
            self.broken += 1
            return self._conceal(Lost(piece.samples))
        self._lost = 0
        self._comfort.heard(samples)
        excess = self._samples(piece.excess)
        if excess > 0:
            return shortened(samples, self.rate, excess)
        return lengthened(samples, self.rate, min(-excess, round(len(samples) * _NOT_MUCH)))

    def _conceal(self, piece: Lost) -> Samples:
        count = max(1, self._samples(piece.samples))
        self._lost += count
        copied = None if piece.copy is None else self._decoder.recover(piece.copy, count)
        if copied is not None:
            self.recovered += count
            return copied
        self.concealed += count
        made = self._decoder.conceal(count)
        return made if self._lost <= _CONCEALED_S * self.rate else self._comfort.make(count)

    def _samples(self, ticks: int) -> int:
        return round(ticks * self.rate / self._clock_rate)
