"""Our own WebSocket, docs/protocol.md, version 1."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from agent.core.audio import AudioFrame
from agent.core.errors import CallClosed, CallError
from audio_io.websocket_client import FarEnd, connect
from audio_io.wire import VERSION, Failure, Flush, Start
from floorbench.session import RATE, Flushed, Line
from floorbench.targets.link import ANSWER_S, shown
from floorbench.targets.pace import Inlet

MARK_S = 0.1
"""How often the agent is told what was heard. docs/protocol.md: every 20 to 100 ms."""


@dataclass(frozen=True, slots=True)
class ParleyWs:
    """A parley server, such as `ws://127.0.0.1:8080/ws`."""

    url: str

    @property
    def name(self) -> str:
        """The address."""
        return shown("", self.url)

    async def connect(self) -> Line:
        """A new call. Raises CallError when it is refused."""
        start = Start(VERSION, RATE, play_rate=RATE, marks=True)
        opened = contextlib.AsyncExitStack()
        try:
            async with asyncio.timeout(ANSWER_S):
                far = await opened.enter_async_context(connect(self.url, start))
        except TimeoutError as fault:
            raise CallError(
                f"{self.name}: expected started within {ANSWER_S:g} s, found nothing"
            ) from fault
        return _Line(self.name, far, opened)


class _Line:
    def __init__(self, name: str, far: FarEnd, opened: contextlib.AsyncExitStack) -> None:
        self._name = name
        self._far = far
        self._opened = opened
        self._inlet = Inlet(far.started.play_rate)
        self._marked_s = 0.0

    async def speak(self, frame: AudioFrame) -> None:
        await self._far.speak(frame.samples)
        now = asyncio.get_running_loop().time()
        if now - self._marked_s >= MARK_S:
            self._marked_s = now
            await self._far.mark(self._inlet.heard(now))

    async def press(self, digit: str) -> None:
        await self._far.press(digit)

    async def sound(self) -> AsyncIterator[AudioFrame | Flushed]:
        clock = asyncio.get_running_loop().time
        async for arrival in self._far.arrivals():
            match arrival:
                case AudioFrame():
                    yield self._inlet.take(arrival.samples, clock())
                case Flush():
                    self._inlet.flush(clock())
                    yield Flushed()
                case Failure(message):
                    raise CallError(f"{self._name}: the agent says: {message}")
                case _:
                    pass

    async def hang_up(self) -> None:
        with contextlib.suppress(CallClosed):
            await self._far.hang_up()
        await self._opened.aclose()
