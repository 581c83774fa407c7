"""Business hours: open or closed at a moment, by weekday and time, with holidays."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from pipelines.cascade.flow.clock import minutes

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class HoursTable:
    """The table [flow.hours]: for each weekday, spans such as `09:00-12:30`; none: closed.

    A span may end at 24:00. `holidays` are closed all day: `12-25` every year, `2027-03-26` once.
    """

    monday: tuple[str, ...] = ()
    tuesday: tuple[str, ...] = ()
    wednesday: tuple[str, ...] = ()
    thursday: tuple[str, ...] = ()
    friday: tuple[str, ...] = ()
    saturday: tuple[str, ...] = ()
    sunday: tuple[str, ...] = ()
    holidays: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for what is no span, or no day."""
        for spans in self.week():
            for span in spans:
                begin, end = _span(span)
                if begin >= end:
                    raise ValueError(f"a span begins before it ends, found {span!r}")
        for day in self.holidays:
            _check_day(day)

    def week(self) -> tuple[tuple[str, ...], ...]:
        """The spans of each weekday, Monday first."""
        days = (self.monday, self.tuesday, self.wednesday, self.thursday, self.friday)
        return (*days, self.saturday, self.sunday)


def is_open(hours: HoursTable, now: datetime) -> bool:
    """Whether somebody is there at this moment of the house's own time."""
    if now.strftime("%m-%d") in hours.holidays or now.strftime("%Y-%m-%d") in hours.holidays:
        return False
    minute = now.hour * 60 + now.minute
    return any(begin <= minute < end for begin, end in _spans(hours, now))


def weekday_of(now: datetime) -> str:
    """`friday`."""
    return WEEKDAYS[now.weekday()]


def _spans(hours: HoursTable, now: datetime) -> Iterator[tuple[int, int]]:
    yield from map(_span, hours.week()[now.weekday()])


def _span(text: str) -> tuple[int, int]:
    """Minutes since midnight; raises ValueError."""
    begin, dash, end = text.partition("-")
    if not dash:
        raise ValueError(f"expected a span such as 09:00-17:30, found {text!r}")
    return minutes(begin), 24 * 60 if end == "24:00" else minutes(end)


def _check_day(text: str) -> None:
    """Raises ValueError."""
    whole = text if len(text) == 10 else f"2024-{text}"  # a leap year: 02-29 is a day
    try:
        date.fromisoformat(whole)
    except ValueError as fault:
        raise ValueError(
            f"holidays: expected days such as 12-25 or 2027-03-26, found {text!r}"
        ) from fault
