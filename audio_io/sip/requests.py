"""What the far side of a telephone asks for: calls, their end, and changes in between. Pure."""

from aiosipua.headers import parse_address, stringify_uri

from agent.core.errors import ProtocolError
from audio_io.sip import timer as sip_timer
from audio_io.sip.calls import Calls
from audio_io.sip.exchange import Exchange, transaction
from audio_io.sip.leg import (
    ALLOW,
    Changed,
    Event,
    Gone,
    Invited,
    Leg,
    Pressed,
    Progress,
    Stage,
    Up,
)
from audio_io.sip.message import Received, key_of, progress_of
from audio_io.sip.offers import Offers
from audio_io.sip.transactions import Key

_MOST = 1000  # calls at once, answered or not; far above what one process can hold
_EXTENSIONS = ("timer",)


class Requests:
    """Those of one telephone."""

    def __init__(self, exchange: Exchange, offers: Offers, calls: Calls) -> None:
        self._exchange = exchange
        self._offers = offers
        self._calls = calls

    def take(self, received: Received, now: float) -> list[Event]:
        """A request that was not heard before."""
        if received.method == "CANCEL":
            return self._cancelled(received)
        if received.method == "INVITE" and not received.to_tag:
            return self._invited(received)
        if received.method not in ("INVITE", "BYE", "UPDATE", "INFO", "NOTIFY"):
            self._exchange.respond(received, 405, {"Allow": ALLOW})
            return []
        leg = self._calls.legs.get(received.call_id)
        if leg is None or not leg.has(received):
            self._exchange.respond(received, 481)
            return []
        if received.cseq <= leg.their_cseq:
            self._exchange.respond(received, 500)
            return []
        leg.their_cseq = received.cseq
        return self._in_dialog(leg, received, now)

    def acknowledged(self, received: Received, now: float) -> list[Event]:
        """An ACK: the call is up, or its new terms are."""
        leg = self._calls.legs.get(received.call_id)
        if leg is None or leg.invite is None or received.cseq != leg.invite.cseq:
            return []
        if leg.stage is Stage.INVITED or not leg.has(received):
            return []
        self._exchange.acknowledged(leg.invite, now)
        leg.invite = None
        if leg.terms is None and not self._offers.take(leg, received.sdp):
            self._calls.hang_up(leg, now)
            return [Gone(leg, 488, "the far side took none of our codecs")]
        fresh, leg.stage = leg.stage is Stage.ANSWERED, Stage.UP
        return [Up(leg) if fresh else Changed(leg)]

    def unacknowledged(self, key: Key, now: float) -> list[Event]:
        """Nobody acknowledged an answer of ours, or we never gave one."""
        for leg in list(self._calls.legs.values()):
            if leg.invite and transaction(leg.invite) == key:
                self._calls.hang_up(leg, now)
                return [Gone(leg, 0, "the far side never acknowledged our answer")]
        return []

    def _invited(self, received: Received) -> list[Event]:
        missing = _unsupported(received)
        if missing:
            self._exchange.respond(received, 420, {"Unsupported": missing})
        elif received.call_id in self._calls.legs:
            self._exchange.respond(received, 482)  # the same call, by another way
        elif len(self._calls.legs) >= _MOST:
            self._exchange.respond(received, 503, {"Retry-After": "5"})
        elif 0 < sip_timer.interval_s(received) < sip_timer.LEAST_S:
            self._exchange.respond(received, 422, {"Min-SE": str(sip_timer.LEAST_S)})
        else:
            return self._ringing(received)
        return []

    def _ringing(self, received: Received) -> list[Event]:
        try:
            terms = self._offers.read(received)
        except ProtocolError:
            self._exchange.respond(received, 488)
            return []
        ours, theirs = (_uri(received.header(name)) for name in ("to", "from"))
        leg = Leg(received.call_id, ours, theirs, received.source, Stage.INVITED)
        leg.their_tag, leg.their_cseq = received.from_tag, received.cseq
        leg.target = received.contact or theirs
        leg.routes = tuple(received.message.get_header_values("record-route"))
        leg.invite, leg.terms = received, terms
        leg.updates = received.takes_update
        self._calls.legs[leg.call_id] = leg
        self._exchange.respond(received, 100)
        return [Invited(leg)]

    def _cancelled(self, received: Received) -> list[Event]:
        leg = self._calls.legs.get(received.call_id)
        invite = leg.invite if leg else None
        if leg is None or invite is None or invite.branch != received.branch:
            self._exchange.respond(received, 481)
            return []
        self._exchange.respond(received, 200, tag=leg.our_tag)
        if leg.stage is not Stage.INVITED:
            return []  # too late: it has been answered
        self._calls.reject(leg, 487)
        return [Gone(leg, 487, "the caller gave up")]

    def _in_dialog(self, leg: Leg, received: Received, now: float) -> list[Event]:
        if leg.timer and received.method in ("INVITE", "UPDATE"):
            leg.timer = leg.timer.refreshed(now)
        match received.method:
            case "BYE":
                self._exchange.respond(received, 200)
                if leg.stage is Stage.INVITED:
                    self._calls.reject(leg, 487)
                self._calls.forget(leg)
                return [Gone(leg, 0, "the far side hung up")]
            case "INFO":
                return self._informed(leg, received)
            case "NOTIFY":
                return self._notified(leg, received)
            case _:
                return self._renegotiated(leg, received, now)

    def _renegotiated(self, leg: Leg, received: Received, now: float) -> list[Event]:
        """A re-INVITE or an UPDATE: other media, a hold, or only a refresh."""
        if leg.asking or leg.invite is not None or leg.stage is not Stage.UP:
            self._exchange.respond(received, 491)
            return []
        leg.timer = sip_timer.offered(received, now) or leg.timer
        headers = self._exchange.contact_headers | sip_timer.headers(leg.timer)
        if received.method == "UPDATE" and not received.message.body:
            self._exchange.respond(received, 200, headers)
            return []
        try:
            leg.terms = self._offers.read(received, leg)
        except ProtocolError:
            self._exchange.respond(received, 488)
            return []
        if received.method == "INVITE":
            leg.invite = received
        if received.contact:
            leg.target = received.contact
        self._exchange.respond(received, 200, headers, self._offers.reply(leg))
        return [Changed(leg)] if leg.terms else []

    def _informed(self, leg: Leg, received: Received) -> list[Event]:
        """A key as a message: old gateways send them so."""
        self._exchange.respond(received, 200)
        key = key_of(received)
        return [Pressed(leg, key)] if key else []

    def _notified(self, leg: Leg, received: Received) -> list[Event]:
        if received.header("event").split(";")[0].strip().lower() != "refer":
            self._exchange.respond(received, 489)
            return []
        self._exchange.respond(received, 200)
        status = progress_of(received)
        return [Progress(leg, status)] if status else []


def _unsupported(received: Received) -> str:
    wanted = [name.strip() for name in received.header("require").split(",") if name.strip()]
    return ", ".join(name for name in wanted if name.lower() not in _EXTENSIONS)


def _uri(header: str) -> str:
    return stringify_uri(parse_address(header).uri)
