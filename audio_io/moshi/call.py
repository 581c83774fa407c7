"""A call from one of Moshi's own clients: its browser client, or `python -m moshi.client`."""

from agent.core.calls import CallTraits, Note
from agent.core.errors import ProtocolError
from audio_io.codecs import from_pcm16, to_pcm16
from audio_io.message_rate import MessageRate
from audio_io.moshi.ogg import OggReader, OggWriter
from audio_io.moshi.opus import OUT_RATE, OpusDecoder, OpusEncoder
from audio_io.moshi.wire import Kind, TextStream, decode, encode
from audio_io.resample import Resampler
from audio_io.websocket import Limits, Socket, WebSocketCall
from audio_io.wire import VERSION, Failure, Start, Started, from_server

RATE = 24_000
"""Of both sides' sound, in Hz: what Moshi's clients play, whatever the agent behind it speaks."""

PACKETS = 64
"""Opus packets in one message: they are decoded at once, and 64 of 20 ms are more than a second."""


class MoshiCall(WebSocketCall):
    """A call of ours over a socket that speaks Moshi's protocol.

    Only what was not sent can be taken back: this protocol has no word for it.
    """

    def __init__(self, socket: Socket, call: str, limits: Limits) -> None:
        start = Start(VERSION, RATE, play_rate=RATE)
        super().__init__(MoshiSocket(socket, limits), call, start, limits)

    @property
    def traits(self) -> CallTraits:
        """Our clock; what was sent is played."""
        return CallTraits(flushes=False)

    def flush(self) -> None:
        """Nothing is taken back; at most 60 ms are on their way."""


class MoshiSocket:
    """Moshi's messages on one side, those of our own protocol on the other."""

    def __init__(self, socket: Socket, limits: Limits) -> None:
        self._socket, self._limits = socket, limits
        self._reader = OggReader()
        self._decoder: OpusDecoder | None = None
        self._resampler = Resampler(OUT_RATE, RATE)
        self._encoder, self._writer = OpusEncoder(RATE), OggWriter(serial=1)
        self._text = TextStream()
        self._messages = MessageRate()
        self._end = 0  # of what was sent, at 48 kHz

    async def receive(self) -> bytes:
        """The caller's next sound, as 16-bit samples at 24 kHz.

        Raises:
            CallClosed: there will be none.
            ProtocolError: it is no sound.
        """
        while True:
            kind, payload = decode(await self._socket.receive())
            await self._messages.took()  # also those that are passed over
            if kind is Kind.SOUND and (sound := self._heard(payload)):
                return sound

    async def send(self, message: bytes | str) -> None:
        """Send a message of ours, where Moshi's protocol has one for it."""
        if isinstance(message, bytes):
            await self._say(message)
            return
        match from_server(message):
            case Started():
                await self._socket.send(encode(Kind.HANDSHAKE))
                await self._socket.send(encode(Kind.SOUND, self._writer.begin(self._encoder.head)))
            case Note() as note:
                if text := self._text.news(note):
                    await self._socket.send(encode(Kind.TEXT, text.encode(errors="replace")))
            case Failure(sentence):
                await self._socket.send(encode(Kind.ERROR, sentence.encode(errors="replace")))
            case _:
                pass

    async def close(self) -> None:
        """Close it properly."""
        await self._socket.close()

    def _heard(self, data: bytes) -> bytes:
        if len(data) > self._limits.message_bytes:
            raise ProtocolError(
                f"sound: expected at most {self._limits.message_bytes} bytes in a message, "
                f"found {len(data)}; send about 80 ms at a time"
            )
        packets = self._reader.push(data)
        if len(packets) > PACKETS:
            raise ProtocolError(
                f"sound: expected at most {PACKETS} packets in a message, found {len(packets)}"
            )
        return b"".join(map(self._decoded, packets))

    def _decoded(self, packet: bytes) -> bytes:
        if packet.startswith(b"OpusHead"):
            self._decoder = OpusDecoder(packet)
            return b""
        if packet.startswith(b"OpusTags"):
            return b""
        if self._decoder is None:
            raise ProtocolError(f"sound: expected an OpusHead first, found {packet[:16]!r}")
        return to_pcm16(self._resampler.push(self._decoder.decode(packet)))

    async def _say(self, sound: bytes) -> None:
        samples = from_pcm16(sound)
        for packet in self._encoder.encode(samples):
            self._end += len(samples) * OUT_RATE // RATE
            await self._socket.send(encode(Kind.SOUND, self._writer.page(packet, self._end)))
