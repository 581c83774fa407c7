"""A duplex model that runs in a worker process: the same protocol, over a socket.

One connection is one slot, so that nothing of one call can hold up another. Nothing here is a
task: what the worker says arrives in the loop, and whoever waits for it is told at once, also that
the worker is gone.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.core.audio import AudioFrame
from agent.core.duplex import DuplexOutput, DuplexPrompt, Seats
from agent.core.errors import (
    EngineBusy,
    EngineError,
    EngineFailed,
    EngineTooSlow,
    EngineUnavailable,
    ProtocolError,
)
from pipelines.engines.duplex_address import address
from pipelines.engines.duplex_wire import (
    VERSION,
    Answer,
    Close,
    Frame,
    Hello,
    Message,
    Messages,
    Open,
    Opened,
    Refused,
    Why,
    encode,
)

NAME = "duplex-worker"

FRESH_S = 2.0
"""What the worker said of its seats is believed for so long; calls in progress renew it with each
frame. After that nobody knows, and asking costs nothing."""


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """Where the worker is, and how long to wait for it.

    Attributes:
        worker: `unix:/path` or `host:port`, as `parley duplex-worker` prints it.
        token: the worker's, where it has one.
        connect_s: longest wait for a connection and the worker's first word.
        answer_s: longest wait for the answer to a frame; then the worker is too slow.
        rate: of the model's sound, in Hz.
        frame_samples: samples of its frames.
    """

    worker: str
    token: str = ""
    connect_s: float = 1.0
    answer_s: float = 1.0
    rate: int = 24_000
    frame_samples: int = 1920

    def __post_init__(self) -> None:
        """Raises ValueError for what is no address, or no time."""
        address(self.worker)
        if min(self.connect_s, self.answer_s, self.rate, self.frame_samples) <= 0:
            raise ValueError("expected connect_s, answer_s, rate and frame_samples above 0")


class RemoteModel:
    """The model in the worker. Used from the event loop only."""

    def __init__(self, settings: RemoteSettings) -> None:
        self._settings = settings
        self._seats = Seats(0, 1)
        self._known_until = float("-inf")
        self._ours: set[RemoteSlot] = set()
        self.rate = settings.rate
        self.frame_samples = settings.frame_samples

    @classmethod
    def load(cls, settings: RemoteSettings) -> "RemoteModel":
        """Ready at once: the worker is asked when a call comes."""
        return cls(settings)

    def unload(self) -> None:
        """Nothing to give back: a connection belongs to its call."""

    def seats(self) -> Seats:
        """What the worker said last; one free seat while nobody knows: the worker will tell."""
        if asyncio.get_running_loop().time() > self._known_until:
            return Seats(0, 1)
        return self._seats

    async def open(self, prompt: DuplexPrompt) -> "RemoteSlot":
        """A slot of the worker's, its prompt taken in.

        Raises:
            EngineUnavailable: nobody answers there, or it is another model or protocol.
            EngineBusy: all slots are taken.
            EngineFailed: the model takes no such prompt.
        """
        slot = await self._connected()
        try:
            slot.send(Open(VERSION, prompt.text, prompt.voice, self._settings.token))
            await slot.wait_opened()
        except BaseException:
            await self.close(slot)
            raise
        self._ours.add(slot)
        self._count(1)
        return slot

    async def step(self, slot: "RemoteSlot", frame: AudioFrame) -> DuplexOutput:
        """One frame there, one back.

        Raises:
            EngineFailed: the worker is gone, or refuses to go on.
            EngineTooSlow: no answer in time.
        """
        if (frame.rate, len(frame.samples)) != (self.rate, self.frame_samples):
            raise EngineFailed(
                NAME,
                f"expected {self.frame_samples} samples at {self.rate} Hz, "
                f"found {len(frame.samples)} at {frame.rate} Hz",
            )
        try:
            async with asyncio.timeout(self._settings.answer_s):
                answer = await slot.ask(frame)
        except TimeoutError as fault:
            raise EngineTooSlow(
                NAME, f"expected an answer within {self._settings.answer_s:g} s, found none"
            ) from fault
        return slot.output(answer, self.rate)

    async def close(self, slot: "RemoteSlot") -> None:
        """Hang up; the worker frees the slot when it notices, at once as a rule."""
        if slot in self._ours:
            self._ours.remove(slot)
            self._count(-1)
        slot.hang_up()
        await slot.gone

    async def _connected(self) -> "RemoteSlot":
        loop, where = asyncio.get_running_loop(), address(self._settings.worker)
        slot = RemoteSlot(self._know)
        try:
            async with asyncio.timeout(self._settings.connect_s):
                if where.path:
                    await loop.create_unix_connection(lambda: slot, where.path)
                else:
                    await loop.create_connection(lambda: slot, where.host, where.port)
                hello = await slot.wait_hello()
            self._check(hello)
        except (OSError, TimeoutError, EngineError) as fault:
            await self.close(slot)
            self._know(Seats(0, 0))
            raise EngineUnavailable(
                NAME, f"expected a duplex worker at {where}, found none: {fault or 'no answer'}"
            ) from fault
        except BaseException:
            slot.hang_up()
            raise
        self._know(Seats(hello.taken, hello.total, hello.batch))
        return slot

    def _check(self, hello: Hello) -> None:
        found = (hello.version, hello.rate, hello.frame_samples)
        expected = (VERSION, self.rate, self.frame_samples)
        if found != expected:
            raise EngineUnavailable(
                NAME,
                "expected version {} with frames of {} Hz and {} samples".format(*expected)
                + ", found {}, {} and {}".format(*found),
            )

    def _count(self, by: int) -> None:
        """One of our calls came or went: so it is until the worker says how many there are."""
        self._seats = replace(self._seats, taken=max(0, self._seats.taken + by))

    def _know(self, seats: Seats) -> None:
        self._seats = Seats(seats.taken, seats.total, seats.next_batch or self._seats.next_batch)
        self._known_until = asyncio.get_running_loop().time() + FRESH_S


class RemoteSlot(asyncio.Protocol):
    """One call's connection.

    Attributes:
        gone: done when the connection is.
    """

    def __init__(self, know: Callable[[Seats], None]) -> None:
        self._know = know
        self._messages = Messages()
        self._transport: asyncio.Transport | None = None
        self._fault: EngineError | None = None
        self._waiting: asyncio.Future[Message] | None = None
        self._said: Message | None = None
        self._number = 0
        self._position = 0
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # --- asked by the model -----------------------------------------------------------------------

    async def wait_hello(self) -> Hello:
        """The worker's first word."""
        message = await self._next()
        if not isinstance(message, Hello):
            raise EngineFailed(NAME, "expected a greeting, found something else")
        return message

    async def wait_opened(self) -> None:
        """Until the slot is ours."""
        if not isinstance(await self._next(), Opened):
            raise EngineFailed(NAME, "expected a slot, found something else")

    async def ask(self, frame: AudioFrame) -> Answer:
        """The answer to a frame."""
        number, self._number = self._number, self._number + 1
        self.send(Frame(number, frame.samples))
        message = await self._next()
        if not isinstance(message, Answer) or message.number != number:
            raise EngineFailed(NAME, f"expected the answer to frame {number}, found something else")
        self._know(Seats(message.taken, message.total))
        return message

    def output(self, answer: Answer, rate: int) -> DuplexOutput:
        """The answer as the pipeline wants it."""
        frame = None
        if len(answer.samples):
            frame = AudioFrame(answer.samples, rate, self._position)
            self._position = frame.end
        tokens = () if answer.token is None else (answer.token,)
        return DuplexOutput(frame, answer.text, tokens, answer.times.step_s, answer.times.batch)

    def send(self, message: Message) -> None:
        """Never waits: one frame is on its way at a time."""
        if self._fault is not None:
            raise self._again()
        if self._transport is not None:
            self._transport.write(encode(message))

    def hang_up(self) -> None:
        """At once; may be called twice."""
        if self._transport is None:
            if not self.gone.done():
                self.gone.set_result(None)
            return
        if not self._transport.is_closing():
            self._transport.write(encode(Close()))
            self._transport.abort()

    # --- told by the loop -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a worker, or something else that listens."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self.gone.done():  # nobody waits for it any more
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Some bytes of the worker's."""
        try:
            for message in self._messages.feed(data):
                self._take(message)
        except ProtocolError as fault:
            self._fail(EngineFailed(NAME, f"the worker said what nobody understands: {fault}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The worker is gone, or we hung up."""
        self._fail(EngineFailed(NAME, f"the worker is gone ({exc or 'it closed the connection'})"))
        if not self.gone.done():
            self.gone.set_result(None)

    async def _next(self) -> Message:
        """The worker's next message. One waits at a time, for one message at a time."""
        if self._said is not None:
            said, self._said = self._said, None
            return said
        if self._fault is not None:
            raise self._again()
        self._waiting = asyncio.get_running_loop().create_future()
        return await self._waiting

    def _take(self, message: Message) -> None:
        if isinstance(message, Refused):
            self._fail(_fault(message))
        elif self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(message)
        elif self._said is None:
            self._said = message
        else:
            self._fail(EngineFailed(NAME, "expected one answer to a frame, found more"))

    def _fail(self, fault: EngineError) -> None:
        if self._fault is None:
            self._fault = fault
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(self._again())
        if self._transport is not None:
            self._transport.abort()

    def _again(self) -> EngineError:
        """The fault once more, for another to raise."""
        assert self._fault is not None
        return type(self._fault)(NAME, str(self._fault).removeprefix(f"{NAME}: "))


def _fault(message: Refused) -> EngineError:
    kinds = {Why.BUSY: EngineBusy, Why.SLOW: EngineTooSlow, Why.UNABLE: EngineFailed}
    return kinds[message.why](NAME, message.message)
