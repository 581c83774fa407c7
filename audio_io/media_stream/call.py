"""A call whose sound comes over the media stream of a telephone provider, in any dialect."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.calls import CallTraits, Incoming, Note, Order, SendDigits, Transfer
from agent.core.errors import CallClosed, OrderRefused, ProtocolError
from agent.core.events import Digit
from audio_io.framing import check_frame, frame_samples
from audio_io.inbox import Inbox
from audio_io.media_stream.order import InOrder
from audio_io.media_stream.out import Outgoing
from audio_io.media_stream.socket import Close, Socket, StreamLimits, closed
from audio_io.media_stream.transfers import Transfers
from audio_io.media_stream.wire import (
    Begun,
    Dialect,
    Ignored,
    Marked,
    Message,
    Sound,
    Stopped,
    decoded,
)
from audio_io.message_rate import MessageRate
from audio_io.orders import refusal
from audio_io.room import Room
from audio_io.wire import End

_LAST_S = 0.1  # for the provider to play what it has before a transfer cuts it off

_log = logging.getLogger("parley.media_stream")


class MediaStreamCall:
    """One call. Beside whoever talks, `carry` must run until it returns.

    Attributes:
        id: names the call in logs.
        about: what the provider tells of the call, as in `Begun`. Never logged.
        errors: messages that made no sense, by what was wrong with them.
        ignored: messages of kinds that concern nobody here.
    """

    def __init__(
        self,
        socket: Socket,
        name: str,
        dialect: Dialect,
        begun: Begun,
        limits: StreamLimits,
        transfers: Transfers,
    ) -> None:
        self.id = name
        self.about: Mapping[str, str] = begun.about
        self.errors: Counter[str] = Counter()
        self.ignored = 0
        self._socket = socket
        self._dialect = dialect
        self._begun = begun
        self._limits = limits
        self._transfers = transfers
        self._inbox = Inbox(begun.rate, limits.input_s)
        self._order = InOrder(dialect.gaps, begun.rate, begun.coding.sample_bytes)
        self._out = Outgoing(dialect, begun)
        self._room = Room()
        self._messages = MessageRate()
        self._news = asyncio.Event()
        self._end: End | None = None
        self._close = (Close.NORMAL, "")

    @property
    def rate(self) -> int:
        """Rate of the caller's sound, in Hz."""
        return self._begun.rate

    @property
    def play_rate(self) -> int:
        """Rate of the agent's sound, in Hz."""
        return self._begun.rate

    @property
    def frame_samples(self) -> int:
        """Samples in 20 ms."""
        return frame_samples(self._begun.rate)

    @property
    def traits(self) -> CallTraits:
        """Our clock, and what the dialect has words for."""
        orders: set[type[Order]] = {SendDigits} if self._dialect.digits else set()
        if self._dialect.goes_on and "call" in self.about:
            orders.add(Transfer)
        return CallTraits(
            flushes=self._dialect.clear is not None,
            marks=self._dialect.mark is not None,
            marks_on_flush=self._dialect.marks_on_flush,
            orders=frozenset(orders),
        )

    @property
    def dropped_input(self) -> int:
        """Samples dropped because the pipeline was behind."""
        return self._inbox.dropped

    @property
    def ended(self) -> End | None:
        """Why the call is over, or None while it is not."""
        return self._end

    def frames(self) -> AsyncIterator[Incoming]:
        """The caller's sound in frames of 20 ms, as it arrives, and keys. May be called once."""
        return self._inbox.frames()

    async def play(self, frame: AudioFrame) -> None:
        """Send 20 ms; returns when at most 40 ms wait at the provider, or one message of the
        least length it takes."""
        if self._end is not None:
            raise CallClosed(f"the call is over: {self._end}")
        check_frame(frame, self.frame_samples, self.play_rate)
        due = self._out.put(frame.samples, asyncio.get_running_loop().time())
        self._news.set()
        if len(self._out) > self._limits.waiting_messages:
            self.flush()
            self._finish(End.LOST, Close.LATER, "expected sound to be read as it comes")
        await self._room.wait_until(due)

    def flush(self) -> None:
        """Drop what was not sent, and have the provider drop what it has not played."""
        self._out.flush(asyncio.get_running_loop().time())
        self._room.make()
        self._news.set()

    def played(self) -> int:
        """Samples played or flushed: by the provider's marks, or else by our clock."""
        return self._out.played(asyncio.get_running_loop().time())

    def tell(self, note: Note) -> None:
        """A telephone shows nothing."""

    async def order(self, order: Order) -> None:
        """Press keys where the provider can; transfer where it asks what to do with the call once
        the stream has ended: the call is over then."""
        if self._end is not None:
            raise CallClosed(f"the call is over: {self._end}")
        if type(order) not in self.traits.orders:
            raise refusal(order, f"a media stream of {self._dialect.name}")
        if isinstance(order, SendDigits):
            self._press(order.digits)
        elif isinstance(order, Transfer):
            await asyncio.sleep(_LAST_S)
            self._transfers.put(self.about["call"], order)
            self._finish(End.HUNG_UP, Close.NORMAL, "transferred")

    async def close(self) -> None:
        """Hang up."""
        if self._end is None and self._dialect.hang_up is not None:
            self._say(self._dialect.hang_up)
        self._finish(End.HUNG_UP, Close.NORMAL)

    def end(self, reason: End, message: str = "") -> None:
        """End the call for a reason, with a sentence for the provider; only the first counts."""
        code = {End.STOPPING: Close.GOING_AWAY, End.ERROR: Close.ERROR, End.IDLE: Close.POLICY}
        self._finish(reason, code.get(reason, Close.NORMAL), message)

    # --- the two directions of the socket -------------------------------------------------------

    async def carry(self) -> None:
        """Both directions until the call is over, then close the socket."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._receive())
            group.create_task(self._send())

    def take(self, sound: Sound) -> None:
        """The caller's sound. Raises ProtocolError for half a sample."""
        for piece in self._order.take(sound):
            if isinstance(piece, bytes):
                self._inbox.hear(decoded(self._begun.coding, piece))
            else:
                self._inbox.hear(np.zeros(piece, np.float32))

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        heard_at = loop.time()
        try:
            while self._end is None:
                async with asyncio.timeout_at(heard_at + self._limits.idle_s):
                    message = await self._socket.receive()
                await self._messages.took()
                if self._hear(message):
                    heard_at = loop.time()
        except TimeoutError:
            sentence = f"expected sound, found none for {self._limits.idle_s:g} s"
            self._finish(End.IDLE, Close.POLICY, sentence)
        except ProtocolError as fault:
            self._finish(End.ERROR, Close.POLICY, str(fault))
        except CallClosed:
            self._finish(End.LOST, Close.NORMAL)

    def _hear(self, message: Message) -> bool:
        """Take a message; whether it was sound."""
        if len(message) > self._limits.message_bytes:
            self._finish(End.ERROR, Close.TOO_BIG, "message: expected a shorter one")
            return False
        try:
            return self._obey(message)
        except ProtocolError as fault:
            self._complain(str(fault))
            return False

    def _obey(self, message: Message) -> bool:
        stream, heard = self._dialect.read(message)
        if stream and stream != self._begun.stream:
            raise ProtocolError("stream: expected the one that began, found another")
        match heard:
            case Sound():
                self.take(heard)
                return bool(heard.payload)
            case Digit():
                self._inbox.enter(heard)
            case Marked():
                self._out.marked(heard.name)
            case Stopped():
                self._finish(End.BYE, Close.NORMAL)
            case Begun() if self._dialect.implied is None:
                raise ProtocolError("start: expected once, found again")
            case Begun() | Ignored():
                self.ignored += 1
        return False

    def _complain(self, sentence: str) -> None:
        """Count what makes no sense; the same thing is logged once, too much of it ends the call.

        The sentences hold nothing of what was sent: it may be sound, keys or telephone numbers.
        """
        what = sentence.partition(":")[0]
        self.errors[what] += 1
        if self.errors[what] == 1:
            _log.warning("call %s (%s): %s", self.id, self._dialect.name, sentence)
        if self.errors.total() > self._limits.errors:
            self._finish(End.ERROR, Close.UNSUPPORTED, "too many messages that make no sense")

    async def _send(self) -> None:
        try:
            while self._end is None or len(self._out):
                if len(self._out):
                    async with asyncio.timeout(self._limits.send_s):
                        await self._socket.send(self._out.next())
                else:
                    self._news.clear()
                    await self._news.wait()
        except (TimeoutError, CallClosed):
            self._finish(End.LOST, Close.LATER)
        await closed(self._socket, *self._close, self._limits.send_s)

    def _press(self, digits: str) -> None:
        if not digits or set(digits.upper()) - set("0123456789*#ABCD"):
            raise OrderRefused("expected keys of 0-9 * # A-D to press, found others")
        assert self._dialect.digits is not None
        self._say(self._dialect.digits(self._begun, digits.upper()))

    def _say(self, message: str) -> None:
        self._out.say(message)
        self._news.set()

    def _finish(self, reason: End, code: Close, message: str = "") -> None:
        """The call is over; only the first time counts."""
        if self._end is not None:
            return
        self._end, self._close = reason, (code, message)
        self._out.drop_sound()
        self._inbox.close()
        self._news.set()
        self._room.make()
