"""Which sound two telephones agree on: session descriptions, offered and answered. Pure.

Source: RFC 8866 (the format), RFC 3264 (offer and answer), RFC 3551 (numbers of codecs).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from aiosipua.sdp import MediaDescription, SdpMessage, parse_sdp

from agent.core.errors import ProtocolError
from audio_io.sip.message import Address

FRAME_MS = 20
_PLAIN = "RTP/AVP"  # what is not encrypted: SRTP is the exchange's job
_DIGITS = "telephone-event"
_DIGITS_TYPE = 101
_NOISE_TYPE = 13  # RFC 3389


class Direction(StrEnum):
    """Which way sound goes, as the one that says it sees it."""

    BOTH = "sendrecv"
    SEND = "sendonly"
    RECEIVE = "recvonly"
    NONE = "inactive"

    @property
    def seen_from_there(self) -> "Direction":
        """The same, as the other side says it."""
        turned = {Direction.SEND: Direction.RECEIVE, Direction.RECEIVE: Direction.SEND}
        return turned.get(self, self)

    @property
    def sends(self) -> bool:
        """Whether whoever says it sends."""
        return self in (Direction.BOTH, Direction.SEND)


@dataclass(frozen=True, slots=True)
class Codec:
    """A way to write sound.

    Attributes:
        name: as SDP has it.
        rate: of the sound, in Hz.
        clock: ticks of an RTP timestamp in a second; 8000 for G.722 by an old mistake.
        number: its payload type, fixed or ours.
        channels: as SDP has them, empty for one.
    """

    name: str
    rate: int
    clock: int
    number: int
    channels: str = ""

    @property
    def line(self) -> str:
        """Its name in an rtpmap."""
        return f"{self.name}/{self.clock}{self.channels}"


PCMU = Codec("PCMU", 8000, 8000, 0)
PCMA = Codec("PCMA", 8000, 8000, 8)
G722 = Codec("G722", 16000, 8000, 9)
OPUS = Codec("opus", 48000, 48000, 111, "/2")
CODECS = (PCMU, PCMA, G722, OPUS)


@dataclass(frozen=True, slots=True)
class Line:
    """One m= line of an offer; a line that is not taken is answered as it was, with port 0."""

    kind: str
    proto: str
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a far side offers or answers.

    Attributes:
        address: where it wants its sound.
        codecs: what it can, best first, with the payload types it gives them.
        digits: payload type of its digits (RFC 4733), or None.
        noise: it knows comfort noise (RFC 3389).
        direction: as it sees it.
        lines: all m= lines.
        chosen: index of the line that this is about.
    """

    address: Address
    codecs: tuple[tuple[Codec, int], ...]
    digits: int | None
    noise: bool
    direction: Direction
    lines: tuple[Line, ...]
    chosen: int


@dataclass(frozen=True, slots=True)
class Media:
    """What both agree on.

    Attributes:
        address: where the far side wants our sound.
        codec: of both directions.
        payload_type: its number in this call.
        digits: payload type of digits, or None.
        noise: comfort noise may be sent as such.
        direction: as we see it.
    """

    address: Address
    codec: Codec
    payload_type: int
    digits: int | None
    noise: bool
    direction: Direction


def read_terms(text: str, known: Sequence[Codec] = CODECS) -> Terms:
    """A far side's description.

    Raises:
        ProtocolError: it is none, or has no plain audio with a codec of `known`.
    """
    try:
        description = parse_sdp(text)
        return _terms(description, known)
    except ProtocolError:
        raise
    except Exception as fault:  # the library's parser raises whatever its indexing runs into
        raise ProtocolError(f"SDP: cannot be read: {type(fault).__name__}") from fault


def _terms(description: SdpMessage, known: Sequence[Codec]) -> Terms:
    found = [
        index
        for index, line in enumerate(description.media)
        if line.media == "audio" and line.proto == _PLAIN and line.port
    ]
    if not found:
        raise ProtocolError(f"SDP: expected audio over {_PLAIN}, found none; SRTP is not spoken")
    audio = description.media[found[0]]
    connection = audio.connection or description.connection
    if connection is None or not 0 < audio.port < 65536:
        raise ProtocolError("SDP: expected an address and a port, found none that fits")
    numbers = {codec.payload_type: codec for codec in audio.codecs}
    if any(not 0 <= number < 128 for number in numbers):
        raise ProtocolError("SDP: expected payload types of 0 to 127, found another")
    codecs = tuple(
        (codec, offered.payload_type)
        for offered in audio.codecs
        for codec in known
        if offered.encoding_name.upper() == codec.name.upper() and offered.clock_rate == codec.clock
    )
    if not codecs:
        names = ", ".join(codec.name for codec in known)
        raise ProtocolError(f"SDP: expected one of the codecs {names}, found none of them")
    digits = [c.payload_type for c in audio.codecs if c.encoding_name.lower() == _DIGITS]
    return Terms(
        (connection.address, audio.port),
        codecs,
        digits[0] if digits else None,
        _NOISE_TYPE in numbers,
        _direction(description, audio, connection.address),
        tuple(Line(m.media, m.proto, tuple(m.formats)) for m in description.media),
        found[0],
    )


def _direction(description: SdpMessage, audio: MediaDescription, host: str) -> Direction:
    if host in ("0.0.0.0", "::"):  # how telephones said hold before RFC 3264
        return Direction.NONE
    for attributes in (audio.attributes, description.attributes):
        for direction in Direction:
            if direction in attributes:
                return direction
    return Direction.BOTH


def agreed(terms: Terms, ours: Direction = Direction.BOTH) -> Media:
    """What comes of a far side's terms: its favourite codec, and no more than both want to send.

    Args:
        terms: theirs.
        ours: what we want, as we see it.
    """
    codec, number = terms.codecs[0]
    theirs = terms.direction.seen_from_there
    sends = ours.sends and theirs.sends
    hears = ours.seen_from_there.sends and theirs.seen_from_there.sends
    table = {
        (True, True): Direction.BOTH,
        (True, False): Direction.SEND,
        (False, True): Direction.RECEIVE,
    }
    direction = table.get((sends, hears), Direction.NONE)
    return Media(terms.address, codec, number, terms.digits, terms.noise, direction)


@dataclass(frozen=True, slots=True)
class Local:
    """Our end.

    Attributes:
        address: where we want sound.
        session: names the session; digits.
        version: one more with every description.
    """

    address: Address
    session: int
    version: int


def offer(local: Local, codecs: Sequence[Codec], direction: Direction = Direction.BOTH) -> str:
    """A description that leaves the choice to the far side."""
    formats = [(codec, codec.number) for codec in codecs]
    return _text(local, [_audio(local, formats, _DIGITS_TYPE, direction, noise=True)])


def answer(local: Local, terms: Terms, media: Media) -> str:
    """The description that takes one codec of an offer, and refuses its other lines."""
    own = _audio(
        local, [(media.codec, media.payload_type)], media.digits, media.direction, noise=media.noise
    )
    refused = [f"m={line.kind} 0 {line.proto} {' '.join(line.formats)}" for line in terms.lines]
    refused[terms.chosen] = own
    return _text(local, refused)


def _audio(
    local: Local,
    formats: Sequence[tuple[Codec, int]],
    digits: int | None,
    direction: Direction,
    *,
    noise: bool,
) -> str:
    numbers = [str(number) for _, number in formats]
    lines = [f"a=rtpmap:{number} {codec.line}" for codec, number in formats]
    if noise and all(codec.clock == 8000 for codec, _ in formats):
        numbers.append(str(_NOISE_TYPE))
        lines.append(f"a=rtpmap:{_NOISE_TYPE} CN/8000")
    if digits is not None:
        numbers.append(str(digits))
        lines += [f"a=rtpmap:{digits} {_DIGITS}/8000", f"a=fmtp:{digits} 0-15"]
    lines += [f"a=ptime:{FRAME_MS}", f"a={direction}"]
    return "\r\n".join([f"m=audio {local.address[1]} {_PLAIN} {' '.join(numbers)}", *lines])


def _text(local: Local, media: Sequence[str]) -> str:
    host = local.address[0]
    kind = "IP6" if ":" in host else "IP4"
    lines = [
        "v=0",
        f"o=parley {local.session} {local.version} IN {kind} {host}",
        "s=-",
        f"c=IN {kind} {host}",
        "t=0 0",
        *media,
    ]
    return "\r\n".join(lines) + "\r\n"
