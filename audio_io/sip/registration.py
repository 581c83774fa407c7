"""Being reachable: what is said to a registrar, and when. Pure."""

from dataclasses import dataclass
from enum import Enum, auto

from aiosipua import SipRequest
from aiosipua.headers import Address as SipAddress
from aiosipua.headers import SipUri, parse_address

from audio_io.sip.message import (
    PORT,
    Address,
    Received,
    host_and_port,
    new_branch,
    new_tag,
    request,
)

_REFRESH = 0.8  # of what was granted: time for one failure before it ends
_RETRY_S = (5.0, 10.0, 20.0, 40.0, 60.0)  # after failures in a row
_MOST_S = 86_400  # one that grants more is asked once a day
_LEAST_S = 10  # a registrar that grants less would be asked all the time


class Standing(Enum):
    """What the registrar thinks of us."""

    UNKNOWN = auto()
    KNOWN = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are at a registrar.

    Attributes:
        user: our name there.
        password: never told.
        domain: of our address, `sip:user@domain`.
        registrar: where it listens.
        expires_s: asked for.
    """

    user: str
    password: str
    domain: str
    registrar: Address
    expires_s: int = 300

    def __repr__(self) -> str:
        """Without the password: this may end up in a log."""
        return f"Account({self.user}@{self.domain})"

    @property
    def uri(self) -> str:
        """Our address."""
        return f"sip:{self.user}@{self.domain}"


class Registration:
    """One account's standing at its registrar.

    Attributes:
        standing: at this moment.
        failures: in a row.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._call_id = f"{new_tag()}@parley"
        self._tag = new_tag()
        self._cseq = 0
        self._expires_s = account.expires_s
        self._here = ("", 0)
        self._next_at: float | None = 0.0
        self.standing = Standing.UNKNOWN
        self.failures = 0

    @property
    def next_at(self) -> float | None:
        """Loop time of the next request; None while one is under way."""
        return self._next_at

    def ask(self, contact: Address, *, leave: bool = False) -> SipRequest:
        """Register, or leave."""
        self._cseq += 1
        self._next_at, self._here = None, contact
        account, here = self._account, host_and_port(contact)
        headers = {
            "Via": f"SIP/2.0/UDP {here};branch={new_branch()};rport",
            "From": f"<{account.uri}>;tag={self._tag}",
            "To": f"<{account.uri}>",
            "Call-ID": self._call_id,
            "CSeq": f"{self._cseq} REGISTER",
            "Contact": f"<sip:{account.user}@{here}>",
            "Expires": "0" if leave else str(self._expires_s),
        }
        return request("REGISTER", f"sip:{account.domain}", headers)

    def retried(self) -> int:
        """The number of the request that is sent once more, with a password."""
        self._cseq += 1
        return self._cseq

    def answered(self, received: Received, now: float) -> None:
        """The registrar's final answer."""
        if 200 <= received.status < 300:
            self.standing, self.failures = Standing.KNOWN, 0
            self._next_at = now + max(_LEAST_S, self._granted(received)) * _REFRESH
        elif received.status == 423 and received.header("min-expires").isdecimal():
            self._expires_s = _seconds(received.header("min-expires"))
            self._failed(now)
        else:
            self._failed(now)

    def lost(self, now: float) -> None:
        """It did not answer."""
        self._failed(now)

    def _failed(self, now: float) -> None:
        self.standing = Standing.REFUSED
        self._next_at = now + _RETRY_S[min(self.failures, len(_RETRY_S) - 1)]
        self.failures += 1

    def _granted(self, received: Received) -> int:
        """Seconds granted. Source: RFC 3261, section 10.3: an answer lists the contacts of all who
        are registered under our name; ours counts, or else the header. A registrar that writes ours
        in another way may have meant any: too soon costs a request, too late our calls."""
        contacts = [parse_address(raw) for raw in received.message.get_header_values("contact")]
        ours = [contact for contact in contacts if self._is_ours(contact.uri)]
        for text in (*map(_expires, ours), received.header("expires")):
            if text.isdecimal():
                return _seconds(text)
        given = [_seconds(text) for text in map(_expires, contacts) if text.isdecimal()]
        return min([self._expires_s, *given])

    def _is_ours(self, uri: SipUri) -> bool:
        where = f"{uri.host}:{uri.port or PORT}".lower()
        return uri.user == self._account.user and where == host_and_port(self._here).lower()


def _expires(contact: SipAddress) -> str:
    return contact.params.get("expires") or ""


def _seconds(text: str) -> int:
    return min(_MOST_S, int(text[:9]))  # a number of more digits is as much too long
