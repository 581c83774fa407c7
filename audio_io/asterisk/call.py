"""A call over Asterisk's chan_websocket: sound as binary messages, control as text.

Asterisk plays what it gets at its own clock, a frame every 20 ms or silence where there is none,
and can hold 18 s of it. We let it hold little, see `Lead`, by our clock, which its reports correct.
What waits there delays whoever answers live; so in a silence that lasts nothing need wait, and a
frame too many is left out. Marks of flushed sound never come back: a flush completes them here.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

from agent.core.audio import AudioFrame
from agent.core.calls import CallTraits, Clock, Incoming, Note, Order, SendDigits, Transfer
from agent.core.errors import CallClosed, ProtocolError
from agent.core.events import Digit
from audio_io.asterisk.lead import Lead
from audio_io.asterisk.marked_clock import MarkedClock
from audio_io.asterisk.wire import (
    Command,
    Complaint,
    Held,
    Marked,
    MediaStart,
    Other,
    QueueFull,
    command,
    event,
)
from audio_io.framing import check_frame, frame_samples
from audio_io.inbox import Inbox
from audio_io.message_rate import MessageRate
from audio_io.orders import refusal
from audio_io.outbox import Outbox
from audio_io.quiet import Quiet
from audio_io.room import Room
from audio_io.websocket import Limits, Socket
from audio_io.wire import End

REPORT_EVERY = 5  # frames; ten reports a second show how far the sound has come
MOST_WAITING = 64  # messages; a far side that leaves more unread is not there any more


class Channel(Protocol):
    """The caller's own channel, where Asterisk can be told what to do with it."""

    async def order(self, order: Order) -> None:
        """Have it done, or raise OrderRefused."""


async def answer(socket: Socket, limits: Limits, channel: Channel | None = None) -> "AsteriskCall":
    """The call, once Asterisk has said what its sound is like.

    Args:
        socket: the connection.
        limits: how much the far side may ask for.
        channel: carries out orders; None: none is.

    Raises:
        ProtocolError: it said something else, or nothing in time.
        CallClosed: it went away.
    """
    try:
        async with asyncio.timeout(limits.start_s):
            return AsteriskCall(socket, _start(await socket.receive()), limits, channel)
    except TimeoutError as fault:
        await socket.close()
        limit_s = limits.start_s
        message = f"expected MEDIA_START within {limit_s:g} s, found none"
        raise ProtocolError(message) from fault
    except ProtocolError:
        await socket.close()
        raise


def _start(message: bytes | str) -> MediaStart:
    started = event(message) if isinstance(message, str) else None
    if not isinstance(started, MediaStart):
        found = "sound" if started is None else "another event"
        raise ProtocolError(f"expected MEDIA_START first, found {found}")
    return started


class AsteriskCall:
    """One call. Beside whoever talks, `carry` must run until it returns."""

    def __init__(
        self, socket: Socket, start: MediaStart, limits: Limits, channel: Channel | None
    ) -> None:
        self._socket = socket
        self._channel = channel
        self._limits = limits
        self._format, self._style = start.format, start.style
        self._rate = start.format.rate
        own = start.frame_bytes // start.format.sample_bytes  # Asterisk drops what fills none
        self._own_samples = own
        self._frame_samples = own * max(1, round(frame_samples(self._rate) / own))
        self._inbox = Inbox(self._rate, limits.input_s)
        self._outbox = Outbox[bytes | str](limits.output_frames)
        self._clock = MarkedClock(self._rate)
        self._lead, self._quiet = Lead(), Quiet()
        self._room = Room()
        self._messages = MessageRate()
        self._frames = 0  # sent since the last flush
        self._queue_full = False
        self._end: End | None = None
        self.complaints = 0

    @property
    def rate(self) -> int:
        """Rate of both sides' sound, in Hz."""
        return self._rate

    @property
    def play_rate(self) -> int:
        """As `rate`."""
        return self._rate

    @property
    def frame_samples(self) -> int:
        """Samples of about 20 ms, a multiple of the frame Asterisk asks for."""
        return self._frame_samples

    @property
    def traits(self) -> CallTraits:
        """Asterisk's clock, flushes and marks; a flush completes the marks by our doing."""
        orders: frozenset[type[Order]] = frozenset((Transfer, SendDigits))
        return CallTraits(
            clock=Clock.THEIRS,
            marks=True,
            marks_on_flush=True,
            orders=orders if self._channel else frozenset(),
        )

    @property
    def dropped_input(self) -> int:
        """Samples dropped because the pipeline was behind."""
        return self._inbox.dropped

    @property
    def dropped_output(self) -> int:
        """Samples dropped because Asterisk read too slowly."""
        return self._outbox.dropped * self._frame_samples

    @property
    def ended(self) -> End | None:
        """Why the call is over, or None while it is not."""
        return self._end

    def frames(self) -> AsyncIterator[Incoming]:
        """The caller's sound in frames of 20 ms, however it was cut, and keys."""
        return self._inbox.frames()

    async def play(self, frame: AudioFrame) -> None:
        """Send a frame; returns when at most `Lead` waits at Asterisk."""
        if self._end is not None:
            raise CallClosed(f"the call is over: {self._end}")
        check_frame(frame, self._frame_samples, self._rate)
        now = asyncio.get_running_loop().time()
        pending_s = self._clock.pending_s(now)
        spared = self._quiet.spares(frame, pending_s, behind=self._inbox.is_behind)
        if self._frames and not self._quiet.lasts:
            self._lead.put(pending_s, now)
        lead_s = self._quiet.lead_s(self._lead.seconds)
        await self._room.wait_until(now + lead_s if spared else self._sent(frame, now) - lead_s)

    def _sent(self, frame: AudioFrame, now: float) -> float:
        """Send it; loop time at which it will have sounded."""
        until = self._clock.put(len(frame.samples), now)
        if not self._queue_full:
            self._outbox.sound(self._format.encode(frame.samples))
            self._frames += 1
            if self._frames % REPORT_EVERY == 0:
                self._say(command(Command.MARK, self._style, str(self._clock.handed)))
                self._say(command(Command.STATUS, self._style))
                self._clock.ask(now)
        return until

    def flush(self) -> None:
        """Drop what was not sent, and have Asterisk drop what it has not played."""
        self._clock.flush(asyncio.get_running_loop().time())
        self._frames = 0
        self._room.make()
        self._outbox.drop_sound()
        self._say(command(Command.FLUSH, self._style))

    def played(self) -> int:
        """Samples played, left out or flushed, by our clock and Asterisk's reports."""
        return self._clock.played(asyncio.get_running_loop().time()) + self._quiet.left_out

    def tell(self, note: Note) -> None:
        """A telephone shows nothing."""

    async def order(self, order: Order) -> None:
        """Have the manager interface do it, where there is one: this socket can only hang up."""
        if self._end is not None:
            raise CallClosed(f"the call is over: {self._end}")
        if self._channel is None:
            raise refusal(order, "Asterisk's WebSocket channel without its manager interface")
        await self._channel.order(order)

    async def close(self) -> None:
        """Hang up."""
        self.end(End.HUNG_UP)

    def end(self, reason: End, message: str = "") -> None:
        """End the call for a reason; Asterisk is not told more than that it is over."""
        del message
        if self._end is not None:
            return
        self._end = reason
        self._inbox.close()
        self._outbox.close(command(Command.HANG_UP, self._style))
        self._room.make()

    # --- the two directions -----------------------------------------------------------------------

    async def carry(self) -> None:
        """Both directions until the call is over."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._receive())
            group.create_task(self._send())

    async def _receive(self) -> None:
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
                    self._obey(message)
        except TimeoutError:
            self.end(End.IDLE)
        except ProtocolError:
            self.end(End.ERROR)
        except CallClosed:
            self.end(End.LOST)

    async def _send(self) -> None:
        try:
            while (message := await self._outbox.next()) is not None:
                async with asyncio.timeout(self._limits.send_s):
                    await self._socket.send(message)
        except (TimeoutError, CallClosed):
            self.end(End.LOST)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.send_s):
                await self._socket.close()

    def _hear(self, data: bytes) -> None:
        if len(data) > self._limits.message_bytes:
            raise ProtocolError(
                f"sound: expected at most {self._limits.message_bytes} bytes, found {len(data)}"
            )
        self._inbox.hear(self._format.decode(data))

    def _obey(self, message: str) -> None:
        match event(message):
            case Digit() as key:
                self._inbox.enter(key)
            case Marked(mark):
                self._marked(mark)
            case Held(frames):
                self._clock.waited(frames * self._own_samples)
            case QueueFull(full):
                self._queue_full = full
            case MediaStart():
                raise ProtocolError("MEDIA_START: expected once, found again")
            case Complaint():
                self.complaints += 1
            case Other():
                pass

    def _marked(self, mark: str) -> None:
        if mark.isascii() and mark.isdigit() and len(mark) < 16:  # one of ours
            self._clock.mark(int(mark), asyncio.get_running_loop().time())

    def _say(self, text: str) -> None:
        self._outbox.say(text)
        if len(self._outbox) > MOST_WAITING:
            self.end(End.LOST)
