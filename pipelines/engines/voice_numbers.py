"""Numbers as English says them. Pure.

Written here and not taken from a library: num2words is under the LGPL, inflect brings three
packages for these few lines, and both leave years, prices and telephone numbers to their caller.
"""

from types import MappingProxyType

_SMALL = tuple(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen".split()
)
_TENS = tuple("twenty thirty forty fifty sixty seventy eighty ninety".split())
_GROUPS = ("", " thousand", " million", " billion", " trillion")
_IRREGULAR = MappingProxyType(
    {
        "one": "first",
        "two": "second",
        "three": "third",
        "five": "fifth",
        "eight": "eighth",
        "nine": "ninth",
        "twelve": "twelfth",
    }
)
LARGEST = 10**15 - 1
"""Above it a number is read digit by digit."""


def cardinal(number: int) -> str:
    """How many: 1234 is one thousand two hundred and thirty-four."""
    if number < 0:
        return f"minus {cardinal(-number)}"
    if number > LARGEST:
        return digits(str(number))
    if number < 1000:
        return _below_thousand(number)
    parts, power = [], 0
    rest = number
    while rest:
        rest, group = divmod(rest, 1000)
        if group:
            parts.append(_below_thousand(group) + _GROUPS[power])
        power += 1
    last = number % 1000
    if 0 < last < 100:
        parts[0] = f"and {parts[0]}"
    return " ".join(reversed(parts))


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if hundreds:
        tail = f" and {_below_hundred(rest)}" if rest else ""
        return f"{_SMALL[hundreds]} hundred{tail}"
    return _below_hundred(rest)


def _below_hundred(number: int) -> str:
    if number < 20:
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_SMALL[ones]}" if ones else "")


def ordinal(number: int) -> str:
    """Which one: 21 is twenty-first."""
    words = cardinal(number)
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    head, last = words[:cut], words[cut:]
    if last in _IRREGULAR:
        return head + _IRREGULAR[last]
    return head + (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")


def digits(text: str) -> str:
    """One after the other; what is no digit is left out."""
    return " ".join(_SMALL[int(d)] for d in text if d.isdecimal())


def decimal(text: str) -> str:
    """A number as it is written, with or without commas and a point: 1,204.50."""
    sign = "minus " if text[:1] in "-−" else ""
    whole, point, part = text.lstrip("-−").replace(",", "").partition(".")
    is_code = len(whole) > 1 and whole.startswith("0")
    spoken = digits(whole) if is_code else cardinal(int(whole or "0"))
    return f"{sign}{spoken} point {digits(part)}" if point and part else sign + spoken


def year(number: int) -> str:
    """1905 is nineteen oh five, 2007 two thousand and seven, 2026 twenty twenty-six."""
    century, rest = divmod(number, 100)
    if not 1100 <= number < 2100 or 2000 <= number < 2010:
        return cardinal(number)
    if rest == 0:
        return f"{_below_hundred(century)} hundred"
    return f"{_below_hundred(century)} {'oh ' if rest < 10 else ''}{_below_hundred(rest)}"
