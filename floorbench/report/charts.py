"""Three charts, drawn with boxes placed in percent, so that their words keep their size."""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from floorbench.call.wording import plural, seconds
from floorbench.report.names import number, read, shown
from floorbench.report.published import PUBLISHED
from floorbench.results import FloorResults
from floorbench.score.figure import Figure
from floorbench.score.matched import PREMATURE_BUDGET
from floorbench.score.outcome import Measure
from floorbench.score.summary import BY_PAUSE, values
from floorbench.sweep import Curve

PEOPLE_S = 0.2
LAST_S = 3.0
"""Longer gaps share the last bar: one reply after a minute must not flatten all the others."""
BIN_S = 0.1
LABELS = 5
"""About so many settings of a sweep are named in the chart."""


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
    return _scale([(100 * (t - first) / (last - first), f"{t + 0.0:g}") for t in at], "s")


def _scale(marks: Iterable[tuple[float, str]], unit: str) -> str:
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


# --- speed against patience -----------------------------------------------------------------------


def trade(results: FloorResults, curve: Curve | None) -> str:
    """Mean gap against premature share: this run, the settings of a sweep, and what is published.

    Down and to the left is better.
    """
    here = [results.figure(name) for name in ("gap.mean", "premature.pause")]
    known = [f.value for f in here if f is not None and f.value is not None]
    points = _points(curve)
    if len(known) < 2 and not points:
        return '<p class="none">It takes gaps and pauses: run S1 and S2, or give a sweep.</p>'
    theirs = [(p.value, p.premature, p.who) for p in PUBLISHED if p.premature is not None]
    every = [(gap_s, rate) for gap_s, rate, _ in (*points, *theirs)]
    every += [(known[0], known[1])] if len(known) == 2 else []
    wide = max(1.2, *(gap_s * 1.12 for gap_s, _ in every))
    tall = min(1.0, max(0.4, *(rate * 1.15 for _, rate in every)))

    def place(gap_s: float, rate: float) -> tuple[float, float]:
        return 100 * max(gap_s, 0.0) / wide, 100 - 100 * min(rate, tall) / tall

    dots = [
        _dot("theirs high" if n % 2 else "theirs", place(g, rate), who)
        for n, (g, rate, who) in enumerate(sorted(theirs))
    ]
    dots += [_dot("set", place(g, rate), label) for g, rate, label in points]
    if len(known) == 2:
        dots.append(_dot("here", place(known[0], known[1]), "this run"))
    line = [place(g, rate) for g, rate, _ in points]
    return (
        f'<div class="trade" role="img" aria-label="{escape(trade_in_words(results, curve))}">'
        f'<div class="field"><span class="limit" style="top:{place(0, PREMATURE_BUDGET)[1]:.2f}%">'
        f"<b>5 %</b></span>{_path(line)}{''.join(dots)}</div>"
        f"{_rates(tall)}{_gap_scale(wide)}</div>{_key(len(known) == 2, bool(points))}"
        f'<p class="hint">{escape(trade_in_words(results, curve))}.</p>'
    )


def _key(here: bool, swept: bool) -> str:
    kinds = (
        ("here", "this run, mean gap", here),
        ("set", "settings of the sweep", swept),
        ("theirs", "published", True),
    )
    shown_kinds = (f'<li><i class="dot {k}"></i>{words}</li>' for k, words, there in kinds if there)
    return f'<ul class="key">{"".join(shown_kinds)}</ul>'


def _points(curve: Curve | None) -> list[tuple[float, float, str]]:
    """Mean gap, premature share, and for a handful of the settings their value."""
    points = curve.points if curve is not None else ()
    known = [
        (p.gap_s, p.premature_rate, f"{p.value:g}")
        for p in points
        if p.gap_s is not None and p.premature_rate is not None
    ]
    every = max(1, len(known) // LABELS)
    last = len(known) - 1
    return [
        (g, rate, label if i % every == 0 or i == last else "")
        for i, (g, rate, label) in enumerate(known)
    ]


def _dot(kind: str, at: tuple[float, float], label: str) -> str:
    side = " left" if at[0] > 55 else ""
    words = f"<b>{escape(label)}</b>" if label else ""
    return (
        f'<span class="spot {kind}{side}" style="left:{at[0]:.2f}%;top:{at[1]:.2f}%">{words}</span>'
    )


def _path(line: Sequence[tuple[float, float]]) -> str:
    if len(line) < 2:
        return ""
    steps = " ".join(f"{x:.2f},{y:.2f}" for x, y in line)
    return (
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">'
        f'<polyline points="{steps}"/></svg>'
    )


def _rates(tall: float) -> str:
    step = 0.1 if tall <= 0.5 else 0.2
    at = np.arange(0.0, tall + 1e-6, step)
    marks = (f'<span style="top:{100 - 100 * r / tall:.2f}%">{r * 100:.0f} %</span>' for r in at)
    return f'<div class="rates" aria-hidden="true">{"".join(marks)}</div>'


def _gap_scale(wide: float) -> str:
    step = 0.2 if wide <= 1.6 else 0.5
    at = np.arange(0.0, wide * 0.97, step)
    return _scale([(100 * t / wide, f"{t:g}") for t in at], "s")


def trade_in_words(results: FloorResults, curve: Curve | None) -> str:
    """The three figures by which agents are compared, where a sweep was given."""
    here = [shown(results.figure(name)) for name in ("gap.mean", "premature.pause")]
    words = f"this run: a mean gap of {here[0]} at {here[1]} premature"
    if curve is None:
        return words
    best = curve.matched()
    return (
        f"{words}; by {curve.setting} over {plural(curve.turns, 'turn')}: "
        f"{read(best.gap_s, 's')} at 5 % premature, {read(best.premature_300ms, 'share')} "
        f"premature at 0.3 s, {read(best.premature_600ms, 'share')} at 0.6 s"
    )
