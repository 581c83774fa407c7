"""Six figures at the top, each with its interval, and with what it was bought with."""

from collections.abc import Iterable, Mapping
from html import escape
from types import MappingProxyType

from floorbench.call.elements import card
from floorbench.call.wording import NONE, plural, seconds
from floorbench.report.charts import whisker
from floorbench.report.names import interval, shown
from floorbench.report.published import beside
from floorbench.results import FloorResults
from floorbench.score.figure import Figure
from floorbench.score.joint import KEPT

FEW = "too few for a claim"
SOUNDS: Mapping[str, str] = MappingProxyType(
    {
        "S_BC": "signs of listening",
        "S_VT": "coughs, laughs",
        "S_ND": "talk to others",
        "S_NOISE": "noises",
    }
)


def headlines(results: FloorResults) -> str:
    """The cards."""
    makers = (_gap, _premature, _missed, _stop, _selective, _joint)
    return "".join(make(results) for make in makers)


def _gap(results: FloorResults) -> str:
    p50, p95 = results.figure("gap.p50"), results.figure("gap.p95")
    return _card(
        p50,
        "until the caller hears the reply",
        [f"p95 {shown(p95)}{_within(p95)}", *_count(p50, "turn"), *_missing(p50)],
        _pace(p50, p95),
        f"{_of(results, 'premature.pause')} of pauses taken for the end",
    )


def _premature(results: FloorResults) -> str:
    figure = results.figure("premature.pause")
    return _card(
        figure,
        "of pauses taken for the end of the turn",
        [*_count(figure, "pause"), f"{_of(results, 'premature.turn')} of turns cut into"],
        _scaled(figure, "bad"),
        f"a mean gap of {_of(results, 'gap.mean')}",
    )


def _missed(results: FloorResults) -> str:
    figure = results.figure("missed")
    late = f"{_of(results, 'slow.2s')} of replies took more than 2 s"
    return _card(
        figure,
        "of turns got no reply within 5 s",
        [*_count(figure, "turn"), late],
        _scaled(figure, "bad"),
        f"a gap of {_of(results, 'gap.p50')}",
    )


def _stop(results: FloorResults) -> str:
    p50, p95, yields = (results.figure(n) for n in ("stop.p50", "stop.p95", "yield"))
    return _card(
        p50,
        "to fall silent when interrupted",
        [f"p95 {shown(p95)}{_within(p95)}", *_count(yields, "interruption")],
        _row("gives way to", yields, "good"),
        f"{_of(results, 'false_stop')} false stops",
    )


def _selective(results: FloorResults) -> str:
    stops = results.figure("false_stop")
    rows = "".join(_row(SOUNDS[name], results.figure(name), "good", name) for name in KEPT)
    return _card(
        stops,
        "of sounds that are nothing stop it",
        _count(stops, "sound"),
        f'<p class="reach">It talks on through:</p><div class="kept">{rows}</div>',
        f"a stop after {_of(results, 'stop.p50')}",
    )


def _joint(results: FloorResults) -> str:
    figure = results.figure("joint")
    parts = (
        ("yields", "yield", "good"),
        ("premature", "premature.pause", "bad"),
        ("missed", "missed", "bad"),
    )
    rows = "".join(_row(words, results.figure(name), kind) for words, name, kind in parts)
    note = [figure.note] if figure is not None and figure.note else []
    few = [FEW] if figure is not None and figure.n and not figure.enough else []
    return _card(
        figure,
        "joint score J, of at most 1",
        [*note, *few, "yields × talks on × not premature × not missed"],
        f'<div class="kept">{rows}</div>',
        f"a gap of {_of(results, 'gap.p50')}",
    )


# --- pieces ---------------------------------------------------------------------------------------


def _card(
    figure: Figure | None, label: str, details: Iterable[str], extra: str, bought: str
) -> str:
    if figure is None or figure.value is None:
        note = figure.note if figure is not None else ""
        return card(NONE, label, note or "nothing in this run measures it")
    reach = interval(figure)
    under = f'<p class="reach">95 %: {escape(reach)}</p>' if reach else ""
    cost = f'<p class="bought">bought with {escape(bought)}</p>'
    return card(shown(figure), label, " · ".join(details), f"{under}{extra}{cost}")


def _of(results: FloorResults, name: str) -> str:
    return shown(results.figure(name))


def _within(figure: Figure | None) -> str:
    reach = interval(figure)
    return f" ({reach})" if reach else ""


def _count(figure: Figure | None, noun: str) -> list[str]:
    if figure is None:
        return []
    counted = plural(figure.n, noun)
    return [counted] if figure.enough or not figure.n else [f"{counted}, {FEW}"]


def _missing(figure: Figure | None) -> list[str]:
    return [f"{figure.missed} missed"] if figure is not None else []


def _scaled(figure: Figure | None, kind: str) -> str:
    return f'<p class="kept">{whisker(figure, 1.0, kind)}</p>' if figure is not None else ""


def _row(words: str, figure: Figure | None, kind: str, name: str = "") -> str:
    if figure is None or figure.value is None:
        return f'<p class="row"><span>{escape(words)}</span><b>{NONE}</b></p>'
    title = f' title="{escape(name)}"' if name else ""
    return (
        f'<p class="row"{title}><span>{escape(words)}</span>{whisker(figure, 1.0, kind)}'
        f"<b>{shown(figure)}</b><small>of {figure.n}</small></p>"
    )


def _pace(p50: Figure | None, p95: Figure | None) -> str:
    """Half and nearly all of the gaps on one line, with what others have published."""
    if p50 is None or p95 is None or p50.value is None or p95.value is None:
        return ""
    top = max(1.6, p95.value * 1.08)
    others = "".join(
        f'<i class="{"people" if p.who == "people" else "theirs"}" style="left:{_at(p.value, top)}"'
        f' title="{escape(p.who)}: {seconds(p.value)}"></i>'
        for p in beside("gap.p50")
    )
    low, high = sorted((p50.value, p95.value))
    return (
        f'<div class="pace" aria-hidden="true">{others}<u style="left:{_at(low, top)};'
        f'width:{_at(high - low, top)}"></u><b style="left:{_at(p50.value, top)}"></b>'
        f'<span style="left:{_at(0.2, top)}">people</span>'
        '<span class="others">grey: published</span>'
        f'<span class="last">{seconds(top, 1)}'
        "</span></div>"
    )


def _at(value_s: float, top_s: float) -> str:
    return f"{100 * min(max(value_s / top_s, 0.0), 1.0):.2f}%"
