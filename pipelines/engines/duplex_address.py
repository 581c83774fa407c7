"""Where a duplex worker listens: `unix:/path` or `host:port`. Pure."""

from dataclasses import dataclass
from ipaddress import ip_address


@dataclass(frozen=True, slots=True)
class Address:
    """A path, or a host and a port.

    Attributes:
        path: of a Unix socket; empty: a TCP port.
        host: name or IP address.
        port: 0 to 65535.
    """

    path: str = ""
    host: str = ""
    port: int = 0

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        """As it is written in a configuration."""
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(text: str) -> Address:
    """The address that a setting means.

    Raises:
        ValueError: what was expected, what was found.
    """
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if (
            not 1 <= len(path.encode()) <= 100
        ):  # the system's limit is 107 bytes, here and there 103
            raise ValueError(f"expected unix: and a path of at most 100 bytes, found {text[:140]}")
        return Address(path=path)
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError(f"expected unix:/path or host:port, found {text[:140]!r}")
    return Address(host=host, port=int(port))
