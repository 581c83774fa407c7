"""A run as plain text for a terminal, at most 100 columns wide."""

from collections.abc import Iterator, Sequence

from floorbench.call.wording import NONE, day, plural, shortened
from floorbench.progress import in_words
from floorbench.report.about import is_quick, void_sessions
from floorbench.report.judged import Mark
from floorbench.report.names import cost_of, interval, shown
from floorbench.report.sessions import VOID, Shown, ordered
from floorbench.results import FloorResults
from floorbench.score.figure import Figure
from floorbench.score.joint import KEPT

WIDTH = 100
FAILURES = 6
"""Sessions that are named; the report has all."""

ROWS = (
    ("reply heard after", ("gap.p50", "gap.p95")),
    ("no reply", ("missed",)),
    ("pause taken for end", ("premature.pause",)),
    ("silent after", ("stop.p50", "stop.p95")),
    ("gives way", ("yield",)),
    ("stops for nothing", ("false_stop",)),
    ("talks on through", KEPT),
    ("joint score", ("joint",)),
)
_WIDTHS = (19, 10, 9, 18, 7)


def summary(results: FloorResults) -> str:
    """The main figures with n and intervals, what each was bought with, and where it failed."""
    lines = [*_head(results), "", *_figures(results), "", *_failures(ordered(results))]
    return "\n".join(_printable(_cut(line)) for line in lines)


def _cut(line: str) -> str:
    """A line that fits; unlike `shortened` it keeps spaces."""
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def _head(results: FloorResults) -> Iterator[str]:
    sound_s = sum(s.duration_s for s in results.sessions)
    yield (
        f"{shortened(results.run.target, 40)}, {day(results.run.wall)}: "
        f"{plural(len(results.sessions), 'session')}, {plural(len(results.events), 'event')}, "
        f"{in_words(sound_s)}"
    )
    if results.run.self_test == "failed":
        yield "VOID: the self-test failed, no figure of this run counts"
    if is_quick(results):
        yield "quick set: it shows whether something broke, and is too small for any claim"
    void = void_sessions(results)
    if void:
        names = ", ".join(s.id for s in void[:FAILURES])
        yield f"{len(void)} of {plural(len(results.sessions), 'session')} void: {names}"


def _figures(results: FloorResults) -> Iterator[str]:
    if all(f.value is None for f in results.figures):
        yield "nothing was counted: there is no figure"
        return
    yield _row(("", "figure", "value", "95 % interval", "n"), "bought with")
    yield _row(tuple("-" * width for width in _WIDTHS), "-" * 26)
    for words, names in ROWS:
        for place, name in enumerate(names):
            yield _figure("" if place else words, name, results.figure(name))


def _figure(words: str, name: str, figure: Figure | None) -> str:
    short = _short(name)
    if figure is None or figure.value is None:
        note = figure.note if figure is not None else ""
        return _row((words, short, NONE, "", ""), note or "nothing measures it")
    cells = (words, short, shown(figure), interval(figure), str(figure.n))
    return _row(cells, _cost(figure))


def _short(name: str) -> str:
    return name.replace("premature.pause", "premature")


def _cost(figure: Figure) -> str:
    cost = f"{cost_of(figure)} {_short(figure.bought_with)}" if figure.bought_with else ""
    return ", ".join(part for part in (cost, "" if figure.enough else "too few") if part)


def _row(cells: Sequence[str], last: str) -> str:
    words, name, *numbers = (
        cell.ljust(width) if place < 2 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
    )
    return "  ".join([words, name, *numbers, last]).rstrip()


def _failures(every: Sequence[Shown]) -> Iterator[str]:
    failed = [s for s in every if s.failed and s.state != VOID]
    if not failed:
        yield "no session failed" if every else "no session was held"
        return
    yield f"{len(failed)} of {plural(len(every), 'session')} with a failure, most failures first:"
    for shown_session in failed[:FAILURES]:
        kinds = dict.fromkeys(j.fault for _, j in shown_session.events if j.mark is Mark.FAILED)
        yield (
            f"  {shortened(shown_session.session.id, 30):<14} {shown_session.failed} of "
            f"{len(shown_session.events)}: {', '.join(kinds)}"
        )
    if len(failed) > FAILURES:
        yield f"  and {len(failed) - FAILURES} more, in the report"


def _printable(text: str) -> str:
    """Without control characters: names come from elsewhere and may hold any."""
    return "".join(c if c.isprintable() else "?" for c in text)
