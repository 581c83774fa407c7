"""The fields of one line of a trace. Pure; what is missing or of another kind is None or empty."""

import math

from agent.core.record import Line


def at_s(line: Line) -> float:
    """Seconds since the trace began."""
    return number_of(line, "t") or 0.0


def number_of(line: Line, key: str) -> float | None:
    """A finite number."""
    value = line.get(key)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def text_of(line: Line, key: str) -> str:
    """A string."""
    value = line.get(key)
    return value if isinstance(value, str) else ""
