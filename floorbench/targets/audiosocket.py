"""AudioSocket over TCP: we are the Asterisk that dials the agent.

Asterisk plays what arrives at once, 20 ms at a time, and forgets nothing: an agent that sends
ahead is heard late, and cannot take it back.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed, CallError, ProtocolError
from audio_io.asterisk.audiosocket_wire import (
    HANG_UP,
    RATES,
    Failed,
    HungUp,
    MessageReader,
    Sound,
    sound_message,
)
from audio_io.codecs import from_pcm16, to_pcm16
from floorbench.session import RATE, Flushed, Line
from floorbench.targets.link import ANSWER_S
from floorbench.targets.pace import Inlet, Steady

_BYTES = 65_536
_IDENTITY, _KEY = 0x01, 0x03


@dataclass(frozen=True, slots=True)
class AudioSocket:
    """An agent's AudioSocket port.

    Attributes:
        host, port: where it listens.
        rate: of the channel, in Hz: 8000 for the application, others for the channel driver.
        call: the UUID that the dialplan names; None for a new one for each call.
    """

    host: str
    port: int
    rate: int = 8_000
    call: UUID | None = None

    def __post_init__(self) -> None:
        """Refuse a rate that no channel has."""
        if self.rate not in RATES.values():
            allowed = ", ".join(map(str, RATES.values()))
            raise ValueError(f"rate: expected one of {allowed} Hz, found {self.rate}")

    @property
    def name(self) -> str:
        """The address."""
        return f"audiosocket://{self.host}:{self.port}"

    async def connect(self) -> Line:
        """A new call. Raises CallError when nobody listens."""
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_connection(self.host, self.port)
        except (OSError, TimeoutError) as fault:
            found = f"found nobody who answers ({fault}); is it running?"
            raise CallError(f"{self.name}: expected an agent, {found}") from fault
        line = _Line(self, reader, writer)
        await line.identify(self.call or uuid4())
        return line


class _Line:
    def __init__(
        self, target: AudioSocket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._target = target
        self._reader, self._writer = reader, writer
        self._outlet = Steady(RATE, target.rate)
        self._inlets: dict[int, Inlet] = {}

    async def identify(self, call: UUID) -> None:
        with contextlib.suppress(CallClosed):  # if it has gone, `sound` tells why
            await self._send(bytes((_IDENTITY, 0, 16)) + call.bytes)

    async def speak(self, frame: AudioFrame) -> None:
        sound = self._outlet.push(frame.samples)
        await self._send(sound_message(self._target.rate, to_pcm16(sound)))

    async def press(self, digit: str) -> None:
        await self._send(bytes((_KEY, 0, 1)) + digit.encode())

    async def sound(self) -> AsyncIterator[AudioFrame | Flushed]:
        clock, messages = asyncio.get_running_loop().time, MessageReader()
        while data := await self._read():
            for message in messages.feed(data):
                match message:
                    case Sound(rate, pcm):
                        yield self._inlet(rate).take(from_pcm16(pcm), clock())
                    case HungUp():
                        return
                    case Failed(code):
                        raise CallError(f"{self._target.name}: the agent gave up, code {code}")
                    case _:
                        raise ProtocolError(
                            f"{self._target.name}: expected sound or a hang-up, found {message}"
                        )

    async def hang_up(self) -> None:
        with contextlib.suppress(CallClosed):
            await self._send(HANG_UP)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def _inlet(self, rate: int) -> Inlet:
        return self._inlets.setdefault(rate, Inlet(rate))

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(_BYTES)
        except OSError:
            return b""  # Asterisk sees no difference between a reset and a hang-up either

    async def _send(self, data: bytes) -> None:
        if self._writer.is_closing():
            raise CallClosed(f"{self._target.name}: the agent has ended the call")
        self._writer.write(data)
        try:
            await self._writer.drain()
        except OSError as gone:
            raise CallClosed(f"{self._target.name}: the agent has ended the call") from gone
