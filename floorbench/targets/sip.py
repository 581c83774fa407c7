"""An agent's telephone, dialled directly: signalled by SIP, sound over RTP.

A frame goes out when the caller speaks it, without a second clock in between, and what comes back
is heard through the receive path of our own calls. Once the call is up nothing of ours is asked
twice: a session is shorter than its timer, and an agent that misses our goodbye hears silence.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

from agent.core.audio import AudioFrame, Samples
from agent.core.errors import CallClosed, CallError, ProtocolError
from audio_io.circuit import sleep_until
from audio_io.framing import Reframer, frame_samples
from audio_io.rtp.packets import Ear, Mouth
from audio_io.rtp.port import RtpPort, open_port
from audio_io.sip.leg import Gone, Stage, Up
from audio_io.sip.message import Address, host_and_port
from audio_io.sip.phone import Line as Wire
from audio_io.sip.phone import SipPhone
from audio_io.sip.sdp import Codec, Media
from audio_io.sip.settings import SipSettings
from floorbench.session import RATE, Flushed, Line
from floorbench.targets.link import ANSWER_S
from floorbench.targets.pace import Steady

_STALL_S = 0.2  # behind by more: what was missed is skipped
_KEYS = "0123456789*#ABCD"


@dataclass(frozen=True, slots=True)
class Sip:
    """An agent's SIP address, reached over UDP without a registrar.

    Attributes:
        user: who is called there.
        host, port: where it listens.
        codecs: offered; the agent chooses.
        ring_s: how long it may take to answer.
        allow: networks its sound may come from and go to, beside its own address.
        idle_s: without any sound from it; then it has died.
    """

    user: str
    host: str
    port: int = 5060
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    ring_s: float = ANSWER_S
    allow: tuple[str, ...] = ()
    idle_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what no telephone can do."""
        self.telephone("127.0.0.1", "127.0.0.1")
        if not 0 < self.ring_s < 3600:
            raise ValueError(f"ring_s: expected 0 to 3600 s, found {self.ring_s:g}")

    @property
    def name(self) -> str:
        """The address."""
        return f"sip:{self.user}@{self.host}:{self.port}"

    def telephone(self, here: str, there: str) -> SipSettings:
        """Of the telephone that calls from one address of this machine to one of the agent's."""
        return SipSettings(
            host=here,
            port=0,
            user="floorbench",
            codecs=self.codecs,
            allow=(there, *self.allow),
            idle_s=self.idle_s,
        )

    async def connect(self) -> Line:
        """A new call. Raises CallError when nobody takes it."""
        line = _Line(self, SipPhone(self.telephone(*await self._way()), _busy))
        try:
            await line.dial()
        except BaseException:
            await line.hang_up()
            raise
        return line

    async def _way(self) -> tuple[str, str]:
        """Our address and the agent's."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)
            family, kind, _, _, there = found[0]
            with socket.socket(family, kind) as probe:
                probe.connect(there)  # for datagrams: nothing is sent
                return str(probe.getsockname()[0]), str(there[0])
        except OSError as fault:
            found_none = f"found no way there ({fault})"
            raise CallError(f"{self.name}: expected an agent, {found_none}") from fault


class _Sound:
    """Both directions at `RATE`, whatever was agreed on. Pure."""

    def __init__(self, media: Media) -> None:
        self.media = media
        self.ear, self.mouth = Ear(media), Mouth(media)
        self._tune(media.codec)

    def _tune(self, codec: Codec) -> None:
        self._rate = codec.rate
        self._inlet, self._outlet = Steady(codec.rate, RATE), Steady(RATE, codec.rate)
        self._frames = Reframer(frame_samples(codec.rate), codec.rate)

    def follow(self, media: Media) -> None:
        """What is agreed by now."""
        if media is self.media:
            return
        if media.codec != self.media.codec:
            self._tune(media.codec)
        self.media = media
        self.ear.change(media)
        self.mouth.change(media)

    def said(self, samples: Samples) -> list[bytes]:
        """The datagrams of the caller's next 20 ms."""
        whole = self._frames.push(self._outlet.push(samples))
        return [datagram for part in whole for datagram in self.mouth.beat(part.samples)]

    def heard(self, due: float) -> tuple[Samples, float]:
        """The agent's sound that goes on at loop time `due`, and how long it lasts, in seconds."""
        samples = self.ear.take(due)
        return self._inlet.push(samples), len(samples) / self._rate


class _Line:
    def __init__(self, target: Sip, phone: SipPhone) -> None:
        self._target = target
        self._phone = phone
        self._port: RtpPort | None = None
        self._wire: Wire | None = None
        self._sound: _Sound | None = None
        self._position = 0

    async def dial(self) -> None:
        """Let it ring until somebody answers."""
        target, settings = self._target, self._phone.settings
        ports = range(settings.rtp_first, settings.rtp_last + 1)
        await self._phone.open(register=False)
        self._port = await open_port(settings.host, ports, self._hear)
        to = f"sip:{target.user}@{host_and_port((target.host, target.port))}"
        self._wire = await self._phone.call(to, self._port.address)
        gone = await self._refusal(self._wire)
        if gone is not None:
            found = f"found status {gone.status}: {gone.reason}"
            raise CallError(f"{target.name}: expected the call to be taken, {found}")
        media = self._wire.leg.media
        assert media is not None
        if not self._wire.may_be(media.address[0]):
            found = f"found {media.address[0]}; allow=NETWORK lets sound go there"
            raise CallError(f"{target.name}: expected its sound at its own address, {found}")
        self._sound = _Sound(media)

    async def _refusal(self, wire: Wire) -> Gone | None:
        """How the call was refused; None: it was taken."""
        limit_s = self._target.ring_s
        try:
            async with asyncio.timeout(limit_s), asyncio.TaskGroup() as group:
                running = group.create_task(self._phone.run())  # asks again what was not answered
                gone = await _outcome(wire)
                running.cancel()
        except TimeoutError as fault:
            found = "found nobody who answers; is it running?"
            raise CallError(
                f"{self._target.name}: expected an agent within {limit_s:g} s, {found}"
            ) from fault
        return gone

    async def speak(self, frame: AudioFrame) -> None:
        sound, wire = self._up()
        if sound is None or wire is None or self._port is None:
            raise CallClosed(f"{self._target.name}: the agent has ended the call")
        there = sound.ear.latched or sound.media.address
        for datagram in sound.said(frame.samples):
            if wire.may_be(there[0]):
                self._port.send(datagram, there)

    async def press(self, digit: str) -> None:
        sound, _ = self._up()
        if sound is None:
            raise CallClosed(f"{self._target.name}: the agent has ended the call")
        if not sound.mouth.takes_digits or digit not in _KEYS:
            expected = f"expected keys of {_KEYS} and an agent that takes them (RFC 4733)"
            raise ProtocolError(f"{self._target.name}: {expected}, found another")
        sound.mouth.press(digit)

    async def sound(self) -> AsyncIterator[AudioFrame | Flushed]:
        clock = asyncio.get_running_loop().time
        due = began = clock()
        while (sound := self._up()[0]) is not None:
            samples, lasts_s = sound.heard(due)
            due = max(due + lasts_s, clock() - _STALL_S)
            self._mind_silence(sound, began, clock())
            yield AudioFrame(samples, RATE, self._position)
            self._position += len(samples)
            await sleep_until(due)

    async def hang_up(self) -> None:
        if self._wire is not None:
            self._wire.hang_up()
        if self._port is not None:
            self._port.close()
        await self._phone.close()

    def _up(self) -> tuple[_Sound | None, Wire | None]:
        """Sound and signalling as agreed by now; neither once the call is over."""
        wire = self._wire
        if self._sound is None or wire is None or wire.leg.stage is Stage.OVER:
            return None, None
        if wire.leg.media is not None:
            self._sound.follow(wire.leg.media)
        return self._sound, wire

    def _mind_silence(self, sound: _Sound, began: float, now: float) -> None:
        """An agent that died says no goodbye."""
        limit_s = self._phone.settings.idle_s
        is_expected = sound.media.direction.seen_from_there.sends
        if is_expected and now - max(began, sound.ear.heard_at or 0.0) > limit_s:
            raise CallError(
                f"{self._target.name}: expected sound, found none for {limit_s:g} s; "
                "has the agent died?"
            )

    def _hear(self, data: bytes, place: Address, now: float) -> None:
        sound, wire = self._up()
        if sound is None or wire is None:
            return
        if sound.ear.latched is not None or wire.may_be(place[0]):
            sound.ear.hear(data, place, now)


async def _outcome(wire: Wire) -> Gone | None:
    async for event in wire.events():
        match event:
            case Gone():
                return event
            case Up():
                return None
    return None


def _busy(wire: Wire) -> None:
    wire.reject(486)  # nobody is called here
