"""Telephone providers that stream a call to us, and what their callers hear.

Written from the providers' own references, with messages in the shapes these show. No real
provider was reached: what they do beside their documents is not in here.
"""

import asyncio
import base64
import contextlib
import json
from collections import deque

import numpy as np

from agent.core.errors import CallClosed
from audio_io.codecs import (
    from_alaw,
    from_pcm16,
    mulaw_decode,
    mulaw_encode,
    to_alaw,
    to_pcm16,
)

FRAME_S = 0.02
STREAM = "MZ18ad3ab5a668481ce02b83e7395059f0"
CALL = "CAa2f1c0a6b7d94c0f8a1b0c6f9d1e2f33"
NUMBER = "+15551230001"
CODECS = {
    "mulaw": (mulaw_encode, mulaw_decode),
    "alaw": (to_alaw, from_alaw),
    "linear": (to_pcm16, from_pcm16),
}


def b64(data):
    return base64.b64encode(data).decode()


class Twilio:
    """Numbers are text, everything names the stream, and a clear returns all marks."""

    coding, rate, marks_on_clear, protocol = "mulaw", 8000, True, None

    def __init__(self, **changes):
        self.sequence = 0
        self.chunk = 0
        for name, value in changes.items():
            setattr(self, name, value)

    def numbered(self, event, **fields):
        self.sequence += 1
        number = str(self.sequence)
        return json.dumps({"event": event, "sequenceNumber": number, **fields, "streamSid": STREAM})

    def opening(self):
        connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        form = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        start = {"accountSid": "AC" + "0" * 32, "streamSid": STREAM, "callSid": CALL,
                 "tracks": ["inbound"], "mediaFormat": form,
                 "customParameters": {"table": "12", "from": NUMBER}}  # fmt: skip
        return [json.dumps(connected), self.numbered("start", start=start)]

    def media(self, data, at_ms):
        self.chunk += 1
        media = {"track": "inbound", "chunk": str(self.chunk), "timestamp": str(at_ms)}
        return self.numbered("media", media={**media, "payload": b64(data)})

    def dtmf(self, digit):
        return self.numbered("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def mark(self, name):
        return self.numbered("mark", mark={"name": name})

    def cleared(self):
        return []

    def stop(self):
        ids = {"accountSid": "AC" + "0" * 32, "callSid": CALL}
        return self.numbered("stop", stop=ids)

    def told(self, message):
        """What the agent wants: ("sound", bytes), ("mark", name), ("clear",), ("digits", keys)."""
        table = json.loads(message)
        assert table["streamSid"] == STREAM
        return self.wanted(table)

    def wanted(self, table):
        match table["event"]:
            case "media":
                assert set(table["media"]) == {"payload"}
                return "sound", base64.b64decode(table["media"]["payload"], validate=True)
            case "mark":
                return "mark", table["mark"]["name"]
            case "clear":
                return ("clear",)
        raise AssertionError(f"not in the dialect: {table}")


class SignalWire(Twilio):
    """Twilio's messages."""


class Telnyx(Twilio):
    """Snake case, no stream in what is sent to it, PCMU or PCMA; the order is not sure."""

    marks_on_clear = False

    def numbered(self, event, **fields):
        self.sequence += 1
        number = str(self.sequence)
        return json.dumps({"event": event, "sequence_number": number, **fields,
                           "stream_id": STREAM})  # fmt: skip

    def opening(self):
        encoding = {"mulaw": "PCMU", "alaw": "PCMA"}[self.coding]
        form = {"encoding": encoding, "sample_rate": 8000, "channels": 1}
        start = {"user_id": "3E6F995F-85F7-4705-9741-53B116D28237", "call_control_id": CALL,
                 "client_state": "aGF2ZSBhIG5pY2UgZGF5ID1d", "media_format": form,
                 "from": NUMBER, "to": "+15551230002",
                 "custom_parameters": {"table": "12"}}  # fmt: skip
        return ['{"event":"connected","version":"1.0.0"}', self.numbered("start", start=start)]

    def dtmf(self, digit):
        return self.numbered("dtmf", occurred_at="2026-11-21T10:00:00Z", dtmf={"digit": digit})

    def told(self, message):
        table = json.loads(message)
        assert "stream_id" not in table
        return self.wanted(table)

    def stop(self):
        return self.numbered("stop", stop={"user_id": "3E6F", "call_control_id": CALL})


class Plivo(Twilio):
    """Events of its own names, numbers as numbers, no `connected`."""

    marks_on_clear = False

    def numbered(self, event, **fields):
        self.sequence += 1
        return json.dumps({"sequenceNumber": self.sequence, "streamId": STREAM, "event": event,
                           **fields, "extra_headers": '{"table":"12"}'})  # fmt: skip

    def opening(self):
        encoding = {"mulaw": "audio/x-mulaw", "linear": "audio/x-l16"}[self.coding]
        form = {"encoding": encoding, "sampleRate": self.rate}
        start = {"callId": CALL, "streamId": STREAM, "accountId": "MAXXXXXXXXXXXXXXXXXX",
                 "tracks": ["inbound"], "mediaFormat": form, "from": NUMBER}  # fmt: skip
        return [self.numbered("start", start=start)]

    def media(self, data, at_ms):
        self.chunk += 1
        media = {"track": "inbound", "timestamp": str(1763712000000 + at_ms), "chunk": self.chunk}
        return self.numbered("media", media={**media, "payload": b64(data)})

    def mark(self, name):
        return self.numbered("playedStream", name=name)

    def cleared(self):
        return [self.numbered("clearedAudio")]

    def told(self, message):
        table = json.loads(message)
        match table["event"]:
            case "playAudio":
                kind = {"mulaw": "audio/x-mulaw", "linear": "audio/x-l16"}[self.coding]
                media = table["media"]
                assert (media["contentType"], media["sampleRate"]) == (kind, self.rate)
                return "sound", base64.b64decode(media["payload"], validate=True)
            case "checkpoint":
                assert table["streamId"] == STREAM
                return "mark", table["name"]
            case "clearAudio":
                assert table["streamId"] == STREAM
                return ("clear",)
            case "sendDTMF":
                return "digits", table["dtmf"]
        raise AssertionError(f"not in the dialect: {table}")


class Exotel(Twilio):
    """Linear sound in messages of at least 3,200 bytes and multiples of 320."""

    coding, marks_on_clear = "linear", False

    def numbered(self, event, **fields):
        self.sequence += 1
        number = str(self.sequence)
        return json.dumps({"event": event, "sequence_number": number, "stream_sid": STREAM,
                           **fields})  # fmt: skip

    def opening(self):
        form = {"encoding": "base64", "sample_rate": str(self.rate), "bit_rate": "128kbps"}
        start = {"stream_sid": STREAM, "call_sid": CALL, "account_sid": "exotel1", "from": NUMBER,
                 "to": "08000000000", "custom_parameters": {"table": "12"},
                 "media_format": form}  # fmt: skip
        return ['{"event":"connected"}', self.numbered("start", start=start)]

    def dtmf(self, digit):
        return self.numbered("dtmf", dtmf={"duration": "120", "digit": digit})

    def told(self, message):
        table = json.loads(message)
        assert table["stream_sid"] == STREAM
        wanted = self.wanted(table)
        if wanted[0] == "sound":
            assert len(wanted[1]) % 320 == 0
            assert 3200 <= len(wanted[1]) <= 100_000
        return wanted

    def stop(self):
        return self.numbered("stop", stop={"call_sid": CALL, "reason": "callended"})


class Jambonz(Twilio):
    """Binary sound; the marks of what is cleared come back as cleared."""

    coding, protocol = "linear", "audio.jambonz.org"

    def opening(self):
        return [json.dumps({"callSid": CALL, "direction": "inbound", "from": NUMBER,
                            "to": "+15551230002", "callId": "f5c2", "sipStatus": 100,
                            "accountSid": "ac12", "sampleRate": self.rate, "mixType": "mono",
                            "table": "12"})]  # fmt: skip

    def media(self, data, at_ms):
        return data

    def dtmf(self, digit):
        return json.dumps({"event": "dtmf", "dtmf": digit, "duration": "1600"})

    def mark(self, name):
        return json.dumps({"type": "mark", "data": {"name": name, "event": "playout"}})

    def told(self, message):
        if isinstance(message, bytes):
            return "sound", message
        table = json.loads(message)
        match table["type"]:
            case "mark":
                return "mark", table["data"]["name"]
            case "clearMarks":
                return ("marks",)
            case "killAudio":
                return ("clear",)
            case "disconnect":
                return ("hang up",)
        raise AssertionError(f"not in the dialect: {table}")

    def stop(self):
        return None  # it closes the socket


class Vonage(Jambonz):
    """Binary sound, and notifications in place of marks."""

    rate, marks_on_clear, protocol = 16_000, False, None

    def opening(self):
        kind = f"audio/l16;rate={self.rate}"
        return [json.dumps({"event": "websocket:connected", "content-type": kind, "call": CALL,
                            "table": "12", "from": NUMBER})]  # fmt: skip

    def dtmf(self, digit):
        return json.dumps({"event": "websocket:dtmf", "digit": digit, "duration": 260})

    def mark(self, name):
        return json.dumps({"event": "websocket:notify", "payload": {"mark": name}})

    def cleared(self):
        return [json.dumps({"event": "websocket:cleared"})]

    def told(self, message):
        if isinstance(message, bytes):
            return "sound", message
        table = json.loads(message)
        match table["action"]:
            case "notify":
                return "mark", table["payload"]["mark"]
            case "clear":
                return ("clear",)
        raise AssertionError(f"not in the dialect: {table}")


class AudioFork(Jambonz):
    """drachtio's module for FreeSWITCH: the metadata is the dial plan's own."""

    protocol = "audio.drachtio.org"

    def opening(self):
        return [json.dumps({"call": CALL, "table": "12", "from": NUMBER})]


class AudioStream(AudioFork):
    """mod_audio_stream: sound comes back as JSON; nothing is taken back or marked."""

    protocol = None

    def told(self, message):
        table = json.loads(message)
        assert table["type"] == "streamAudio"
        assert table["data"]["audioDataType"] == "raw"
        assert table["data"]["sampleRate"] == self.rate
        return "sound", base64.b64decode(table["data"]["audioData"], validate=True)


PROVIDERS = {"twilio": Twilio, "signalwire": SignalWire, "telnyx": Telnyx, "plivo": Plivo,
             "exotel": Exotel, "jambonz": Jambonz, "vonage": Vonage, "audio_fork": AudioFork,
             "audio_stream": AudioStream}  # fmt: skip


class Loudspeaker:
    """What a caller hears: sound plays as it comes and without a gap, until it is cleared."""

    def __init__(self, rate, begun):
        self.rate, self.begun, self.ends = rate, begun, begun
        self.played = []  # when, in s since the beginning, and samples
        self.marks = deque()  # when the sound before them has been played, and names
        self.most_waiting_s = 0.0

    def take(self, samples, now):
        start = max(now, self.ends)
        self.played.append((start - self.begun, samples))
        self.ends = start + len(samples) / self.rate
        self.most_waiting_s = max(self.most_waiting_s, self.ends - now)

    def mark(self, name, now):
        self.marks.append((max(now, self.ends), name))

    def due(self, now):
        """The marks whose sound was played by now."""
        found = []
        while self.marks and self.marks[0][0] <= now + 1e-9:
            found.append(self.marks.popleft()[1])
        return found

    def clear(self, now):
        kept = []
        for start, samples in self.played:
            count = round((now - self.begun - start) * self.rate)
            kept += [(start, samples[:count])] if count > 0 else []
        self.played, self.ends = kept, min(self.ends, now)

    def stream(self):
        """All that was played, without the pauses between, float32."""
        return np.concatenate([np.zeros(0, np.float32), *(samples for _, samples in self.played)])

    def delays_s(self):
        """Of each message, when its first sample was heard after its place in the stream; of an
        agent that says back what it hears: after it was said."""
        lengths = [len(samples) for _, samples in self.played]
        places = np.cumsum([0, *lengths[:-1]]) / self.rate
        return np.array([at for at, _ in self.played]) - places

    def heard(self):
        """Everything on one time line from the beginning of the call, float32."""
        ends = [round(at * self.rate) + len(samples) for at, samples in self.played]
        line = np.zeros(max(ends, default=0), np.float32)
        for at, samples in self.played:
            first = round(at * self.rate)
            line[first : first + len(samples)] = samples
        return line


class Phone:
    """A call through a provider: a caller who speaks, and what they hear.

    Attributes:
        clears: when sound was taken back, in s since the beginning.
        digits: keys that the agent pressed.
        ended: how the agent closed the stream: code and reason.
    """

    def __init__(self, socket, shape):
        self.socket, self.shape = socket, shape
        self.loudspeaker = None
        self.clears, self.digits, self.ended = [], [], None
        self.position = 0

    async def call(self, said, *, then=()):
        """Speak, do what `then` says at its frame, and hang up; runs in real time."""
        await self.open()
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self.listen())
            with contextlib.suppress(CallClosed):
                await self.speak(said, dict(then))
                await self.hang_up()
            await listening

    async def open(self):
        loop = asyncio.get_running_loop()
        for message in self.shape.opening():
            await self.socket.send(message)
        self.loudspeaker = Loudspeaker(self.shape.rate, loop.time())

    async def speak(self, said, then=()):
        """Say float32 samples at the provider's rate, a frame every 20 ms."""
        loop, encode = asyncio.get_running_loop(), CODECS[self.shape.coding][0]
        count = round(FRAME_S * self.shape.rate)
        for number, at in enumerate(range(0, len(said) - count + 1, count)):
            due = self.loudspeaker.begun + (self.position + count) / self.shape.rate
            await asyncio.sleep(max(0, due - loop.time()))
            if number in then:
                await self.do(then[number])
            at_ms = self.position * 1000 // self.shape.rate
            self.position += count
            await self.socket.send(self.shape.media(encode(said[at : at + count]), at_ms))
            await self.return_marks()

    async def do(self, message):
        for one in message if isinstance(message, list) else [message]:
            await self.socket.send(one)

    async def return_marks(self):
        now = asyncio.get_running_loop().time()
        for name in self.loudspeaker.due(now):
            await self.socket.send(self.shape.mark(name))

    async def listen(self):
        """Take what the agent sends until it or we hang up."""
        decode = CODECS[self.shape.coding][1]
        with contextlib.suppress(CallClosed):
            while True:
                what, *rest = self.shape.told(await self.socket.receive())
                now = asyncio.get_running_loop().time()
                match what:
                    case "sound":
                        self.loudspeaker.take(decode(rest[0]), now)
                    case "mark":
                        self.loudspeaker.mark(rest[0], now)
                    case "digits":
                        self.digits.append(rest[0])
                    case "clear":
                        await self.clear(now)
        self.ended = self.socket.ended

    async def clear(self, now):
        self.clears.append(now - self.loudspeaker.begun)
        self.loudspeaker.clear(now)
        if not self.shape.marks_on_clear:
            self.loudspeaker.marks.clear()
        for _, name in list(self.loudspeaker.marks):
            await self.socket.send(self.shape.mark(name))
        self.loudspeaker.marks.clear()
        for message in self.shape.cleared():
            await self.socket.send(message)

    async def hang_up(self):
        stop = self.shape.stop()
        if stop is None:
            await self.socket.close()
        else:
            await self.socket.send(stop)


# --- sockets ------------------------------------------------------------------------------------


class Cable:
    """Two sockets of one connection in memory: `agent` and `provider`."""

    def __init__(self):
        self.agent, self.provider = _End(), _End()
        self.agent.far, self.provider.far = self.provider, self.agent


class _End:
    def __init__(self):
        self.inbox, self.news, self.closed = deque(), asyncio.Event(), False
        self.reads = asyncio.Event()
        self.reads.set()
        self.ended = None

    async def receive(self):
        while not self.inbox:
            if self.closed:
                raise CallClosed("gone")
            self.news.clear()
            await self.news.wait()
        return self.inbox.popleft()

    async def send(self, message):
        await self.far.reads.wait()
        if self.closed or self.far.closed:
            raise CallClosed("gone")
        self.far.inbox.append(message)
        self.far.news.set()
        await asyncio.sleep(0)

    async def close(self, code=1000, reason=""):
        if not self.closed and not self.far.closed:
            self.far.ended = (code, reason)
        for one in (self, self.far):
            one.closed = True
            one.news.set()


class WebSocketLine:
    """A connection of the `websockets` library, as a provider's socket."""

    def __init__(self, connection):
        self.connection = connection
        self.ended = None

    async def receive(self):
        from websockets.exceptions import ConnectionClosed

        try:
            return await self.connection.recv()
        except ConnectionClosed as closed:
            if closed.rcvd is not None:
                self.ended = (closed.rcvd.code, closed.rcvd.reason)
            raise CallClosed("gone") from closed

    async def send(self, message):
        from websockets.exceptions import ConnectionClosed

        try:
            await self.connection.send(message)
        except ConnectionClosed as closed:
            raise CallClosed("gone") from closed

    async def close(self):
        await self.connection.close()


# --- judging ------------------------------------------------------------------------------------


def delay_and_likeness(said, heard, rate, within_s=1.0):
    """How much later it was heard, in s, and how alike the two are, 0..1, at the best delay."""
    size = 1 << int(np.ceil(np.log2(len(said) + len(heard))))
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    shift = int(np.argmax(product[: round(within_s * rate)]))
    count = min(len(said), len(heard) - shift)
    one, other = said[:count], heard[shift : shift + count]
    return shift / rate, float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def speech_like(seconds, rate, seed=3):
    """Noise in syllables, which is like itself at no other delay."""
    rng = np.random.default_rng(seed)
    at = np.arange(round(seconds * rate)) / rate
    sound = np.convolve(rng.normal(0, 1, len(at)), np.hanning(5), "same")
    return (0.2 * sound * np.sin(np.pi * 3 * at) ** 2).astype(np.float32)
