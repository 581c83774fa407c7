"""A telephone's signalling without its wire: datagrams and time in, datagrams and events out.

Pure. aiosipua has a user agent too. It sends each request once, does not acknowledge refusals, and
does not tell what became of a re-INVITE or a REFER in a call that came in; so ours takes its
messages, its digests and its session descriptions, and keeps dialogs and transactions itself.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from aiosipua import SipDigestAuth, SipRequest, SipResponse
from aiosipua.auth import answer_challenge
from aiosipua.headers import parse_via, stringify_via

from agent.core.errors import OrderRefused, ProtocolError
from audio_io.sip.calls import Calls
from audio_io.sip.leg import ALLOW, Answered, Event, Gone, Leg, Registered, Stage
from audio_io.sip.message import (
    Address,
    Received,
    answer,
    new_branch,
    new_tag,
    parsed,
    reply_address,
)
from audio_io.sip.registration import Account, Registration
from audio_io.sip.sdp import Codec
from audio_io.sip.transactions import Key, Packet, Phase, Transactions

_KEEP_ALIVE = b"\r\n\0 "  # datagrams of nothing else hold a hole open in a NAT


@dataclass(slots=True)
class _Asked:
    """A request of ours that has no final answer yet."""

    request: SipRequest
    to: Address
    leg: Leg | None
    tries: int = 1


class UserAgent:
    """One telephone: any number of calls, and a registration.

    Attributes:
        registration: at a registrar, where there is an account.
        counts: datagrams that were no SIP, and what else was turned away.
    """

    def __init__(
        self,
        contact: Address,
        codecs: Sequence[Codec],
        account: Account | None = None,
        *,
        register: bool = True,
    ) -> None:
        """A telephone that is reached at `contact`, with these codecs, best first.

        `account`: who we are to whoever asks for a password; with `register`, also where we are
        found.
        """
        self.contact = contact
        self.registration = Registration(account) if account and register else None
        self.counts: Counter[str] = Counter()
        self.calls = Calls(self, codecs)
        self._account = account
        self._transactions = Transactions()
        self._asked: dict[Key, _Asked] = {}
        self._outbox: list[Packet] = []

    def outgoing(self) -> list[Packet]:
        """What is to be sent now; empties the outbox."""
        packets, self._outbox = self._outbox, []
        return packets

    def receive(self, data: bytes, source: Address, now: float) -> list[Event]:
        """A datagram has come; never raises what it holds."""
        if not data.strip(_KEEP_ALIVE):
            return []
        try:
            received = parsed(data, source)
            return self._response(received, now) if received.status else self._ask(received, now)
        except (ProtocolError, ValueError):  # ValueError: a header that cannot be sent back
            self.counts["malformed"] += 1
            return []

    def expire(self, now: float) -> list[Event]:
        """Time has passed: call this ten times a second."""
        due = self._transactions.due(now)
        self._outbox += due.packets
        events = [event for key in due.lost for event in self._lost(key, now)]
        registration = self.registration
        if registration and registration.next_at is not None and now >= registration.next_at:
            self.register(now)
        return events + self.calls.expire(now)

    def register(self, now: float, *, leave: bool = False) -> None:
        """Tell the registrar where we are, or that we are not there any more."""
        if self.registration and self._account:
            request = self.registration.ask(self.contact, leave=leave)
            self.send(request, self._account.registrar, now)

    # --- for the calls ------------------------------------------------------------------------

    def send(self, request: SipRequest, to: Address, now: float, leg: Leg | None = None) -> str:
        """Send a request until it is answered; the name of its transaction."""
        branch = _branch(request)
        packet = Packet(bytes(request), to)
        if request.method != "ACK":
            self._asked[branch, request.method] = _Asked(request, to, leg)
            self._transactions.ask((branch, request.method), packet, now)
        self._outbox.append(packet)
        return branch

    def invite_of(self, branch: str) -> SipRequest | None:
        """An INVITE of ours that has no final answer yet."""
        asked = self._asked.get((branch, "INVITE"))
        return asked.request if asked else None

    def respond(
        self,
        asked: Received,
        status: int,
        headers: dict[str, str] | None = None,
        sdp: str = "",
        tag: str = "",
    ) -> None:
        """Answer a request; a final answer to an INVITE until it is acknowledged."""
        response = answer(asked, status, tag or new_tag(), headers, sdp)
        packet = Packet(bytes(response), reply_address(asked))
        self._transactions.answer(_key(asked), packet, status, self._now)
        self._outbox.append(packet)

    def acknowledged(self, invite: Received, now: float) -> None:
        """The final answer to this INVITE has arrived."""
        self._transactions.acknowledged(_key(invite), now)

    _now = 0.0  # of the datagram that is being answered

    # --- requests -----------------------------------------------------------------------------

    def _ask(self, received: Received, now: float) -> list[Event]:
        self._now = now
        key = _key(received)
        if received.method == "ACK":
            self._transactions.acknowledged((key[0], "INVITE"), now)
            return self.calls.acknowledged(received, now)
        if self._transactions.heard(key):
            again = self._transactions.last_answer(key)
            self._outbox += [again] if again else []
            return []
        self._transactions.hear(key, now)
        if received.method == "OPTIONS":
            self.respond(received, 200, {"Allow": ALLOW, "Accept": "application/sdp"})
            return []
        return self.calls.asked(received, now)

    # --- responses ----------------------------------------------------------------------------

    def _response(self, received: Received, now: float) -> list[Event]:
        key = (received.branch, received.method)
        phase = self._transactions.answered(key, received.status, now)
        if phase is None:
            self.counts["stray"] += 1
            return []
        if phase is Phase.OVER:
            return self.calls.answered_again(received, now)
        asked = self._asked.get(key)
        if asked is None:
            return []
        if received.status < 200:
            return self.calls.heard_of(asked.leg, received) if asked.leg else []
        del self._asked[key]
        if received.status >= 300 and received.method == "INVITE":
            self._acknowledge(asked, received)
        if received.status in (401, 407) and asked.tries == 1 and self._again(asked, received, now):
            return []
        if asked.leg is None:
            return self._registered(received, now)
        return self.calls.answered(asked.leg, received, now)

    def _registered(self, received: Received, now: float) -> list[Event]:
        if received.method != "REGISTER" or self.registration is None:
            return []
        self.registration.answered(received, now)
        return [Registered(received.status)]

    def _acknowledge(self, asked: _Asked, received: Received) -> None:
        """A refusal to an INVITE is acknowledged within its transaction. RFC 3261, 17.1.1.3."""
        ack = _copied(asked.request, "ACK")
        ack.headers.set_single("To", received.header("to"))
        self._outbox.append(Packet(bytes(ack), asked.to))

    def _again(self, asked: _Asked, received: Received, now: float) -> bool:
        """Ask once more, with the password; whether that can be done."""
        response = received.message
        if self._account is None or not isinstance(response, SipResponse):
            return False
        auth = SipDigestAuth(self._account.user, self._account.password)
        request = asked.request
        try:
            proof = answer_challenge(
                auth, response, response.status_code, request.method, request.uri
            )
        except Exception:  # a challenge that the library cannot read is one we cannot meet
            return False
        if proof is None:
            return False
        again = _copied(request, request.method, whole=True)
        via = parse_via(again.get_header("via") or "")
        via.branch = new_branch()
        again.headers.set_single("Via", stringify_via(via))
        again.headers.set_single(*proof)
        number = self._next_number(asked.leg)
        again.headers.set_single("CSeq", f"{number} {request.method}")
        branch = self.send(again, asked.to, now, asked.leg)
        self._asked[branch, request.method].tries = asked.tries + 1
        if asked.leg and request.method == "INVITE":
            asked.leg.asking = branch
        return True

    def _next_number(self, leg: Leg | None) -> int:
        if leg is not None:
            leg.our_cseq += 1
            return leg.our_cseq
        assert self.registration is not None
        return self.registration.retried()

    def _lost(self, key: Key, now: float) -> list[Event]:
        """Nobody answered a request of ours, or acknowledged an answer of ours."""
        asked = self._asked.pop(key, None)
        if asked is None:
            return self.calls.unacknowledged(key[0], now)
        leg = asked.leg
        if leg is None:
            if self.registration:
                self.registration.lost(now)
            return [Registered(408)]
        if leg.stage is Stage.CALLING and key[1] == "INVITE":
            self.calls.forget(leg)
            return [Gone(leg, 408, "nobody answered")]
        if leg.asking == key[0]:
            leg.asking = ""
        return [] if leg.stage is Stage.OVER else [Answered(leg, key[1], 408)]


def refused(method: str, status: int) -> OrderRefused:
    """The error of an order that the far side would not carry out."""
    return OrderRefused(f"{method}: expected the far side to agree, found status {status}")


def _key(received: Received) -> Key:
    """Their transactions are told apart by where they come from, too."""
    return f"{received.branch} {received.source[0]}", received.method


def _branch(request: SipRequest) -> str:
    return parse_via(request.get_header("via") or "").branch or ""


def _copied(request: SipRequest, method: str, *, whole: bool = False) -> SipRequest:
    """The same request under another method; `whole`: with its further headers and body."""
    made = SipRequest(method=method, uri=request.uri)
    kept = ("via", "from", "to", "call-id", "max-forwards", "route")
    for name, values in request.headers.items():
        if whole or name.lower() in kept:
            for value in values:
                made.headers.append(name, value)
    number = (request.get_header("cseq") or "").split()[0]
    made.headers.set_single("CSeq", f"{number} {method}")
    if whole:
        made.body = request.body
    return made
