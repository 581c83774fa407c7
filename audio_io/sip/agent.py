"""A telephone's signalling without its wire: datagrams and time in, datagrams and events out.

Pure. aiosipua has a user agent too. It sends each request once, does not acknowledge refusals, and
does not tell what became of a re-INVITE or a REFER in a call that came in; so ours takes its
messages, its digests and its session descriptions, and keeps dialogs and transactions itself.
"""

from collections import Counter
from collections.abc import Sequence

from aiosipua import SipDigestAuth, SipResponse
from aiosipua.auth import answer_challenge
from aiosipua.headers import parse_via, stringify_via

from agent.core.errors import ProtocolError
from audio_io.sip.calls import Calls
from audio_io.sip.exchange import Exchange, Pending
from audio_io.sip.leg import ALLOW, Answered, Event, Gone, Leg, Registered, Stage
from audio_io.sip.message import Address, Received, copied, new_branch, parsed
from audio_io.sip.offers import Offers
from audio_io.sip.registration import Account, Registration
from audio_io.sip.requests import Requests
from audio_io.sip.sdp import Codec
from audio_io.sip.transactions import Key, Packet, Phase

_KEEP_ALIVE = b"\r\n\0 "  # datagrams of nothing else hold a hole open in a NAT


class UserAgent:
    """One telephone: any number of calls, and a registration.

    Attributes:
        registration: at a registrar, where there is an account.
        exchange: requests and answers on their way.
        calls: those it holds.
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
        self.registration = Registration(account) if account and register else None
        self.counts: Counter[str] = Counter()
        self._account = account
        self.exchange = Exchange(contact)
        offers = Offers(codecs)
        self.calls = Calls(self.exchange, offers)
        self._requests = Requests(self.exchange, offers, self.calls)

    @property
    def contact(self) -> Address:
        """Where it is reached."""
        return self.exchange.contact

    def outgoing(self) -> list[Packet]:
        """What is to be sent now; empties the outbox."""
        return self.exchange.outgoing()

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
        lost = self.exchange.lost(now)
        events = [event for key, pending in lost for event in self._lost(key, pending, now)]
        registration = self.registration
        if registration and registration.next_at is not None and now >= registration.next_at:
            self.register(now)
        return events + self.calls.expire(now)

    def register(self, now: float, *, leave: bool = False) -> None:
        """Tell the registrar where we are, or that we are not there any more."""
        if self.registration and self._account:
            request = self.registration.ask(self.contact, leave=leave)
            self.exchange.send(request, self._account.registrar, now)

    # --- requests -----------------------------------------------------------------------------

    def _ask(self, received: Received, now: float) -> list[Event]:
        if received.method == "ACK":
            self.exchange.acknowledged(received, now)
            return self._requests.acknowledged(received, now)
        if not self.exchange.hear(received, now):
            return []
        if received.method == "OPTIONS":
            headers = {"Allow": ALLOW, "Accept": "application/sdp"}
            self.exchange.respond(received, 200, headers)
            return []
        return self._requests.take(received, now)

    # --- responses ----------------------------------------------------------------------------

    def _response(self, received: Received, now: float) -> list[Event]:
        phase = self.exchange.answered(received, now)
        if phase is None:
            self.counts["stray"] += 1
            return []
        if phase is Phase.OVER:
            return self.calls.answered_again(received, now)
        asked = self.exchange.pending(received)
        if asked is None:
            return []
        if received.status < 200:
            return self.calls.heard_of(asked.leg, received) if asked.leg else []
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

    def _again(self, asked: Pending, received: Received, now: float) -> bool:
        """Ask once more, with the password; whether that can be done."""
        response = received.message
        if self._account is None or not isinstance(response, SipResponse):
            return False
        gave_up = asked.leg is not None and asked.leg.stage is Stage.OVER
        if gave_up and asked.request.method == "INVITE":
            return False  # our CANCEL is on its way: they would ring for nobody
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
        again = copied(request, request.method, whole=True)
        via = parse_via(again.get_header("via") or "")
        via.branch = new_branch()
        again.headers.set_single("Via", stringify_via(via))
        again.headers.set_single(*proof)
        number = self._next_number(asked.leg)
        again.headers.set_single("CSeq", f"{number} {request.method}")
        branch = self.exchange.send(again, asked.to, now, asked.leg, asked.tries + 1)
        if asked.leg and request.method == "INVITE":
            asked.leg.asking = branch
        return True

    def _next_number(self, leg: Leg | None) -> int:
        if leg is not None:
            leg.our_cseq += 1
            return leg.our_cseq
        assert self.registration is not None
        return self.registration.retried()

    def _lost(self, key: Key, asked: Pending | None, now: float) -> list[Event]:
        """Nobody answered a request of ours, or acknowledged an answer of ours."""
        if asked is None:
            return self._requests.unacknowledged(key, now)
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
