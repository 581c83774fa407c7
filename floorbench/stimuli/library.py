"""The stimuli at hand: loaded, brought to one level, hashed, and drawn by a seed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import ConfigError
from audio_io.wav_file import read_wav
from floorbench.activity import Span
from floorbench.session import RATE
from floorbench.stimuli.noises import BURSTS
from floorbench.stimuli.recorded import Entry, recorded_entries
from floorbench.stimuli.signal import Signal, at_level, on_grid, parts_of, sha256, stretched

Rng = np.random.Generator

VARIATION = 0.06
"""Pitch and pace of a rendered voice vary by this factor, so that 200 turns are 200 sounds."""


class Role(StrEnum):
    """What a stimulus is for."""

    LONG = "long"  # a question that a restaurant's desk answers at length
    QUESTION = "question"  # a turn of 1 to 6 s
    OPEN = "open"  # a turn with a place to pause inside a sentence
    CLOSED = "closed"  # a turn with a place to pause between sentences
    NATURAL = "natural"  # a recorded turn with pauses of its own
    DIGITS = "digits"  # a dictated number, with a place to pause after each group
    DIGIT = "digit"  # a recorded digit: numbers are put together from those of one voice
    FILLER = "filler"
    BACKCHANNEL = "backchannel"
    ANSWER = "answer"  # a word of BACKCHANNEL that answers a question
    AGREEMENT = "agreement"  # words of INTERRUPTION that do not interrupt
    INTERRUPTION = "interruption"
    STOP = "stop"  # an interruption of one word
    SIDE = "side"  # said to somebody else in the room
    STORY = "story"  # a sentence of a monologue
    BURST = "burst"  # a noise that is over soon
    BED = "bed"  # a noise that goes on
    ROOM = "room"  # an impulse response


@dataclass(frozen=True, slots=True, eq=False)
class Stimulus:
    """A clean sound at the active level of -23 dBFS.

    Attributes:
        role: what it is for.
        name: what was said, or which noise.
        voice: who said it.
        samples: float32 [n] at `RATE`, on the grid of 16-bit samples.
        cuts_s: places where it may pause, in seconds.
    """

    role: Role
    name: str
    voice: str
    samples: Samples
    cuts_s: tuple[float, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash of the samples as 16-bit integers."""
        return sha256(self.samples)

    @property
    def parts(self) -> tuple[Span, ...]:
        """Where it is audible, in seconds from its first sample."""
        return parts_of(self.samples)

    @property
    def signal(self) -> Signal:
        """The samples to compute with."""
        return self.samples.astype(np.float64)


@dataclass(frozen=True, slots=True)
class Library:
    """Which stimuli there are; sounds are read when they are drawn, so that it costs no memory.

    Attributes:
        entries: the stimuli of each role.
        bursts: kinds of burst that are made from numbers where no recording is.
        source: for reports: where the stimuli come from.
    """

    entries: Mapping[Role, tuple[Entry, ...]]
    bursts: tuple[str, ...] = field(default=tuple(BURSTS))
    source: str = "rendered"

    def has(self, role: Role) -> bool:
        """Whether there is at least one."""
        return bool(self.entries.get(role))

    def draw(self, role: Role, rng: Rng) -> Stimulus:
        """One of a role, by chance; a rendered voice a little higher or lower each time."""
        return self.load(role, self.entries[role][int(rng.integers(len(self.entries[role])))], rng)

    def room(self, rng: Rng) -> Signal:
        """A recorded impulse response as it is."""
        rooms = self.entries[Role.ROOM]
        return _read(rooms[int(rng.integers(len(rooms)))].path)

    def load(self, role: Role, entry: Entry, rng: Rng) -> Stimulus:
        """The sound of an entry, at its level and on the grid."""
        signal = _read(entry.path)
        factor = 1.0 + float(rng.uniform(-VARIATION, VARIATION)) if entry.rendered else 1.0
        if entry.rendered:
            signal = stretched(signal, factor)
        samples = on_grid(at_level(signal))
        cuts_s = tuple(cut * factor for cut in entry.cuts_s)
        return Stimulus(role, entry.text, entry.voice, samples, cuts_s)


def open_library(speech: Path | None = None) -> Library:
    """The stimuli that come with parley; with recordings of people in their place where there are.

    Args:
        speech: a folder with `manifest.jsonl` and the recordings that it names.

    Raises:
        ConfigError: the folder or its manifest cannot be used.
    """
    own = _own(Path(__file__).parent)
    if speech is None:
        return Library(MappingProxyType(own))
    found = recorded_entries(speech)
    used = {entry.path for entries in found.values() for entry in entries}
    return Library(
        MappingProxyType(own | {Role(role): entries for role, entries in found.items() if entries}),
        source=f"{speech.name}, {len(used)} recordings; the rest rendered",
    )


def _own(folder: Path) -> dict[Role, tuple[Entry, ...]]:
    found: dict[Role, list[Entry]] = {}
    for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        entry = Entry(folder / row["path"], row["text"], row["voice"], tuple(row["cuts_s"]), True)
        found.setdefault(Role(row["kind"]), []).append(entry)
    return {role: tuple(entries) for role, entries in found.items()}


def _read(path: Path) -> Signal:
    signal = read_wav(path).at(RATE).astype(np.float64)
    if not np.any(signal):
        raise ConfigError(f"{path}: expected sound, found only silence; leave it out")
    return signal


def seeded(*numbers: int) -> Rng:
    """Chance of its own for a run, a scenario and a session: none disturbs another's."""
    return np.random.default_rng(np.random.SeedSequence(numbers))


def number_of(scenario: str) -> int:
    """A scenario's place in a seed: 3 for S3."""
    return int(scenario.removeprefix("S"))
