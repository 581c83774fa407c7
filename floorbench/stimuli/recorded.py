"""Recordings of people and rooms from a folder: which of them serve which purpose.

The folder has a `manifest.jsonl`; each line names a WAV: `path`, `kind` (speech, short, disfluent,
digits, noise, rir, conversation), `duration_s`, `sha256`, and where known `text` and `speaker`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.core.errors import ConfigError
from audio_io.wav_file import read_wav

TURN_S = (1.0, 6.0)
"""Length of a turn; longer recordings become parts of monologues."""

LONGEST_TURN_S = 12.0
"""Length of a recorded turn with pauses of its own."""

_BURST_WORDS = ("burst", "keyboard", "cough", "laugh", "door", "crying", "music")
_BACKCHANNELS = frozenset("yes yeah okay right mm-hm uh-huh".split())
_ANSWERS = frozenset("yes yeah okay".split())
_LONGEST_WORD_S = 1.0  # a backchannel; recordings of single words have silence around them


@dataclass(frozen=True, slots=True)
class Entry:
    """A sound on disk.

    Attributes:
        path: the WAV.
        text: the words in it, or what it is.
        voice: who speaks.
        cuts_s: places to pause, in seconds.
        rendered: a synthesizer made it: pitch and pace may be varied without harm.
    """

    path: Path
    text: str
    voice: str
    cuts_s: tuple[float, ...] = ()
    rendered: bool = False


def recorded_entries(folder: Path) -> dict[str, tuple[Entry, ...]]:
    """The recordings of each role, named as in `library.Role`.

    Raises:
        ConfigError: no manifest, a line that cannot be read, or a recording that is not the one
            the manifest means.
    """
    found: dict[str, list[Entry]] = {}
    for number, row in _rows(folder / "manifest.jsonl"):
        where = f"{folder / 'manifest.jsonl'} line {number}"
        for role in _roles(row, where):
            found.setdefault(role, []).append(_entry(folder, row, where))
    return {role: tuple(entries) for role, entries in found.items()}


def _rows(manifest: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        lines = manifest.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigError(
            f"{manifest}: expected a manifest of recordings, found none that can be read; "
            "give the folder that holds manifest.jsonl"
        ) from fault
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as fault:
            raise ConfigError(f"{manifest} line {number}: expected JSON: {fault}") from fault
        if not isinstance(row, dict):
            raise ConfigError(f"{manifest} line {number}: expected an object, found {line[:40]}")
        yield number, row


def _entry(folder: Path, row: Mapping[str, object], where: str) -> Entry:
    path = folder / str(row.get("path", ""))
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as fault:
        raise ConfigError(f"{where}: expected the recording {path}, found none") from fault
    if row.get("sha256") not in (None, digest):
        raise ConfigError(
            f"{where}: {path} is not the recording that was measured before: expected sha256 "
            f"{str(row['sha256'])[:12]}, found {digest[:12]}; fetch the recordings again"
        )
    read_wav(path)  # what cannot be used is better found out now than in the middle of a run
    return Entry(path, str(row.get("text") or path.stem), str(row.get("speaker") or "unknown"))


def _roles(row: Mapping[str, object], where: str) -> tuple[str, ...]:
    """What a recording serves for; nothing when its kind is of no use here."""
    duration_s = row.get("duration_s")
    if not isinstance(duration_s, int | float):
        raise ConfigError(f"{where}: expected duration_s in seconds, found {duration_s!r}")
    if row.get("channels", 1) not in (1, 2):
        return ()  # an array of microphones
    words = str(row.get("text") or "")
    match row.get("kind"):
        case "speech":
            return ("question", "story") if TURN_S[0] <= duration_s <= TURN_S[1] else ("story",)
        case "short":
            return _short(words, duration_s)
        case "disfluent":
            return ("natural",) if duration_s <= LONGEST_TURN_S else ()
        case "digits":
            return ("digit",)
        case "noise":
            stem = Path(str(row.get("path"))).stem
            return ("burst",) if any(w in stem for w in _BURST_WORDS) else ("bed",)
        case "rir":
            return ("room",)
        case "conversation":
            return ("side",)
        case _:
            return ()


def _short(words: str, duration_s: float) -> tuple[str, ...]:
    roles = ["question"] if duration_s >= TURN_S[0] else []
    if words in _BACKCHANNELS and duration_s <= _LONGEST_WORD_S:
        roles.append("backchannel")
    if words in _ANSWERS:
        roles.append("answer")
    return tuple(roles)
