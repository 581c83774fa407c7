"""Numbers in words: `four`, `twenty one`, `one hundred and five`, and keypad digits."""

from collections.abc import Sequence

from pipelines.cascade.flow.words import FILLERS, word_at

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()

_SMALL = {word: number for number, word in enumerate(UNITS)}
_TENS = {word: 10 * number for number, word in enumerate(TENS) if number >= 2}
_DIGITS = {word: str(number) for number, word in enumerate(UNITS[:10])} | {"oh": "0", "o": "0"}


def number_at(tokens: Sequence[str], at: int) -> tuple[int, int] | None:
    """The number 0–999 that starts here and where it ends, the longest there is."""
    hundreds = below_hundred(tokens, at)
    if hundreds is None:
        return None
    value, end = hundreds
    if not (1 <= value <= 9 and word_at(tokens, end) == "hundred"):
        return hundreds
    end += 1
    rest = below_hundred(tokens, end + (word_at(tokens, end) == "and"))
    return (100 * value, end) if rest is None else (100 * value + rest[0], rest[1])


def below_hundred(tokens: Sequence[str], at: int) -> tuple[int, int] | None:
    """As `number_at`, for figures of any size and words below one hundred."""
    token = word_at(tokens, at)
    if token.isascii() and token.isdigit() and len(token) <= 3:
        return int(token), at + 1
    if token in _SMALL:
        return _SMALL[token], at + 1
    if token not in _TENS:
        return None
    unit = _SMALL.get(word_at(tokens, at + 1), 0)
    return (_TENS[token] + unit, at + 2) if 1 <= unit <= 9 else (_TENS[token], at + 1)


def digits_at(tokens: Sequence[str], at: int) -> tuple[str, int]:
    """The run of single digits that starts here, with `double four`, and where it ends."""
    run, end, times = "", at, 1
    for here in range(at, len(tokens)):
        token = tokens[here]
        figure = token if token.isascii() and token.isdigit() else _DIGITS.get(token, "")
        if figure:
            run, end, times = run + figure * times, here + 1, 1
        elif token in ("double", "triple"):
            times = 2 if token == "double" else 3
        elif token not in FILLERS:
            break
    return run, end


def spoken_number(number: int) -> str:
    """0–999 as words."""
    if number < 20:
        return UNITS[number]
    if number < 100:
        return TENS[number // 10] + (f" {UNITS[number % 10]}" if number % 10 else "")
    rest = f" and {spoken_number(number % 100)}" if number % 100 else ""
    return f"{UNITS[number // 100]} hundred{rest}"


def spoken_digits(run: str) -> str:
    """`42` as `four two`."""
    return " ".join(UNITS[int(figure)] for figure in run)
