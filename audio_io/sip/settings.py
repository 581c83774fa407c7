"""The table [sip]: where the telephone is, and who may call it."""

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_KNOWN = ("PCMU", "PCMA", "G722", "opus")


@dataclass(frozen=True, slots=True)
class SipSettings:
    """The table [sip].

    Attributes:
        host: address to listen on.
        port: UDP port; 0 for any free one.
        contact_host: where others reach us, if that is not `host`: behind a NAT, or for 0.0.0.0.
        registrar: host or host:port to register at; empty: nowhere.
        user: our name there, and in calls that go out.
        password: of that name.
        realm: the domain of our address; empty: the registrar's host.
        expires_s: registered for so long, then again.
        allow: networks that calls and sound may come from; the registrar's address always may.
        codecs: of PCMU, PCMA, G722 and opus; the caller chooses among them.
        rtp_first: lowest UDP port for sound; each call takes two.
        rtp_last: highest of them.
        early: let sound flow before a call is answered (183), and answer it when the agent first
            speaks; a caller who hangs up before that has not been charged.
        idle_s: without any sound from the far side; then we hang up.
        input_s: sound waiting for a pipeline that is behind; older sound is dropped.
        order_s: for the far side to agree to a hold or a transfer.
    """

    host: str = "127.0.0.1"
    port: int = 5060
    contact_host: str = ""
    registrar: str = ""
    user: str = "parley"
    password: str = field(default="", repr=False)
    realm: str = ""
    expires_s: int = 300
    allow: tuple[str, ...] = _LOOPBACK
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    rtp_first: int = 10_000
    rtp_last: int = 19_999
    early: bool = False
    idle_s: float = 30.0
    input_s: float = 2.0
    order_s: float = 20.0

    def __post_init__(self) -> None:
        """Raises ValueError for what no telephone can have."""
        for name in ("port", "rtp_first", "rtp_last"):
            number = {"port": self.port, "rtp_first": self.rtp_first, "rtp_last": self.rtp_last}
            if not 0 <= number[name] <= 65535:
                raise ValueError(f"{name}: expected 0 to 65535, found {number[name]}")
        if self.rtp_last - self.rtp_first < 1:
            raise ValueError("rtp_last: expected more than rtp_first, found no room for a call")
        unknown = [name for name in self.codecs if name not in _KNOWN]
        if unknown or not self.codecs:
            raise ValueError(f"codecs: expected some of {', '.join(_KNOWN)}, found {self.codecs}")
        for network in self.allow:
            _check_network(network)
        if self.host in ("0.0.0.0", "::") and not self.contact_host:
            raise ValueError(
                f"contact_host: expected this machine's address where host is {self.host}, "
                "found none; telephones must be told where to send"
            )

    def allows(self, host: str) -> bool:
        """Whether datagrams may come from there."""
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in ip_network(network, strict=False) for network in self.allow)


def _check_network(network: str) -> None:
    try:
        ip_network(network, strict=False)
    except ValueError as fault:
        raise ValueError(
            f"allow: expected networks such as 10.0.0.0/8, found {network!r}"
        ) from fault
