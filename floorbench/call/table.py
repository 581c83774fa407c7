"""The delays of one call as plain text for a terminal, at most 100 columns wide."""

from floorbench.call.results import Distribution, Results, TurnResult
from floorbench.call.wording import (
    has_way,
    is_duplex,
    millis,
    no_turns,
    note,
    plural,
    seconds,
    shortened,
    survived,
)

WIDTHS = {
    "turn": 4,
    "caller said": 30,
    "ear": 5,
    "decided": 7,
    "audio": 5,
    "played": 6,
    "rest": 5,
}
WAY = {"network": 7, "device": 6}
"""Between played and rest, where a client reported them; the caller's words make room."""
NOTE_WIDTH = 24


def table(results: Results) -> str:
    """One line a turn, in milliseconds after the caller's last sound; then the sums."""
    told = [*_beat(results), *_network(results), *_notices(results)]
    if is_duplex(results):
        alone = f"unanswered          {results.summary.unanswered}"
        return "\n".join([_plain(no_turns(results)), "", _both(results), alone, *told])
    widths = _widths(results)
    head = _row({name: name for name in widths}, "note", widths)
    rule = _row({name: "-" * width for name, width in widths.items()}, "-" * NOTE_WIDTH, widths)
    rows = [_turn(number, t, results) for number, t in enumerate(results.turns, start=1)]
    if not rows:
        rows = ["no turn of the caller was answered"]
    return "\n".join([head, rule, *rows, "", *_sums(results), *told])


def _widths(results: Results) -> dict[str, int]:
    if not has_way(results):
        return WIDTHS
    room = sum(WAY.values()) + 2 * len(WAY)
    told = {**WIDTHS, **WAY, "caller said": WIDTHS["caller said"] - room}
    return {name: told[name] for name in (*list(WIDTHS)[:-1], *WAY, "rest")}


def _turn(number: int, turn: TurnResult, results: Results) -> str:
    widths, stamps, part = _widths(results), turn.waterfall, turn.waited
    cells = {
        "turn": str(number),
        "caller said": _printable(shortened(turn.words, widths["caller said"])),
        "ear": millis(turn.ear_s),
        "decided": millis(stamps.decided_s),
        "audio": millis(stamps.first_audio_s),
        "played": millis(stamps.audible_s),
        "network": millis(part.network_s if part else None),
        "device": millis(part.device_s if part else None),
        "rest": millis(part.remainder_s if part else None),
    }
    return _row(cells, note(turn, results), widths)


def _row(cells: dict[str, str], last: str, widths: dict[str, int]) -> str:
    aligned = [
        cells[name].ljust(width) if name == "caller said" else cells[name].rjust(width)
        for name, width in widths.items()
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
        _both(results),
    ]


def _both(results: Results) -> str:
    both = results.summary.talk_over
    return f"both spoke          {seconds(both.total_s)}, {seconds(both.per_minute_s)} a minute"


def _beat(results: Results) -> list[str]:
    told = results.beat
    if told is None:
        return []
    p50, p99, lag = (millis(t) for t in (told.step_p50_s, told.step_p99_s, told.lag_s))
    return [
        f"on the beat         {plural(told.steps, 'step')} of {millis(told.frame_s)} ms, "
        f"p50 {p50} ms, p99 {p99} ms, behind at worst {lag} ms",
        f"                    {seconds(told.filled_s)} of silence put in, "
        f"{seconds(told.skipped_s)} of quiet left out",
    ]


def _network(results: Results) -> list[str]:
    told = results.connection and results.connection.network
    if not told:
        return []
    return [
        f"connection          {plural(told.packets, 'packet')}, {told.lost} lost, "
        f"{told.late} late, {seconds(told.recovered_s)} recovered, "
        f"{seconds(told.concealed_s)} concealed"
    ]


def _spread(delays: Distribution) -> str:
    p50, p90, p95 = (seconds(p) for p in (delays.p50_s, delays.p90_s, delays.p95_s))
    return f"p50 {p50}  p90 {p90}  p95 {p95}  n {delays.n}  missed {delays.missed}"


def _notices(results: Results) -> list[str]:
    return [f"note: {_printable(shortened(text, 94))}" for text in results.notices]


def _plain(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _printable(text: str) -> str:
    """Without control characters: words come from the other side and may hold any."""
    return "".join(c if c.isprintable() else "?" for c in text)
