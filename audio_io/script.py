"""What a scripted caller says and when: the `script.toml` of a scenario."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import ConfigError
from agent.core.settings import read
from audio_io.wav_file import read_wav


class LineKind(StrEnum):
    """What a line means to the conversation."""

    TURN = "turn"
    BACKCHANNEL = "backchannel"
    INTERRUPTION = "interruption"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line: a recording, or a pause."""

    wav: str = ""
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One thing the caller says, and the cue for it.

    Attributes:
        text: the words in it.
        wav: a recording of it, relative to the script; or
        parts: recordings and pauses in seconds, such as `["a.wav", 0.8, "b.wav"]`.
        after_agent_s: the cue: the agent has spoken since the last line, and been silent this
            long. Shorter pauses of the agent's do not count. 0.5 when no cue is given.
        into_agent_s: the cue: the agent's current sound began this long ago.
        patience_s: both have been silent this long: the line is said without its cue.
    """

    text: str = ""
    kind: LineKind = LineKind.TURN
    wav: str = ""
    parts: tuple[Part, ...] = ()
    after_agent_s: float | None = None
    into_agent_s: float | None = None
    patience_s: float = 8.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if bool(self.wav) == bool(self.parts):
            raise ValueError("expected one of wav and parts, found both or none")
        if self.after_agent_s is not None and self.into_agent_s is not None:
            raise ValueError("expected at most one cue, found after_agent_s and into_agent_s")
        if min(self.after_agent_s or 0, self.into_agent_s or 0, self.patience_s) < 0:
            raise ValueError("expected times of 0 s or more, found a negative one")


@dataclass(frozen=True, slots=True)
class Script:
    """A caller's side of a conversation.

    Attributes:
        line: what is said, in order.
        linger_s: after the last line the caller hangs up once the agent has been silent this long.
    """

    line: tuple[ScriptLine, ...]
    linger_s: float = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class SpokenScript:
    """A script with its sound.

    Attributes:
        script: lines and cues.
        sounds: float32 [n] for each line, in order.
        rate: of the sounds, in Hz.
    """

    script: Script
    sounds: tuple[Samples, ...]
    rate: int


def load_script(path: Path, rate: int) -> SpokenScript:
    """A script and its recordings, which lie beside it, at `rate`.

    Raises:
        ConfigError: the script or a recording cannot be used.
    """
    script = read_script(path)
    sounds = tuple(_sound(line, path.parent, rate) for line in script.line)
    return SpokenScript(script, sounds, rate)


def read_script(path: Path) -> Script:
    """The script in a TOML file.

    Raises:
        ConfigError: there is none, or it holds something it may not hold.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ConfigError(
            f"{path}: expected a script, found none that can be read ({fault.strerror}); "
            "check the path"
        ) from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ConfigError(f"{path}: expected TOML, found a mistake: {fault}") from fault
    lines = table.get("line")
    if not isinstance(lines, list) or not lines:
        raise ConfigError(f"{path}: expected at least one [[line]], found none; add one")
    table["line"] = [_with_parts(line, f"{path} line[{i}]") for i, line in enumerate(lines)]
    return read(Script, table, str(path))


def _with_parts(line: object, where: str) -> object:
    """The line with each of its `parts` as a table, so that the settings reader can take it."""
    if not isinstance(line, Mapping) or not isinstance(line.get("parts"), list):
        return line
    return {**line, "parts": [_part(part, where) for part in line["parts"]]}


def _part(part: object, where: str) -> dict[str, str | float]:
    if isinstance(part, str):
        return {"wav": part}
    if isinstance(part, int | float) and not isinstance(part, bool) and part >= 0:
        return {"pause_s": part}
    raise ConfigError(f"{where} parts: expected file names and seconds of silence, found {part!r}")


def _sound(line: ScriptLine, folder: Path, rate: int) -> Samples:
    pieces = []
    for part in line.parts or (Part(wav=line.wav),):
        if part.wav:
            pieces.append(read_wav(folder / part.wav).at(rate))
        else:
            pieces.append(np.zeros(round(part.pause_s * rate), np.float32))
    return np.concatenate(pieces)
