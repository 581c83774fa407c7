"""The delays of one call as plain text for a terminal, at most 100 columns wide."""

from floorbench.call.results import Distribution, Results, TurnResult
from floorbench.call.wording import millis, note, plural, seconds, shortened, survived

COLUMNS = (
    ("turn", 4),
    ("caller said", 30),
    ("ear", 5),
    ("decided", 7),
    ("audio", 5),
    ("played", 6),
    ("rest", 5),
)
NOTE_WIDTH = 24


def table(results: Results) -> str:
    """One line a turn, in milliseconds after the caller's last sound; then the sums."""
    head = _row([name for name, _ in COLUMNS], "note")
    rule = _row(["-" * width for _, width in COLUMNS], "-" * NOTE_WIDTH)
    rows = [_turn(number, t, results) for number, t in enumerate(results.turns, start=1)]
    if not rows:
        rows = ["no turn of the caller was answered"]
    return "\n".join([head, rule, *rows, "", *_sums(results), *_notices(results)])


def _turn(number: int, turn: TurnResult, results: Results) -> str:
    stamps = turn.waterfall
    rest_s = turn.waited.remainder_s if turn.waited else None
    delays = (turn.ear_s, stamps.decided_s, stamps.first_audio_s, stamps.audible_s, rest_s)
    words = _printable(shortened(turn.words, COLUMNS[1][1]))
    return _row([str(number), words, *map(millis, delays)], note(turn, results))


def _row(cells: list[str], last: str) -> str:
    aligned = [
        cell.ljust(width) if name == "caller said" else cell.rjust(width)
        for cell, (name, width) in zip(cells, COLUMNS, strict=True)
    ]
    return "  ".join([*aligned, shortened(last, NOTE_WIDTH)]).rstrip()


def _sums(results: Results) -> list[str]:
    s = results.summary
    whole, through = survived(results)
    return [
        f"reply heard after   {_spread(s.ear)}",
        f"stopped after       {_spread(s.stop)}",
        f"kept talking        {whole} of {through} without a hole",
        f"too early           {s.premature} of {plural(len(results.turns), 'turn')}, "
        f"{s.unanswered} unanswered",
        f"both spoke          {seconds(s.talk_over.total_s)}, "
        f"{seconds(s.talk_over.per_minute_s)} a minute",
    ]


def _spread(delays: Distribution) -> str:
    p50, p90, p95 = (seconds(p) for p in (delays.p50_s, delays.p90_s, delays.p95_s))
    return f"p50 {p50}  p90 {p90}  p95 {p95}  n {delays.n}  missed {delays.missed}"


def _notices(results: Results) -> list[str]:
    return [f"note: {_printable(shortened(text, 94))}" for text in results.notices]


def _printable(text: str) -> str:
    """Without control characters: words come from the other side and may hold any."""
    return "".join(c if c.isprintable() else "?" for c in text)
