"""Every figure, what is published beside it, each scenario, and two runs side by side."""

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from itertools import groupby
from types import MappingProxyType

from floorbench.call.elements import table
from floorbench.call.wording import NONE, plural, shortened
from floorbench.compare import Comparison, Difference, Finding
from floorbench.report.charts import whisker
from floorbench.report.judged import Mark, judged
from floorbench.report.names import cost_of, group, interval, meaning, number, read, shown
from floorbench.report.published import MATCHED, PUBLISHED, SELECTIVITY, Published, selectivity
from floorbench.results import FloorResults
from floorbench.scenarios import SCENARIOS
from floorbench.score.figure import Better, Figure, Kind
from floorbench.sweep import Curve

# --- every figure ---------------------------------------------------------------------------------


def figures(results: FloorResults) -> str:
    """Grouped; those that nothing measured are named in one sentence."""
    known = [f for f in results.figures if f.value is not None]
    if not known:
        return '<p class="none">Nothing was counted: there is no figure.</p>'
    order = sorted(known, key=lambda f: _order(group(f.name)))
    rows = "".join(_group(title, list(ours)) for title, ours in groupby(order, _title))
    head = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("figure", "value", "95 % interval", "n", "bought with")
    )
    absent = [f.name for f in results.figures if f.value is None]
    rest = f'<p class="hint">Not measured: {escape(", ".join(absent))}.</p>' if absent else ""
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Every figure">'
        f'<table class="figures"><thead><tr>{head}</tr></thead>{rows}</table></div>{rest}'
    )


def _title(figure: Figure) -> str:
    return group(figure.name)


def _order(title: str) -> int:
    titles = ("All together", "Replies", "Patience", "Interruptions", "Sounds that are nothing")
    return titles.index(title) if title in titles else len(titles)


def _group(title: str, ours: list[Figure]) -> str:
    longest = max((f.high or f.value or 0.0 for f in ours if f.kind is Kind.DELAY), default=1.0)
    rows = "".join(_figure(f, longest) for f in ours)
    return f'<tbody><tr><th colspan="5" scope="rowgroup">{escape(title)}</th></tr>{rows}</tbody>'


def _figure(figure: Figure, longest: float) -> str:
    few = "" if figure.enough or figure.kind not in _JUDGED else ' <span class="tag">too few</span>'
    bar = whisker(figure, longest if figure.kind is Kind.DELAY else 1.0) if _bounded(figure) else ""
    cost = ""
    if figure.bought_with:
        cost = f"<b>{cost_of(figure)}</b> <code>{escape(figure.bought_with)}</code>"
    note = f"<small>{escape(figure.note)}</small>" if figure.note else ""
    cells = (
        f"<code>{escape(figure.name)}</code><small>{escape(meaning(figure.name))}</small>{note}",
        f"<b>{shown(figure)}</b>",
        f"{bar}<small>{interval(figure)}</small>",
        f"{_counted(figure)}{few}",
        cost,
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


_JUDGED = (Kind.DELAY, Kind.SHARE, Kind.SCORE)


def _bounded(figure: Figure) -> bool:
    return figure.kind in _JUDGED and figure.low is not None and (figure.value or 0.0) >= 0


def _counted(figure: Figure) -> str:
    if figure.kind is Kind.PER_MINUTE:
        return f"{figure.n} min"
    missed = f"<small>{figure.missed} had none</small>" if figure.missed else ""
    return f"{figure.n}{missed}"


# --- published ------------------------------------------------------------------------------------


def published(results: FloorResults, curve: Curve | None) -> str:
    """Figures to beat, and whether this run's whole interval is on the better side."""
    rows = [_published(p, results, curve) for p in PUBLISHED]
    head = ("figure", "published by", "theirs", "here", "", "bought with", "how it was measured")
    return table(head, rows, "Nothing is known.")


def _published(theirs: Published, results: FloorResults, curve: Curve | None) -> tuple[str, ...]:
    figure = results.figure(theirs.figure)
    value = figure.value if figure is not None else _derived(theirs.figure, results, curve)
    return (
        f"<code>{escape(theirs.figure)}</code>",
        escape(theirs.who),
        read(theirs.value, theirs.unit),
        f"<b>{read(value, theirs.unit)}</b>",
        _standing(theirs, figure),
        escape(theirs.at),
        f"<small>{escape(theirs.source)}</small>",
    )


def _derived(name: str, results: FloorResults, curve: Curve | None) -> float | None:
    if name == SELECTIVITY:
        return selectivity(results)
    return curve.matched().gap_s if name == MATCHED and curve is not None else None


def _standing(theirs: Published, figure: Figure | None) -> str:
    if figure is None or figure.low is None or figure.high is None:
        return ""
    low, high = figure.low, figure.high
    lower = theirs.better is Better.LOWER
    if (high < theirs.value) if lower else (low > theirs.value):
        return '<span class="chip met">better</span>'
    if (low > theirs.value) if lower else (high < theirs.value):
        return '<span class="chip failed">worse</span>'
    return '<span class="chip">level</span>'


# --- scenarios ------------------------------------------------------------------------------------

_OF_A_SCENARIO: Mapping[str, str] = MappingProxyType(
    {
        "gap.p50": "gap p50",
        "gap.p95": "gap p95",
        "missed": "missed",
        "premature.pause": "premature",
        "stop.p50": "stop p50",
        "yield": "yield",
        "false_stop": "false stop",
        "false_response": "false response",
    }
)


def scenarios(results: FloorResults) -> str:
    """The main figures of each scenario; a button shows its sessions."""
    titles = {s.id: s.title for s in SCENARIOS}
    head = ("scenario", "", "sessions", "events failed", *_OF_A_SCENARIO.values())
    rows = (_scenario(name, titles.get(name, ""), results) for name in results.scenarios)
    return table(head, rows, "No scenario was run.")


def _scenario(name: str, title: str, results: FloorResults) -> tuple[str, ...]:
    ours = {f.name: f for f in results.scenarios[name]}
    events = [e for e in results.events if e.scenario == name]
    failed = sum(judged(e).mark is Mark.FAILED for e in events)
    sessions = sum(s.scenario == name for s in results.sessions)
    button = f'<button class="pick" data-scenario="{escape(name)}">{escape(name)}</button>'
    return (
        button,
        escape(title),
        str(sessions),
        f"{failed} of {len(events)}",
        *(_cell(ours.get(name)) for name in _OF_A_SCENARIO),
    )


def _cell(figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return f'<span class="soft">{NONE}</span>'
    return f'<span title="{interval(figure)}, n {figure.n}">{shown(figure)}</span>'


# --- comparison -----------------------------------------------------------------------------------

_REAL = (Finding.BETTER, Finding.WORSE)
_CHIPS: Mapping[Finding, str] = MappingProxyType({Finding.BETTER: "met", Finding.WORSE: "failed"})


def comparison(found: Comparison | None) -> str:
    """A section: the real differences first, the others behind a fold."""
    if found is None:
        return ""
    real = [d for d in found.differences if d.finding in _REAL]
    others = [d for d in found.differences if d.finding not in _REAL]
    better = sum(d.finding is Finding.BETTER for d in real)
    verdict = (
        f"{plural(len(real), 'difference')} of {len(found.differences)} "
        f"{'is' if len(real) == 1 else 'are'} real: b is better in {better} "
        f"and worse in {len(real) - better}."
        if real
        else f"No difference in {plural(len(found.differences), 'figure')} is real."
    )
    notes = "".join(f"<li>{escape(text)}</li>" for text in found.notices)
    return (
        '<section class="panel" aria-labelledby="h-two"><h2 id="h-two">Two runs side by side</h2>'
        f'<p class="sides"><b>a</b> {escape(found.a)} <b>b</b> {escape(found.b)}</p>'
        f"<p>{verdict}</p>{_differences(real)}"
        f"<details><summary>{plural(len(others), 'figure')} without a real difference</summary>"
        f'{_differences(others)}</details><p class="hint">{escape(found.rule)}.</p>'
        f"{f'<ul class=hint>{notes}</ul>' if notes else ''}</section>"
    )


def _differences(every: Iterable[Difference]) -> str:
    rows = [_difference(d) for d in every]
    if not rows:
        return ""
    head = ("figure", "b is", "b − a", "its 95 % interval", "a", "b", "n")
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Differences">'
        f"{table(head, rows, '')}</div>"
    )


def _difference(d: Difference) -> tuple[str, ...]:
    chip = _CHIPS.get(d.finding, "")
    count = f"{d.pairs} pairs" if d.pairs else f"{d.n_a} and {d.n_b}"
    reach = ""
    if d.low is not None and d.high is not None:
        reach = f"{_forest(d.low, d.high, chip)}<small>{_reach(d.low, d.high, d.unit)}</small>"
    return (
        f"<code>{escape(shortened(d.figure, 60))}</code>",
        f'<span class="chip {chip}">{escape(d.finding.value)}</span>',
        f"<b>{_signed(d.difference, d.unit)}</b>",
        reach,
        read(d.a, d.unit),
        read(d.b, d.unit),
        count,
    )


def _signed(value: float | None, unit: str) -> str:
    plus = "+" if value is not None and value > 0 else ""
    return f"{plus}{_points(value, unit) if value is not None else NONE}"


def _reach(low: float, high: float, unit: str) -> str:
    return f"{number(low, unit)} to {_points(high, unit)}"


def _points(value: float, unit: str) -> str:
    """Shares differ by percentage points, not by percent."""
    return f"{number(value, unit)} points" if unit == "share" else read(value, unit)


def _forest(low: float, high: float, chip: str) -> str:
    """The interval around zero, each row on its own scale."""
    top = max(abs(low), abs(high), 1e-9) * 1.1
    left, right = (50 + 50 * v / top for v in (low, high))
    return (
        f'<span class="forest {chip}" aria-hidden="true">'
        f'<u style="left:{left:.2f}%;width:{max(right - left, 1.0):.2f}%"></u></span>'
    )


def names(results: FloorResults) -> Iterator[str]:
    """Scenarios that have a session, in the order of the run."""
    yield from dict.fromkeys(s.scenario for s in results.sessions)
