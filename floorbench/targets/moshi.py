"""Moshi's WebSocket: binary messages, the first byte says what kind, sound as Ogg pages of Opus.

Source: kyutai-labs/moshi, rust/protocol.md and moshi/server.py.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from agent.core.audio import AudioFrame, Samples
from agent.core.errors import CallClosed, CallError, ProtocolError
from audio_io.moshi.ogg import OggReader, OggWriter
from audio_io.moshi.opus import OUT_RATE, OpusDecoder, OpusEncoder
from audio_io.moshi.wire import Kind, decode, encode
from floorbench.session import RATE, Flushed, Line
from floorbench.targets.link import Socket, open_socket, shown
from floorbench.targets.pace import Inlet


@dataclass(frozen=True, slots=True)
class Moshi:
    """A Moshi server, such as `ws://127.0.0.1:8998/api/chat`. It serves one call at a time."""

    url: str

    @property
    def name(self) -> str:
        """The address."""
        return shown("moshi+", self.url)

    async def connect(self) -> Line:
        """A new call, once the server is ready for it. Raises CallError when it is refused."""
        socket = await open_socket(self.name, self.url)
        line = _Line(socket)
        try:
            await line.begin()
        except BaseException:
            await socket.close()
            raise
        return line


class _Line:
    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._encoder = OpusEncoder(RATE)
        self._writer = OggWriter(serial=1)
        self._reader = OggReader()
        self._decoder: OpusDecoder | None = None
        self._inlet = Inlet(OUT_RATE)
        self._end = 0  # of what was sent, at 48 kHz

    async def begin(self) -> None:
        first = await self._socket.answer("Moshi's handshake (it serves one call at a time)")
        if first[:1] != bytes([Kind.HANDSHAKE]):
            raise ProtocolError(f"{self._socket.name}: expected a handshake, found {first[:60]!r}")
        with contextlib.suppress(CallClosed):  # if it has gone, `sound` tells why
            await self._send(self._writer.begin(self._encoder.head))

    async def speak(self, frame: AudioFrame) -> None:
        for packet in self._encoder.encode(frame.samples):
            self._end += len(frame.samples) * OUT_RATE // RATE
            await self._send(self._writer.page(packet, self._end))

    async def press(self, digit: str) -> None:
        raise ProtocolError(f"{self._socket.name}: Moshi has no keys, found {digit}")

    async def sound(self) -> AsyncIterator[AudioFrame | Flushed]:
        clock = asyncio.get_running_loop().time
        async for message in self._socket.messages():
            kind, payload = self._read(message)
            match kind:
                case Kind.SOUND:
                    for samples in self._heard(payload):
                        yield self._inlet.take(samples, clock())
                case Kind.ERROR:
                    said = payload[:300].decode(errors="replace")
                    raise CallError(f"{self._socket.name}: the agent says: {said}")
                case _:
                    pass

    async def hang_up(self) -> None:
        await self._socket.close()

    def _read(self, message: bytes | str) -> tuple[Kind | None, bytes]:
        try:
            return decode(message)
        except ProtocolError as fault:
            raise ProtocolError(f"{self._socket.name}: {fault}") from fault

    def _heard(self, data: bytes) -> Iterator[Samples]:
        """The sound of Ogg bytes. Raises ProtocolError."""
        for packet in self._reader.push(data):
            if packet.startswith(b"OpusHead"):
                self._decoder = OpusDecoder(packet)
            elif self._decoder is None:
                raise ProtocolError(
                    f"{self._socket.name}: expected an OpusHead first, found {packet[:16]!r}"
                )
            elif not packet.startswith(b"OpusTags"):
                yield self._decoder.decode(packet)

    async def _send(self, pages: bytes) -> None:
        await self._socket.send(encode(Kind.SOUND, pages))
