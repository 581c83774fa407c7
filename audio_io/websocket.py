"""A call over a WebSocket, whatever library holds the socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from agent.core.audio import AudioFrame
from agent.core.calls import CallTraits, Incoming, Note, Order, Trace
from agent.core.errors import CallClosed, ProtocolError
from agent.core.events import Digit, Typed
from audio_io.codecs import from_pcm16, to_pcm16
from audio_io.ear_reports import TRACE_S, Seldom, no_trace, trace_ear
from audio_io.framing import check_frame, frame_samples
from audio_io.inbox import Inbox
from audio_io.message_rate import MessageRate
from audio_io.orders import refusal
from audio_io.outbox import Outbox
from audio_io.pacing import PlayoutClock
from audio_io.room import Room
from audio_io.unheard import Unheard
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
    Started,
    encode,
    from_client,
)

LEAD_S = 0.04  # a frame is sent when this much waits at the client: never more than 60 ms there


class Socket(Protocol):
    """What a WebSocket library must offer. After `close`, `receive` must end soon."""

    async def receive(self) -> bytes | str:
        """The next message.

        Raises:
            CallClosed: there will be none.
        """

    async def send(self, message: bytes | str) -> None:
        """Send one message; waits while the peer's buffers are full.

        Raises:
            CallClosed: the peer is gone.
        """

    async def close(self) -> None:
        """Close it properly. May be called twice."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may ask of a call.

    Attributes:
        message_bytes: longest binary message.
        start_s: from the connection to `start`.
        idle_s: without any sound from the client.
        input_s: sound waiting for a pipeline that is behind; older sound is dropped.
        output_frames: frames waiting for a client that reads too slowly; older ones are dropped.
        send_s: for a client to take one message, or to mark sound that it has too much of; then
            the call ends.
        notes: waiting for a client that reads too slowly; newer ones are dropped.
    """

    message_bytes: int = 65_536
    start_s: float = 5.0
    idle_s: float = 15.0
    input_s: float = 2.0
    output_frames: int = 10
    send_s: float = 5.0
    notes: int = 64


async def answer(socket: Socket, call: str, limits: Limits) -> "WebSocketCall":
    """The call, once the client has said `start`; a client that does not is told why not.

    Raises:
        ProtocolError: it sent something else, or nothing in time.
        CallClosed: it went away.
    """
    try:
        async with asyncio.timeout(limits.start_s):
            first = await socket.receive()
        start = _start(first)
    except (TimeoutError, ProtocolError) as fault:
        message = str(fault) or f"expected a start message within {limits.start_s:g} s, found none"
        await _refuse(socket, message, limits.send_s)
        raise ProtocolError(message) from fault
    return WebSocketCall(socket, call, start, limits)


async def _refuse(socket: Socket, message: str, limit_s: float) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await socket.send(encode(Failure(message)))
            await socket.send(encode(Ended(End.ERROR)))
            await socket.close()
    except (TimeoutError, CallClosed):
        return  # it went before it could be told


def _start(message: bytes | str) -> Start:
    if isinstance(message, bytes):
        raise ProtocolError(
            f"expected a start message as JSON text first, found {len(message)} bytes of sound"
        )
    parsed = from_client(message)
    if not isinstance(parsed, Start):
        raise ProtocolError(f"expected a start message first, found {message[:40]!r}")
    return parsed


class WebSocketCall:
    """One call. Beside whoever talks, `receive` and `send` must run until they return.

    Attributes:
        id: names the call to its client and in logs.
        dropped_notes: notes that could not be sent.
        ear: what the client said last of the way to the caller's ear.
    """

    def __init__(self, socket: Socket, call: str, start: Start, limits: Limits) -> None:
        self.id = call
        self.dropped_notes = 0
        self.ear = Ear()
        self._trace: Trace = no_trace
        self._reports = Seldom(TRACE_S)
        self._messages = MessageRate()
        self._socket = socket
        self._start = start
        self._play_rate = start.play_rate or start.rate
        self._limits = limits
        self._inbox = Inbox(start.rate, limits.input_s)
        self._outbox = Outbox[bytes | str](limits.output_frames)
        self._clock = PlayoutClock(self._play_rate)
        self._room = Room()
        self._sent = 0  # samples given to the socket
        self._taken_back = 0  # samples that were flushed before
        self._marked = 0  # samples the client says it has played or dropped
        self._unheard = Unheard(self._play_rate)
        self._end: End | None = None
        self._outbox.say(
            encode(Started(call, start.rate, self._play_rate, frame_samples(self._play_rate)))
        )

    @property
    def rate(self) -> int:
        """Rate of the caller's sound, in Hz."""
        return self._start.rate

    @property
    def play_rate(self) -> int:
        """Rate of the agent's sound, in Hz."""
        return self._play_rate

    @property
    def frame_samples(self) -> int:
        """Samples in 20 ms at `play_rate`."""
        return frame_samples(self._play_rate)

    @property
    def traits(self) -> CallTraits:
        """Our clock; marks where the client announced them."""
        marks = self._start.marks
        return CallTraits(marks=marks, marks_on_flush=marks)

    @property
    def dropped_input(self) -> int:
        """Samples dropped because the pipeline was behind."""
        return self._inbox.dropped

    @property
    def dropped_output(self) -> int:
        """Samples dropped because the client read too slowly."""
        return self._outbox.dropped * self.frame_samples

    @property
    def ended(self) -> End | None:
        """Why the call is over, or None while it is not."""
        return self._end

    def frames(self) -> AsyncIterator[Incoming]:
        """The caller's sound in frames of 20 ms, as it arrives, and what they enter. Once."""
        return self._inbox.frames()

    async def play(self, frame: AudioFrame) -> None:
        """Send 20 ms; returns when at most 40 ms wait at the client."""
        if self._end is not None:
            raise CallClosed(f"the call is over: {self._end}")
        check_frame(frame, self.frame_samples, self._play_rate)
        now = asyncio.get_running_loop().time()
        if self._gives_no_sign(now):
            self.end(End.LOST)
            raise CallClosed(f"the call is over: {self._end}")
        sounds_until = self._clock.put(len(frame.samples), now)
        self._outbox.sound(to_pcm16(frame.samples))
        await self._room.wait_until(sounds_until - LEAD_S)

    def flush(self) -> None:
        """Drop what was not sent, and tell the client to drop what it has not played."""
        self._clock.flush(asyncio.get_running_loop().time())
        self._room.make()
        self._taken_back += self._outbox.drop_sound() * self.frame_samples
        flush = encode(Flush())
        if flush not in self._outbox.words:  # one is enough: nothing is between it and this one
            self._outbox.say(flush)

    def played(self) -> int:
        """Samples played or flushed: by the client's marks, or else by our clock."""
        if self._start.marks:
            return self._marked + self._taken_back + self.dropped_output
        return self._clock.played(asyncio.get_running_loop().time())

    def tell(self, note: Note) -> None:
        """Send a note, or count it as dropped when too many wait or JSON cannot hold it."""
        try:
            text = encode(note)
        except ValueError:
            self.dropped_notes += 1
            return
        if len(self._outbox.words) >= self._limits.notes:
            self.dropped_notes += 1
        else:
            self._outbox.say(text)

    def report_to(self, trace: Trace) -> None:
        """From now on the client's reports of its ear go into this trace."""
        self._trace = trace

    async def order(self, order: Order) -> None:
        """None is carried out."""
        raise refusal(order, "a WebSocket")

    async def close(self) -> None:
        """Hang up."""
        self.end(End.HUNG_UP)

    def end(self, reason: End, message: str = "") -> None:
        """End the call for a reason, with a sentence for the client; only the first call counts."""
        if self._end is not None:
            return
        self._end = reason
        failure = [encode(Failure(message))] if message else []
        self._outbox.close(*failure, encode(Ended(reason)))
        self._inbox.close()
        self._room.make()

    # --- the two directions of the socket -------------------------------------------------------

    async def carry(self) -> None:
        """Both directions until the call is over."""
        async with asyncio.TaskGroup() as group:
            receiving = group.create_task(self.receive())
            await self.send()
            receiving.cancel()  # a client that reads nothing need not notice that we closed

    async def receive(self) -> None:
        """Take the client's messages until the call is over. Never raises what a client causes."""
        loop = asyncio.get_running_loop()
        heard = loop.time()
        try:
            while self._end is None:
                async with asyncio.timeout_at(heard + self._limits.idle_s):
                    message = await self._socket.receive()
                await self._messages.took()
                if isinstance(message, bytes):
                    heard = loop.time()
                    self._hear(message)
                else:
                    self._obey(from_client(message))
        except TimeoutError:
            limit_s = self._limits.idle_s
            self.end(End.IDLE, f"expected sound all the time, found none for {limit_s:g} s")
        except ProtocolError as fault:
            self.end(End.ERROR, str(fault))
        except CallClosed:
            self.end(End.LOST)

    async def send(self) -> None:
        """Send what waits until the call is over, then why it is, and close the socket."""
        try:
            while (message := await self._outbox.next(self._may_sound)) is not None:
                await self._send(message)
        except (TimeoutError, CallClosed):
            self.end(End.LOST)  # no sentence: nothing can be sent any more
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0 if self._end is End.LOST else self._limits.send_s):
                await self._socket.close()

    def _may_sound(self) -> bool:
        """Whether the client can be expected to hear more soon. What waits meanwhile grows old: the
        outbox drops it, so that a slow client hears gaps, and not the past."""
        now = asyncio.get_running_loop().time()
        return not self._unheard.is_too_much(self._sent - self._marked, now)

    def _gives_no_sign(self, now: float) -> bool:
        """Whether sound is held for a client that has marked none for too long: it reads nothing,
        and nothing is sent that would show it."""
        marked_at = self._unheard.marked_at
        is_late = marked_at is not None and now - marked_at > self._limits.send_s
        return is_late and not self._may_sound()

    async def _send(self, message: bytes | str) -> None:
        if isinstance(message, bytes):
            self._sent += len(message) // 2
        async with asyncio.timeout(self._limits.send_s):
            await self._socket.send(message)

    def _hear(self, data: bytes) -> None:
        if len(data) > self._limits.message_bytes:
            raise ProtocolError(
                f"sound: expected at most {self._limits.message_bytes} bytes in a message, "
                f"found {len(data)}; send about 20 ms at a time"
            )
        self._inbox.hear(from_pcm16(data))

    def _obey(self, message: ClientMessage) -> None:
        match message:
            case Digit() | Typed():
                self._inbox.enter(message)
            case Played():
                self._mark(message.samples)
            case Ear():
                self.ear = message
                if self._reports.is_due(asyncio.get_running_loop().time()):
                    trace_ear(self._trace, message)
                if message.played_samples is not None:
                    self._mark(message.played_samples)
            case Bye():
                self.end(End.BYE)
            case Start():
                raise ProtocolError("start: expected once, found again")

    def _mark(self, samples: int) -> None:
        if not self._start.marks:
            raise ProtocolError('played: expected "marks": true in start first, found none')
        if not 0 <= samples <= self._sent:
            raise ProtocolError(
                f"played: expected at most the {self._sent} samples that were sent, found {samples}"
            )
        self._marked = max(self._marked, samples)
        self._unheard.mark(self._sent - self._marked, asyncio.get_running_loop().time())
        self._outbox.look_again()
