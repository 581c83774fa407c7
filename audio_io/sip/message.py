"""SIP messages: checked on the way in, complete on the way out. Pure; aiosipua has the syntax."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from aiosipua import SipMessage, SipRequest, SipResponse, stringify_via
from aiosipua.headers import parse_address, parse_cseq, parse_via, stringify_uri

from agent.core.errors import ProtocolError

Address = tuple[str, int]
"""Host and port of a datagram's other end."""

AGENT = "parley"
METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "UPDATE", "INFO", "NOTIFY")
"""What is understood; `Allow` says so."""

SDP = "application/sdp"
_REQUIRED = ("via", "from", "to", "call-id", "cseq")
_LONGEST = 256  # letters of a name by which state is kept: Call-ID, tags, branches
PORT = 5060
"""Of SIP over UDP, where none is said."""

_KEYS = "0123456789*#ABCD"

_REASONS: Mapping[int, str] = {
    100: "Trying",
    183: "Session Progress",
    200: "OK",
    405: "Method Not Allowed",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Received:
    """A message that has all a SIP message must have.

    Attributes:
        message: as aiosipua parsed it.
        source: where the datagram came from.
        branch: names the transaction.
        method: of the request, or of the request that is answered.
        cseq: number of that request in its dialog.
        call_id: names the call.
        from_tag: of whoever asked.
        to_tag: of whoever is asked; empty before they have answered.
        status: of a response; 0 for a request.
    """

    message: SipRequest | SipResponse
    source: Address
    branch: str
    method: str
    cseq: int
    call_id: str
    from_tag: str
    to_tag: str
    status: int

    def header(self, name: str) -> str:
        """The first value of a header, empty where there is none."""
        return self.message.get_header(name) or ""

    @property
    def takes_update(self) -> bool:
        """Whether the far side understands UPDATE, by its `Allow`."""
        return "UPDATE" in ",".join(self.message.get_header_values("allow")).upper()

    @property
    def sdp(self) -> str:
        """The body, where it is a session description."""
        kind = self.header("content-type").split(";")[0].strip().lower()
        return self.message.text if kind == SDP else ""

    @property
    def uri(self) -> str:
        """Whom a request is for."""
        return self.message.uri if isinstance(self.message, SipRequest) else ""

    @property
    def contact(self) -> str:
        """Where the sender wants further requests, empty where it does not say."""
        raw = self.header("contact")
        return stringify_uri(parse_address(raw).uri) if raw else ""


def parsed(data: bytes, source: Address) -> Received:
    """A datagram as a message.

    Raises:
        ProtocolError: it is none, or lacks what every message must have.
    """
    try:
        message = SipMessage.parse(data)
        return _checked(message, source)
    except ProtocolError:
        raise
    except Exception as fault:  # the library's parsers raise whatever their indexing runs into
        raise ProtocolError(f"expected a SIP message, found {type(fault).__name__}") from fault


def _checked(message: SipRequest | SipResponse, source: Address) -> Received:
    missing = [name for name in _REQUIRED if not message.get_header(name)]
    if missing:
        raise ProtocolError(f"SIP: expected {', '.join(missing)}, found a message without")
    first = {name: message.get_header(name) or "" for name in _REQUIRED}
    via, cseq = parse_via(first["via"]), parse_cseq(first["cseq"])
    branch, method = via.branch or "", cseq.method.upper()
    from_tag = parse_address(first["from"]).tag or ""
    to_tag = parse_address(first["to"]).tag or ""
    names = (branch, method, first["call-id"], from_tag, to_tag)
    if not branch or not from_tag or max(map(len, names)) > _LONGEST:
        raise ProtocolError("SIP: expected a branch, a tag and short names, found none such")
    if not 0 <= cseq.seq < 2**31:
        raise ProtocolError(f"SIP: expected a CSeq below 2**31, found {cseq.seq}")
    if isinstance(message, SipRequest):
        if message.method.upper() != method:
            raise ProtocolError("SIP: expected one method, found another in CSeq")
        status = 0
    else:
        status = message.status_code
        if not 100 <= status <= 699:
            raise ProtocolError(f"SIP: expected a status of 100 to 699, found {status}")
    call_id = first["call-id"]
    return Received(message, source, branch, method, cseq.seq, call_id, from_tag, to_tag, status)


def answer(
    asked: Received,
    status: int,
    to_tag: str = "",
    headers: Mapping[str, str] | None = None,
    sdp: str = "",
) -> SipResponse:
    """The response to a request.

    Args:
        asked: the request.
        status: such as 200.
        to_tag: ours, where the request has none of ours yet.
        headers: further ones.
        sdp: a session description.
    """
    response = SipResponse(status_code=status, reason_phrase=_REASONS.get(status, "No"))
    vias = asked.message.get_header_values("via")
    response.headers.append("Via", _stamped(vias[0], asked.source))
    for via in vias[1:]:
        response.headers.append("Via", via)
    for route in asked.message.get_header_values("record-route"):
        response.headers.append("Record-Route", route)
    for name in ("From", "Call-ID", "CSeq"):
        response.headers.set_single(name, asked.header(name))
    to = asked.header("to")
    response.headers.set_single("To", to if asked.to_tag or not to_tag else f"{to};tag={to_tag}")
    for name, value in (headers or {}).items():
        response.headers.set_single(name, value)
    response.headers.set_single("Server", AGENT)
    _describe(response, sdp)
    return response


def _describe(message: SipMessage, sdp: str) -> None:
    if sdp:
        message.headers.set_single("Content-Type", SDP)
        message.text = sdp


def _stamped(raw: str, source: Address) -> str:
    """A Via that says where the request really came from. Source: RFC 3581, section 4."""
    via = parse_via(raw)
    if "rport" in via.params:
        via.params["rport"] = str(source[1])
    if "rport" in via.params or via.host != source[0]:
        via.params["received"] = source[0]
    return stringify_via(via)


def reply_address(asked: Received) -> Address:
    """Where the response goes: back to the machine that asked, never to one that it names.

    Source: RFC 3261, section 18.2.2, and RFC 3581, section 4, less the hosts a Via may name.
    """
    via = parse_via(asked.header("via"))
    if "rport" in via.params:
        return asked.source
    port = via.port or PORT
    return asked.source[0], port if 0 < port < 65536 else PORT


def new_branch() -> str:
    """A name for a transaction; its beginning is fixed. Source: RFC 3261, section 8.1.1.7."""
    return "z9hG4bK" + secrets.token_hex(8)


def new_tag() -> str:
    """A name for our part in a dialog."""
    return secrets.token_hex(6)


def host_and_port(address: Address) -> str:
    """An address as a URI has it."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def request(
    method: str,
    uri: str,
    headers: Mapping[str, str],
    routes: tuple[str, ...] = (),
    sdp: str = "",
) -> SipRequest:
    """A request; `headers` holds at least Via, From, To, Call-ID and CSeq."""
    made = SipRequest(method=method, uri=uri)
    for name, value in headers.items():
        made.headers.set_single(name, value)
    for route in routes:
        made.headers.append("Route", route)
    made.headers.set_single("Max-Forwards", "70")
    made.headers.set_single("User-Agent", AGENT)
    _describe(made, sdp)
    return made


def copied(request: SipRequest, method: str, *, whole: bool = False) -> SipRequest:
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


def key_of(received: Received) -> str:
    """The key that an INFO tells of, as old gateways do; empty where it is about something else."""
    kind = received.header("content-type").split(";")[0].strip().lower()
    text = received.message.text.strip()
    if kind == "application/dtmf-relay":
        pairs = [line.partition("=") for line in text.splitlines()]
        text = next((v.strip() for k, _, v in pairs if k.strip().lower() == "signal"), "")
    elif kind != "application/dtmf":
        return ""
    return text.upper() if len(text) == 1 and text.upper() in _KEYS else ""


def progress_of(received: Received) -> int:
    """The status that a NOTIFY about a transfer tells; 0 for none."""
    words = received.message.text.split()
    told = len(words) > 1 and words[0].startswith("SIP/") and words[1].isdecimal()
    return int(words[1][:3]) if told else 0
