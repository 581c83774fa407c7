"""Every session: its failures in words, and what its waveform is drawn from. The worst first."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

from agent.core.calls import Json
from floorbench.activity import Span
from floorbench.call.wording import clock, length, plural, shortened
from floorbench.report.judged import EXPECTED, Judged, Mark, failures, judged, subject
from floorbench.report.peaks import Drawn
from floorbench.results import FloorResults
from floorbench.scenarios import SCENARIOS
from floorbench.score.outcome import EventResult, Measure, SessionResult, State
from floorbench.session import Expect

TOLD = 4
"""Failures of a session that are told at once; the others open with its list."""
VOID = "void"
_UNITS: Mapping[str, str] = MappingProxyType({"s": "s", "db": "dB", "hz": "Hz"})
_UNTOLD = frozenset(("sha256", "text", "turn", "on_cue"))


@dataclass(frozen=True, slots=True)
class Shown:
    """A session with what is shown of it.

    Attributes:
        events: by time, each with what became of it.
        state: failed, late, met or void: the class by which it is filtered.
    """

    session: SessionResult
    events: tuple[tuple[EventResult, Judged], ...]
    state: str

    @property
    def failed(self) -> int:
        """How many of its events failed."""
        return sum(j.mark is Mark.FAILED for _, j in self.events)


def ordered(results: FloorResults) -> list[Shown]:
    """Most failures first, void ones last."""
    of: dict[str, list[EventResult]] = {s.id: [] for s in results.sessions}
    for event in results.events:
        of.setdefault(event.session, []).append(event)
    every = [_shown(session, of[session.id]) for session in results.sessions]
    return sorted(every, key=_place)


def _shown(session: SessionResult, events: Iterable[EventResult]) -> Shown:
    by_time = sorted(events, key=lambda e: (e.start_s, e.end_s))
    told = tuple((event, judged(event)) for event in by_time)
    marks = {j.mark for _, j in told}
    state = next((m.value for m in (Mark.FAILED, Mark.LATE) if m in marks), Mark.MET.value)
    return Shown(session, told, VOID if session.state is State.VOID else state)


def _place(shown: Shown) -> tuple[bool, int, int, list[str | int]]:
    late = sum(j.mark is Mark.LATE for _, j in shown.events)
    parts = re.split(r"(\d+)", shown.session.id)
    natural = [int(p) if i % 2 else p for i, p in enumerate(parts)]
    return shown.state == VOID, -shown.failed, -late, natural


# --- as text --------------------------------------------------------------------------------------


def items(every: Sequence[Shown], drawn: Mapping[str, Drawn]) -> str:
    """The list; the script adds waveforms and the events that went well."""
    if not every:
        return ""
    titles = {s.id: s.title for s in SCENARIOS}
    return "".join(
        _item(n, shown, titles.get(shown.session.scenario, ""), drawn.get(shown.session.id))
        for n, shown in enumerate(every)
    )


def _item(number: int, shown: Shown, title: str, drawn: Drawn | None) -> str:
    session = shown.session
    scenario = " ".join(part for part in (session.scenario, title) if part)
    faults = "|".join(sorted({j.fault for _, j in shown.events if j.fault}))
    sound = "" if drawn is None else f'<a href="{escape(drawn.address)}">WAV</a>'
    notices = "".join(f'<p class="note">{escape(text)}</p>' for text in session.notices)
    return (
        f'<li class="session" data-n="{number}" data-scenario="{escape(session.scenario)}" '
        f'data-state="{shown.state}" data-faults="{escape(faults)}">'
        f'<div class="session-head"><h3>{escape(shortened(session.id, 60))}</h3>'
        f'<span class="soft">{escape(scenario)} · {length(session.duration_s)}</span>'
        f"{_chips(shown)}{sound}</div>{notices}{_failures(shown)}</li>"
    )


def _chips(shown: Shown) -> str:
    if shown.state == VOID:
        return '<span class="chip failed">void, counts for nothing</span>'
    counts = Counter(j.mark for _, j in shown.events)
    chips = (
        f'<span class="chip {mark.name.lower()}">{counts[mark]} {mark.value}</span>'
        for mark in (Mark.FAILED, Mark.LATE, Mark.MET, Mark.UNCOUNTED)
        if counts[mark]
    )
    return "".join(chips) or '<span class="chip">no events</span>'


def _failures(shown: Shown) -> str:
    ranks = {event.key: i for i, (event, _) in enumerate(shown.events)}
    every = failures(event for event, _ in shown.events)
    worst = sorted(every[:TOLD], key=lambda pair: pair[0].start_s)
    lines = "".join(
        f'<li><button class="when" data-event="{ranks[event.key]}">{clock(event.start_s)}</button>'
        f"<p><b>{escape(subject(event))}</b> {escape(j.sentence)}</p></li>"
        for event, j in worst
    )
    more = len(every) - len(worst)
    rest = f'<li class="soft">and {plural(more, "more failure")} in the list</li>' if more else ""
    return f'<ol class="failures">{lines}{rest}</ol>' if lines else ""


# --- as data --------------------------------------------------------------------------------------


def data(every: Sequence[Shown], drawn: Mapping[str, Drawn], bin_s: float) -> dict[str, Json]:
    """What the script draws from, in the order of the list."""
    return {"bin": bin_s, "sessions": [_data(s, drawn.get(s.session.id)) for s in every]}


def _data(shown: Shown, drawn: Drawn | None) -> dict[str, Json]:
    session = shown.session
    return {
        "id": session.id,
        "duration": round(session.duration_s, 2),
        "caller": drawn.caller if drawn else "",
        "agent": drawn.agent if drawn else "",
        "sound": drawn.address if drawn else "",
        "spans": [[round(s.start_s, 2), round(s.end_s, 2)] for s in session.agent],
        "events": [_event(event, j) for event, j in shown.events],
    }


def _event(event: EventResult, told: Judged) -> dict[str, Json]:
    gap_s = event.figures.get(Measure.GAP, event.figures.get(Measure.POST_GAP))
    return {
        "from": round(event.start_s, 3),
        "to": round(event.end_s, 3),
        "mark": told.mark.name.lower(),
        "pause": event.expect is Expect.HOLD,
        "what": subject(event),
        "expect": EXPECTED[event.expect],
        "told": told.sentence,
        "varied": varied(event),
        "gap": None if gap_s is None else round(gap_s, 3),
        "stop": _stop_s(event),
    }


def _stop_s(event: EventResult) -> float | None:
    stop_s = event.figures.get(Measure.STOP) if event.expect is Expect.YIELD else None
    return None if stop_s is None else round(stop_s, 3)


def varied(event: EventResult) -> str:
    """What the scenario varied, in a few words."""
    told = (
        _with_unit(name, value)
        for name, value in event.params.items()
        if name not in _UNTOLD and isinstance(value, str | int | float)
    )
    return shortened(", ".join(told), 120)


def _with_unit(name: str, value: str | int | float) -> str:
    """`pause_s` and 0.5 as `pause 0.5 s`."""
    stem, _, unit = name.rpartition("_")
    if not stem or unit not in _UNITS:
        return f"{name.replace('_', ' ')} {value}"
    return f"{stem.replace('_', ' ')} {value} {_UNITS[unit]}"


def faults(every: Iterable[Shown]) -> Iterator[tuple[str, int]]:
    """Kinds of failure with the number of sessions that have them, the commonest first."""
    counts = Counter(f for shown in every for f in {j.fault for _, j in shown.events if j.fault})
    yield from counts.most_common()


def focus(event: EventResult) -> Span:
    """The stretch around an event that shows what went wrong, at most 8 s."""
    before_s = 2.5
    if event.expect is Expect.REPLY:
        start_s = max(event.start_s - 0.5, event.end_s - before_s)
        return Span(max(start_s, 0.0), event.end_s + 5.4)
    start_s = max(event.start_s - before_s, 0.0)
    return Span(start_s, min(max(event.end_s, event.start_s + 2.0) + 2.5, start_s + 8.0))
