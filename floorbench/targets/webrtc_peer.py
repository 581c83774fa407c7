"""A caller's end of a WebRTC connection, on aiortc, with parley's own receive buffer."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from fractions import Fraction

import av
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtp import RtpPacket
from aiortc.sdp import candidate_from_sdp, candidate_to_sdp
from av.stream import Stream

from agent.core.audio import AudioFrame, Samples
from agent.core.errors import CallClosed, CallError
from audio_io.circuit import sleep_until
from audio_io.receive.jitter import JitterSettings, Packet
from audio_io.webrtc.codecs import FRAME_S, Hearing, Voice, samples_in
from audio_io.webrtc.hook import hand_over
from audio_io.webrtc.sdp import codecs_of
from floorbench.session import RATE, Flushed
from floorbench.targets.link import ANSWER_S
from floorbench.targets.udp_link import UdpLink, UdpNetwork, open_link

Offer = Callable[[str], Awaitable[str]]
"""Takes our offer to the agent; its answer. Both are SDP."""

_BITRATE = 32_000
_FRAMES = 50  # a second: a track that nobody asks for packets is a dead connection
_MESSAGES = 256


class WebRtcPeer:
    """One connection.

    Attributes:
        name: starts every message.
        messages: what came over the data channel and nobody has read; the oldest go.
    """

    def __init__(self, name: str, channel: str) -> None:
        self.name = name
        self.messages: deque[bytes | str] = deque(maxlen=_MESSAGES)
        self._connection = RTCPeerConnection()
        self._track = _Track()
        self._sender = self._connection.addTransceiver(self._track, "sendrecv")
        self._channel = self._connection.createDataChannel(channel)
        self._channel.on("message", self._heard_words)
        self._connection.on("connectionstatechange", self._changed)
        self._hearing = Hearing(RATE, JitterSettings())
        self._codecs: dict[int, str] = {}
        self._link: UdpLink | None = None
        self._decided = asyncio.Event()  # connected, or never to be
        self._over = asyncio.Event()
        self._position = 0

    async def open(self, offer: Offer, network: UdpNetwork | None) -> None:
        """Make the connection; over a bad network, if one is given.

        Raises:
            CallError: the agent refuses, answers with what is no SDP, or cannot be reached.
        """
        if network is not None:
            self._link = await open_link(network)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        answer = await offer(_through(self._connection.localDescription.sdp, self._link, far=True))
        self._codecs = codecs_of(answer)
        try:
            description = RTCSessionDescription(_through(answer, self._link, far=False), "answer")
            await self._connection.setRemoteDescription(description)
        except Exception as fault:  # its parser raises whatever Python does
            raise CallError(f"{self.name}: expected an answer in SDP, found {fault}") from fault
        hand_over(self._sender.receiver, self._take)
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._decided.wait()
        except TimeoutError as fault:
            raise CallError(
                f"{self.name}: expected a connection within {ANSWER_S:g} s, found none"
            ) from fault

    async def speak(self, frame: AudioFrame) -> None:
        """The caller's next 20 ms."""
        if self._over.is_set():
            raise CallClosed(f"{self.name}: the agent has ended the call")
        self._track.put(frame.samples)

    def say(self, text: str) -> bool:
        """Send a message; whether the channel was open."""
        if self._channel.readyState != "open":
            return False
        self._channel.send(text)
        return True

    async def sound(self) -> AsyncIterator[AudioFrame | Flushed]:
        """The agent's sound as an ear hears it, 20 ms late or a little more."""
        due = asyncio.get_running_loop().time()
        while not self._over.is_set():
            samples, lasts_s = self._hearing.take(due)
            due += lasts_s
            yield AudioFrame(samples, RATE, self._position)
            self._position += len(samples)
            await sleep_until(due)

    def end(self) -> None:
        """The agent has said that the call is over."""
        self._over.set()

    async def close(self) -> None:
        """Hang up. May be called twice."""
        self._over.set()
        self._track.stop()
        await self._connection.close()
        if self._link is not None:
            self._link.close()

    def _take(self, packet: RtpPacket) -> None:
        codec = self._codecs.get(packet.payload_type)
        samples = samples_in(codec, packet.payload) if codec else 0
        if codec and samples:
            now = asyncio.get_running_loop().time()
            number, at, source = packet.sequence_number, packet.timestamp, packet.ssrc
            self._hearing.put(Packet(number, at, samples, packet.payload, now, source), codec)

    def _heard_words(self, message: bytes | str) -> None:
        self.messages.append(message)

    def _changed(self) -> None:
        match self._connection.connectionState:
            case "connected":
                self._decided.set()
            case "failed" | "closed":
                self._decided.set()
                self._over.set()


class _Track(MediaStreamTrack):
    """What the caller says, as it is said; the caller paces."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._voice = Voice("opus", RATE, _BITRATE)
        self._frames: deque[Samples] = deque(maxlen=_FRAMES)
        self._there = asyncio.Event()
        self._sent = 0

    def put(self, samples: Samples) -> None:
        self._frames.append(samples)
        self._there.set()

    def stop(self) -> None:
        super().stop()
        self._there.set()

    async def recv(self) -> "av.Packet[Stream]":
        while not self._frames:
            if self.readyState != "live":
                raise MediaStreamError
            self._there.clear()
            await self._there.wait()
        packet = av.Packet(self._voice.packet(self._frames.popleft()))
        packet.pts = round(self._sent * FRAME_S * self._voice.clock_rate)
        packet.time_base = Fraction(1, self._voice.clock_rate)
        self._sent += 1
        return packet


def _through(sdp: str, link: UdpLink | None, *, far: bool) -> str:
    """A description whose only address is the relay's, as the peer that `far` says must see it."""
    if link is None:
        return sdp
    near_address, far_address = link.addresses
    lines, known = [], False
    for line in sdp.splitlines():
        if not line.startswith("a=candidate:"):
            lines.append(line)
            continue
        candidate = candidate_from_sdp(line.removeprefix("a=candidate:"))
        if known or candidate.type != "host" or ":" in candidate.ip:
            continue
        known = True
        if not far:
            link.expect((candidate.ip, candidate.port))
        candidate.ip, candidate.port = far_address if far else near_address
        lines.append(f"a=candidate:{candidate_to_sdp(candidate)}")
    return "\r\n".join(lines) + "\r\n"
