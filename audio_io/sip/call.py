"""A telephone call: sound over RTP, signalled by SIP."""

import asyncio
import datetime
from collections import Counter, deque
from collections.abc import AsyncIterator

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.calls import CallTraits, Hold, Incoming, Note, Order, SendDigits, Transfer
from agent.core.errors import CallClosed, CallError, OrderRefused
from agent.core.events import Digit
from audio_io.framing import check_frame, frame_samples
from audio_io.inbox import Inbox
from audio_io.pacing import Pacer, PlayoutClock
from audio_io.quiet import SILENT
from audio_io.rtp.packets import BEAT_S, Ear, Mouth
from audio_io.rtp.port import RtpPort
from audio_io.sip.leg import Answered, Changed, Event, Gone, Pressed, Progress, Stage
from audio_io.sip.message import Address
from audio_io.sip.phone import Line
from audio_io.sip.sdp import Direction
from audio_io.wire import End

_AHEAD = 2  # frames of ours that may wait: 40 ms
_KEYS = "0123456789*#ABCD"
_REPORT_S = 5.0  # between reports. Source: RFC 3550, section 6.2
_STALL_S = 0.2  # behind by more: what was missed is skipped


class SipCall:
    """One call. Beside whoever talks, `carry` must run until it returns.

    Attributes:
        lateness_ms: beats by how many whole milliseconds late they went out.
    """

    def __init__(self, line: Line, port: RtpPort) -> None:
        media = line.leg.media
        assert media is not None
        self.lateness_ms: Counter[int] = Counter()
        self._line = line
        self._port = port
        self._settings = line.settings
        self._rate = media.codec.rate
        self._ear = Ear(media)
        self._mouth = Mouth(media)
        self._inbox = Inbox(self._rate, self._settings.input_s)
        self._clock = PlayoutClock(self._rate)
        self._pacer = Pacer(BEAT_S, stall_s=_STALL_S)
        self._waiting: deque[Samples] = deque()
        self._gone = 0  # samples that were taken back before they were sent
        self._flushes = 0
        self._space = asyncio.Event()
        self._pressed = asyncio.Event()
        self._told: deque[Event] = deque(maxlen=8)  # what became of an order
        self._news = asyncio.Event()
        self._end: End | None = None
        self._over = asyncio.Event()
        self._heard_at = asyncio.get_running_loop().time()

    @property
    def rate(self) -> int:
        """Of the codec, in Hz."""
        return self._rate

    @property
    def play_rate(self) -> int:
        """Of the codec, in Hz."""
        return self._rate

    @property
    def frame_samples(self) -> int:
        """Samples in 20 ms."""
        return frame_samples(self._rate)

    @property
    def traits(self) -> CallTraits:
        """Our clock; what was not sent can be taken back."""
        return CallTraits(orders=frozenset({Transfer, SendDigits, Hold}))

    @property
    def dropped_input(self) -> int:
        """Samples dropped because the pipeline was behind."""
        return self._inbox.dropped

    @property
    def ended(self) -> End | None:
        """Why the call is over, or None while it is not."""
        return self._end

    @property
    def ear(self) -> Ear:
        """What came in, counted."""
        return self._ear

    @property
    def pacer(self) -> Pacer:
        """How evenly we send."""
        return self._pacer

    def frames(self) -> AsyncIterator[Incoming]:
        """The caller's sound in frames of 20 ms, without gaps, and keys. May be called once."""
        return self._inbox.frames()

    async def play(self, frame: AudioFrame) -> None:
        """Hand over 20 ms; returns when at most 20 ms wait, so at most 40 do.

        While the far side has us on hold nothing is sent, and what was said waits.
        """
        if self._end is not None:
            raise CallClosed(f"the call is over: {self._end}")
        check_frame(frame, self.frame_samples, self._rate)
        if self._line.leg.stage is Stage.INVITED and np.abs(frame.samples).max() > SILENT:
            self._line.accept(self._port.address)
        self._waiting.append(frame.samples)
        flushes = self._flushes
        await asyncio.sleep(0)
        while len(self._waiting) >= _AHEAD and self._flushes == flushes and self._end is None:
            self._space.clear()
            await self._space.wait()

    def flush(self) -> None:
        """Drop what was not sent; what was sent is with the far side, 20 ms at most of it unheard
        there but for its own buffer."""
        self._gone += sum(map(len, self._waiting))
        self._waiting.clear()
        self._flushes += 1
        self._space.set()

    def played(self) -> int:
        """Samples that have sounded by our clock, or were taken back."""
        return self._clock.played(asyncio.get_running_loop().time()) + self._gone

    def tell(self, note: Note) -> None:
        """Nobody at a telephone reads notes."""

    async def order(self, order: Order) -> None:
        """Transfer, press keys, or hold; returns when the far side has agreed."""
        if self._end is not None:
            raise CallClosed(f"the call is over: {self._end}")
        if self._line.leg.stage is Stage.INVITED:
            raise OrderRefused("expected a call that was answered, found one that still rings")
        match order:
            case SendDigits():
                await self._press(order.digits.upper())
            case Hold():
                await self._hold(Direction.SEND if order.on else Direction.BOTH)
            case Transfer():
                await self._transfer(order)

    async def close(self) -> None:
        """Hang up."""
        self.end(End.HUNG_UP)

    def end(self, reason: End, message: str = "") -> None:
        """End the call for a reason; only the first counts. A telephone shows no message."""
        del message
        if self._end is None:
            self._end = reason
            self._inbox.close()
            self._over.set()
            self._space.set()
            self._pressed.set()
            self._news.set()
            self._line.close()

    def hear(self, data: bytes, place: Address, now: float) -> None:
        """A datagram of sound has come."""
        if self._end is not None:
            return
        ear = self._ear
        if place != ear.latched and not (ear.admits(place) and self._line.may_be(place[0])):
            ear.counts["foreign"] += 1
            return
        digit = self._ear.hear(data, place, now)
        if digit is not None:
            self._inbox.enter(Digit(digit))

    # --- the two directions, and the wire -------------------------------------------------------

    async def carry(self) -> None:
        """Sound both ways and whatever is signalled, until the call is over; then hang up."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._speak())
                group.create_task(self._watch())
        finally:
            self.end(End.LOST)
            self._port.report(self._mouth.farewell(self._ear), self._to())
            self._line.hang_up()
            self._port.close()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while self._end is None:
            samples = self._ear.take(due)
            self._inbox.hear(samples)
            due += len(samples) / self._rate
            now = loop.time()
            if now - due > _STALL_S:
                due = now
            await self._sleep_until(due)

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        report_at = loop.time() + _REPORT_S
        while self._end is None:
            due = self._pacer.due(loop.time())
            await self._sleep_until(due)
            now = loop.time()
            self.lateness_ms[max(0, round((now - due) * 1000))] += 1
            self._pacer.sent(now)
            self._beat(now)
            self._mind_silence(now)
            if now >= report_at:
                report_at = now + _REPORT_S
                self._port.report(self._mouth.report(self._ear, _wall_s()), self._to())

    def _beat(self, now: float) -> None:
        samples = None
        if self._waiting and not self._mouth.pressing and not self._mouth.is_held:
            samples = self._waiting.popleft()
            self._clock.put(len(samples), now)
            self._space.set()
        if not self._mouth.pressing:
            self._pressed.set()
        to = self._to()
        for datagram in self._mouth.beat(samples):
            if to[1]:
                self._port.send(datagram, to)

    def _to(self) -> Address:
        """Where our sound goes: where theirs comes from, or else where they said it shall."""
        media = self._line.leg.media
        if self._ear.latched is not None:
            return self._ear.latched
        if media is not None and self._line.may_be(media.address[0]):
            return media.address
        return self._line.leg.hop[0], 0  # nowhere: whoever calls may not aim us at others

    def _mind_silence(self, now: float) -> None:
        media = self._line.leg.media
        if media is not None and not media.direction.seen_from_there.sends:
            self._heard_at = now  # they are on hold, and need not send
        heard_at = max(self._heard_at, self._ear.heard_at or 0.0)
        if now - heard_at > self._settings.idle_s:
            self.end(End.IDLE)

    async def _watch(self) -> None:
        async for event in self._line.events():
            match event:
                case Gone():
                    self.end(End.BYE)
                case Changed() if self._line.leg.media is not None:
                    self._ear.change(self._line.leg.media)
                    self._mouth.change(self._line.leg.media)
                case Pressed():
                    self._inbox.enter(Digit(event.digit))
                case Answered() | Progress():
                    self._told.append(event)
                    self._news.set()

    async def _sleep_until(self, due: float) -> None:
        wait_s = due - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, wait_s))

    # --- orders ---------------------------------------------------------------------------------

    async def _press(self, keys: str) -> None:
        if not keys or any(key not in _KEYS for key in keys):
            raise OrderRefused(f"expected keys of {_KEYS}, found others")  # never which: secrets
        mouth = self._mouth
        if not mouth.takes_digits:
            raise OrderRefused("expected a far side that takes digits (RFC 4733), found none")
        if mouth.is_held:
            raise OrderRefused("expected a far side that listens, found that we are on hold")
        dropped = mouth.dropped_keys
        mouth.press(keys)
        while mouth.pressing:
            self._pressed.clear()
            await self._pressed.wait()
            if self._end is not None and mouth.pressing:
                raise CallClosed(f"the call is over: {self._end}")
        if mouth.dropped_keys != dropped:
            raise OrderRefused(
                "expected a far side that listens until all keys are pressed, found that it put us "
                "on hold, or takes none any more; some of them may have arrived"
            )

    async def _hold(self, direction: Direction) -> None:
        before = self._line.leg.wanted
        self._told.clear()
        self._line.redirect(direction)
        status = await self._answered("INVITE")
        if status >= 300:
            self._line.leg.wanted = before
            raise _refused("hold", status)

    async def _transfer(self, order: Transfer) -> None:
        self._told.clear()
        try:
            self._line.refer(order.to, order.summary)
        except CallError as fault:
            raise OrderRefused(str(fault)) from fault
        status = await self._answered("REFER")
        if status < 300:
            status = await self._answered("NOTIFY")
        if status >= 300:
            raise _refused("transfer", status)
        self.end(End.HUNG_UP)

    async def _answered(self, method: str) -> int:
        """The final status of an order; a far side that hangs up after a transfer has done it."""
        try:
            async with asyncio.timeout(self._settings.order_s):
                while True:
                    for event in list(self._told):
                        status = _final(event, method)
                        if status:
                            return status
                    if self._end is not None:
                        return self._cut_off(method)
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return 408

    def _cut_off(self, method: str) -> int:
        if method == "NOTIFY":
            return 200
        raise CallClosed(f"the call is over: {self._end}")


def _final(event: Event, method: str) -> int:
    """What an event says of an order, 0 for nothing final."""
    if isinstance(event, Answered) and event.method == method:
        return event.status
    if isinstance(event, Progress) and method == "NOTIFY" and event.status >= 200:
        return event.status
    return 0


def _wall_s() -> float:
    """Seconds since 1970: RTCP tells the far side the time of day."""
    return datetime.datetime.now(datetime.UTC).timestamp()


def _refused(method: str, status: int) -> OrderRefused:
    """The error of an order that the far side would not carry out."""
    return OrderRefused(f"{method}: expected the far side to agree, found status {status}")
