"""One call as signalling sees it, and what is told of it. Pure."""

from dataclasses import dataclass, field
from enum import Enum, auto

from aiosipua import SipRequest

from audio_io.sip.message import (
    METHODS,
    Address,
    Received,
    host_and_port,
    new_branch,
    new_tag,
    request,
)
from audio_io.sip.sdp import Direction, Local, Media, Terms
from audio_io.sip.timer import Timer

ALLOW = ", ".join(METHODS)


class Stage(Enum):
    """How far a call has come."""

    INVITED = auto()  # the far side calls; we have not answered
    CALLING = auto()  # we call; they have not answered
    ANSWERED = auto()  # we answered; they have not acknowledged
    UP = auto()
    OVER = auto()


@dataclass(slots=True, eq=False)
class Leg:
    """One call.

    Attributes:
        call_id: its name on the wire.
        ours: our address in From or To, as a URI.
        theirs: the far side's.
        hop: where requests are sent.
        stage: how far it has come.
        our_tag: our part of the dialog's name.
        their_tag: theirs; empty before they have answered.
        target: whom requests are for.
        routes: proxies between.
        our_cseq: number of our last request.
        their_cseq: of theirs.
        wanted: which way we want sound to go.
        local: our end of the sound; None before it is known.
        terms: what the far side said last; None after a late offer, until it is answered.
        media: what was agreed.
        early: our description, where it was sent before we answered.
        invite: their INVITE that we have not finished with.
        asking: branch of our INVITE that is not finished.
        updates: the far side takes UPDATE.
        timer: where one was agreed.
    """

    call_id: str
    ours: str
    theirs: str
    hop: Address
    stage: Stage
    our_tag: str = field(default_factory=new_tag)
    their_tag: str = ""
    target: str = ""
    routes: tuple[str, ...] = ()
    our_cseq: int = 0
    their_cseq: int = 0
    wanted: Direction = Direction.BOTH
    local: Local | None = None
    terms: Terms | None = None
    media: Media | None = None
    early: str = ""
    invite: Received | None = None
    asking: str = ""
    updates: bool = True
    timer: Timer | None = None

    def has(self, received: Received) -> bool:
        """Whether a request belongs to this dialog."""
        return (received.from_tag, received.to_tag) == (self.their_tag, self.our_tag)

    def asks(
        self,
        method: str,
        contact: Address,
        headers: dict[str, str] | None = None,
        sdp: str = "",
        cseq: int | None = None,
    ) -> SipRequest:
        """A request of ours in this dialog.

        Args:
            method: such as BYE.
            contact: our own address.
            headers: further ones.
            sdp: a session description.
            cseq: of an ACK, that of its INVITE; otherwise the next one.
        """
        if cseq is None:
            self.our_cseq += 1
        to = f"<{self.theirs}>" + (f";tag={self.their_tag}" if self.their_tag else "")
        here = host_and_port(contact)
        fields = {
            "Via": f"SIP/2.0/UDP {here};branch={new_branch()};rport",
            "From": f"<{self.ours}>;tag={self.our_tag}",
            "To": to,
            "Call-ID": self.call_id,
            "CSeq": f"{self.our_cseq if cseq is None else cseq} {method}",
            "Contact": f"<sip:{here}>",
            **(headers or {}),
        }
        return request(method, self.target or self.theirs, fields, self.routes, sdp)

    def described(self) -> Local:
        """Our end, as it is described next."""
        assert self.local is not None
        local = self.local
        self.local = Local(local.address, local.session, local.version + 1)
        return local


# --- what is told -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody calls. They wait for `accept` or `reject`."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class Early:
    """The far side has described its sound, and may send some, before it answers."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class Up:
    """The call is up, and its media are agreed."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class Changed:
    """The call's media were agreed anew."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key, sent as a message instead of in the sound."""

    leg: Leg
    digit: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The final answer to a request of ours in a call."""

    leg: Leg
    method: str
    status: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How a transfer goes on, by its status."""

    leg: Leg
    status: int


@dataclass(frozen=True, slots=True)
class Gone:
    """The call is over, or never came up.

    Attributes:
        leg: the call.
        status: of a call that never came up; 0 where it was up.
        reason: a sentence.
    """

    leg: Leg
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Registered:
    """The registrar's answer: 200, or why not."""

    status: int


Event = Invited | Early | Up | Changed | Pressed | Answered | Progress | Gone | Registered
