"""A telephone on the wire: one UDP socket around `UserAgent`, and what each call is told."""

import asyncio
import contextlib
import logging
import socket
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable

from agent.core.errors import CallError, ConfigError, DeviceError
from audio_io.rtp.codecs import usable
from audio_io.sip.agent import UserAgent
from audio_io.sip.leg import Event, Gone, Invited, Leg, Registered
from audio_io.sip.message import PORT, Address
from audio_io.sip.registration import Account, Standing
from audio_io.sip.sdp import CODECS, Codec, Direction
from audio_io.sip.settings import SipSettings

_TICK_S = 0.1
_TOLD = 64  # events waiting for a call; it takes each at once
_LEAVE_S = 1.0  # for the registrar to hear that we are gone
_LOG_S = 60.0  # between two lines about datagrams that were turned away

_log = logging.getLogger("parley.sip")


class Line:
    """One call's signalling, as the call sees it.

    Attributes:
        leg: what is known of it.
    """

    def __init__(self, phone: "SipPhone", leg: Leg) -> None:
        self.leg = leg
        self._phone = phone
        self._told: deque[Event] = deque(maxlen=_TOLD)
        self._news = asyncio.Event()
        self._over = False

    async def events(self) -> AsyncIterator[Event]:
        """What happens, until it is closed."""
        while not self._over:
            while self._told:
                yield self._told.popleft()
            self._news.clear()
            if not self._over:
                await self._news.wait()

    def tell(self, event: Event) -> None:
        """Something has happened."""
        self._told.append(event)
        self._news.set()

    def close(self) -> None:
        """Nobody listens any more."""
        self._over = True
        self._news.set()

    def accept(self, address: Address) -> None:
        """Answer; sound shall come to `address`."""
        self._phone.agent.calls.accept(self.leg, address, self._phone.now())
        self._phone.flush()

    def progress(self, address: Address) -> None:
        """Let sound flow, at `address`, before the call is answered."""
        self._phone.agent.calls.progress(self.leg, address)
        self._phone.flush()

    def reject(self, status: int, retry_s: int | None = None) -> None:
        """Turn it away."""
        self._phone.agent.calls.reject(self.leg, status, retry_s)
        self._phone.forget(self)

    def redirect(self, direction: Direction) -> None:
        """Hold, or take back."""
        self._phone.agent.calls.redirect(self.leg, direction, self._phone.now())
        self._phone.flush()

    def refer(self, to: str, about: str = "") -> None:
        """Ask them to call somebody else, and say what it is about."""
        there = self._phone.address_of(to)
        self._phone.agent.calls.refer(self.leg, there, about, self._phone.now())
        self._phone.flush()

    def hang_up(self) -> None:
        """End it, whatever its stage."""
        self._phone.agent.calls.hang_up(self.leg, self._phone.now())
        self._phone.forget(self)

    @property
    def settings(self) -> SipSettings:
        """Of the telephone."""
        return self._phone.settings

    def may_be(self, host: str) -> bool:
        """Whether the call's sound may come from a host, or go there before any came."""
        return host == self.leg.hop[0] or self._phone.settings.allows(host)


Ring = Callable[[Line], None]
"""Told of a call that comes in; must accept or reject it soon."""


class SipPhone:
    """Used from the event loop only, between `open` and `close`; `run` must run meanwhile.

    Attributes:
        agent: the signalling.
        settings: of the telephone.
        counts: datagrams that were turned away, by reason.
    """

    def __init__(self, settings: SipSettings, ring: Ring) -> None:
        self.settings = settings
        self.counts: Counter[str] = Counter()
        self._ring = ring
        self._lines: dict[Leg, Line] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._registrar = ""
        self._logged_at = float("-inf")
        self._logged: Counter[str] = Counter()
        self._left = asyncio.Event()
        self.agent = UserAgent((settings.host, settings.port), known_codecs(settings))

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self.agent.contact

    async def open(self, *, register: bool = True) -> None:
        """Listen; register, where there is a registrar and unless told not to.

        Raises:
            ConfigError: the address cannot be listened on, or the registrar is not known.
        """
        settings, loop = self.settings, asyncio.get_running_loop()
        logging.getLogger("aiosipua").setLevel(logging.ERROR)  # it tells of each bad datagram
        account = await self._account()
        try:
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: _Wire(self), (settings.host, settings.port)
            )
        except OSError as fault:
            raise ConfigError(
                f"sip: expected to listen on {settings.host} UDP port {settings.port}, "
                f"found {fault.strerror}; choose another, or stop the program that has it"
            ) from fault
        port = self._transport.get_extra_info("sockname")[1]
        contact = (settings.contact_host or settings.host, port)
        codecs = known_codecs(settings)
        self.agent = UserAgent(contact, codecs, account, register=register)

    async def run(self) -> None:
        """Keep time until cancelled."""
        while True:
            self._tell(self.agent.expire(self.now()))
            self.flush()
            await asyncio.sleep(_TICK_S)

    async def close(self) -> None:
        """Tell the registrar, hang up what is left, and stop listening."""
        for line in list(self._lines.values()):
            line.hang_up()
        registration = self.agent.registration
        if registration and registration.standing is Standing.KNOWN:
            self._left.clear()
            self.agent.register(self.now(), leave=True)
            self.flush()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_S):
                    await self._left.wait()
        if self._transport:
            self._transport.close()

    async def call(self, uri: str, address: Address) -> Line:
        """Call somebody; the line says what comes of it. `address`: where our sound is.

        Raises:
            CallError: nobody can tell where that is.
        """
        to = self.address_of(uri)
        host, _, port = to.rpartition("@")[2].partition(";")[0].partition(":")
        hop = self._home if host == self._domain and self._home else await _found(host, port)
        leg = self.agent.calls.invite(self._identity, to, hop, address, self.now())
        line = self._lines[leg] = Line(self, leg)
        self.flush()
        return line

    def address_of(self, to: str) -> str:
        """A URI from what a person writes: sip:100@host, 100@host, or 100 at our own exchange."""
        bare = to.removeprefix("sip:").strip()
        if any(letter.isspace() or letter in '<>"' for letter in bare) or not bare:
            raise CallError(f"sip: expected an address such as sip:100@host, found {to[:60]!r}")
        return f"sip:{bare}" if "@" in bare else f"sip:{bare}@{self._domain}"

    # --- for its lines and its wire -----------------------------------------------------------

    def now(self) -> float:
        """Loop time."""
        return asyncio.get_running_loop().time()

    def flush(self) -> None:
        """Send what waits."""
        for packet in self.agent.outgoing():
            if self._transport and not self._transport.is_closing():
                self._transport.sendto(packet.data, packet.to)

    def forget(self, line: Line) -> None:
        """The line is not used any more."""
        self._lines.pop(line.leg, None)
        self.flush()

    def hear(self, data: bytes, source: Address) -> None:
        """A datagram has come."""
        if source[0] != self._registrar and not self.settings.allows(source[0]):
            self.counts["foreign"] += 1
        else:
            self._take(data, source)
        self._log_strangers()

    def _take(self, data: bytes, source: Address) -> None:
        try:
            self._tell(self.agent.receive(data, source, self.now()))
        except Exception:  # one datagram must not cost the others' calls
            self.counts["failed"] += 1
            if self.counts["failed"] == 1:  # the first tells enough
                _log.exception("a datagram could not be handled")
        self.flush()

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Registered):
                self._registered(event)
            elif isinstance(event, Invited):
                line = self._lines[event.leg] = Line(self, event.leg)
                self._ring(line)
            elif event.leg in self._lines:
                self._lines[event.leg].tell(event)
                if isinstance(event, Gone):
                    del self._lines[event.leg]

    def _registered(self, event: Registered) -> None:
        self._left.set()
        if 200 <= event.status < 300:
            _log.info("registered at %s", self.settings.registrar)
        else:
            _log.warning(
                "expected %s to register us, found status %s; tried again soon",
                self.settings.registrar,
                event.status,
            )

    def _log_strangers(self) -> None:
        """One line a minute says how much was turned away: not one for each."""
        counts = self.counts + self.agent.counts
        if counts != self._logged and self.now() - self._logged_at >= _LOG_S:
            self._logged_at, self._logged = self.now(), counts
            _log.info("datagrams turned away so far: %s", dict(counts))

    # --- who we are ---------------------------------------------------------------------------

    @property
    def _domain(self) -> str:
        settings = self.settings
        return settings.realm or settings.registrar.partition(":")[0] or self.agent.contact[0]

    @property
    def _identity(self) -> str:
        return f"sip:{self.settings.user}@{self._domain}"

    _home: Address | None = None  # the registrar's address, once it is known

    async def _account(self) -> Account | None:
        settings = self.settings
        if not settings.registrar:
            return None
        host, _, port = settings.registrar.partition(":")
        try:
            self._home = await _found(host, port)
        except CallError as fault:
            raise ConfigError(f"sip: registrar: {fault}") from fault
        self._registrar = self._home[0]
        return Account(
            settings.user, settings.password, self._domain, self._home, settings.expires_s
        )


def known_codecs(settings: SipSettings) -> tuple[Codec, ...]:
    """The codecs of the settings, in their order.

    Raises:
        DeviceError: a package that one of them needs is missing.
    """
    chosen = tuple(codec for name in settings.codecs for codec in CODECS if codec.name == name)
    missing = [codec.name for codec in chosen if not usable(codec)]
    if missing:
        raise DeviceError(
            f"sip: codecs: expected the package av for {', '.join(missing)}, found none; "
            "pip install 'parley[webrtc]' brings it"
        )
    return chosen


async def _found(host: str, port: str) -> Address:
    number = int(port) if port.isdecimal() and int(port) < 65536 else PORT
    loop = asyncio.get_running_loop()
    try:
        answers = await loop.getaddrinfo(host, number, type=socket.SOCK_DGRAM)
    except OSError as fault:
        raise CallError(f"expected a host that can be found, found {host[:60]!r}") from fault
    address = answers[0][4]
    return str(address[0]), int(address[1])


class _Wire(asyncio.DatagramProtocol):
    """Hands each datagram to the telephone."""

    def __init__(self, phone: SipPhone) -> None:
        self._phone = phone

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """From the loop."""
        self._phone.hear(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """Somebody's port is closed: their transaction times out."""
        del exc
