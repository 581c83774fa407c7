"""The dialogs of one telephone: calls that come in, calls that go out, and what changes in them."""

import contextlib
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiosipua.headers import parse_address, stringify_uri

from agent.core.errors import ProtocolError
from audio_io.sip import sdp as sip_sdp
from audio_io.sip import timer as sip_timer
from audio_io.sip.leg import (
    ALLOW,
    Answered,
    Changed,
    Early,
    Event,
    Gone,
    Invited,
    Leg,
    Pressed,
    Progress,
    Stage,
    Up,
)
from audio_io.sip.message import (
    Address,
    Received,
    host_and_port,
    key_of,
    new_tag,
    progress_of,
)
from audio_io.sip.sdp import Codec, Direction, Local, Terms, agreed, read_terms
from audio_io.sip.timer import Timer

if TYPE_CHECKING:
    from audio_io.sip.agent import UserAgent

_MOST = 1000  # calls at once, answered or not; far above what one process can hold
_ABOUT = 200  # letters of what a transferred call was about: a datagram has an end
_EXTENSIONS = ("timer",)


class Calls:
    """The calls of one telephone, by name."""

    def __init__(self, agent: "UserAgent", codecs: Sequence[Codec]) -> None:
        self._agent = agent
        self._codecs = codecs
        self._legs: dict[str, Leg] = {}

    def __len__(self) -> int:
        """Calls at this moment, answered or not."""
        return len(self._legs)

    def forget(self, leg: Leg) -> None:
        """The call is over."""
        leg.stage = Stage.OVER
        self._legs.pop(leg.call_id, None)

    # --- what we do -----------------------------------------------------------------------------

    def progress(self, leg: Leg, address: Address) -> None:
        """Let sound flow before the call is answered; `address` is where we want it."""
        if leg.stage is Stage.INVITED and leg.invite is not None:
            leg.local = Local(address, secrets.randbelow(2**31), 1)
            leg.early = self._our_words(leg)
            self._agent.respond(leg.invite, 183, self._contact(), leg.early, leg.our_tag)

    def accept(self, leg: Leg, address: Address, now: float) -> None:
        """Answer a call; `address` is where we want its sound, where it does not flow already."""
        if leg.stage is not Stage.INVITED or leg.invite is None:
            return
        leg.local = leg.local or Local(address, secrets.randbelow(2**31), 1)
        leg.stage = Stage.ANSWERED
        leg.timer = sip_timer.offered(leg.invite, now)
        headers = self._contact() | sip_timer.headers(leg.timer)
        words = leg.early or self._our_words(leg)  # what was said once may not change
        self._agent.respond(leg.invite, 200, headers, words, leg.our_tag)

    def reject(self, leg: Leg, status: int, retry_s: int | None = None) -> None:
        """Turn a call away, with a status and when to try again."""
        if leg.stage is Stage.INVITED and leg.invite is not None:
            headers = {} if retry_s is None else {"Retry-After": str(retry_s)}
            self._agent.respond(leg.invite, status, headers, tag=leg.our_tag)
            self.forget(leg)

    def invite(self, ours: str, to: str, hop: Address, address: Address, now: float) -> Leg:
        """Call `to`, a URI, by way of `hop`, with our sound at `address`."""
        leg = Leg(f"{new_tag()}@parley", ours, to, hop, Stage.CALLING)
        leg.local = Local(address, secrets.randbelow(2**31), 1)
        self._legs[leg.call_id] = leg
        headers = {"Allow": ALLOW, "Supported": "timer", "Session-Expires": str(sip_timer.ASKED_S)}
        self._invite(leg, now, headers)
        return leg

    def redirect(self, leg: Leg, direction: Direction, now: float) -> None:
        """Hold the far side, or take it back; `Answered` says whether it agreed."""
        leg.wanted = direction
        self._invite(leg, now, {"Allow": ALLOW})

    def refer(self, leg: Leg, to: str, about: str, now: float) -> None:
        """Ask the far side to call somebody else; `Answered` and `Progress` say how that goes."""
        headers = {"Refer-To": f"<{to}>", "Referred-By": f"<{leg.ours}>"}
        headers |= {"Subject": " ".join(about.split())[:_ABOUT]} if about.strip() else {}
        self._agent.send(leg.asks("REFER", self._agent.contact, headers), leg.hop, now, leg)

    def hang_up(self, leg: Leg, now: float) -> None:
        """End the call, whatever its stage."""
        match leg.stage:
            case Stage.INVITED:
                self.reject(leg, 486)
            case Stage.CALLING:
                self._cancel(leg, now)
            case Stage.ANSWERED | Stage.UP:
                self.forget(leg)
                self._agent.send(leg.asks("BYE", self._agent.contact), leg.hop, now, leg)
            case Stage.OVER:
                return

    # --- what they ask --------------------------------------------------------------------------

    def asked(self, received: Received, now: float) -> list[Event]:
        """A request that was not heard before."""
        if received.method == "CANCEL":
            return self._cancelled(received)
        if received.method == "INVITE" and not received.to_tag:
            return self._invited(received)
        if received.method not in ("INVITE", "BYE", "UPDATE", "INFO", "NOTIFY"):
            self._agent.respond(received, 405, {"Allow": ALLOW})
            return []
        leg = self._legs.get(received.call_id)
        if leg is None or not leg.has(received):
            self._agent.respond(received, 481)
            return []
        if received.cseq <= leg.their_cseq:
            self._agent.respond(received, 500)
            return []
        leg.their_cseq = received.cseq
        return self._in_dialog(leg, received, now)

    def acknowledged(self, received: Received, now: float) -> list[Event]:
        """An ACK: the call is up, or its new terms are."""
        leg = self._legs.get(received.call_id)
        if leg is None or leg.invite is None or received.cseq != leg.invite.cseq:
            return []
        if leg.stage is Stage.INVITED or not leg.has(received):
            return []
        self._agent.acknowledged(leg.invite, now)
        leg.invite = None
        if leg.terms is None and not self._take(leg, received.sdp):
            self.hang_up(leg, now)
            return [Gone(leg, 488, "the far side took none of our codecs")]
        fresh, leg.stage = leg.stage is Stage.ANSWERED, Stage.UP
        return [Up(leg) if fresh else Changed(leg)]

    def unacknowledged(self, key: str, now: float) -> list[Event]:
        """Nobody acknowledged an answer of ours, or we never gave one."""
        for leg in list(self._legs.values()):
            if leg.invite and f"{leg.invite.branch} {leg.invite.source[0]}" == key:
                self.hang_up(leg, now)
                return [Gone(leg, 0, "the far side never acknowledged our answer")]
        return []

    def expire(self, now: float) -> list[Event]:
        """Sessions that are to be refreshed, or were not."""
        events: list[Event] = []
        for leg in list(self._legs.values()):
            timer = leg.timer
            if timer is None or now < timer.due or leg.stage is not Stage.UP:
                continue
            if timer.ours:
                leg.timer = timer.refreshed(now)
                self._refresh(leg, timer, now)
            else:
                self.hang_up(leg, now)
                events.append(Gone(leg, 0, "the far side did not refresh the session"))
        return events

    def _invited(self, received: Received) -> list[Event]:
        missing = _unsupported(received)
        if missing:
            self._agent.respond(received, 420, {"Unsupported": missing})
        elif received.call_id in self._legs:
            self._agent.respond(received, 482)  # the same call, by another way
        elif len(self._legs) >= _MOST:
            self._agent.respond(received, 503, {"Retry-After": "5"})
        elif 0 < sip_timer.interval_s(received) < sip_timer.LEAST_S:
            self._agent.respond(received, 422, {"Min-SE": str(sip_timer.LEAST_S)})
        else:
            return self._ringing(received)
        return []

    def _ringing(self, received: Received) -> list[Event]:
        terms: Terms | None = None
        try:
            terms = read_terms(received.sdp, self._codecs) if received.message.body else None
        except ProtocolError:
            self._agent.respond(received, 488)
            return []
        ours, theirs = (_uri(received.header(name)) for name in ("to", "from"))
        leg = Leg(received.call_id, ours, theirs, received.source, Stage.INVITED)
        leg.their_tag, leg.their_cseq = received.from_tag, received.cseq
        leg.target = received.contact or theirs
        leg.routes = tuple(received.message.get_header_values("record-route"))
        leg.invite, leg.terms = received, terms
        leg.updates = _updates(received)
        self._legs[leg.call_id] = leg
        self._agent.respond(received, 100)
        return [Invited(leg)]

    def _cancelled(self, received: Received) -> list[Event]:
        leg = self._legs.get(received.call_id)
        invite = leg.invite if leg else None
        if leg is None or invite is None or invite.branch != received.branch:
            self._agent.respond(received, 481)
            return []
        self._agent.respond(received, 200, tag=leg.our_tag)
        if leg.stage is not Stage.INVITED:
            return []  # too late: it has been answered
        self.reject(leg, 487)
        return [Gone(leg, 487, "the caller gave up")]

    def _in_dialog(self, leg: Leg, received: Received, now: float) -> list[Event]:
        if leg.timer and received.method in ("INVITE", "UPDATE"):
            leg.timer = leg.timer.refreshed(now)
        match received.method:
            case "BYE":
                self._agent.respond(received, 200)
                if leg.stage is Stage.INVITED:
                    self.reject(leg, 487)
                self.forget(leg)
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
            self._agent.respond(received, 491)
            return []
        leg.timer = sip_timer.offered(received, now) or leg.timer
        headers = self._contact() | sip_timer.headers(leg.timer)
        if received.method == "UPDATE" and not received.message.body:
            self._agent.respond(received, 200, headers)
            return []
        try:
            known = self._codecs_of(leg)
            leg.terms = read_terms(received.sdp, known) if received.message.body else None
        except ProtocolError:
            self._agent.respond(received, 488)
            return []
        if received.method == "INVITE":
            leg.invite = received
        if received.contact:
            leg.target = received.contact
        self._agent.respond(received, 200, headers, self._our_words(leg))
        return [Changed(leg)] if leg.terms else []

    def _informed(self, leg: Leg, received: Received) -> list[Event]:
        """A key as a message: old gateways send them so."""
        self._agent.respond(received, 200)
        key = key_of(received)
        return [Pressed(leg, key)] if key else []

    def _notified(self, leg: Leg, received: Received) -> list[Event]:
        if received.header("event").split(";")[0].strip().lower() != "refer":
            self._agent.respond(received, 489)
            return []
        self._agent.respond(received, 200)
        status = progress_of(received)
        return [Progress(leg, status)] if status else []

    # --- what they answer -----------------------------------------------------------------------

    def answered(self, leg: Leg, received: Received, now: float) -> list[Event]:
        """The final answer to a request of ours."""
        if received.method != "INVITE":
            gone = received.status in (408, 481) and received.method != "BYE"
            if gone and leg.stage is Stage.UP and received.method == "UPDATE":
                self.hang_up(leg, now)
                return [Gone(leg, 0, "the far side has lost the call")]
            return (
                [] if leg.stage is Stage.OVER else [Answered(leg, received.method, received.status)]
            )
        leg.asking = ""
        if received.status < 300:
            return self._taken(leg, received, now)
        if leg.stage is Stage.CALLING:
            self.forget(leg)
            return [Gone(leg, received.status, "the far side did not take the call")]
        return [] if leg.stage is Stage.OVER else [Answered(leg, "INVITE", received.status)]

    def heard_of(self, leg: Leg, received: Received) -> list[Event]:
        """A provisional answer to our INVITE; some describe the sound that may come already."""
        fits = leg.stage is Stage.CALLING and received.message.body
        return [Early(leg)] if fits and self._take(leg, received.sdp) else []

    def answered_again(self, received: Received, now: float) -> list[Event]:
        """A final answer came twice: our ACK was lost."""
        leg = self._legs.get(received.call_id)
        if leg and received.method == "INVITE" and 200 <= received.status < 300:
            self._ack(leg, received, now)
        return []

    def _taken(self, leg: Leg, received: Received, now: float) -> list[Event]:
        fresh = leg.stage is not Stage.UP
        if fresh:
            leg.their_tag = received.to_tag
            leg.routes = tuple(reversed(received.message.get_header_values("record-route")))
            leg.updates = _updates(received)
            leg.timer = sip_timer.granted(received, now)
        leg.target = received.contact or leg.target
        self._ack(leg, received, now)
        if leg.stage is Stage.OVER:  # we gave up while they answered
            self._agent.send(leg.asks("BYE", self._agent.contact), leg.hop, now, leg)
            return []
        leg.stage = Stage.UP
        told_early = leg.media is not None and not received.message.body
        if not told_early and not self._take(leg, received.sdp):
            self.hang_up(leg, now)
            return [Gone(leg, 488, "the far side took none of our codecs")]
        return [Up(leg)] if fresh else [Changed(leg), Answered(leg, "INVITE", received.status)]

    # --- parts ----------------------------------------------------------------------------------

    def _invite(self, leg: Leg, now: float, headers: dict[str, str]) -> None:
        words = sip_sdp.offer(leg.described(), self._codecs_of(leg), leg.wanted)
        request = leg.asks("INVITE", self._agent.contact, headers, words)
        leg.asking = self._agent.send(request, leg.hop, now, leg)

    def _cancel(self, leg: Leg, now: float) -> None:
        self.forget(leg)
        asked = self._agent.invite_of(leg.asking)
        if asked is None:
            return
        cancel = leg.asks("CANCEL", self._agent.contact, cseq=leg.our_cseq)
        for name in ("Via", "From", "To"):  # the same, so that they know which
            cancel.headers.set_single(name, asked.get_header(name) or "")
        self._agent.send(cancel, leg.hop, now, leg)

    def _refresh(self, leg: Leg, timer: Timer, now: float) -> None:
        headers = {"Session-Expires": f"{timer.interval_s};refresher=uac", "Supported": "timer"}
        if leg.updates:
            request = leg.asks("UPDATE", self._agent.contact, headers)
            self._agent.send(request, leg.hop, now, leg)
        elif not leg.asking:
            self._invite(leg, now, {"Allow": ALLOW} | headers)

    def _ack(self, leg: Leg, received: Received, now: float) -> None:
        ack = leg.asks("ACK", self._agent.contact, cseq=received.cseq)
        self._agent.send(ack, leg.hop, now)

    def _our_words(self, leg: Leg) -> str:
        """Our description: an answer to theirs, or an offer where they made none."""
        if leg.terms is None:
            return sip_sdp.offer(leg.described(), self._codecs_of(leg), leg.wanted)
        leg.media = agreed(leg.terms, leg.wanted)
        return sip_sdp.answer(leg.described(), leg.terms, leg.media)

    def _take(self, leg: Leg, words: str) -> bool:
        """Their answer to our offer; whether there is one that we can take."""
        with contextlib.suppress(ProtocolError):
            leg.terms = read_terms(words, self._codecs_of(leg))
            leg.media = agreed(leg.terms, leg.wanted)
            return True
        return False

    def _codecs_of(self, leg: Leg) -> Sequence[Codec]:
        """What may be agreed: all, and then those of the same rate, which a pipeline counts on."""
        if leg.media is None:
            return self._codecs
        return [codec for codec in self._codecs if codec.rate == leg.media.codec.rate]

    def _contact(self) -> dict[str, str]:
        here = host_and_port(self._agent.contact)
        return {"Contact": f"<sip:{here}>", "Allow": ALLOW, "Supported": "timer"}


def _unsupported(received: Received) -> str:
    wanted = [name.strip() for name in received.header("require").split(",") if name.strip()]
    return ", ".join(name for name in wanted if name.lower() not in _EXTENSIONS)


def _updates(received: Received) -> bool:
    allow = ",".join(received.message.get_header_values("allow")).upper()
    return "UPDATE" in allow


def _uri(header: str) -> str:
    return stringify_uri(parse_address(header).uri)
