"""What lies beyond the agent's decisions, for the page: a duplex model's beat, and the network."""

from collections.abc import Iterable
from html import escape

from agent.beats import Beat
from agent.connection import Network
from floorbench.call.elements import card
from floorbench.call.results import Results, Summary, Way
from floorbench.call.wording import NONE, millis, plural, seconds

Fact = tuple[str, str]
"""What it is, and its figure."""


def headlines(told: Beat, summary: Summary) -> str:
    """Four figures of a call without turns."""
    both = summary.talk_over
    cards = (
        card(
            _ms(told.lag_s),
            "behind the sound, at worst",
            f"in {plural(told.steps, 'step')} of {_ms(told.frame_s)}",
        ),
        card(
            _ms(told.step_p50_s),
            "for a step of the model",
            f"p99 {_ms(told.step_p99_s)} in the worst 10 s; {_ms(told.frame_s)} are there for it",
        ),
        card(
            seconds(both.total_s, 1),
            "both spoke",
            f"{seconds(both.per_minute_s, 1)} a minute; it may listen while it speaks",
        ),
        card(
            str(summary.unanswered),
            "times nobody answered the caller",
            "no sound for 5 s, and the call went on",
        ),
    )
    return "".join(cards)


def beat(results: Results) -> str:
    """How a duplex model kept up with the sound; empty for other calls."""
    if results.beat is None:
        return ""
    hint = (
        f"The model answers each {_ms(results.beat.frame_s)} of sound with as much of its own. A "
        "step that takes longer, or comes late, is heard as a gap or a delay."
    )
    return _panel("beat", "On the beat", hint, _beat(results.beat))


def connection(results: Results) -> str:
    """What the network did to the call; empty where the trace does not say."""
    told = results.connection
    if told is None:
        return ""
    network = _network(told.network) if told.network else ()
    way = _way(told.way) if told.way else ()
    hint = (
        "What the network did to the caller\N{RIGHT SINGLE QUOTATION MARK}s sound in the whole "
        "call, and, in the middle of what their client reported, the way to their ear."
    )
    return _panel("net", "Connection", hint, (*network, *way))


def _beat(told: Beat) -> Iterable[Fact]:
    return (
        ("steps", f"{told.steps:,}"),
        ("a step, p50", _ms(told.step_p50_s)),
        ("a step, worst p99 of 10 s", _ms(told.step_p99_s)),
        ("behind the sound, at worst", _ms(told.lag_s)),
        ("silence put in", seconds(told.filled_s)),
        ("quiet left out", seconds(told.skipped_s)),
    )


def _network(told: Network) -> tuple[Fact, ...]:
    expected = told.packets + told.lost
    share = f" ({100 * told.lost / expected:.1f} %)" if told.lost and expected else ""
    return (
        ("packets received", f"{told.packets:,}"),
        ("lost", f"{told.lost:,}{share}"),
        ("late", f"{told.late:,}"),
        ("dropped", f"{told.dropped:,}"),
        ("recovered", seconds(told.recovered_s)),
        ("concealed", seconds(told.concealed_s)),
    )


def _way(told: Way) -> tuple[Fact, ...]:
    return (
        ("round trip", _ms(told.round_trip_s)),
        ("jitter", _ms(told.jitter_s)),
        ("receive buffer", _ms(told.buffer_s)),
        ("sound output", _ms(told.output_latency_s)),
    )


def _ms(value_s: float | None) -> str:
    return NONE if value_s is None else f"{millis(value_s)} ms"


def _panel(name: str, title: str, hint: str, facts: Iterable[Fact]) -> str:
    rows = "".join(
        f"<div><dt>{escape(what)}</dt><dd>{escape(figure)}</dd></div>" for what, figure in facts
    )
    return (
        f'<section class="panel" aria-labelledby="h-{name}"><h2 id="h-{name}">{title}</h2>'
        f'<p class="hint">{hint}</p><dl class="facts">{rows}</dl></section>'
    )
