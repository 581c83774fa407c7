"""The dialogs of one telephone: what we do in them, and what the far side answers. Pure."""

import secrets

from audio_io.sip import timer as sip_timer
from audio_io.sip.exchange import Exchange
from audio_io.sip.leg import ALLOW, Answered, Changed, Early, Event, Gone, Leg, Stage, Up
from audio_io.sip.message import Address, Received, new_tag
from audio_io.sip.offers import Offers
from audio_io.sip.sdp import Direction, Local
from audio_io.sip.timer import Timer

_ABOUT = 200  # letters of what a transferred call was about: a datagram has an end


class Calls:
    """The calls of one telephone.

    Attributes:
        legs: by name on the wire, answered or not.
    """

    def __init__(self, exchange: Exchange, offers: Offers) -> None:
        self._exchange = exchange
        self._offers = offers
        self.legs: dict[str, Leg] = {}

    def __len__(self) -> int:
        """Calls at this moment, answered or not."""
        return len(self.legs)

    def forget(self, leg: Leg) -> None:
        """The call is over."""
        leg.stage = Stage.OVER
        self.legs.pop(leg.call_id, None)

    # --- what we do -----------------------------------------------------------------------------

    def progress(self, leg: Leg, address: Address) -> None:
        """Let sound flow before the call is answered; `address` is where we want it."""
        if leg.stage is Stage.INVITED and leg.invite is not None:
            leg.local = Local(address, secrets.randbelow(2**31), 1)
            leg.early = self._offers.reply(leg)
            self._exchange.respond(
                leg.invite, 183, self._exchange.contact_headers, leg.early, leg.our_tag
            )

    def accept(self, leg: Leg, address: Address, now: float) -> None:
        """Answer a call; `address` is where we want its sound, where it does not flow already."""
        if leg.stage is not Stage.INVITED or leg.invite is None:
            return
        leg.local = leg.local or Local(address, secrets.randbelow(2**31), 1)
        leg.stage = Stage.ANSWERED
        leg.timer = sip_timer.offered(leg.invite, now)
        headers = self._exchange.contact_headers | sip_timer.headers(leg.timer)
        words = leg.early or self._offers.reply(leg)  # what was said once may not change
        self._exchange.respond(leg.invite, 200, headers, words, leg.our_tag)

    def reject(self, leg: Leg, status: int, retry_s: int | None = None) -> None:
        """Turn a call away, with a status and when to try again."""
        if leg.stage is Stage.INVITED and leg.invite is not None:
            headers = {} if retry_s is None else {"Retry-After": str(retry_s)}
            self._exchange.respond(leg.invite, status, headers, tag=leg.our_tag)
            self.forget(leg)

    def invite(self, ours: str, to: str, hop: Address, address: Address, now: float) -> Leg:
        """Call `to`, a URI, by way of `hop`, with our sound at `address`."""
        leg = Leg(f"{new_tag()}@parley", ours, to, hop, Stage.CALLING)
        leg.local = Local(address, secrets.randbelow(2**31), 1)
        self.legs[leg.call_id] = leg
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
        self._exchange.send(leg.asks("REFER", self._exchange.contact, headers), leg.hop, now, leg)

    def hang_up(self, leg: Leg, now: float) -> None:
        """End the call, whatever its stage."""
        match leg.stage:
            case Stage.INVITED:
                self.reject(leg, 486)
            case Stage.CALLING:
                self._cancel(leg, now)
            case Stage.ANSWERED | Stage.UP:
                self.forget(leg)
                self._exchange.send(leg.asks("BYE", self._exchange.contact), leg.hop, now, leg)
            case Stage.OVER:
                return

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
        return [Early(leg)] if fits and self._offers.take(leg, received.sdp) else []

    def answered_again(self, received: Received, now: float) -> list[Event]:
        """A final answer came twice: our ACK was lost."""
        leg = self.legs.get(received.call_id)
        if leg and received.method == "INVITE" and 200 <= received.status < 300:
            self._ack(leg, received, now)
        return []

    def _taken(self, leg: Leg, received: Received, now: float) -> list[Event]:
        fresh = leg.stage is not Stage.UP
        if fresh:
            leg.their_tag = received.to_tag
            leg.routes = tuple(reversed(received.message.get_header_values("record-route")))
            leg.updates = received.takes_update
            leg.timer = sip_timer.granted(received, now)
        leg.target = received.contact or leg.target
        self._ack(leg, received, now)
        if leg.stage is Stage.OVER:  # we gave up while they answered
            self._exchange.send(leg.asks("BYE", self._exchange.contact), leg.hop, now, leg)
            return []
        leg.stage = Stage.UP
        told_early = leg.media is not None and not received.message.body
        if not told_early and not self._offers.take(leg, received.sdp):
            self.hang_up(leg, now)
            return [Gone(leg, 488, "the far side took none of our codecs")]
        return [Up(leg)] if fresh else [Changed(leg), Answered(leg, "INVITE", received.status)]

    # --- time -----------------------------------------------------------------------------------

    def expire(self, now: float) -> list[Event]:
        """Sessions that are to be refreshed, or were not."""
        events: list[Event] = []
        for leg in list(self.legs.values()):
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

    # --- parts ----------------------------------------------------------------------------------

    def _invite(self, leg: Leg, now: float, headers: dict[str, str]) -> None:
        words = self._offers.offer(leg)
        request = leg.asks("INVITE", self._exchange.contact, headers, words)
        leg.asking = self._exchange.send(request, leg.hop, now, leg)

    def _cancel(self, leg: Leg, now: float) -> None:
        self.forget(leg)
        asked = self._exchange.invite_of(leg.asking)
        if asked is None:
            return
        cancel = leg.asks("CANCEL", self._exchange.contact, cseq=leg.our_cseq)
        for name in ("Via", "From", "To"):  # the same, so that they know which
            cancel.headers.set_single(name, asked.get_header(name) or "")
        self._exchange.send(cancel, leg.hop, now, leg)

    def _refresh(self, leg: Leg, timer: Timer, now: float) -> None:
        headers = {"Session-Expires": f"{timer.interval_s};refresher=uac", "Supported": "timer"}
        if leg.updates:
            request = leg.asks("UPDATE", self._exchange.contact, headers)
            self._exchange.send(request, leg.hop, now, leg)
        elif not leg.asking:
            self._invite(leg, now, {"Allow": ALLOW} | headers)

    def _ack(self, leg: Leg, received: Received, now: float) -> None:
        ack = leg.asks("ACK", self._exchange.contact, cseq=received.cseq)
        self._exchange.send(ack, leg.hop, now)
