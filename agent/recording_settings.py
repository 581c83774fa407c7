"""The table [recording]."""

from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """How a recording is kept."""

    WAV = "wav"
    OPUS = "opus"


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """The table [recording]: of the calls that a server answers, where it keeps their traces.

    Attributes:
        on: they are recorded.
        format: wav, which `parley report` reads; or opus in an Ogg file, a tenth of the size.
        announce: said before anything else, until it was heard to its end; empty: nothing.
    """

    on: bool = True
    format: Format = Format.WAV
    announce: str = ""
