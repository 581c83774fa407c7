"""A call over Asterisk's AudioSocket: TCP, 16-bit PCM, nobody's clock but ours.

Asterisk passes on what it gets at once: what was sent cannot be taken back, and what is sent too
fast is lost. So one frame goes out every 20 ms, and never more than 40 ms of sound ahead of time.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Collection
from typing import Protocol
from uuid import UUID

from agent.core.audio import AudioFrame
from agent.core.calls import CallTraits, Incoming, Note, Order
from agent.core.errors import CallClosed, ProtocolError
from agent.core.events import Digit
from audio_io.asterisk.audiosocket_wire import (
    HANG_UP,
    Failed,
    HungUp,
    Identity,
    Message,
    MessageReader,
    Sound,
    sound_message,
)
from audio_io.codecs import from_pcm16, to_pcm16
from audio_io.framing import check_frame, frame_samples
from audio_io.inbox import Inbox
from audio_io.message_rate import MessageRate
from audio_io.orders import refusal
from audio_io.outbox import Outbox
from audio_io.pacing import PlayoutClock
from audio_io.quiet import Quiet
from audio_io.room import Room
from audio_io.websocket import Limits
from audio_io.wire import End

LEAD_S = 0.02  # a frame is sent when this much is ahead of time: never more than 40 ms


class Stream(Protocol):
    """What a TCP connection must offer. After `close`, `receive` must end soon."""

    async def receive(self) -> bytes:
        """The next bytes, at least one.

        Raises:
            CallClosed: there will be none.
        """

    async def send(self, data: bytes) -> None:
        """Send bytes; waits while the peer's buffers are full.

        Raises:
            CallClosed: the peer is gone.
        """

    async def close(self) -> None:
        """Close it. May be called twice."""


class Messages:
    """The messages of a stream, one by one."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._reader = MessageReader()
        self._waiting: deque[Message] = deque()
        self._counted = MessageRate()

    async def next(self) -> Message:
        """The next message.

        Raises:
            CallClosed: there will be none.
            ProtocolError: it is not what its kind says, or too many come.
        """
        while not self._waiting:
            self._waiting.extend(self._reader.feed(await self.stream.receive()))
        await self._counted.took()
        return self._waiting.popleft()


async def answer(stream: Stream, ids: Collection[UUID], limits: Limits) -> "AudioSocketCall":
    """The call, once its first sound says what rate it has; any other connection is closed.

    Args:
        stream: the connection.
        ids: those that may call; empty: any.
        limits: how much a caller may ask for.

    Raises:
        ProtocolError: it does not say who it is, or nothing comes in time.
        CallClosed: it went away.
    """
    messages = Messages(stream)
    try:
        async with asyncio.timeout(limits.start_s):
            _admit(await messages.next(), ids)
            first = await _first_sound(messages)
    except TimeoutError as fault:
        await stream.close()
        raise ProtocolError(
            f"AudioSocket: expected an id and sound within {limits.start_s:g} s, found none"
        ) from fault
    except (ProtocolError, CallClosed):
        await stream.close()
        raise
    return AudioSocketCall(messages, first, limits)


def _admit(message: Message, ids: Collection[UUID]) -> None:
    if not isinstance(message, Identity):
        kind = type(message).__name__.lower()
        raise ProtocolError(f"AudioSocket: expected the call's id first, found {kind}")
    if ids and message.id not in ids:
        raise ProtocolError("AudioSocket: expected one of the ids that may call, found another")


async def _first_sound(messages: Messages) -> Sound:
    while True:
        match await messages.next():
            case Sound() as sound:
                return sound
            case HungUp() | Failed():
                raise CallClosed("the caller hung up before the first sound")
            case Identity():
                raise ProtocolError("AudioSocket: expected one id, found a second one")


class AudioSocketCall:
    """One call. Beside whoever talks, `carry` must run until it returns."""

    def __init__(self, messages: Messages, first: Sound, limits: Limits) -> None:
        self._messages = messages
        self._limits = limits
        self._rate = first.rate
        self._inbox = Inbox(first.rate, limits.input_s)
        self._inbox.hear(from_pcm16(first.data))
        self._outbox = Outbox[bytes](limits.output_frames)
        self._clock = PlayoutClock(first.rate)
        self._quiet = Quiet()
        self._room = Room()
        self._end: End | None = None

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
        """Samples in 20 ms."""
        return frame_samples(self._rate)

    @property
    def traits(self) -> CallTraits:
        """Our clock, and nothing can be taken back: `AudioSocket` has a word for neither."""
        return CallTraits(flushes=False)

    @property
    def dropped_input(self) -> int:
        """Samples dropped because the pipeline was behind."""
        return self._inbox.dropped

    @property
    def dropped_output(self) -> int:
        """Samples dropped because the far side read too slowly."""
        return self._outbox.dropped * self.frame_samples

    @property
    def ended(self) -> End | None:
        """Why the call is over, or None while it is not."""
        return self._end

    def frames(self) -> AsyncIterator[Incoming]:
        """The caller's sound in frames of 20 ms, however it was cut, and keys."""
        return self._inbox.frames()

    async def play(self, frame: AudioFrame) -> None:
        """Send 20 ms; returns when at most 20 ms are ahead of time."""
        if self._end is not None:
            raise CallClosed(f"the call is over: {self._end}")
        check_frame(frame, self.frame_samples, self._rate)
        now = asyncio.get_running_loop().time()
        spared = self._quiet.spares(frame, self._clock.pending_s(now), behind=self._inbox.is_behind)
        lead_s = self._quiet.lead_s(LEAD_S)
        await self._room.wait_until(now + lead_s if spared else self._sent(frame, now) - lead_s)

    def _sent(self, frame: AudioFrame, now: float) -> float:
        """Send it; loop time at which it will have sounded."""
        self._outbox.sound(sound_message(self._rate, to_pcm16(frame.samples)))
        return self._clock.put(len(frame.samples), now)

    def flush(self) -> None:
        """Drop what was not sent: that is only anything when the far side reads too slowly."""
        self._outbox.drop_sound()

    def played(self) -> int:
        """Samples played or left out, by our clock."""
        return self._clock.played(asyncio.get_running_loop().time()) + self._quiet.left_out

    def tell(self, note: Note) -> None:
        """A telephone shows nothing."""

    async def order(self, order: Order) -> None:
        """None is carried out: the exchange is told nothing but sound."""
        raise refusal(order, "an AudioSocket, which carries nothing but sound")

    async def close(self) -> None:
        """Hang up."""
        self.end(End.HUNG_UP)

    def end(self, reason: End, message: str = "") -> None:
        """End the call for a reason; there is no way to tell the far side more."""
        del message
        if self._end is not None:
            return
        self._end = reason
        self._inbox.close()
        self._outbox.close(HANG_UP)
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
                    message = await self._messages.next()
                if isinstance(message, Sound):
                    heard = loop.time()
                self._take(message)
        except TimeoutError:
            self.end(End.IDLE)
        except ProtocolError:
            self.end(End.ERROR)
        except CallClosed:
            self.end(End.LOST)

    def _take(self, message: Message) -> None:
        match message:
            case Sound(rate, data):
                if rate != self._rate:
                    raise ProtocolError(f"expected sound of {self._rate} Hz, found {rate} Hz")
                self._inbox.hear(from_pcm16(data))
            case Digit():
                self._inbox.enter(message)
            case HungUp() | Failed():
                self.end(End.BYE)
            case Identity():
                raise ProtocolError("expected one id, found a second one")

    async def _send(self) -> None:
        try:
            while (message := await self._outbox.next()) is not None:
                async with asyncio.timeout(self._limits.send_s):
                    await self._messages.stream.send(message)
        except (TimeoutError, CallClosed):
            self.end(End.LOST)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.send_s):
                await self._messages.stream.close()
