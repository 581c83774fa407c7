"""What an offer may hold, and what our answer adds to aiortc's. Pure.

Source: RFC 8866 (SDP), RFC 8829 (its use in browsers), RFC 7587, section 6.1 (Opus).
"""

from agent.core.errors import ProtocolError

MOST_BYTES = 65_536
"""Browsers' offers have 2,000 to 7,000 bytes."""

MOST_CANDIDATES = 64
"""Of one call; a machine with many networks has about 20."""

_MOST_SECTIONS = 8
_SPEECH = "minptime=10;useinbandfec=1;stereo=0;sprop-stereo=0;usedtx=0;maxaveragebitrate=32000"


class NoSound(ProtocolError):
    """An offer that can be read, and has no sound that we could exchange."""


def checked_offer(sdp: str) -> str:
    """An offer within our limits, without the candidates that are no addresses.

    A browser hides its addresses behind names that only its own network resolves. They are not
    needed: the server is reached first, and then knows where from.

    Raises:
        ProtocolError: it is too long, or no offer at all; NoSound where it has none.
    """
    if len(sdp.encode(errors="replace")) > MOST_BYTES:
        raise ProtocolError(f"sdp: expected at most {MOST_BYTES} bytes, found more")
    lines = sdp.splitlines()
    if not lines or lines[0].strip() != "v=0":
        raise ProtocolError(f"sdp: expected v=0 first, found {sdp[:40]!r}")
    sections = [line[2:].split(" ", 1)[0] for line in lines if line.startswith("m=")]
    if len(sections) > _MOST_SECTIONS:
        raise ProtocolError(
            f"sdp: expected at most {_MOST_SECTIONS} sections, found {len(sections)}"
        )
    if "audio" not in sections:
        found = ", ".join(dict.fromkeys(sections)) or "no sections"
        raise NoSound(f"sdp: expected a section m=audio, found {found[:80]}")
    candidates = sum(line.startswith("a=candidate:") for line in lines)
    if candidates > MOST_CANDIDATES:
        raise ProtocolError(
            f"sdp: expected at most {MOST_CANDIDATES} candidates, found {candidates}"
        )
    return "\r\n".join(line for line in lines if not _is_hidden(line)) + "\r\n"


def is_hidden(candidate: str) -> bool:
    """Whether a candidate is a name of the far side's own network."""
    return ".local " in f"{candidate} "


def for_speech(answer: str) -> str:
    """An answer that asks for speech: mono, with copies of lost packets, 20 ms at a time."""
    lines: list[str] = []
    for line in answer.splitlines():
        lines.append(line)
        number = _opus_number(line)
        if number is not None:
            lines += [f"a=fmtp:{number} {_SPEECH}", "a=ptime:20", "a=maxptime:60"]
    return "\r\n".join(lines) + "\r\n"


def codecs_of(answer: str) -> dict[int, str]:
    """The codecs of the section m=audio, by payload type, the one we send with first."""
    names: dict[int, str] = {}
    order: list[int] = []
    kind = ""
    for line in answer.splitlines():
        if line.startswith("m="):
            kind, *rest = line[2:].split()
            order += [int(number) for number in rest[2:]] if kind == "audio" else []
        elif line.startswith("a=rtpmap:") and kind == "audio":
            number, name = line.removeprefix("a=rtpmap:").split(" ", 1)
            names[int(number)] = name.split("/")[0].lower()
    return {number: names[number] for number in order if number in names}


def _is_hidden(line: str) -> bool:
    return line.startswith("a=candidate:") and is_hidden(line)


def _opus_number(line: str) -> str | None:
    if not line.startswith("a=rtpmap:") or "opus/48000" not in line.lower():
        return None
    return line.removeprefix("a=rtpmap:").split(" ", 1)[0]
