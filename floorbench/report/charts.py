"""Two charts, drawn with boxes placed in percent, so that their words keep their size."""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from floorbench.call.wording import plural, seconds
from floorbench.report.names import number, read, shown
from floorbench.results import FloorResults
from floorbench.score.figure import Figure
from floorbench.score.outcome import Measure
from floorbench.score.summary import BY_PAUSE, values

PEOPLE_S = 0.2
LAST_S = 3.0
"""Longer gaps share the last bar: one reply after a minute must not flatten all the others."""
BIN_S = 0.1


# --- gaps -----------------------------------------------------------------------------------------


def gap_histogram(results: FloorResults) -> str:
    """How many replies came after how long; what was missed stands apart."""
    gaps = values(results.events, Measure.GAP)
    missed = sum(1 for v in values(results.events, Measure.MISSED) if v > 0)
    if not gaps:
        return '<p class="none">No turn of the caller was answered.</p>'
    first = min(0.0, np.floor(min(gaps) / BIN_S + 1e-9) * BIN_S)
    last = min(max(1.2, np.ceil(max(gaps) / BIN_S - 1e-9) * BIN_S), LAST_S)
    edges = np.append(np.arange(first, last - BIN_S / 2, BIN_S), last)
    counts = [int(c) for c in np.histogram([g for g in gaps if g < last], edges)[0]]
    over = sum(g >= last for g in gaps)
    top = max([*counts, over, missed])
    bars = "".join(_bar(c, top, f"{_span(a)}: {c}") for c, a in zip(counts, edges, strict=False))
    apart = "".join(
        _apart(name, n, top, kind)
        for name, n, kind in ((f"over {last:g} s", over, "late"), ("missed", missed, "missed"))
    )
    return (
        f'<div class="hist" role="img" aria-label="{_in_words(results, gaps, missed)}">'
        f'<div class="plot"><div class="bars">{bars}</div>'
        f"{_lines(results, first, last)}{_ticks(first, last)}</div>{apart}</div>"
    )


def _bar(count: int, top: int, title: str) -> str:
    share = 100 * count / top if top else 0.0
    return f'<i style="height:{share:.2f}%" title="{escape(title)}"></i>'


def _span(from_s: float) -> str:
    return f"{number(float(from_s), 's')} to {seconds(float(from_s) + BIN_S)}"


def _apart(name: str, count: int, top: int, kind: str) -> str:
    return (
        f'<div class="apart {kind}"><div class="bars">{_bar(count, top, f"{name}: {count}")}</div>'
        f"<b>{count}</b><span>{escape(name).replace(' s', '&nbsp;s')}</span></div>"
    )


def _lines(results: FloorResults, first: float, last: float) -> str:
    marks = [("people", PEOPLE_S, "people 0.2 s")]
    for name in ("p50", "p95"):
        figure = results.figure(f"gap.{name}")
        if figure is not None and figure.value is not None:
            marks.append((name, figure.value, f"{name} {seconds(figure.value)}"))
    out = []
    for kind, at_s, words in marks:
        if at_s <= last:
            left = 100 * (at_s - first) / (last - first)
            side = " left" if left > 72 else ""
            out.append(
                f'<span class="at {kind}{side}" style="left:{left:.2f}%"><b>{words}</b></span>'
            )
    return "".join(out)


def _ticks(first: float, last: float) -> str:
    step = 0.5 if last - first <= 3.6 else 1.0
    at = np.arange(np.ceil(first / step) * step, first + 0.96 * (last - first), step)
    return scale([(100 * (t - first) / (last - first), f"{t + 0.0:g}") for t in at], "s")


def scale(marks: Iterable[tuple[float, str]], unit: str) -> str:
    spans = (f'<span style="left:{at:.2f}%">{escape(text)}</span>' for at, text in marks)
    return f'<div class="scale" aria-hidden="true">{"".join(spans)}<i>{unit}</i></div>'


def _in_words(results: FloorResults, gaps: Sequence[float], missed: int) -> str:
    half, most = (shown(results.figure(f"gap.{p}")) for p in ("p50", "p95"))
    return (
        f"{plural(len(gaps), 'gap')} from {seconds(min(gaps))} to {seconds(max(gaps))}; "
        f"half are under {half}, nineteen of twenty under {most}; {missed} turns were missed"
    )


# --- pauses ---------------------------------------------------------------------------------------


def by_pause(results: FloorResults) -> str:
    """How often a pause was taken for the end, by its length."""
    found = [f for f in results.figures if f.name.startswith(BY_PAUSE) and f.value is not None]
    if not found:
        return '<p class="none">No turn had a pause in it.</p>'
    found.sort(key=lambda f: float(f.name.removeprefix(BY_PAUSE)[:-1]))
    return f'<ol class="rows">{"".join(map(_pause_row, found))}</ol>'


def _pause_row(figure: Figure) -> str:
    length = figure.name.removeprefix(BY_PAUSE).removesuffix("s")
    value = figure.value or 0.0
    return (
        f"<li><span>{escape(length)} s</span>{whisker(figure, 1.0)}"
        f"<b>{read(value, 'share')}</b><small>of {figure.n}</small></li>"
    )


def whisker(figure: Figure, top: float, kind: str = "") -> str:
    """A bar from zero with its interval; `top` is the right end of the scale."""
    value = min(max((figure.value or 0.0) / top, 0.0), 1.0)
    bar = f'<i style="width:{100 * value:.2f}%"></i>'
    reach = ""
    if figure.low is not None and figure.high is not None:
        left, right = (min(max(v / top, 0.0), 1.0) for v in (figure.low, figure.high))
        reach = f'<u style="left:{100 * left:.2f}%;width:{100 * (right - left):.2f}%"></u>'
    return f'<span class="whisker {kind}" aria-hidden="true">{bar}{reach}</span>'
