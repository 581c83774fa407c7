"""Agents that take a WebRTC offer: parley's, SmallWebRTC's and OpenAI's.

Sources: docs/webrtc.md; RTVI 2.1 over SmallWebRTC (an offer as JSON, "ping" on the data channel);
OpenAI, "Realtime API with WebRTC" (an offer as SDP, events on the channel `oai-events`).
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from agent.core.audio import AudioFrame
from agent.core.errors import CallError, ProtocolError
from agent.core.events import Digit
from audio_io.wire import Bye, Failure, Flush, encode, from_server
from audio_io.wire import Ended as CallEnded
from floorbench.session import Flushed, Line
from floorbench.targets.bearer import bearer
from floorbench.targets.http import Posted, post
from floorbench.targets.link import shown
from floorbench.targets.udp_link import UdpNetwork
from floorbench.targets.webrtc_peer import WebRtcPeer

PING_S = 1.0
"""SmallWebRTC gives a client up that says nothing for 3 s."""


class Dialect(StrEnum):
    """What the agent speaks beside the sound."""

    PARLEY = "webrtc"
    RTVI = "rtvi"
    REALTIME = "realtime"


_CHANNELS = {Dialect.PARLEY: "parley", Dialect.RTVI: "rtvi-ai", Dialect.REALTIME: "oai-events"}


@dataclass(frozen=True, slots=True)
class WebRtc:
    """An agent's address for offers.

    Attributes:
        url: `http(s)://…`.
        dialect: of the agent.
        key_env: environment variable with a key to show; empty: none.
        network: between caller and agent, where it is to be bad; for agents on this machine.
    """

    url: str
    dialect: Dialect = Dialect.PARLEY
    key_env: str = ""
    network: UdpNetwork | None = None

    @property
    def name(self) -> str:
        """The address."""
        return shown(f"{self.dialect}+", self.url)

    async def connect(self) -> Line:
        """A new call. Raises CallError when it is refused."""
        peer = WebRtcPeer(self.name, _CHANNELS[self.dialect])
        try:
            await peer.open(self._offer, self.network)
        except BaseException:
            await peer.close()
            raise
        return _Line(peer, self.dialect)

    async def _offer(self, sdp: str) -> str:
        headers = bearer(self.name, self.url, self.key_env)
        if self.dialect is Dialect.REALTIME:
            return await post(self.name, Posted(self.url, sdp.encode(), "application/sdp", headers))
        body = json.dumps({"sdp": sdp, "type": "offer"}).encode()
        answer = await post(self.name, Posted(self.url, body, "application/json", headers))
        return _sdp(self.name, answer)


def _sdp(name: str, answer: str) -> str:
    with contextlib.suppress(ValueError):
        table = json.loads(answer)
        if isinstance(table, dict) and isinstance(table.get("sdp"), str):
            return str(table["sdp"])
    raise ProtocolError(f"{name}: expected JSON with an sdp, found {answer[:60]!r}")


class _Line:
    def __init__(self, peer: WebRtcPeer, dialect: Dialect) -> None:
        self._peer = peer
        self._dialect = dialect
        self._pinged = 0.0

    async def speak(self, frame: AudioFrame) -> None:
        await self._peer.speak(frame)
        now = asyncio.get_running_loop().time()
        if self._dialect is Dialect.RTVI and now - self._pinged >= PING_S:
            self._pinged = now
            self._peer.say(f"ping: {now:.0f}")

    async def press(self, digit: str) -> None:
        if self._dialect is not Dialect.PARLEY:
            raise ProtocolError(f"{self._peer.name}: expected an agent that takes keys, found none")
        if not self._peer.say(encode(Digit(digit))):
            raise CallError(f"{self._peer.name}: expected an open data channel, found none")

    async def sound(self) -> AsyncIterator[AudioFrame | Flushed]:
        async for frame in self._peer.sound():
            yield frame
            while self._dialect is Dialect.PARLEY and self._peer.messages:
                if self._obey(self._peer.messages.popleft()):
                    yield Flushed()

    async def hang_up(self) -> None:
        if self._dialect is Dialect.PARLEY:
            self._peer.say(encode(Bye()))
        await self._peer.close()

    def _obey(self, message: bytes | str) -> bool:
        """Whether it says that what was not heard yet is to be dropped."""
        match from_server(message if isinstance(message, str) else message.decode()):
            case Failure(sentence):
                raise CallError(f"{self._peer.name}: the agent says: {sentence}")
            case CallEnded():
                self._peer.end()
                return False
            case Flush():
                return True
            case _:
                return False
