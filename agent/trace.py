"""One JSONL file per call: everything the machine was told, when, and what it asked for.

Each line is handed to the operating system as it is written, so that a process killed at any moment
leaves a valid trace behind. The vocabulary is documented in docs/trace.md.
"""

import contextlib
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from agent.core.calls import Json
from agent.core.errors import ConfigError
from agent.core.record import NOTICE, Line

VERSION = 1


class TraceFile:
    """Writes a trace; calling it writes one line. Never waits for the disk to be flushed.

    Attributes:
        fault: why nothing more is written, such as a full disk. A call does not end for that.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """Begin a trace at `path`; `clock` is loop time, and now is zero."""
        path.parent.mkdir(parents=True, exist_ok=True)
        # A lone surrogate, which JSON from outside may hold, becomes its JSON escape.
        self._file = path.open("w", encoding="utf-8", errors="backslashreplace")
        self.fault: OSError | None = None
        self._clock = clock
        self._zero = clock()

    def header(self, **fields: Json) -> None:
        """The first line: version and wall clock, read here once, and what the caller adds."""
        self("call", version=VERSION, wall=datetime.now(UTC).isoformat(timespec="seconds"),
             zero=self._zero, **fields)  # fmt: skip

    def __call__(self, event: str, /, **fields: Json) -> None:
        """Write one line, with seconds since the trace began."""
        if self._file.closed:
            return
        t = round(self._clock() - self._zero, 6)
        line = json.dumps({"t": t, "event": event, **fields}, ensure_ascii=False, default=str)
        try:
            self._file.write(line + "\n")
            self._file.flush()
        except OSError as fault:
            self.fault = fault
            self.close()

    def close(self) -> None:
        """End the trace; later lines are dropped."""
        with contextlib.suppress(OSError):  # what a full disk refused once, it refuses again
            self._file.close()


class TraceList:
    """A trace in memory, for tests and figures: a list of what `TraceFile` would have written."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.lines: list[dict[str, Json]] = []
        self._clock = clock
        self._zero = clock()

    def __call__(self, event: str, /, **fields: Json) -> None:
        """Keep one line."""
        self.lines.append({"t": self._clock() - self._zero, "event": event, **fields})

    def named(self, event: str) -> list[dict[str, Json]]:
        """The lines of one event."""
        return [line for line in self.lines if line["event"] == event]


def both(*traces: Callable[..., None]) -> Callable[..., None]:
    """A trace that goes to several: a file and a screen."""

    def trace(event: str, /, **fields: Json) -> None:
        for one in traces:
            one(event, **fields)

    return trace


def read_trace(path: Path) -> list[Line]:
    """The lines of a trace. A last line that was cut off in writing becomes a notice.

    Raises:
        ConfigError: there is no such file, a line before the last is not a JSON object, or a
            field of it is of another type.
    """
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as fault:
        raise ConfigError(f"{path}: expected a trace, found {fault.strerror}") from fault
    whole = [(number, text) for number, text in enumerate(texts, start=1) if text.strip()]
    lines: list[Line] = []
    for number, text in whole:
        line = _parsed(text)
        if line is not None:
            if wrong := _wrong(line):
                raise ConfigError(f"{path}: line {number}: {wrong}")
            lines.append(line)
        elif number == whole[-1][0]:
            message = f"the last line of the trace, {number}, was cut off and is left out"
            lines.append({"t": lines[-1].get("t", 0.0) if lines else 0.0, "event": NOTICE,
                          "message": message})  # fmt: skip
        else:
            raise ConfigError(
                f"{path}: line {number}: expected a JSON object, found {text[:60]!r}; "
                "a trace has one object on each line"
            )
    return lines


def _is_time(t: object) -> bool:
    try:
        return isinstance(t, int | float) and math.isfinite(t)
    except OverflowError:  # hundreds of digits
        return False


def _is_name(name: object) -> bool:
    return isinstance(name, str)


def _is_number(number: object) -> bool:
    return type(number) is int


_FIELDS = {
    "t": ("seconds", _is_time),
    "event": ("a name", _is_name),
    "what": ("a name", _is_name),
    "reply": ("a whole number", _is_number),
    "segment": ("a whole number", _is_number),
    "start_s": ("seconds", _is_time),
    "end_s": ("seconds", _is_time),
}
"""What readers of any line may rely on; the fields of one event are for who reads that."""


def _wrong(line: Line) -> str:
    """What of a line is not as it should be; nothing where all is well."""
    for key, (what, is_right) in _FIELDS.items():
        if (key in line or key in ("t", "event")) and not is_right(found := line.get(key)):
            return f"{key}: expected {what}, found {found!r:.60}"
    return ""


def _parsed(text: str) -> Line | None:
    try:
        line = json.loads(text)
    except json.JSONDecodeError:
        return None
    return line if isinstance(line, dict) else None
