"""The calls of one server: who may come in, how many there are, how they end."""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import urlsplit

from agent.admission import Refusal, ServerSettings, is_loopback, no_room
from agent.core.calls import Call
from agent.core.errors import CallClosed, CallError
from audio_io.wire import End

StartCall = Callable[[Call], Awaitable[None]]
"""Holds one conversation; returns when it is over."""

Busy = Callable[[], Refusal | None]
"""Why the agent cannot take one more call now, or None."""

_CUT_S = 1.0  # for what is cut to clean up after itself

_log = logging.getLogger("parley.server")


class ServedCall(Call, Protocol):
    """A call that a server holds, whatever carries it."""

    @property
    def dropped_input(self) -> int:
        """Samples dropped because the pipeline was behind."""

    async def carry(self) -> None:
        """Move sound and messages both ways until the call is over, then hang up.

        Never raises what the far side causes.
        """

    def end(self, reason: End, message: str = "") -> None:
        """End the call for a reason, with a sentence for the far side; only the first counts."""


Answer = Callable[[str], Awaitable[ServedCall]]
"""Answers a connection, given the name of its call: for logs and for the far side.

Raises CallError for a far side that does not do its part.
"""


class Switchboard:
    """The calls of one server: lets them in, counts them, ends them.

    Attributes:
        public_url: where anybody reaches the server, past a proxy; empty: nowhere.
    """

    def __init__(
        self, settings: ServerSettings, start_call: StartCall, busy: Busy = lambda: None
    ) -> None:
        self._settings = settings
        self._start_call = start_call
        self._busy = busy
        self._calls: dict[str, ServedCall] = {}
        # A way to cut each connection short, also those that have not been answered.
        self._connections: dict[str, asyncio.Timeout] = {}
        self._from: Counter[str] = Counter()  # connections of each address
        self._empty = asyncio.Event()
        self._empty.set()
        self._stopping = False
        self.public_url = ""
        self.counts = {"answered": 0, "refused": 0, "failed": 0, "dropped_input_samples": 0}

    @property
    def settings(self) -> ServerSettings:
        """Where the server listens, and its limits."""
        return self._settings

    @property
    def active(self) -> int:
        """Connections at this moment."""
        return len(self._connections)

    @property
    def status(self) -> str:
        """In a word: ok, full or stopping."""
        if self._stopping:
            return End.STOPPING
        return "full" if self.active >= self._settings.max_calls else "ok"

    def reached_at(self, url: str) -> None:
        """Anybody reaches the server at this address, unless it is one of this machine's own.

        Without tokens only entrances that know their callers otherwise let anybody in from then
        on: see `agent.admission.stranger`. That is said once, here.
        """
        if is_loopback(urlsplit(url).hostname or ""):
            return
        self.public_url = url
        if not self._settings.tokens:
            _log.warning(
                "browsers and programs are turned away: anybody reaches this server at %s, and no "
                'tokens are set; with tokens = ["…"] in [server] whoever shows one may call',
                url,
            )

    def refusal(self, address: str) -> Refusal | None:
        """Why nobody may come in from there just now, or None."""
        here = self._from[address]
        refused = no_room(self._settings, self.active, here, stopping=self._stopping)
        return refused or self._busy()

    def refused(self) -> None:
        """Somebody was turned away."""
        self.counts["refused"] += 1

    async def connect(self, address: str, answer: Answer) -> Refusal | None:
        """One connection from its beginning to its end, or at once why it may not come in.

        Asked here once more, in the same step that counts it: several may have been told in
        one moment that there is room for one. Who asks `refusal` and connects without waiting in
        between is never refused here.
        """
        refused = self.refusal(address)
        if refused is not None:
            self.refused()
            return refused
        await self._connected(address, answer)
        return None

    async def _connected(self, address: str, answer: Answer) -> None:
        name = secrets.token_hex(4)
        self._empty.clear()
        self._from[address] += 1
        try:
            async with asyncio.timeout(None) as self._connections[name]:
                await self._hold(name, await answer(name))
        except CallError as fault:
            self.counts["refused"] += 1
            _log.info("call %s: %s", name, fault)
        except TimeoutError:
            _log.warning("call %s did not end within %s s and was cut", name, self._settings.stop_s)
        finally:
            del self._connections[name]
            self._from[address] -= 1
            self._from += Counter()  # forgets addresses nobody calls from
            if not self._connections:
                self._empty.set()

    async def stop(self) -> None:
        """Let nobody in, end all calls, and cut those that have not ended within `stop_s`."""
        self._stopping = True
        for call in self._calls.values():
            call.end(End.STOPPING)
        if await self._emptied(self._settings.stop_s):
            return
        for cut in self._connections.values():
            cut.reschedule(asyncio.get_running_loop().time())
        await self._emptied(_CUT_S)

    async def _emptied(self, limit_s: float) -> bool:
        try:
            async with asyncio.timeout(limit_s):
                return await self._empty.wait()
        except TimeoutError:
            return False

    async def _hold(self, name: str, call: ServedCall) -> None:
        if self._stopping:
            call.end(End.STOPPING)
        self.counts["answered"] += 1
        self._calls[name] = call
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(call.carry())
                await self._talk(name, call)
                await call.close()
        finally:
            del self._calls[name]
            self.counts["dropped_input_samples"] += call.dropped_input

    async def _talk(self, name: str, call: ServedCall) -> None:
        try:
            await self._start_call(call)
        except CallClosed:
            return
        except Exception:
            self.counts["failed"] += 1
            _log.exception("call %s failed", name)
            call.end(End.ERROR, "the agent failed; call again, or look into the server's log")
