"""A call over WebRTC: one conversation, however many connections it takes."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from agent.core.audio import AudioFrame, Samples
from agent.core.calls import CallTraits, Incoming, Note, Order, Trace
from agent.core.errors import CallClosed, ProtocolError
from agent.core.events import Digit, Typed
from audio_io.ear_reports import TRACE_S, Seldom, no_trace, trace_ear
from audio_io.framing import check_frame, frame_samples
from audio_io.orders import refusal
from audio_io.receive.jitter import Packet
from audio_io.receive.presence import Presence
from audio_io.receive.speaking import Speaking
from audio_io.ring import SampleRing
from audio_io.webrtc.codecs import Hearing
from audio_io.webrtc.sdp import checked_offer
from audio_io.webrtc.settings import WebRtcSettings
from audio_io.wire import (
    Bye,
    ClientMessage,
    Ear,
    End,
    Ended,
    Failure,
    Flush,
    Played,
    Start,
    encode,
    from_client,
)

if TYPE_CHECKING:
    from audio_io.webrtc.peer import Peer

_ENTERED = 64  # keys and lines waiting to be read; nobody types faster than a pipeline reads
_STALL_S = 0.2  # a loop that stood still this long does not catch up with what it missed
_LOOK_S = 0.2  # how often the caller's presence is looked at
_LAST_WORDS_S = 1.0  # for the last message to arrive, and for the client to close by itself
_LEAST_LOSS = 0.05  # what we are prepared for where nothing is lost


async def answer(name: str, offer: str, settings: WebRtcSettings) -> tuple["WebRtcCall", str]:
    """The call of an offer, and the answer to it; its `carry` must run.

    Raises:
        ProtocolError: the offer cannot be read, or has no sound for us.
        DeviceError: a library is missing.
    """
    call = WebRtcCall(name, settings)
    try:
        return call, await call.join(offer)
    except BaseException:
        await call.leave()
        raise


class WebRtcCall:
    """One call. Beside whoever talks, `carry` must run until it returns.

    While the caller is away they are heard as silence, and what is played waits for them.

    Attributes:
        id: names the call to its client and in logs.
        ear: what the client said last of the way to the caller's ear.
        dropped_notes: notes that could not be sent.
        joined: connections it has had.
    """

    def __init__(self, name: str, settings: WebRtcSettings) -> None:
        """Nobody is there yet: see `join`."""
        self.id = name
        self.ear = Ear()
        self.dropped_notes = 0
        self.joined = 0
        self._trace: Trace = no_trace
        self._reports = Seldom(TRACE_S)
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._presence = Presence(settings.presence, self._loop.time())
        self._hearing = Hearing(settings.rate, settings.jitter)
        self._ring = SampleRing(round(settings.input_s * settings.rate))
        self._entered: deque[Digit | Typed] = deque(maxlen=_ENTERED)
        self._input = asyncio.Event()
        self._speaking = Speaking(settings.play_rate, settings.output_frames, settings.ear_s)
        self._words: deque[str] = deque()
        self._peer: Peer | None = None
        self._end: End | None = None
        self._over = asyncio.Event()

    @property
    def rate(self) -> int:
        """Rate of the caller's sound, in Hz."""
        return self._settings.rate

    @property
    def play_rate(self) -> int:
        """Rate of the agent's sound, in Hz."""
        return self._settings.play_rate

    @property
    def frame_samples(self) -> int:
        """Samples in 20 ms at `play_rate`."""
        return frame_samples(self.play_rate)

    @property
    def traits(self) -> CallTraits:
        """Our clock; marks where the client reports how far away the ear is."""
        return CallTraits(marks=self.ear.delay_s is not None)

    @property
    def dropped_input(self) -> int:
        """Samples dropped because the pipeline was behind."""
        return self._ring.dropped

    @property
    def ended(self) -> End | None:
        """Why the call is over, or None while it is not."""
        return self._end

    @property
    def hearing(self) -> Hearing:
        """The caller's sound and its counts."""
        return self._hearing

    async def frames(self) -> AsyncIterator[Incoming]:
        """The caller's sound as it becomes due, about 20 ms at a time. May be called once."""
        start = 0
        while True:
            if self._entered:
                yield self._entered.popleft()
            elif len(self._ring):
                samples = self._ring.read(len(self._ring))
                yield AudioFrame(samples, self.rate, start)
                start += len(samples)
            elif self._end is not None:
                return
            else:
                self._input.clear()
                await self._input.wait()

    async def play(self, frame: AudioFrame) -> None:
        """Hand over 20 ms; returns when less than the limit waits to be sent."""
        self._check_that_it_goes_on()
        check_frame(frame, self.frame_samples, self.play_rate)
        await self._speaking.put(frame.samples)

    def flush(self) -> None:
        """Drop what was not sent, and tell the client."""
        self._speaking.flush()
        self._say(encode(Flush()))

    def played(self) -> int:
        """Samples at the caller's ear by now, as far as the client has told how far away it is."""
        return self._speaking.played()

    def tell(self, note: Note) -> None:
        """Send a note, or count it as dropped when too many wait or JSON cannot hold it."""
        try:
            self._say(encode(note))
        except ValueError:
            self.dropped_notes += 1

    def report_to(self, trace: Trace) -> None:
        """From now on go into this trace: reports of the ear, and what the network did to us."""
        self._trace = trace

    async def order(self, order: Order) -> None:
        """None is carried out."""
        raise refusal(order, "a call over WebRTC")

    async def close(self) -> None:
        """Hang up."""
        self.end(End.HUNG_UP)

    def end(self, reason: End, message: str = "") -> None:
        """End the call for a reason, with a sentence for the client; only the first call counts."""
        if self._end is not None:
            return
        self._end = reason
        self._speaking.close()
        if message:
            self._say(encode(Failure(message)))
        self._say(encode(Ended(reason)))
        self._input.set()
        self._over.set()

    # --- connections ----------------------------------------------------------------------------

    async def join(self, offer: str) -> str:
        """Answer an offer: the first, or that of a caller who comes back.

        Raises:
            CallClosed: the call is over.
            ProtocolError: the offer cannot be read, or has no sound for us.
        """
        from audio_io.webrtc.peer import Peer  # noqa: PLC0415  # heavy

        peer = Peer(self, self._settings)
        try:
            text = await peer.answer(checked_offer(offer))
            self._check_that_it_goes_on()
        except BaseException:
            await peer.close()
            raise
        before, self._peer = self._peer, peer
        self.joined += 1
        if before is not None:
            self._presence.rejoining(self._loop.time())
            await before.close()
        return text

    async def add(self, candidate: str, mid: str | None, line: int | None) -> None:
        """Another address of the caller's; raises ProtocolError where it cannot be read."""
        if self._peer is not None:
            await self._peer.add(candidate, mid, line)

    async def leave(self) -> None:
        """Close the connection there is."""
        peer, self._peer = self._peer, None
        if peer is not None:
            await peer.close()

    async def carry(self) -> None:
        """Keep the beat of the caller's sound, and look after the connection, until it is over."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._watch())
            await self._finish()
        finally:
            await self.leave()

    def _check_that_it_goes_on(self) -> None:
        if self._end is not None:
            raise CallClosed(f"the call is over: {self._end}")

    async def _listen(self) -> None:
        due = self._loop.time()
        while self._end is None:
            samples, duration_s = self._hearing.take(due)
            if len(samples):
                self._ring.write(samples)
                self._input.set()
            due += duration_s
            now = self._loop.time()
            due = now if now - due > _STALL_S else due
            await self._pause(due - now)

    async def _watch(self) -> None:
        while self._end is None:
            over = self._presence.check(self._loop.time())
            if over is not None:
                self.end(*over)
            await self._pause(_LOOK_S)

    async def _pause(self, duration_s: float) -> None:
        """Wait, and no longer than the call lasts."""
        try:
            async with asyncio.timeout(max(0.0, duration_s)):
                await self._over.wait()
        except TimeoutError:
            return

    async def _finish(self) -> None:
        """Let the last words arrive, and the client close by itself."""
        until = self._loop.time() + _LAST_WORDS_S
        while self._loop.time() < until and self._peer is not None:
            if self._peer.state != "connected" or not self._peer.has_channel:
                return
            await asyncio.sleep(0.02)

    def _say(self, text: str) -> None:
        """Words for the client, in order; beyond the limit the newest are dropped."""
        if self._peer is not None and not self._words and self._peer.say(text):
            return
        if len(self._words) >= self._settings.notes:
            self.dropped_notes += 1
        else:
            self._words.append(text)

    # --- what the connection says ---------------------------------------------------------------

    def next_frame(self) -> Samples | None:
        """20 ms to send now, or None: there is nothing, or nobody to hear it."""
        return self._speaking.take() if self._presence.is_listening else None

    def on_packet(self, packet: Packet, codec: str) -> None:
        """Sound came."""
        self._presence.packet(packet.arrived)
        self._hearing.put(packet, codec)

    def on_state(self, peer: "Peer") -> None:
        """The connection has changed, or its data channel is open."""
        if peer is not self._peer:
            return  # an old one
        now = self._loop.time()
        if peer.state == "connected":
            self._presence.connected(now)
        elif peer.state == "failed":
            self._presence.lost(now)
        elif peer.state == "closed":
            self._presence.closed(now)
        while self._words and peer.say(self._words[0]):
            self._words.popleft()

    def on_message(self, message: bytes | str) -> None:
        """Words came. Ends the call where they break the protocol."""
        try:
            self._obey(from_client(_text(message)))
        except ProtocolError as fault:
            self.end(End.ERROR, str(fault))

    def _obey(self, message: ClientMessage) -> None:
        match message:
            case Digit() | Typed():
                self._entered.append(message)
                self._input.set()
            case Ear():
                self._report(message)
            case Bye():
                self.end(End.BYE)
            case Start() | Played():
                raise ProtocolError("expected digit, text, ear or bye in a call over WebRTC")

    def _report(self, ear: Ear) -> None:
        self.ear = ear
        if self._reports.is_due(self._loop.time()):
            trace_ear(self._trace, ear)
            self._trace("network", **self._hearing.counts())
        if ear.delay_s is not None:
            self._speaking.ear_is(ear.delay_s)
        if ear.loss is not None and self._peer is not None:
            self._peer.expect_loss(max(ear.loss, _LEAST_LOSS))


def _text(message: bytes | str) -> str:
    if isinstance(message, str):
        return message
    raise ProtocolError(f"expected JSON text, found {len(message)} bytes")
