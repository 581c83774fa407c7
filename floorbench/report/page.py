"""The report of a run as one HTML page that asks nothing of any network."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template

from floorbench.call.elements import asset, policy, read_assets
from floorbench.call.picture import script_json
from floorbench.compare import Comparison
from floorbench.report import about, charts, headlines, sessions, tables, trade, worst
from floorbench.report.peaks import Drawn, Recordings, bin_s, drawn
from floorbench.report.sessions import Shown
from floorbench.results import FloorResults
from floorbench.sweep import Curve

MOST_BYTES = 7_500_000
"""Of the page with its sound; the sound is left out before anything else is."""


def page(
    found_at: Recordings, results: FloorResults, comparison: Comparison | None, curve: Curve | None
) -> str:
    """The whole page; waveforms and sound come from the recordings."""
    every, waves = sessions.ordered(results), drawn(found_at, results)
    script = f"{asset('base.js')}\n{_own('report.js')}"
    parts = {
        "policy": escape(policy(script)),
        "style": f"{asset('base.css')}\n{_own('report.css')}",
        "script": script,
        "data": script_json(sessions.data(every, waves, bin_s(results))),
        **_words(results, comparison, curve),
        **_list(every, waves, results),
    }
    spent = sum(len(text.encode(errors="replace")) for text in parts.values())
    found = worst.moments(found_at, every, MOST_BYTES - spent)
    return Template(_own("report.html")).substitute(parts, worst=worst.section(found))


def curve_page(curve: Curve) -> str:
    """What other settings would have decided, as a page of its own."""
    parts = {
        "policy": escape(policy("")),
        "style": f"{asset('base.css')}\n{_own('report.css')}",
        "title": escape(curve.setting),
        "trade": trade.trade(None, curve),
        "rules": trade.section(curve),
    }
    return Template(_own("curve.html")).substitute(parts)


def _words(
    results: FloorResults, comparison: Comparison | None, curve: Curve | None
) -> Mapping[str, str]:
    return {
        "title": escape(results.run.target or "a run"),
        "subtitle": escape(about.subtitle(results)),
        "facts": about.facts(results),
        "banners": about.banners(results),
        "notices": about.notices(results),
        "headlines": headlines.headlines(results),
        "histogram": charts.gap_histogram(results),
        "trade": trade.trade(results, curve),
        "rules": trade.section(curve) if curve is not None else "",
        "pauses": charts.by_pause(results),
        "scenarios": tables.scenarios(results),
        "figures": tables.figures(results),
        "published": tables.published(results, curve),
        "comparison": tables.comparison(comparison),
    }


def _list(
    every: Sequence[Shown], waves: Mapping[str, Drawn], results: FloorResults
) -> Mapping[str, str]:
    known = [(name, name) for name in tables.names(results)]
    kinds = [(fault, f"{fault} ({count})") for fault, count in sessions.faults(every)]
    return {
        "sessions": sessions.items(every, waves),
        "no_sessions": "" if every else '<p class="none">No session was held.</p>',
        "scenario_options": _options(known),
        "fault_options": _options(kinds),
    }


def _options(every: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<option value="{escape(value)}">{escape(words)}</option>' for value, words in every
    )


def _own(name: str) -> str:
    return read_assets("floorbench.report", [name])
