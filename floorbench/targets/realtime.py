"""The WebSocket dialect of OpenAI's Realtime API, as generally available since 2025.

Source: the API reference, "Realtime", client and server events.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass

from agent.core.audio import AudioFrame
from agent.core.errors import CallError, ProtocolError
from audio_io.codecs import from_pcm16, to_pcm16
from floorbench.session import RATE, Flushed, Line
from floorbench.targets.bearer import bearer
from floorbench.targets.link import Event, Socket, open_socket, shown
from floorbench.targets.pace import Inlet, Steady

WIRE_RATE = 24_000
"""The only rate of `audio/pcm` in this dialect, in Hz."""


@dataclass(frozen=True, slots=True)
class Realtime:
    """A server of the dialect; what is empty is left to it.

    Attributes:
        url: with the model in its query.
        model: shown in the name.
        turn_detection: `server_vad`, `semantic_vad`, or what else the server knows.
        key_env: the environment variable that holds the bearer key; empty for none.
    """

    url: str
    model: str = ""
    voice: str = ""
    turn_detection: str = ""
    instructions: str = ""
    key_env: str = ""

    @property
    def name(self) -> str:
        """The address and the model; never the key."""
        model = f"?model={self.model}" if self.model else ""
        return shown("realtime+", self.url) + model

    async def connect(self) -> Line:
        """A new call, ready to listen. Raises CallError when it is refused."""
        socket = await open_socket(self.name, self.url, bearer(self.name, self.url, self.key_env))
        try:
            await _await(socket, "session.created")
            await socket.send({"type": "session.update", "session": self._session()})
            await _await(socket, "session.updated")
        except BaseException:
            await socket.close()
            raise
        return _Line(socket)

    def _session(self) -> Event:
        pcm = {"type": "audio/pcm", "rate": WIRE_RATE}
        detection = {"turn_detection": {"type": self.turn_detection}} if self.turn_detection else {}
        voice = {"voice": self.voice} if self.voice else {}
        audio = {"input": {"format": pcm, **detection}, "output": {"format": pcm, **voice}}
        words = {"instructions": self.instructions} if self.instructions else {}
        return {"type": "realtime", "output_modalities": ["audio"], "audio": audio, **words}


async def _await(socket: Socket, kind: str) -> None:
    """Pass over events until one of `kind`. Raises CallError for an error before it."""
    while (event := socket.event(await socket.answer(kind))).get("type") != kind:
        if event.get("type") == "error":
            raise CallError(f"{socket.name}: expected {kind}, found the error {_said(event)}")


def _said(event: Event) -> str:
    error = event.get("error")
    return str(error.get("message") if isinstance(error, dict) else error)[:300]


class _Line:
    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._outlet = Steady(RATE, WIRE_RATE)
        self._inlet = Inlet(WIRE_RATE)
        self._item: object = None  # what the agent says now,
        self._received = 0  # samples of it that have come,
        self._truncated: object = ""  # and what was cut: more of it may still be on its way
        self._error = ""

    async def speak(self, frame: AudioFrame) -> None:
        sound = base64.b64encode(to_pcm16(self._outlet.push(frame.samples))).decode()
        await self._socket.send({"type": "input_audio_buffer.append", "audio": sound})

    async def press(self, digit: str) -> None:
        raise ProtocolError(f"{self._socket.name}: the dialect has no keys, found {digit}")

    async def sound(self) -> AsyncIterator[AudioFrame | Flushed]:
        clock = asyncio.get_running_loop().time
        async for message in self._socket.messages():
            event = self._socket.event(message)
            match event.get("type"):
                case "response.output_audio.delta" if event.get("item_id") != self._truncated:
                    yield self._take(event, clock())
                case "input_audio_buffer.speech_started":
                    await self._truncate(clock())
                    yield Flushed()
                case "error":
                    self._error = _said(event)
                case _:
                    pass
        if self._error:
            raise CallError(f"{self._socket.name}: the call ended; its error was: {self._error}")

    def _take(self, event: Event, now: float) -> AudioFrame:
        samples = from_pcm16(self._socket.decoded(event.get("delta")))
        if event.get("item_id") != self._item:
            self._item, self._received = event.get("item_id"), 0
        self._received += len(samples)
        return self._inlet.take(samples, now)

    async def _truncate(self, now: float) -> None:
        """Tell the agent how much of what it was saying has been heard, and drop the rest."""
        waiting = self._inlet.waiting(now)
        self._inlet.flush(now)
        if waiting == 0 or self._item is None:
            return
        self._truncated = self._item
        heard = max(0, self._received - waiting)
        place = {"content_index": 0, "audio_end_ms": heard * 1000 // WIRE_RATE}
        cut = {"type": "conversation.item.truncate", "item_id": self._item, **place}
        await self._socket.send(cut)

    async def hang_up(self) -> None:
        self._error = ""
        await self._socket.close()
