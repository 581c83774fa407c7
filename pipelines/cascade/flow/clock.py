"""Times of day in words: `half past seven`, `seven thirty`, `quarter to eight`, `7 pm`, `noon`."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.cascade.flow.numbers import below_hundred, spoken_number
from pipelines.cascade.flow.words import word_at

NAMED = {"noon": 720, "midday": 720, "midnight": 0}
HALF_DAY = 720  # minutes

_PARTS = {"half": 30, "quarter": 15}
_SIGNS = {"past": 1, "after": 1, "to": -1, "before": -1}
_PERIODS = {
    ("am",): 0,
    ("pm",): 1,
    ("in", "the", "morning"): 0,
    ("in", "the", "afternoon"): 1,
    ("in", "the", "evening"): 1,
    ("at", "night"): 1,
    ("tonight",): 1,
}


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time as it was said.

    Attributes:
        minutes: since midnight, or since midnight or noon when `fixed` is false.
        end: the word after it.
        clear: it cannot be anything but a time; a lone number can.
        fixed: the half of the day was said.
    """

    minutes: int
    end: int
    clear: bool
    fixed: bool


def clock_at(tokens: Sequence[str], at: int) -> ClockTime | None:
    """The time that starts here, the longest there is."""
    named = NAMED.get(word_at(tokens, at))
    if named is not None:
        return ClockTime(named, at + 1, clear=True, fixed=True)
    said = _past_or_to(tokens, at) or _hour_first(tokens, at)
    return said and _with_period(tokens, said)


def _past_or_to(tokens: Sequence[str], at: int) -> ClockTime | None:
    """`half past seven`, `a quarter to eight`, `ten past six`."""
    start = at + (word_at(tokens, at) == "a")
    part = _PARTS.get(word_at(tokens, start))
    minute, end = (part, start + 1) if part else below_hundred(tokens, start) or (60, start)
    end += word_at(tokens, end) == "minutes"
    sign = _SIGNS.get(word_at(tokens, end), 0)
    british = part == 30 and not sign  # half seven is half past seven
    hour = below_hundred(tokens, end + (not british))
    if minute > 30 or not (sign or british) or hour is None or not 1 <= hour[0] <= 12:
        return None
    sign = sign or 1
    return ClockTime((hour[0] * 60 + sign * minute) % HALF_DAY, hour[1], clear=True, fixed=False)


def _hour_first(tokens: Sequence[str], at: int) -> ClockTime | None:
    """`seven`, `seven o'clock`, `seven thirty`, `seven oh five`, `19 30`."""
    hour = below_hundred(tokens, at)
    if hour is None or hour[0] > 23:
        return None
    end, minute = hour[1], (0, hour[1])
    if word_at(tokens, end) == "o'clock":
        minute = (0, end + 1)
    elif word_at(tokens, end) in ("oh", "o"):
        after = below_hundred(tokens, end + 1)
        minute = after if after and after[0] < 10 else minute
    else:
        after = below_hundred(tokens, end)
        if after and (10 <= after[0] < 60 or tokens[end] == "00"):
            minute = after
    fixed = hour[0] == 0 or hour[0] > 12
    total = hour[0] * 60 + minute[0]
    return ClockTime(
        total if fixed else total % HALF_DAY, minute[1], clear=minute[1] > end, fixed=fixed
    )


def _with_period(tokens: Sequence[str], said: ClockTime) -> ClockTime:
    for words, half in _PERIODS.items():
        end = said.end + len(words)
        if tuple(tokens[said.end : end]) == words:
            whole = said.minutes if said.fixed else said.minutes + half * HALF_DAY
            return ClockTime(whole, end, clear=True, fixed=True)
    return said


def placed(said: ClockTime, earliest: int, latest: int) -> int:
    """Minutes since midnight; an open half of the day falls where it is allowed, else after noon.

    Args:
        said: the time.
        earliest: first minute of the day that is allowed.
        latest: last one.
    """
    if said.fixed:
        return said.minutes
    options = (said.minutes + HALF_DAY, said.minutes)
    return next((m for m in options if earliest <= m <= latest), options[0])


def spoken_clock(minutes: int) -> str:
    """Minutes since midnight as one says it, without the half of the day."""
    if minutes in (0, HALF_DAY):
        return "noon" if minutes else "midnight"
    hour, minute = minutes // 60, minutes % 60
    this, following = ((h - 1) % 12 + 1 for h in (hour, hour + 1))
    match minute:
        case 0:
            return f"{spoken_number(this)} o'clock"
        case 15 | 30:
            return f"{'quarter' if minute == 15 else 'half'} past {spoken_number(this)}"
        case 45:
            return f"quarter to {spoken_number(following)}"
    return f"{spoken_number(this)} {'oh ' if minute < 10 else ''}{spoken_number(minute)}"


def minutes(clock: str) -> int:
    """Minutes since midnight of HH:MM.

    Raises:
        ValueError: it is not a time of day.
    """
    hour, _, minute = clock.partition(":")
    if not (hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60):
        raise ValueError(f"expected a time such as 19:30, found {clock!r}")
    return int(hour) * 60 + int(minute)
