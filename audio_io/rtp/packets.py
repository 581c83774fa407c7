"""The two directions of an RTP call: datagrams and time in, sound and datagrams out. Pure.

aiortp reads and writes the packets. Its buffer, play-out, concealment and pacing are not used: it
waits a fixed number of packets before anything sounds, fills gaps in steps of whole frames, and
knows neither floors nor flushes. (Its A-law has the wrong sign, too.) Source: RFC 3550, RFC 3551.
"""

import secrets
from collections import Counter, deque
from dataclasses import dataclass

import numpy as np
from aiortp.packet import (
    RtcpByePacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    RtpPacket,
)

from agent.core.audio import Samples
from audio_io.framing import frame_samples
from audio_io.receive.jitter import JitterBuffer, JitterSettings, Packet
from audio_io.receive.received import ReceivedSound
from audio_io.rtp.codecs import open_decoder, open_encoder, samples_in
from audio_io.rtp.digits import DigitReader, DigitWriter
from audio_io.rtp.latch import Latch
from audio_io.sip.message import Address
from audio_io.sip.sdp import Codec, Media

BEAT_S = 0.02
_WINDOW = JitterSettings(window_least_s=0.010)
"""A calm line waits half a frame: telephones' codecs carry no copies that are worth waiting for."""

_NOISE_TYPE = 13
_SEEN = 64  # sequence numbers of packets that hold no sound, to tell a duplicate
_NTP_S = 2_208_988_800  # from 1900 to 1970
_NOISE = (
    2.0**-14
)  # −84 dBFS RMS: one step of the quietest code, so that the line does not seem dead


class Ear:
    """What comes from the far side.

    Attributes:
        buffer: where packets wait for their turn.
        counts: packets that were dropped, by reason.
        heard_at: loop time of the latest packet.
    """

    def __init__(self, media: Media) -> None:
        """The sound of one call, as it was agreed."""
        self._media = media
        self._digits = DigitReader()
        self._silent: deque[int] = deque(maxlen=_SEEN)
        self._skipped = 0  # packets without sound so far: they are no gap in it
        self._source: int | None = None
        self._latch = Latch(media.address)
        self.counts: Counter[str] = Counter()
        self.heard_at: float | None = None
        self._tune(media.codec)

    def _tune(self, codec: Codec) -> None:
        self.buffer = JitterBuffer(codec.clock, _WINDOW)
        self._sound = ReceivedSound(self.buffer, open_decoder(codec), codec.clock)

    @property
    def latched(self) -> Address | None:
        """Where sound comes from; None while that is not known."""
        return self._latch.place

    @property
    def source(self) -> int:
        """Of the stream that is heard; 0 while there is none."""
        return self._source or 0

    @property
    def concealed(self) -> int:
        """Samples that were made up."""
        return self._sound.concealed

    def change(self, media: Media) -> None:
        """Other media were agreed; a stream from elsewhere may take over."""
        self._latch.change(media.address)
        if media.codec != self._media.codec:
            self._tune(media.codec)
        self._media = media

    def admits(self, place: Address) -> bool:
        """Whether what comes from there is heard."""
        return self._latch.admits(place)

    def hear(self, data: bytes, place: Address, now: float) -> str | None:
        """A datagram has come; the key it says was pressed, if it does."""
        if not self._latch.admits(place):
            self.counts["foreign"] += 1
            return None
        try:
            packet = RtpPacket.parse(data)
        except Exception:  # the library raises what its indexing runs into
            self.counts["malformed"] += 1
            return None
        media, kind = self._media, packet.payload_type
        if kind not in (media.payload_type, media.digits, _NOISE_TYPE):
            self.counts["strange"] += 1
            return None
        self._latch.heard(place)
        self.heard_at = now
        if kind == media.payload_type:
            self._take(packet, now)
            return None
        return self._without_sound(packet, is_digit=kind == media.digits)

    def take(self, due: float) -> Samples:
        """The sound that goes on at loop time `due`; the next is due at its end."""
        return self._sound.take(due)

    def _take(self, packet: RtpPacket, now: float) -> None:
        if packet.ssrc != self._source:
            self._source, self._skipped = packet.ssrc, 0
            self._silent.clear()
        ticks = samples_in(self._media.codec, packet.payload)
        if packet.payload and not ticks:
            self.counts["malformed"] += 1
            return
        number = (packet.sequence_number - self._skipped) % (1 << 16)
        self.buffer.put(Packet(number, packet.timestamp, ticks, packet.payload, now, packet.ssrc))

    def _without_sound(self, packet: RtpPacket, *, is_digit: bool) -> str | None:
        if packet.sequence_number not in self._silent:
            self._silent.append(packet.sequence_number)
            self._skipped += 1
        if not is_digit:
            return None
        return self._digits.read(
            packet.timestamp, packet.payload, packet.ssrc, marked=bool(packet.marker)
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """What we have sent so far, for the report."""

    packets: int
    octets: int


class Mouth:
    """What goes to the far side: one beat every 20 ms, whatever there is to say.

    The clock of the stream never stops: not in silence, not on hold, not while keys are pressed.
    """

    def __init__(self, media: Media) -> None:
        """The sound of one call, as it was agreed."""
        self.source = secrets.randbits(32)
        self.sent = Sent(0, 0)
        self._sequence = secrets.randbits(15)  # half its range, as RFC 3550 has it for SRTP's sake
        self._timestamp = secrets.randbits(32)
        self._random = np.random.default_rng(1)
        self._digits = DigitWriter()
        self._media = media
        self._tune(media.codec)

    def _tune(self, codec: Codec) -> None:
        self._ticks = round(codec.clock * BEAT_S)
        self._samples = frame_samples(codec.rate)
        self._encode = open_encoder(codec)
        self._begins = 1  # a stretch of sound: marked

    def change(self, media: Media) -> None:
        """Media were agreed again. Keys that wait are dropped where nobody takes them any more."""
        if media.codec != self._media.codec:
            self._tune(media.codec)
        self._media = media
        if self.is_held or not self.takes_digits:
            self._digits.drop()

    @property
    def is_held(self) -> bool:
        """Whether the far side wants no sound of ours: we are on hold."""
        return not self._media.direction.sends

    @property
    def pressing(self) -> bool:
        """Whether keys wait to be pressed."""
        return self._digits.busy

    @property
    def takes_digits(self) -> bool:
        """Whether the far side understands keys."""
        return self._media.digits is not None

    @property
    def dropped_keys(self) -> int:
        """Keys that could not be pressed to their end."""
        return self._digits.dropped

    def press(self, keys: str) -> None:
        """Press keys, one after the other, 200 ms each."""
        self._digits.press(keys)

    def beat(self, samples: Samples | None) -> list[bytes]:
        """The datagrams of this beat: a frame of sound, or else the noise of a line, or a key."""
        now = self._timestamp
        self._timestamp = (now + self._ticks) % (1 << 32)
        if self.is_held:
            self._begins = 1
            return []
        number = self._media.digits
        if number is not None and self._digits.busy:
            events = self._digits.beat(now, self._ticks)
            if events:
                self._begins = 1
                return [
                    self._packet(number, event.payload, event.timestamp, int(event.first))
                    for event in events
                ]
        payload = self._encode(self._noise() if samples is None else samples)
        if not payload:
            return []  # a codec that looks ahead gives its first packet later
        marker, self._begins = self._begins, 0
        return [self._packet(self._media.payload_type, payload, now, marker)]

    def report(self, ear: Ear, wall_s: float) -> bytes:
        """An RTCP report: what we sent, and how theirs arrives. `wall_s`: seconds since 1970."""
        seconds, fraction = divmod(wall_s + _NTP_S, 1)
        ntp = (int(seconds) << 32) | int(fraction * (1 << 32))
        sent = RtcpSenderInfo(ntp, self._timestamp, self.sent.packets, self.sent.octets % (1 << 32))
        return bytes(RtcpSrPacket(self.source, sent, _reports(ear)))

    def farewell(self, ear: Ear) -> bytes:
        """An RTCP goodbye."""
        return bytes(RtcpRrPacket(self.source, _reports(ear))) + bytes(RtcpByePacket([self.source]))

    def _packet(self, kind: int, payload: bytes, timestamp: int, marker: int) -> bytes:
        packet = RtpPacket(kind, marker, self._sequence, timestamp, self.source, payload)
        self._sequence = (self._sequence + 1) % (1 << 16)
        self.sent = Sent(self.sent.packets + 1, self.sent.octets + len(payload))
        return packet.serialize()

    def _noise(self) -> Samples:
        noise: Samples = self._random.standard_normal(self._samples, np.float32) * _NOISE
        return noise


def _reports(ear: Ear) -> list[RtcpReceiverInfo]:
    if not ear.source:
        return []
    lost = min(ear.buffer.lost, 0x7FFFFF)
    share = min(255, lost * 256 // max(1, ear.buffer.received + lost))
    return [RtcpReceiverInfo(ear.source, share, lost, ear.buffer.received, 0, 0, 0)]
