"""Who may come in: a page of this server, with a token where one is set, while there is room."""

import hmac
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from audio_io.websocket import Limits

RETRY_S = 5
"""Most calls last longer; a client that asks again this soon costs nothing."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The table [server]: where to listen, and how much to take on.

    Attributes:
        host: address to listen on; anything but the loopback interface needs `tokens`.
        port: TCP port; 0 for any free one.
        tokens: whoever calls must show one of these; empty: nobody is asked.
        origins: pages of other servers that may call, such as https://example.org; without tokens
            also the names, beside this machine's own, that the server may be asked for by.
        max_calls: calls at once; further ones are refused.
        max_per_address: calls at once from one address; 0: as many as there is room for.
        stop_s: for calls to end when the server stops; then they are cut.
        limits: how much a client may ask of a call.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    tokens: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    max_calls: int = 20
    max_per_address: int = 0
    stop_s: float = 5.0
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Refuse what no server can have."""
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port: expected 0 to 65535, found {self.port}")
        if self.max_calls < 1:
            raise ValueError(f"max_calls: expected at least 1, found {self.max_calls}")
        if not self.tokens and not is_loopback(self.host):
            raise ValueError(
                f"host: expected 127.0.0.1 or ::1 where no tokens are set, found {self.host}; "
                'whoever can reach the port could call: set tokens = ["…"]'
            )


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of who wants to come in.

    Attributes:
        host: the server's own name, as they asked for it.
        origin: the page they ask from; empty where it is no browser.
        token: what they show.
    """

    host: str = ""
    origin: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not come in: an HTTP status, a sentence, and when to ask again."""

    status: int
    message: str
    retry_s: int | None = None


def no_access(caller: Caller, settings: ServerSettings, public_url: str = "") -> Refusal | None:
    """Why this one may never come in, or None: a foreign page, no token, or a stranger.

    Args:
        caller: what they show.
        settings: who may call.
        public_url: where anybody reaches this server, past a proxy; empty: nowhere.
    """
    if not _may_ask(caller, settings.origins):
        found = f"expected a page of this server, found one of {caller.origin[:100]}"
        return Refusal(403, found)
    if settings.tokens and not is_token(caller.token, settings.tokens):
        return Refusal(401, "expected a token of this server, found none that fits")
    return stranger(caller, settings, public_url)


def stranger(caller: Caller, settings: ServerSettings, public_url: str = "") -> Refusal | None:
    """Why a server without tokens has nothing for this one, or None. Args as of `no_access`.

    Only this machine reaches such a server, but so does any page that a browser on it shows: one
    whose name is made to resolve to 127.0.0.1 (DNS rebinding) is, to the browser, a page of this
    server's own. The name that it asks for gives it away.

    Past a proxy everybody comes from this machine, and many proxies ask by this machine's name
    too: then nothing tells anybody from the world, and nobody is let in.
    """
    if settings.tokens:
        return None
    if public_url:
        found = f"none, and anybody reaches this server at {public_url}"
        return Refusal(403, f"expected [server] tokens to be set, found {found}")
    if _is_ours(caller.host, settings.origins):
        return None
    return Refusal(
        403,
        "expected to be asked for as localhost or by a name in [server] origins, where no tokens "
        f"are set, found {caller.host[:100]!r}",
    )


def no_room(
    settings: ServerSettings, active: int, from_there: int, *, stopping: bool
) -> Refusal | None:
    """Why nobody may come in just now, or None.

    Args:
        settings: the limits.
        active: connections at this moment.
        from_there: those of the same address.
        stopping: the server lets nobody in any more.
    """
    if stopping:
        return Refusal(503, _full(settings.max_calls, "the server is stopping"), RETRY_S)
    if active >= settings.max_calls:
        return Refusal(503, _full(settings.max_calls, f"{active} calls"), RETRY_S)
    if 0 < settings.max_per_address <= from_there:
        found = f"{from_there} calls from your address"
        return Refusal(429, _full(settings.max_per_address, found), RETRY_S)
    return None


def is_token(shown: str, tokens: tuple[str, ...]) -> bool:
    """Whether what was shown is one of them; the time it takes tells nothing of how near it was."""
    fits = [hmac.compare_digest(shown.encode(), token.encode()) for token in tokens]
    return any(fits)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _may_ask(caller: Caller, origins: tuple[str, ...]) -> bool:
    if not caller.origin or caller.origin in origins:
        return True
    return urlsplit(caller.origin).netloc == caller.host


def _is_ours(host: str, origins: tuple[str, ...]) -> bool:
    if any(urlsplit(origin).netloc == host for origin in origins):
        return True
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:  # half a bracket
        return False


def _full(limit: int, found: str) -> str:
    return f"expected fewer than {limit} calls at once, found {found}; try again in {RETRY_S} s"
