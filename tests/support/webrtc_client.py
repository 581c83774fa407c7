"""A caller on aiortc, as a browser would call: an offer over HTTP, sound both ways, a channel."""

import asyncio
import contextlib
import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

RATE = 48_000
FRAME = 960


async def ask(address, method, path, body=None, headers=None):
    """The status, the headers and the JSON of an answer; None where it has no body."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()

    def request():
        asked = urllib.request.Request(
            f"http://{address}{path}", data, headers or {}, method=method
        )
        try:
            with urllib.request.urlopen(asked, timeout=15) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.headers, refusal.read()

    status, found, content = await asyncio.get_running_loop().run_in_executor(None, request)
    return status, found, json.loads(content) if content else None


def tone(hz, seconds, rate=RATE):
    at = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hz * at)).astype(np.float32)


def pitch(samples, rate=RATE):
    """The loudest frequency, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


@dataclass
class Caller:
    """One connection.

    Attributes:
        say: sound that goes out next, float32 at RATE; silence after it.
        messages: what came over the channel.
        heard: sound that came, in pieces, float32 at RATE.
    """

    connection: object
    channel: object
    say: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    messages: list = field(default_factory=list)
    heard: list = field(default_factory=list)
    call: str = ""
    key: str = ""
    track: object = None

    @property
    def sound(self):
        return np.concatenate([np.zeros(0, np.float32), *self.heard])

    @property
    def pass_(self):
        return {"call": self.call, "key": self.key}

    def tell(self, **message):
        self.channel.send(json.dumps(message))

    def note(self, kind):
        return [m["data"] for m in self.messages if m.get("kind") == kind]

    async def until(self, condition, limit_s=8.0):
        """Wait until something is so."""
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110  # it looks at what others do
                await asyncio.sleep(0.01)

    async def listen(self):
        from aiortc.mediastreams import MediaStreamError

        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await self.track.recv()
                samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
                self.heard.append(samples.astype(np.float32) / 32768)


def new_caller(
    *, servers=(), relay=False, codecs=(), video=False, audio=True, silent=False, speed=1.0
):
    """A caller that has not called yet."""
    from aiortc import RTCConfiguration, RTCIceTransportPolicy, RTCPeerConnection, RTCRtpSender

    policy = RTCIceTransportPolicy.RELAY if relay else RTCIceTransportPolicy.ALL
    connection = RTCPeerConnection(RTCConfiguration(list(servers), policy))
    caller = Caller(connection, connection.createDataChannel("parley"))
    if audio:
        transceiver = connection.addTransceiver(_mouth(caller, speed, silent=silent), "sendrecv")
        kept = [c for c in RTCRtpSender.getCapabilities("audio").codecs if c.name in codecs]
        transceiver.setCodecPreferences(kept)
    if video:
        connection.addTransceiver("video", "sendrecv")
    caller.channel.on("message", lambda text: caller.messages.append(json.loads(text)))

    @connection.on("track")
    def tracked(track):
        if track.kind == "audio":
            caller.track = track

    return caller


async def offer(caller):
    """Its offer, with all its candidates."""
    await caller.connection.setLocalDescription(await caller.connection.createOffer())
    return {"sdp": caller.connection.localDescription.sdp, "type": "offer"}


async def accept(caller, answer):
    """Take the server's answer and wait until sound and words can pass."""
    from aiortc import RTCSessionDescription

    caller.call, caller.key = answer["call"], answer["key"]
    description = RTCSessionDescription(answer["sdp"], answer["type"])
    await caller.connection.setRemoteDescription(description)
    await caller.until(lambda: caller.channel.readyState == "open", 12.0)


@contextlib.asynccontextmanager
async def calling(address, *, back=None, munge=lambda text: text, **options):
    """A call that goes on; `back` is an earlier caller whose conversation it goes on with."""
    caller = new_caller(**options)
    try:
        asked = await offer(caller) | (back.pass_ if back else {})
        asked["sdp"] = munge(asked["sdp"])
        status, _, answer = await ask(address, "POST", "/api/offer", asked)
        assert status == 200, answer
        await accept(caller, answer)
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(caller.listen())
            try:
                yield caller
            finally:
                await caller.connection.close()
                listening.cancel()
    finally:
        await caller.connection.close()


def _mouth(caller, speed, *, silent):
    from aiortc.mediastreams import MediaStreamTrack
    from av import AudioFrame

    class Mouth(MediaStreamTrack):
        kind = "audio"

        def __init__(self):
            super().__init__()
            self.sent = 0
            self.began = None

        async def recv(self):
            loop = asyncio.get_running_loop()
            if silent:
                await asyncio.Event().wait()
            self.began = loop.time() if self.began is None else self.began
            due = self.began + self.sent * 0.02 / speed
            await asyncio.sleep(max(0.0, due - loop.time()))
            samples = np.zeros(FRAME, np.float32)
            spoken, caller.say = caller.say[:FRAME], caller.say[FRAME:]
            samples[: len(spoken)] = spoken
            values = (samples * 32767).astype(np.int16).reshape(1, -1)
            frame = AudioFrame.from_ndarray(values, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, self.sent * FRAME
            frame.time_base = Fraction(1, RATE)
            self.sent += 1
            return frame

    return Mouth()
