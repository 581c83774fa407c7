"""One connection to a browser, on aiortc. Imported when the first call comes: it is heavy."""

import asyncio
import contextlib
from fractions import Fraction
from typing import Protocol

import av
import numpy as np
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import OperationError
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtp import RtpPacket
from aiortc.sdp import candidate_from_sdp
from av.stream import Stream

from agent.core.audio import Samples
from agent.core.errors import ProtocolError
from audio_io.pacing import Pacer
from audio_io.receive.jitter import Packet
from audio_io.webrtc.codecs import FRAME_S, Voice, samples_in
from audio_io.webrtc.hook import attempts, hand_over
from audio_io.webrtc.sdp import NoSound, codecs_of, for_speech, is_hidden
from audio_io.webrtc.settings import WebRtcSettings

CHANNEL = "parley"
"""Name of the data channel."""

_CLOSE_S = 2.0
_BUFFERED_BYTES = 262_144  # words waiting for a client that reads too slowly


class FarSide(Protocol):
    """Who a connection belongs to. Called from the event loop."""

    def next_frame(self) -> Samples | None:
        """20 ms to send now, float32 [n] at `play_rate`; None where there is nothing to say."""

    def on_packet(self, packet: Packet, codec: str) -> None:
        """Sound came."""

    def on_message(self, message: bytes | str) -> None:
        """Words came."""

    def on_state(self, peer: "Peer") -> None:
        """The connection's state has changed, or its data channel has opened."""


class Peer:
    """One connection, from an offer to its end."""

    def __init__(self, far_side: FarSide, settings: WebRtcSettings) -> None:
        servers = [RTCIceServer(**kept) for kept in settings.ice_servers]  # type: ignore[arg-type]
        used = servers if settings.server_uses_them else []
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=used))
        self._attempts = attempts(self._connection)
        self._far_side = far_side
        self._settings = settings
        self._track = _Track(far_side, settings)
        self._transceiver = self._connection.addTransceiver(self._track, "sendrecv")
        self._transceiver.setCodecPreferences(RTCRtpSender.getCapabilities("audio").codecs)
        self._codecs: dict[int, str] = {}
        self._channel: RTCDataChannel | None = None
        self._connection.on("datachannel", self._on_channel)
        self._connection.on("connectionstatechange", lambda: far_side.on_state(self))

    @property
    def state(self) -> str:
        """As in WebRTC: new, connecting, connected, failed or closed."""
        return self._connection.connectionState

    async def answer(self, offer: str) -> str:
        """Our answer, with all our candidates.

        Raises:
            ProtocolError: the offer cannot be read; NoSound where nothing is in common.
        """
        description = RTCSessionDescription(offer, "offer")
        try:
            await self._connection.setRemoteDescription(description)
        except OperationError as fault:
            raise NoSound(
                "sdp: expected one of the codecs opus, G722, PCMU, PCMA, found none in common"
            ) from fault
        except Exception as fault:  # its parser raises whatever Python does
            raise ProtocolError(f"sdp: cannot be read: {type(fault).__name__}: {fault}") from fault
        for other in self._connection.getTransceivers():
            if other is not self._transceiver:
                other.direction = "inactive"
        hand_over(self._transceiver.receiver, self._take)
        await self._connection.setLocalDescription(await self._connection.createAnswer())
        if self._transceiver.currentDirection != "sendrecv":
            raise NoSound("sdp: expected sound both ways, found an offer of one")
        answer = self._connection.localDescription.sdp
        self._codecs = codecs_of(answer)
        self._track.open(next(iter(self._codecs.values())))
        return for_speech(answer)

    async def add(self, candidate: str, mid: str | None, line: int | None) -> None:
        """Another address of the far side's; an empty one says that there are no more.

        Raises:
            ProtocolError: it cannot be read.
        """
        text = candidate.removeprefix("candidate:").strip()
        if text and is_hidden(text):
            return
        try:
            parsed = candidate_from_sdp(text) if text else None
            if parsed is not None:
                parsed.sdpMid, parsed.sdpMLineIndex = mid, line
            await self._connection.addIceCandidate(parsed)
        except Exception as fault:  # as above
            raise ProtocolError(f"candidate: cannot be read: {candidate[:80]!r}") from fault

    def say(self, text: str) -> bool:
        """Send words; whether they could be."""
        channel = self._channel
        if channel is None or not self.has_channel or channel.bufferedAmount > _BUFFERED_BYTES:
            return False
        channel.send(text)
        return True

    @property
    def has_channel(self) -> bool:
        """Words can be exchanged."""
        return self._channel is not None and self._channel.readyState == "open"

    def expect_loss(self, share: float) -> None:
        """How many of our packets are lost, 0–1."""
        self._track.expect_loss(share)

    async def close(self) -> None:
        """Close it, and all that belongs to it."""
        self._connection.remove_all_listeners()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._connection.close()
                if self._attempts:
                    await asyncio.wait(self._attempts)

    def _take(self, packet: RtpPacket) -> None:
        codec = self._codecs.get(packet.payload_type)
        if codec is None:
            return
        payload = packet.payload
        samples = samples_in(codec, payload)
        now = asyncio.get_running_loop().time()
        ours = Packet(packet.sequence_number, packet.timestamp, samples, payload, now, packet.ssrc)
        if samples:
            self._far_side.on_packet(ours, codec)

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if channel.label != CHANNEL or self._channel is not None:
            channel.close()
            return
        self._channel = channel
        channel.on("message", self._far_side.on_message)
        self._far_side.on_state(self)


class _Track(MediaStreamTrack):
    """A frame every 20 ms, silence included, as a packet; it waits for its time."""

    kind = "audio"

    def __init__(self, far_side: FarSide, settings: WebRtcSettings) -> None:
        super().__init__()
        self._far_side = far_side
        self._settings = settings
        self._pacer = Pacer(FRAME_S)
        self._voice: Voice | None = None
        self._quiet = np.zeros(round(settings.play_rate * FRAME_S), np.float32)
        self._sent = 0

    def open(self, codec: str) -> None:
        """This was agreed on."""
        self._voice = Voice(codec, self._settings.play_rate, self._settings.bitrate)

    def expect_loss(self, share: float) -> None:
        if self._voice:
            self._voice.expect_loss(share)

    async def recv(self) -> "av.Packet[Stream]":
        """The next packet, at its time."""
        assert self._voice
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._pacer.due(loop.time()) - loop.time()))
        self._pacer.sent(loop.time())
        samples = self._far_side.next_frame()
        packet = av.Packet(self._voice.packet(self._quiet if samples is None else samples))
        skipped = round(self._pacer.shifted_s / FRAME_S)  # what a stall has moved
        packet.pts = round((self._sent + skipped) * FRAME_S * self._voice.clock_rate)
        packet.time_base = Fraction(1, self._voice.clock_rate)
        self._sent += 1
        return packet
