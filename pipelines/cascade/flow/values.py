"""Slot values: how each kind is read from words, checked against what is allowed, and spoken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.cascade.flow.clock import HALF_DAY, clock_at, minutes, placed, spoken_clock
from pipelines.cascade.flow.hours import WEEKDAYS
from pipelines.cascade.flow.money import amount, cents, money_at, spoken_amount, spoken_whole
from pipelines.cascade.flow.numbers import digits_at, number_at, spoken_digits
from pipelines.cascade.flow.slot_table import DAYS, Kind, SlotTable
from pipelines.cascade.flow.words import word_at, words

Value = int | str
"""A number is an int; a time is `19:30`, an amount `12.50`; a day, a choice, digits, a message,
`yes` and `no` are text."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value found in the words.

    Attributes:
        value: what it is.
        end: the word after it.
        clear: it is this kind of value wherever it is said; a lone number is not.
    """

    value: Value
    end: int
    clear: bool


def readings(slot: SlotTable, tokens: Sequence[str], at: int) -> Iterator[Reading]:
    """Values of this slot that start here, allowed or not."""
    match slot.kind:
        case Kind.NUMBER:
            if number := number_at(tokens, at):
                yield Reading(number[0], number[1], clear=False)
        case Kind.DAY:
            yield from _days(tokens, at)
        case Kind.TIME:
            if said := clock_at(tokens, at):
                minute = placed(said, minutes(slot.earliest), minutes(slot.latest))
                yield Reading(f"{minute // 60:02}:{minute % 60:02}", said.end, said.clear)
        case Kind.CHOICE:
            for option in slot.options:
                spelled = words(option)
                if spelled and tuple(tokens[at : at + len(spelled)]) == spelled:
                    yield Reading(option, at + len(spelled), clear=True)
        case Kind.DIGITS:
            run, end = digits_at(tokens, at)
            if run:
                clear = len(run) >= 3 and slot.fewest <= len(run) <= slot.longest
                yield Reading(run, end, clear and not slot.secret)
        case Kind.AMOUNT:
            if money := money_at(tokens, at, slot.unit, slot.cent):
                yield Reading(amount(money.cents), money.end, money.clear)
        case Kind.YES_NO | Kind.MESSAGE:
            return  # an answer in its place only: `understand` and `rules` see to it


def _days(tokens: Sequence[str], at: int) -> Iterator[Reading]:
    start = at + (word_at(tokens, at) in ("this", "next"))
    token = word_at(tokens, start)
    day = "today" if token == "tonight" else token.removesuffix("s")
    if day in DAYS:
        yield Reading(day, start + 1, clear=True)


def allowed(slot: SlotTable, value: Value, today: str = "") -> bool:
    """Does the slot take this value?

    Args:
        slot: where it should go.
        value: what was said.
        today: today's weekday, which tells whether `tomorrow` is a closed day; empty: unknown.
    """
    match slot.kind:
        case Kind.NUMBER:
            return slot.at_least <= int(value) <= slot.at_most
        case Kind.DAY:
            return weekday(str(value), today) not in slot.closed and value not in slot.closed
        case Kind.TIME:
            return minutes(slot.earliest) <= minutes(str(value)) <= minutes(slot.latest)
        case Kind.DIGITS:
            return slot.fewest <= len(str(value)) <= slot.longest
        case Kind.AMOUNT:
            return 100 * slot.at_least <= (cents(str(value)) or 0) <= 100 * slot.at_most
        case Kind.CHOICE | Kind.YES_NO | Kind.MESSAGE:
            return True


def result_value(slot: SlotTable, text: str) -> Value | None:
    """What a tool returned as a value of the slot it fills; None where it is none."""
    text = text.strip()
    match slot.kind:
        case Kind.NUMBER:
            return int(text) if text.isascii() and text.isdigit() else None
        case Kind.AMOUNT:
            value = cents(text)
            return None if value is None else amount(value)
        case Kind.YES_NO:
            return {"true": "yes", "yes": "yes", "false": "no", "no": "no"}.get(text.lower())
        case Kind.CHOICE:
            return text if text in slot.options else None
        case Kind.DIGITS:
            return text if text.isascii() and text.isdigit() else None
        case Kind.DAY:
            return text if text in DAYS else None
        case Kind.TIME:
            return _written_time(text)
        case Kind.MESSAGE:
            return text or None


def _written_time(text: str) -> str | None:
    try:
        minute = minutes(text)
    except ValueError:
        return None
    return f"{minute // 60:02}:{minute % 60:02}"


def weekday(day: str, today: str) -> str:
    """`today` and `tomorrow` as weekdays, where today's is known; other days as they are."""
    if today not in WEEKDAYS or day not in ("today", "tomorrow"):
        return day
    return WEEKDAYS[(WEEKDAYS.index(today) + (day == "tomorrow")) % 7]


def spoken(slot: SlotTable, value: Value) -> str:
    """A value as the agent says it."""
    match slot.kind:
        case Kind.NUMBER:
            return spoken_whole(int(value))  # keys and tools know no limit
        case Kind.DAY:
            return str(value) if value in ("today", "tomorrow") else str(value).capitalize()
        case Kind.TIME:
            return _spoken_time(slot, minutes(str(value)))
        case Kind.DIGITS:
            return spoken_digits(str(value))
        case Kind.AMOUNT:
            return spoken_amount(str(value), slot.unit, slot.cent)
        case Kind.CHOICE | Kind.YES_NO | Kind.MESSAGE:
            return str(value)


def _spoken_time(slot: SlotTable, minute: int) -> str:
    """With the half of the day only where the other half would be allowed as well."""
    said = spoken_clock(minute)
    other = (minute + HALF_DAY) % (2 * HALF_DAY)
    both = minutes(slot.earliest) <= other <= minutes(slot.latest)
    if not both or said in ("noon", "midnight"):
        return said
    return f"{said} in the {'morning' if minute < HALF_DAY else 'evening'}"
