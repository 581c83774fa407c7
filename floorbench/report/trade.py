"""Speed against patience: this run, what other settings and other rules would give, and others."""

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from floorbench.call.elements import table
from floorbench.call.wording import plural
from floorbench.report.charts import scale
from floorbench.report.names import read, shown
from floorbench.report.published import PUBLISHED
from floorbench.results import FloorResults
from floorbench.score.matched import PREMATURE_BUDGET
from floorbench.sweep import Curve, Point

_TRADED = ("gap.mean", "premature.pause")

APART = 12.0
"""Settings nearer than this to the last one that is named, in percent of the chart, are not."""


def trade(results: FloorResults | None, curve: Curve | None) -> str:
    """Mean gap against premature share: this run, the settings of a sweep, and what is published.

    Down and to the left is better.
    """
    here = [results.figure(name) for name in _TRADED] if results is not None else []
    known = [f.value for f in here if f is not None and f.value is not None]
    points, others = _points(curve), _others(curve)
    if len(known) < 2 and not points:
        return '<p class="none">It takes gaps and pauses: run S1 and S2, or give a sweep.</p>'
    theirs = [(p.value, p.premature, p.who) for p in PUBLISHED if p.premature is not None]
    every = [(gap_s, rate) for gap_s, rate, _ in (*points, *others, *theirs)]
    every += [(known[0], known[1])] if len(known) == 2 else []
    wide = max(1.2, *(gap_s * 1.12 for gap_s, _ in every))
    tall = min(1.0, max(0.4, *(rate * 1.15 for _, rate in every)))

    def place(gap_s: float, rate: float) -> tuple[float, float]:
        return 100 * max(gap_s, 0.0) / wide, 100 - 100 * min(rate, tall) / tall

    dots = [
        _dot("theirs high" if n % 2 else "theirs", place(g, rate), who)
        for n, (g, rate, who) in enumerate(sorted(theirs))
    ]
    dots += _settings([(place(g, rate), label) for g, rate, label in points])
    dots += [
        _dot("rule high" if n % 2 else "rule", place(g, rate), label)
        for n, (g, rate, label) in enumerate(others)
    ]
    if len(known) == 2:
        dots.append(_dot("here", place(known[0], known[1]), "this run"))
    line = [place(g, rate) for g, rate, _ in points]
    return (
        f'<div class="trade" role="img" aria-label="{escape(trade_in_words(results, curve))}">'
        f'<div class="field"><span class="limit" style="top:{place(0, PREMATURE_BUDGET)[1]:.2f}%">'
        f"<b>5 %</b></span>{_path(line)}{''.join(dots)}</div>"
        f"{_rates(tall)}{_gap_scale(wide)}</div>{_key(len(known) == 2, bool(points), bool(others))}"
        f'<p class="hint">{escape(trade_in_words(results, curve))}.</p>'
    )


def section(curve: Curve) -> str:
    """Every setting and every rule as a table, and how they were decided."""
    head = (
        f"<code>{escape(curve.setting)}</code>",
        "mean gap",
        "p50",
        "p95",
        "missed",
        "premature",
        "turns cut",
    )
    rows = [_row(f"{p.value:g}", p) for p in curve.points]
    rows += [_row(escape(b.name), b.point) for b in curve.beside if b.point is not None]
    absent = "".join(f"<p>{escape(b.name)}: {escape(b.note)}.</p>" for b in curve.beside
                     if b.point is None)  # fmt: skip
    notes = "".join(f"<li>{escape(b.name)}: {escape(b.note)}.</li>" for b in curve.beside
                    if b.point is not None and b.note)  # fmt: skip
    return (
        '<section class="panel" aria-labelledby="h-rules"><h2 id="h-rules">Decided again</h2>'
        f'<p class="hint">{escape(_how(curve))}</p>'
        '<div class="wide close" tabindex="0" role="region" aria-labelledby="h-rules">'
        f"{table(head, rows, '')}</div>{absent}"
        f"{f'<ul class=hint>{notes}</ul>' if notes else ''}</section>"
    )


def _how(curve: Curve) -> str:
    truth = (
        "by the trace alone, for which who gave up waiting looks like one who had finished"
        if not curve.planned
        else f"by the plan of the call in {curve.planned} of them"
    )
    return (
        f"Each pause of {plural(curve.turns, 'turn')} in {plural(curve.traces, 'recorded call')} "
        "was decided once more by the turn machine, by itself and in virtual time; whether the "
        f"turn was over was judged {truth}. A gap counts the time that the recorded reply took to "
        "make. Nobody was called again: what the caller would have done is not known."
    )


def _row(name: str, point: Point) -> tuple[str, ...]:
    cut = f"{point.premature}&nbsp;of&nbsp;{point.holds}"
    return (
        name,
        f"<b>{read(point.gap_s, 's')}</b>",
        read(point.percentile_s(50), "s"),
        read(point.percentile_s(95), "s"),
        f"{point.missed} of {point.ends}",
        f"<b>{read(point.premature_rate, 'share')}</b> <span class=soft>{cut}</span>",
        str(point.turns_cut),
    )


def _key(here: bool, swept: bool, ruled: bool) -> str:
    kinds = (
        ("here", "this run, mean gap", here),
        ("set", "settings of the sweep", swept),
        ("rule", "other rules in the same pauses", ruled),
        ("theirs", "published", True),
    )
    shown_kinds = (f'<li><i class="dot {k}"></i>{words}</li>' for k, words, there in kinds if there)
    return f'<ul class="key">{"".join(shown_kinds)}</ul>'


def _points(curve: Curve | None) -> list[tuple[float, float, str]]:
    """Mean gap, premature share and value of each setting."""
    points = curve.points if curve is not None else ()
    return [
        (p.gap_s, p.premature_rate, f"{p.value:g}")
        for p in points
        if p.gap_s is not None and p.premature_rate is not None
    ]


def _settings(points: Sequence[tuple[tuple[float, float], str]]) -> list[str]:
    """Their dots; those are named that have room for it."""
    dots, named = [], (-100.0, -100.0)
    for at, label in points:
        has_room = math.dist(at, named) >= APART
        named = at if has_room else named
        dots.append(_dot("set", at, label if has_room else ""))
    return dots


def _others(curve: Curve | None) -> list[tuple[float, float, str]]:
    beside = curve.beside if curve is not None else ()
    known = [(b.point, b.name) for b in beside if b.point is not None]
    return [
        (p.gap_s, p.premature_rate, name)
        for p, name in known
        if p.gap_s is not None and p.premature_rate is not None
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
    return scale([(100 * t / wide, f"{t:g}") for t in at], "s")


def trade_in_words(results: FloorResults | None, curve: Curve | None) -> str:
    """The three figures by which agents are compared, where a sweep was given."""
    words = []
    if results is not None:
        here = [shown(results.figure(name)) for name in _TRADED]
        words.append(f"this run: a mean gap of {here[0]} at {here[1]} premature")
    if curve is not None:
        words.append(f"by {curve.setting} over {plural(curve.turns, 'turn')}: {_matched(curve)}")
        words += [
            f"{b.name}: {read(b.point.gap_s, 's')} at {read(b.point.premature_rate, 'share')}"
            for b in curve.beside
            if b.point is not None
        ]
    return "; ".join(words)


def _matched(curve: Curve) -> str:
    best = curve.matched()
    return (
        f"{read(best.gap_s, 's')} at 5 % premature, {read(best.premature_300ms, 'share')} "
        f"premature at 0.3 s, {read(best.premature_600ms, 'share')} at 0.6 s"
    )
