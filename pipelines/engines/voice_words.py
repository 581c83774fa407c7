"""English as it is written to English as it is said: numbers, dates, money and the like. Pure.

Each word knows both forms, so that the sound is of one and the history keeps the other.
Other languages are left alone: their engines' phonemisers read numbers themselves.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from pipelines.engines.voice_numbers import cardinal, decimal, digits, ordinal, year

MAX_CHARS = 1000
"""A longer text is left as it is. No clause is: that is five times thirty words."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word, or a few that are said as one thing, such as 3 April 2026.

    Attributes:
        written: as the responder wrote it, without tags.
        spoken: what the engine is given.
    """

    written: str
    spoken: str


_MONTHS = tuple(
    "January February March April May June July August September October November December".split()
)
_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    "Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_NUMBER = r"[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_NOON = r"(?:\s?(?P<{}>[ap])(?:\.m\.?|m))"
_UNITS = MappingProxyType(
    {
        "km/h": "kilometre per hour", "kph": "kilometre per hour", "mph": "mile per hour",
        "m/s": "metre per second", "km": "kilometre", "m": "metre", "cm": "centimetre",
        "mm": "millimetre", "mi": "mile", "ft": "foot", "yd": "yard", "kg": "kilogram",
        "g": "gram", "mg": "milligram", "lb": "pound", "lbs": "pound", "oz": "ounce",
        "l": "litre", "L": "litre", "ml": "millilitre", "mL": "millilitre",
        "°C": "degree Celsius", "°F": "degree Fahrenheit", "°": "degree",
        "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
        "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz",
        "W": "watt", "kW": "kilowatt", "kWh": "kilowatt hour", "V": "volt",
        "ms": "millisecond", "s": "second", "sec": "second", "min": "minute", "h": "hour",
        "hr": "hour", "hrs": "hour",
    }
)  # fmt: skip
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_MONEY = MappingProxyType(
    {
        "$": ("dollar", "dollars", "cent", "cents"),
        "€": ("euro", "euros", "cent", "cents"),
        "£": ("pound", "pounds", "penny", "pence"),
    }
)
_SCALES = MappingProxyType({"k": "thousand", "m": "million", "bn": "billion"})
_SHORT = MappingProxyType(
    {
        "mr.": "Mister", "mrs.": "Missus", "ms.": "Miz", "dr.": "Doctor", "prof.": "Professor",
        "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "vs.": "versus",
        "approx.": "approximately", "ave.": "Avenue", "rd.": "Road",
        "blvd.": "Boulevard", "apt.": "apartment", "dept.": "department", "w/": "with",
    }
)  # fmt: skip
_ABBREVIATION = "|".join(re.escape(short) for short in _SHORT)
_SIGNS = MappingProxyType(
    {
        "&": "and", "+": "plus", "=": "equals", "@": "at", "<": "less than", ">": "more than",
        "×": "times", "÷": "divided by", "→": "to", "%": "percent", "~": "about",
        "*": "", "**": "", "#": "", "##": "", "-": "", "•": "",
    }
)  # fmt: skip
_HALVES = MappingProxyType({2: "half", 4: "quarter"})

_PATTERN = re.compile(
    rf"""(?<![\w@/])(?:
    (?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    |(?P<web>(?:https?://|www\.)[^\s<>"')]*[\w/])
    |(?P<phone>\+\d[\d\s().-]{{6,18}}\d|\(?\d{{3}}\)?[ .-]\d{{3}}[ .-]\d{{4}}|\d{{3}}-\d{{4}}
        |0\d{{2,4}}\s\d{{3,4}}(?:\s\d{{3,4}})?)
    |(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})
    |(?P<slashed>\d{{1,2}}/\d{{1,2}}/\d{{4}})
    |(?P<monthday>(?P<month1>{_MONTH})\.?\s(?P<day1>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s(?P<year1>\d{{4}}))?)
    |(?P<daymonth>(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\s(?P<month2>{_MONTH})(?:,?\s(?P<year2>\d{{4}}))?)
    |(?P<monthyear>(?P<month3>{_MONTH})\s(?P<year3>\d{{4}}))
    |(?P<time>(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d){_NOON.format("noon1")}?)
    |(?P<oclock>(?P<hour2>1[0-2]|[1-9]){_NOON.format("noon2")})
    |(?P<money>(?P<coin>[$€£])\s?(?P<sum>{_NUMBER})(?:\s?(?P<scale>thousand|million|billion|k|m|bn)\b)?)
    |(?P<percent>{_NUMBER})\s?%
    |(?P<inyear>(?P<before>[Ii]n|[Ss]ince|[Uu]ntil|[Ff]rom|[Yy]ear)\s(?P<year4>1[1-9]\d\d|20\d\d)(?![\d,.]\d))
    |(?P<range>(?P<low>\d+(?:\.\d+)?)\s?[-–]\s?(?P<high>\d+(?:\.\d+)?)(?![-–/]))
    |(?P<ordinal>\d[\d,]*)(?:st|nd|rd|th)
    |(?P<fraction>(?P<over>\d{{1,2}})/(?P<under>\d{{1,2}}))(?!/)
    |(?P<decade>(?:1[1-9]|20)[1-9]0)s
    |(?P<measure>(?P<amount>{_NUMBER})\s?(?P<unit>{_UNIT}))
    |[#]?(?P<number>{_NUMBER})
    |(?P<count>[Nn]o\.\s(?P<which>\d+))
    |(?P<short>(?i:{_ABBREVIATION}))
    |(?P<sign>[-&+=@<>×÷→%~*•\#]+)(?!\S)
    )(?!\w|/\d)""",
    re.VERBOSE,
)


def words(text: str, language: str = "en", form: str = "") -> list[Word]:
    """The words of a text, each with what is said for it.

    Args:
        text: any, without tags.
        language: such as en-us or en-gb; in anything but English nothing is changed.
        form: the order of dates written with slashes: mdy or dmy; by the language if empty.
    """
    if not language.startswith("en") or len(text) > MAX_CHARS:
        return [Word(word, word) for word in text.split()]
    order = form or ("mdy" if language in ("en", "en-us") else "dmy")
    return [
        Word(written, _PATTERN.sub(lambda match: _spoken(match, order), written))
        for written in _things(text)
    ]


def spelt(text: str) -> str:
    """Character by character, as for a booking code."""
    names = {".": "dot", "-": "dash", "@": "at", "_": "underscore", "/": "slash", "+": "plus"}
    signs = [c for c in text if not c.isspace()]
    return " ".join(digits(c) if c in "0123456789" else names.get(c, c.upper()) for c in signs)


def _things(text: str) -> Iterator[str]:
    """Words between spaces; those that one match spans stay together."""
    ends = [match.span() for match in _PATTERN.finditer(text)]
    start = end = -1
    for low, high in sorted([*(m.span() for m in re.finditer(r"\S+", text)), *ends]):
        if low >= end:
            if end > 0:
                yield text[start:end]
            start = low
        end = max(end, high)
    if end > 0:
        yield text[start:end]


def _spoken(match: re.Match[str], order: str) -> str:
    found = match.groupdict()
    text = match.group()
    match match.lastgroup:
        case "mail":
            return _address(text)
        case "web":
            return _address(re.sub(r"^https?://", "", text).rstrip("/"))
        case "phone":
            return phone(text)
        case "iso":
            return date(text, "ymd")
        case "slashed":
            return date(text, order)
        case "monthday" | "daymonth" | "monthyear":
            return _named_date(found, order)
        case "time" | "oclock":
            return _time(found, text)
        case "money":
            return _money(found["coin"], found["sum"], found["scale"] or "")
        case "percent":
            return f"{decimal(found['percent'])} percent"
        case "inyear":
            return f"{found['before']} {year(int(found['year4']))}"
        case "range":
            return f"{decimal(found['low'])} to {decimal(found['high'])}"
        case "ordinal":
            return ordinal(int(found["ordinal"].replace(",", "")))
        case "fraction":
            return _fraction(int(found["over"]), int(found["under"]))
        case "measure":
            return _measure(found["amount"], found["unit"])
        case "number":
            return _number(found["number"], text)
        case "decade":
            return f"{year(int(found['decade']))[:-1]}ies"
        case "count":
            return f"number {cardinal(int(found['which']))}"
        case "sign":
            return _SIGNS.get(text, "")
        case _:
            return _SHORT.get(text.lower(), text)


def _number(number: str, text: str) -> str:
    """A long number without commas is a code: nobody says it as an amount."""
    is_code = number.isdigit() and len(number) > 6 and not number.endswith("000")
    return ("number " if text.startswith("#") else "") + (
        digits(number) if is_code else decimal(number)
    )


def _address(text: str) -> str:
    signs = {".": " dot ", "@": " at ", "-": " dash ", "_": " underscore ", "/": " slash "}
    said = "".join(signs.get(c, f" {digits(c)} " if c in "0123456789" else c) for c in text)
    return " ".join(said.replace("+", " plus ").replace("www", "w w w").split())


def phone(text: str) -> str:
    """Digit by digit, with a breath where it is grouped."""
    groups = [digits(group) for group in re.split(r"\D+", text) if group]
    return ("plus " if text.startswith("+") else "") + ", ".join(groups)


def date(text: str, order: str) -> str:
    """Three numbers in the order ymd, mdy or dmy; unchanged if they are no date."""
    parts = dict(zip(order, re.split(r"\D", text), strict=False))
    if set(parts) != set("ymd") or not all(p.isdigit() for p in parts.values()):
        return text
    month, day = int(parts["m"]), int(parts["d"])
    if month > 12 >= day:
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return text
    return _date(_MONTHS[month - 1], day, parts["y"], order)


def _named_date(found: dict[str, str | None], order: str) -> str:
    short = found["month1"] or found["month2"] or found["month3"] or ""
    month = next(name for name in _MONTHS if name.startswith(short[:3]))
    day = found["day1"] or found["day2"]
    written = found["year1"] or found["year2"] or found["year3"] or ""
    if not day:
        return f"{month} {year(int(written))}"
    return _date(month, int(day), written, "dmy" if found["day2"] else order)


def _date(month: str, day: int, written: str, order: str) -> str:
    of_year = f", {year(int(written))}" if written else ""
    if order == "dmy":
        return f"the {ordinal(day)} of {month}{of_year}"
    return f"{month} {ordinal(day)}{of_year}"


def _time(found: dict[str, str | None], text: str) -> str:
    hour, minute = int(found["hour"] or found["hour2"] or 0), int(found["minute"] or 0)
    noon = found["noon1"] or found["noon2"]
    tail = f" {noon} m" if noon else ""
    if minute:
        middle = f" oh {cardinal(minute)}" if minute < 10 else f" {cardinal(minute)}"
    else:
        middle = "" if noon else " o'clock" if 0 < hour <= 12 else " hundred"
    return cardinal(hour) + middle + tail


def _money(coin: str, amount: str, scale: str) -> str:
    one, many, small, smalls = _MONEY[coin]
    if scale:
        return f"{decimal(amount)} {_SCALES.get(scale, scale)} {many}"
    whole, _, part = amount.partition(".")
    if len(part) not in (0, 2):
        return f"{decimal(amount)} {many}"
    count, cents = int(whole.replace(",", "").lstrip("-−") or 0), int(part or 0)
    main = f"{decimal(whole)} {one if count == 1 else many}"
    if not cents:
        return main
    minor = f"{cardinal(cents)} {small if cents == 1 else smalls}"
    return minor if not count else f"{main} and {minor}"


def _fraction(over: int, under: int) -> str:
    if under in (0, 1):
        return f"{cardinal(over)} over {cardinal(under)}"
    part = _HALVES.get(under, ordinal(under))
    many = "halves" if under == 2 else f"{part}s"
    return f"{cardinal(over)} {part if over == 1 else many}"


def _measure(amount: str, unit: str) -> str:
    name = _UNITS[unit]
    if amount in ("1", "-1") or name == "hertz" or name.endswith("hertz"):
        return f"{decimal(amount)} {name}"
    first, _, after = name.partition(" ")
    many = "feet" if first == "foot" else f"{first}s"
    if name == "kilowatt hour":
        many, after = "kilowatt", "hours"
    return f"{decimal(amount)} {many} {after}".rstrip()
