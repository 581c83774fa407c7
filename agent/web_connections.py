"""Uvicorn's connections, with the limits that it leaves out."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

REQUEST_S = 10.0
"""For a request, its body included, to become whole: an offer has 5 kB, a page sends it at once."""

MOST_WAITING = 100
"""Connections from which a request is expected: the pages of ten browsers that load at once."""

READ_BYTES = 4096
"""Read of a WebSocket in one turn of the loop: 700 messages of the shortest kind, some 5 ms, or
40 ms of sound at 48 kHz."""

LAST_BYTES = 262_144
"""From a client that was told that its call is over: two seconds of sound were on their way."""


class HttpConnection(H11Protocol):
    """A connection on which a request must become whole in time.

    Uvicorn lets a client take for ever over a request, and 200 that do fill the server. Here such
    a connection is closed after `REQUEST_S`, however it trickles; and of more than `MOST_WAITING`
    the one goes that has waited longest, so that there is always room for one more.

    Attributes:
        waiting_since: loop time since when a request, or the rest of one, is expected; None while
            one is answered.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.waiting_since: float | None = None
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(transport)
        self._watch()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """It sent something: a request, or a part of one."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """It was answered, and may ask again; uvicorn waits 5 s for the beginning of that."""
        super().on_response_complete()
        if self._late is None and self.conn.their_state is h11.IDLE:
            self.waiting_since = asyncio.get_running_loop().time()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        super().connection_lost(exc)
        self._rest()

    def give_up(self) -> None:
        """Wait no longer."""
        self._rest()
        self.transport.close()

    def _watch(self) -> None:
        """Begin to wait, or stop, as the connection's state asks for."""
        is_ours = self.transport.get_protocol() is self  # a WebSocket's is not, from its handshake
        if not (is_ours and self.conn.their_state in (h11.IDLE, h11.SEND_BODY)):
            self._rest()
        elif self._late is None:
            loop = asyncio.get_running_loop()
            self.waiting_since = loop.time()
            self._late = loop.call_at(self.waiting_since + REQUEST_S, self.give_up)

    def _rest(self) -> None:
        self.waiting_since = None
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _make_room(self) -> None:
        waiting = [
            (one.waiting_since, number, one)
            for number, one in enumerate(self.connections)
            if isinstance(one, HttpConnection) and one.waiting_since is not None
        ]
        if len(waiting) > MOST_WAITING:
            min(waiting)[2].give_up()


class WebSocketConnection(WebSocketsSansIOProtocol, asyncio.BufferedProtocol):
    """A WebSocket of which little is read at a time.

    Uvicorn takes apart all that was read before it lets anybody else go on, and asyncio reads
    256 KiB: 40,000 messages without sound in them are half a second. Nothing is read while
    messages of the last reading wait. Who was sent the last message and goes on sending is cut off.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._piece = bytearray(READ_BYTES)
        self._last_bytes = LAST_BYTES

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there. What its kernel and ours do not take is to be noticed at once."""
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(0)
        super().connection_made(transport)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the next piece goes."""
        return self._piece

    def buffer_updated(self, nbytes: int) -> None:
        """It is there."""
        if self.close_sent:
            self._last_bytes -= nbytes
        if self._last_bytes < 0:
            self.transport.abort()
            return
        self.data_received(bytes(memoryview(self._piece)[:nbytes]))
