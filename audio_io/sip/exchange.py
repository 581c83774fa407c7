"""Requests and answers on their way: sent again until they have arrived, told apart by transaction.

Pure. What they mean for a call is not known here.
"""

from dataclasses import dataclass

from aiosipua import SipRequest
from aiosipua.headers import parse_via

from audio_io.sip.leg import ALLOW, Leg
from audio_io.sip.message import (
    Address,
    Received,
    answer,
    copied,
    host_and_port,
    new_tag,
    reply_address,
)
from audio_io.sip.transactions import Key, Packet, Phase, Transactions


@dataclass(slots=True)
class Pending:
    """A request of ours that has no final answer yet.

    Attributes:
        request: as it was sent.
        to: where to.
        leg: the call it belongs to; None: to no call.
        tries: how often it was asked, the password included the second time.
    """

    request: SipRequest
    to: Address
    leg: Leg | None
    tries: int = 1


class Exchange:
    """Of one telephone.

    Attributes:
        contact: where it is reached.
    """

    def __init__(self, contact: Address) -> None:
        self.contact = contact
        self._transactions = Transactions()
        self._pending: dict[Key, Pending] = {}
        self._outbox: list[Packet] = []
        self._now = 0.0  # as it was last told

    @property
    def contact_headers(self) -> dict[str, str]:
        """Where it is reached and what it understands, as an answer says it."""
        here = host_and_port(self.contact)
        return {"Contact": f"<sip:{here}>", "Allow": ALLOW, "Supported": "timer"}

    def outgoing(self) -> list[Packet]:
        """What is to be sent now; empties the outbox."""
        packets, self._outbox = self._outbox, []
        return packets

    def lost(self, now: float) -> list[tuple[Key, Pending | None]]:
        """Send again what is due; requests that nobody answered, and None where nobody
        acknowledged an answer of ours."""
        self._now = now
        due = self._transactions.due(now)
        self._outbox += due.packets
        return [(key, self._pending.pop(key, None)) for key in due.lost]

    # --- what we ask --------------------------------------------------------------------------

    def send(
        self, request: SipRequest, to: Address, now: float, leg: Leg | None = None, tries: int = 1
    ) -> str:
        """Send a request until it is answered; the name of its transaction."""
        branch = parse_via(request.get_header("via") or "").branch or ""
        packet = Packet(bytes(request), to)
        if request.method != "ACK":
            self._pending[branch, request.method] = Pending(request, to, leg, tries)
            self._transactions.ask((branch, request.method), packet, now)
        self._outbox.append(packet)
        return branch

    def invite_of(self, branch: str) -> SipRequest | None:
        """An INVITE of ours that has no final answer yet."""
        pending = self._pending.get((branch, "INVITE"))
        return pending.request if pending else None

    def answered(self, received: Received, now: float) -> Phase | None:
        """A response came; the phase it found our request in, or None when we did not ask."""
        return self._transactions.answered((received.branch, received.method), received.status, now)

    def pending(self, received: Received) -> Pending | None:
        """What a response is for. With a final one it is not pending any more."""
        key = (received.branch, received.method)
        if received.status < 200:
            return self._pending.get(key)
        pending = self._pending.pop(key, None)
        if pending and received.status >= 300 and received.method == "INVITE":
            self._acknowledge(pending, received)
        return pending

    def _acknowledge(self, pending: Pending, received: Received) -> None:
        """A refusal to an INVITE is acknowledged within its transaction. RFC 3261, 17.1.1.3."""
        ack = copied(pending.request, "ACK")
        ack.headers.set_single("To", received.header("to"))
        self._outbox.append(Packet(bytes(ack), pending.to))

    # --- what they ask ------------------------------------------------------------------------

    def hear(self, received: Received, now: float) -> bool:
        """A request came; whether it is a new one. Any other is answered as it was before."""
        self._now = now
        key = transaction(received)
        if self._transactions.heard(key):
            again = self._transactions.last_answer(key)
            self._outbox += [again] if again else []
            return False
        self._transactions.hear(key, now)
        return True

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
        self._transactions.answer(transaction(asked), packet, status, self._now)
        self._outbox.append(packet)

    def acknowledged(self, received: Received, now: float) -> None:
        """The final answer to this INVITE has arrived, or to the one that this ACK is for."""
        self._transactions.acknowledged((transaction(received)[0], "INVITE"), now)


def transaction(received: Received) -> Key:
    """The name of a request's transaction: theirs are told apart by where they come from, too."""
    return f"{received.branch} {received.source[0]}", received.method
