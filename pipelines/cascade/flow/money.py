"""Amounts of money: `two hundred and fifty dollars and ten cents`, `twelve fifty`, `1250.50`.

An amount is a text with two decimals, `1250.50`; reckoned in the small unit, as whole cents.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.cascade.flow.numbers import (
    below_hundred,
    number_at,
    spoken_digits,
    spoken_number,
)
from pipelines.cascade.flow.words import word_at

MOST = 999_999
"""The largest amount that a caller can say, in whole units."""

_LARGE = ((1_000_000, "million"), (1_000, "thousand"))
_FIGURES_FROM = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as it was said.

    Attributes:
        cents: how much.
        end: the word after it.
        clear: a unit was said, so that it cannot be another number.
    """

    cents: int
    end: int
    clear: bool


def money_at(
    tokens: Sequence[str], at: int, unit: Sequence[str], cent: Sequence[str]
) -> Money | None:
    """The amount that starts here, the longest there is."""
    whole = whole_at(tokens, at)
    if whole is None:
        return None
    value, end = whole
    if word_at(tokens, end) in cent:
        return Money(value, end + 1, clear=True) if value < 100 else None
    clear = word_at(tokens, end) in unit
    end += clear
    part = _cents_at(tokens, end + (word_at(tokens, end) in ("and", "point")), cent)
    if part is None:
        return Money(value * 100, end, clear)
    return Money(value * 100 + part[0], part[1], clear or word_at(tokens, part[1] - 1) in cent)


def whole_at(tokens: Sequence[str], at: int) -> tuple[int, int] | None:
    """A whole number up to 999,999 and where it ends: `1 250`, as `1,250` is read, included."""
    token = word_at(tokens, at)
    if token.isascii() and token.isdigit():
        return _figures_at(tokens, at)
    head = number_at(tokens, at)
    if head is None or word_at(tokens, head[1]) != "thousand":
        return head
    end = head[1] + 1
    rest = number_at(tokens, end + (word_at(tokens, end) == "and"))
    return (1000 * head[0], end) if rest is None else (1000 * head[0] + rest[0], rest[1])


def _figures_at(tokens: Sequence[str], at: int) -> tuple[int, int] | None:
    """`1250`, or `1 250` with three figures after at most three."""
    token, after = tokens[at], word_at(tokens, at + 1)
    if len(token) <= 3 and len(after) == 3 and after.isascii() and after.isdigit():
        return int(token + after), at + 2
    return (int(token), at + 1) if len(token) <= 6 else None


def _cents_at(tokens: Sequence[str], at: int, cent: Sequence[str]) -> tuple[int, int] | None:
    """`fifty cents`, `fifty`, `05`; a single figure without its unit is no cents."""
    part = below_hundred(tokens, at)
    if part is None or part[0] > 99:
        return None
    if word_at(tokens, part[1]) in cent:
        return part[0], part[1] + 1
    return part if part[0] >= 10 or word_at(tokens, at).startswith("0") else None


def amount(cents: int) -> str:
    """`1250.50`."""
    return f"{cents // 100}.{cents % 100:02}"


def cents(value: str) -> int | None:
    """Whole cents of `1250.50`, `1250.5` or `1250`; None where it is no amount."""
    whole, point, part = value.partition(".")
    if not (whole.isascii() and whole.isdigit() and len(part) <= 2 and bool(point) == bool(part)):
        return None
    if part and not (part.isascii() and part.isdigit()):
        return None
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)


def spoken_amount(value: str, unit: Sequence[str], cent: Sequence[str]) -> str:
    """`two hundred dollars and ten cents`; `unit` and `cent` are the singular and the plural."""
    whole, part = divmod(cents(value) or 0, 100)
    said = f"{spoken_whole(whole)} {unit[0] if whole == 1 else unit[-1]}"
    if not part:
        return said
    small = f"{spoken_number(part)} {cent[0] if part == 1 else cent[-1]}"
    return f"{said} and {small}" if whole else small


def spoken_whole(number: int) -> str:
    """Any number in words; from a thousand million on its figures one by one."""
    if number >= _FIGURES_FROM:
        return spoken_digits(str(number))
    for size, name in _LARGE:
        many, rest = divmod(number, size)
        if many:
            joint = " " if rest >= 100 else " and "
            return f"{spoken_number(many)} {name}" + (joint + spoken_whole(rest) if rest else "")
    return spoken_number(number)
