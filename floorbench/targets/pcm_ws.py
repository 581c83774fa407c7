"""A WebSocket that carries plain PCM both ways, for agents that speak no dialect known here."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from agent.core.audio import AudioFrame
from agent.core.errors import ProtocolError
from audio_io.codecs import from_pcm16, to_pcm16
from floorbench.session import RATE, Flushed, Line
from floorbench.targets.bearer import bearer
from floorbench.targets.link import Socket, open_socket, shown
from floorbench.targets.pace import Inlet, Steady


@dataclass(frozen=True, slots=True)
class PcmWs:
    """Binary messages are s16le mono at `rate` Hz, both ways; text is not for us and ignored.

    Attributes:
        key_env: the environment variable that holds a bearer key; empty for none.
    """

    url: str
    rate: int = RATE
    key_env: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError for a rate that no agent has."""
        if not 8000 <= self.rate <= 48000:
            raise ValueError(f"rate: expected 8000 to 48000 Hz, found {self.rate}")

    @property
    def name(self) -> str:
        """The address and the rate."""
        return f"{shown('pcm+', self.url)}?rate={self.rate}"

    async def connect(self) -> Line:
        """A new call. Raises CallError when it is refused."""
        key = bearer(self.name, self.url, self.key_env)
        return _Line(await open_socket(self.name, self.url, key), self.rate)


class _Line:
    def __init__(self, socket: Socket, rate: int) -> None:
        self._socket = socket
        self._outlet = Steady(RATE, rate)
        self._inlet = Inlet(rate)

    async def speak(self, frame: AudioFrame) -> None:
        await self._socket.send(to_pcm16(self._outlet.push(frame.samples)))

    async def press(self, digit: str) -> None:
        raise ProtocolError(f"{self._socket.name}: plain PCM has no keys, found {digit}")

    async def sound(self) -> AsyncIterator[AudioFrame | Flushed]:
        clock = asyncio.get_running_loop().time
        async for message in self._socket.messages():
            if isinstance(message, bytes):
                yield self._inlet.take(from_pcm16(message), clock())

    async def hang_up(self) -> None:
        await self._socket.close()
