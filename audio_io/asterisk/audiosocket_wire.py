"""AudioSocket, the protocol of Asterisk's application and channel of that name. Pure.

A message is a kind (1 byte), a length (2 bytes, the highest first) and that many bytes; sound is
16-bit PCM, the lowest byte first. Source: Asterisk's documentation, "AudioSocket", and
`res_audiosocket.c` of Asterisk 22.
"""

from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from agent.core.errors import ProtocolError
from agent.core.events import Digit

HEADER_BYTES = 3
RATES = MappingProxyType(
    {
        0x10: 8_000,
        0x11: 12_000,
        0x12: 16_000,
        0x13: 24_000,
        0x14: 32_000,
        0x15: 44_100,
        0x16: 48_000,
        0x17: 96_000,
        0x18: 192_000,
    }
)
"""What each kind of sound message holds, in Hz."""

_KINDS = MappingProxyType({rate: kind for kind, rate in RATES.items()})
_MOST_BYTES = 0xFFFF
_DIGITS = "0123456789*#ABCD"

HANG_UP = bytes(HEADER_BYTES)
"""The message that ends a call."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which call this is; the first message. Whoever knows it may call: it stays out of logs."""

    id: UUID


@dataclass(frozen=True, slots=True)
class Sound:
    """The caller's sound: 16-bit little-endian PCM at `rate` Hz."""

    rate: int
    data: bytes


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller is gone."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The far side gave up. `code`, where it says why: 1 the caller hung up, 2 a frame could not
    be forwarded, 4 no memory."""

    code: int | None = None


Message = Identity | Sound | Digit | HungUp | Failed


class MessageReader:
    """Cuts a stream into messages. Holds less than one of them: 64 KiB."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete, oldest first; kinds nobody knows are left out.

        Raises:
            ProtocolError: one that is not what its kind says.
        """
        data = self._rest + data
        messages: list[Message] = []
        at = 0
        while len(data) - at >= HEADER_BYTES:
            end = at + HEADER_BYTES + int.from_bytes(data[at + 1 : at + 3], "big")
            if end > len(data):
                break
            message = _message(data[at], data[at + HEADER_BYTES : end])
            if message is not None:
                messages.append(message)
            at = end
        self._rest = data[at:]
        return messages


def sound_message(rate: int, data: bytes) -> bytes:
    """16-bit little-endian PCM as one message.

    Raises:
        ValueError: a rate AudioSocket does not have, or more than a message holds.
    """
    if rate not in _KINDS or len(data) > _MOST_BYTES:
        raise ValueError(
            f"sound: expected one of {', '.join(map(str, _KINDS))} Hz and at most {_MOST_BYTES} "
            f"bytes, found {rate} Hz and {len(data)} bytes"
        )
    return bytes((_KINDS[rate],)) + len(data).to_bytes(2, "big") + data


def _message(kind: int, data: bytes) -> Message | None:
    if kind in RATES:
        return _sound(RATES[kind], data)
    match kind:
        case 0x00:
            return HungUp()
        case 0x01:
            return _identity(data)
        case 0x03:
            return _digit(data)
        case 0xFF:
            return Failed(data[0] if data else None)
        case _:
            return None


def _sound(rate: int, data: bytes) -> Sound:
    if len(data) % 2:
        raise ProtocolError(
            f"AudioSocket sound: expected an even number of bytes, 2 for each 16-bit sample, "
            f"found {len(data)}"
        )
    return Sound(rate, data)


def _identity(data: bytes) -> Identity:
    if len(data) != 16:
        raise ProtocolError(f"AudioSocket id: expected a UUID of 16 bytes, found {len(data)}")
    return Identity(UUID(bytes=data))


def _digit(data: bytes) -> Digit:
    key = data.decode("latin-1").upper()
    if len(key) != 1 or key not in _DIGITS:
        raise ProtocolError(f"AudioSocket key: expected one of {_DIGITS}, found {len(key)} bytes")
    return Digit(key)
