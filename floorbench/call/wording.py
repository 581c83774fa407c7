"""Figures as people read them."""

from collections.abc import Sequence
from datetime import datetime

from floorbench.call.results import Interruption, Outcome, Results, TurnResult

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"


def seconds(value_s: float | None, digits: int = 2) -> str:
    """`0.62 s`, signed where negative; a dash for nothing."""
    return NONE if value_s is None else f"{value_s:.{digits}f} s".replace("-", MINUS)


def millis(value_s: float | None) -> str:
    """Whole milliseconds without the unit; a dash for nothing."""
    return NONE if value_s is None else f"{value_s * 1000:.0f}".replace("-", MINUS)


def clock(at_s: float) -> str:
    """`1:02.3`."""
    tenths = round(max(at_s, 0.0) * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def length(duration_s: float) -> str:
    """`42 s` or `3 min 5 s`."""
    whole = round(duration_s)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 turn`, `2 turns`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def shortened(text: str, most: int) -> str:
    """At most `most` characters, ending in an ellipsis when there were more."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def day(wall: str) -> str:
    """`20 November 2026, 12:00 UTC` from ISO 8601; the text itself when it is not that."""
    try:
        when = datetime.fromisoformat(wall)
    except ValueError:
        return wall
    return f"{when.day} {when:%B %Y, %H:%M} {when.tzname() or ''}".strip()


def subtitle(results: Results) -> str:
    """When, how long, which call, and how it ended."""
    call = results.call
    parts = [day(call.wall), length(call.duration_s), call.end]
    version = f"parley {call.parley}" if call.parley else ""
    return " · ".join(part for part in (*parts, version) if part)


def note(turn: TurnResult, results: Results) -> str:
    """What is special about a turn, in a few words."""
    kept = Interruption.KEPT_TALKING
    through = [i for i in results.interjections if i.reply == turn.reply and i.outcome is kept]
    told = [
        "" if turn.outcome is Outcome.HEARD else turn.outcome.value,
        "too early" if turn.premature else "",
        "interrupted" if turn.cut and turn.outcome is not Outcome.WITHDRAWN else "",
        f"kept talking through {len(through)}" if through else "",
        f"{turn.discarded} discarded" if turn.discarded else "",
    ]
    return ", ".join(part for part in told if part)


def has_way(results: Results) -> bool:
    """Of some turn it is known what the network or the device took."""
    parts = [turn.waited for turn in results.turns if turn.waited is not None]
    return any(part.network_s is not None or part.device_s is not None for part in parts)


def is_duplex(results: Results) -> bool:
    """A duplex model had the call, and nothing took over from it that takes turns."""
    return results.beat is not None and not results.turns


def no_turns(results: Results) -> str:
    """Why there is no turn in the report, as a sentence."""
    if not is_duplex(results):
        return "No turn of the caller was answered."
    return (
        "A duplex model had this call: it listens while it speaks, "
        "so there were no turns to decide."
    )


def survived(results: Results) -> tuple[int, int]:
    """Of the interjections it talked through: those without a hole of 300 ms, and all."""
    holes: Sequence[float] = [
        i.hole_s or 0.0 for i in results.interjections if i.outcome is Interruption.KEPT_TALKING
    ]
    return sum(hole < 0.3 for hole in holes), len(holes)
