"""A telephone provider's media stream in Twilio's dialect: we are the provider and dial the agent.

Source: Twilio, "Media Streams: WebSocket messages", for a bidirectional stream.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed, ProtocolError
from audio_io.codecs import mulaw_decode, mulaw_encode
from floorbench.session import RATE, Flushed, Line
from floorbench.targets.link import Event, Socket, open_socket, shown
from floorbench.targets.pace import Inlet, Steady

WIRE_RATE = 8000
TOKEN = "TWILIO_AUTH_TOKEN"
"""Environment variable: where it is set, the upgrade is signed with it as Twilio would."""


@dataclass(frozen=True, slots=True)
class MediaStream:
    """An agent's media-stream address. `parameters` become the start message's customParameters."""

    url: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The address."""
        return shown("twilio+", self.url)

    async def connect(self) -> Line:
        """A new call. Raises CallError when it is refused."""
        token = os.environ.get(TOKEN, "").encode()
        signed = base64.b64encode(hmac.digest(token, self.url.encode(), hashlib.sha1)).decode()
        headers = {"X-Twilio-Signature": signed} if token else {}
        line = _Line(await open_socket(self.name, self.url, headers))
        await line.start(self.parameters)
        return line


class _Line:
    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._account, self._call, self._stream = (p + secrets.token_hex(16) for p in _SIDS)
        self._sequence = 0
        self._chunk = 0
        self._sent = 0  # of the caller's samples
        self._outlet = Steady(RATE, WIRE_RATE)
        self._inlet = Inlet(WIRE_RATE)
        self._marks: deque[tuple[float, str]] = deque()  # when each is due, and its name

    async def start(self, parameters: Mapping[str, str]) -> None:
        form = {"encoding": "audio/x-mulaw", "sampleRate": WIRE_RATE, "channels": 1}
        fields: Event = {"accountSid": self._account, "callSid": self._call}
        fields |= {"streamSid": self._stream, "tracks": ["inbound"], "mediaFormat": form}
        fields["customParameters"] = dict(parameters)
        with contextlib.suppress(CallClosed):  # if it has gone, `sound` tells why
            await self._socket.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
            await self._send("start", fields)

    async def speak(self, frame: AudioFrame) -> None:
        payload = base64.b64encode(mulaw_encode(self._outlet.push(frame.samples))).decode()
        self._chunk += 1
        chunk = {"chunk": str(self._chunk), "timestamp": str(self._sent * 1000 // RATE)}
        self._sent += len(frame.samples)
        await self._send("media", {"track": "inbound", **chunk, "payload": payload})
        await self._return_marks(asyncio.get_running_loop().time())

    async def press(self, digit: str) -> None:
        await self._send("dtmf", {"track": "inbound_track", "digit": digit})

    async def sound(self) -> AsyncIterator[AudioFrame | Flushed]:
        clock = asyncio.get_running_loop().time
        async for message in self._socket.messages():
            event = self._socket.event(message)
            match event.get("event"):
                case "media":
                    data = self._socket.decoded(self._field(event, "media", "payload"))
                    yield self._inlet.take(mulaw_decode(data), clock())
                case "mark":
                    name = str(self._field(event, "mark", "name"))
                    self._marks.append((self._inlet.heard_at(clock()), name))
                case "clear":
                    self._inlet.flush(clock())
                    await self._return_marks(float("inf"))
                    yield Flushed()
                case _:
                    pass

    async def hang_up(self) -> None:
        with contextlib.suppress(CallClosed):
            await self._send("stop", {"accountSid": self._account, "callSid": self._call})
        await self._socket.close()

    def _field(self, event: Event, table: str, key: str) -> object:
        """A field of a message that is for our stream. Raises ProtocolError."""
        fields = event.get(table)
        if event.get("streamSid") != self._stream or not isinstance(fields, dict):
            raise ProtocolError(
                f"{self._socket.name}: expected streamSid {self._stream} and {table}.{key}, found "
                f"streamSid {event.get('streamSid')} and {str(fields)[:60]}"
            )
        return fields.get(key)

    async def _return_marks(self, now: float) -> None:
        """Send back the marks whose sound has been heard by `now`."""
        while self._marks and self._marks[0][0] <= now:
            await self._send("mark", {"name": self._marks.popleft()[1]})

    async def _send(self, kind: str, fields: Event) -> None:
        self._sequence += 1
        number = str(self._sequence)
        await self._socket.send(
            {"event": kind, "sequenceNumber": number, kind: fields, "streamSid": self._stream}
        )


_SIDS = ("AC", "CA", "MZ")
