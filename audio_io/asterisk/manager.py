"""What Asterisk's sockets for sound cannot do, over its manager interface (AMI): one order, one
connection, made when it is needed and closed after it.

Source: Asterisk's documentation, "AMI": lines `Key: value`, an empty line at the end.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

from agent.core.calls import Hold, Order, SendDigits, Transfer
from agent.core.errors import OrderRefused, ProtocolError
from audio_io.orders import refusal

SUMMARY = "PARLEY_SUMMARY"
"""The channel variable that tells the dial plan what a transferred call was about; whoever is
dialled from there inherits it."""

_SUMMARY = 500  # letters of it
_WAIT_S = 5.0
_BLOCK_BYTES = 16_384
_CHANNEL = re.compile(r"[A-Za-z0-9@._/;:-]{1,120}")
_EXTENSION = re.compile(r"[A-Za-z0-9*#+._-]{1,80}")
_KEYS = re.compile(r"[0-9*#A-D]{1,40}")


@dataclass(frozen=True, slots=True)
class ManagerSettings:
    """Where a manager interface is, and who may use it; orders are refused where `port` is 0.

    Attributes:
        host: its address.
        port: its TCP port, 5038 as a rule.
        user: a name in manager.conf that may `write=call`.
        password: its secret.
        context: of the dial plan, where extensions that callers are transferred to are.
    """

    host: str = "127.0.0.1"
    port: int = 0
    user: str = ""
    password: str = ""
    context: str = "default"

    def __post_init__(self) -> None:
        """Refuse what would break the interface's lines."""
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port: expected 0 to 65535, found {self.port}")
        for name, value in (("user", self.user), ("password", self.password)):
            if "\r" in value or "\n" in value:
                raise ValueError(f"{name}: expected one line, found several")
        if not _EXTENSION.fullmatch(self.context):
            raise ValueError(f"context: expected a name of the dial plan, found {self.context!r}")


class ManagedChannel:
    """A caller's channel, and what the manager interface can do to it."""

    def __init__(self, settings: ManagerSettings, channel: str) -> None:
        """The channel with this name or unique id.

        Raises:
            ProtocolError: that is no channel's.
        """
        if not _CHANNEL.fullmatch(channel):
            raise ProtocolError(f"expected a channel's name or id, found {len(channel)} letters")
        self._settings = settings
        self._channel = channel

    async def order(self, order: Order) -> None:
        """Have it done; returns when Asterisk has agreed.

        Raises:
            OrderRefused: the interface cannot, would not, or is not there.
        """
        actions = _actions(self._channel, order, self._settings.context)
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._say(actions)
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError) as fault:
            raise OrderRefused(
                f"expected Asterisk's manager interface at {self._settings.host} port "
                f"{self._settings.port}, found none that answers"
            ) from fault

    async def _say(self, actions: list[Mapping[str, str]]) -> None:
        settings = self._settings
        login = {"Action": "Login", "Username": settings.user, "Secret": settings.password}
        reader, writer = await asyncio.open_connection(
            settings.host, settings.port, limit=_BLOCK_BYTES
        )
        try:
            await reader.readline()  # its name and version
            for action in ({**login, "Events": "off"}, *actions):
                writer.write(_block(action))
                answer = await reader.readuntil(b"\r\n\r\n")
                if b"Response: Success" not in answer:
                    what = action["Action"]
                    raise OrderRefused(f"expected Asterisk to do {what}, found it refused")
        finally:
            writer.close()


def _actions(channel: str, order: Order, context: str) -> list[Mapping[str, str]]:
    match order:
        case Transfer(to, summary):
            if not _EXTENSION.fullmatch(to):
                raise OrderRefused(f"expected an extension such as 200, found {len(to)} letters")
            there = {"Context": context, "Exten": to, "Priority": "1"}
            told = {"Variable": f"__{SUMMARY}", "Value": " ".join(summary.split())[:_SUMMARY]}
            asked = [{"Action": "Setvar", "Channel": channel, **told}] if summary else []
            return [*asked, {"Action": "Redirect", "Channel": channel, **there}]
        case SendDigits(digits):
            if not _KEYS.fullmatch(digits):
                raise OrderRefused("expected keys 0-9 * # A-D, found others")
            return [{"Action": "PlayDTMF", "Channel": channel, "Digit": key} for key in digits]
        case Hold():
            raise refusal(order, "Asterisk, whose manager interface has no word for it")


def _block(action: Mapping[str, str]) -> bytes:
    return ("".join(f"{key}: {value}\r\n" for key, value in action.items()) + "\r\n").encode()
