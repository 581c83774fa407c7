"""What an agent's own voice, coming back to it, does; as far as two channels can tell."""

from collections.abc import Iterator, Sequence

import numpy as np

from floorbench.score.figure import Better, Figure, Kind
from floorbench.score.intervals import bootstrap_difference, newcombe, percentile_of
from floorbench.score.outcome import Amount, EventResult, Measure, SessionResult

ECHO = "S9"
CHANGES = (
    ("echo.yield", Measure.YIELD, "S4", Better.HIGHER),
    ("echo.S_BC", Measure.KEPT_BC, "S3", Better.HIGHER),
)
STOP = ("echo.stop.p50", Measure.STOP, "S4")
UNSEEN = "ERLE and the time to 20 dB need the microphone's channel"


def self_interruption(sessions: Sequence[SessionResult]) -> Iterator[Figure]:
    """Stops per minute of agent speech away from events, with echo, and what is usual without.

    Every reply ends once by itself: what counts is how much the first exceeds the second.
    """
    with_echo = [s for s in sessions if s.scenario == ECHO]
    without = [s for s in sessions if s.scenario != ECHO]
    yield _stops("self_interruption", with_echo, "read beside self_interruption.usual")
    yield _stops("self_interruption.usual", without, "the same without echo")


def _stops(name: str, sessions: Sequence[SessionResult], note: str) -> Figure:
    stops = sum(s.amounts.get(Amount.FREE_STOPS, 0.0) for s in sessions)
    speech_s = sum(s.amounts.get(Amount.FREE_SPEECH, 0.0) for s in sessions)
    return Figure(
        name=name,
        kind=Kind.PER_MINUTE,
        better=Better.LOWER,
        value=round(60 * stops / speech_s, 6) if speech_s > 0 else None,
        low=None,
        high=None,
        n=round(speech_s / 60),
        missed=0,
        unit="1/min",
        measure=Amount.FREE_STOPS,
        note=note,
    )


def echo_changes(events: Sequence[EventResult], seed: int) -> Iterator[Figure]:
    """How much yielding and keeping on change with echo against the same scenario without."""
    for name, measure, scenario, better in CHANGES:
        before, after = _values(events, measure, scenario), _values(events, measure, ECHO)
        counts = (_count(before), _count(after))
        span = newcombe(*counts) if before and after else None
        yield _change(name, measure, better, (before, after), span)
    name, measure, scenario = STOP
    before, after = _values(events, measure, scenario), _values(events, measure, ECHO)
    span = (
        bootstrap_difference(before, after, percentile_of(50), seed, paired=False)
        if before and after
        else None
    )
    yield _change(name, measure, Better.LOWER, (before, after), span)


def _change(
    name: str,
    measure: Measure,
    better: Better,
    values: tuple[list[float], list[float]],
    span: tuple[float, float] | None,
) -> Figure:
    before, after = values
    middle = np.median if measure is Measure.STOP else np.mean
    value = float(middle(after) - middle(before)) if before and after else None
    return Figure(
        name=name,
        kind=Kind.CHANGE,
        better=better,
        value=None if value is None else round(value, 6),
        low=None if span is None else round(span[0], 6),
        high=None if span is None else round(span[1], 6),
        n=min(len(before), len(after)),
        missed=0,
        unit="s" if measure is Measure.STOP else "share",
        measure=measure,
        note=UNSEEN,
    )


def _values(events: Sequence[EventResult], measure: Measure, scenario: str) -> list[float]:
    ours = (e for e in events if e.scenario == scenario)
    return [e.figures[measure] for e in ours if measure in e.figures]


def _count(values: Sequence[float]) -> tuple[int, int]:
    return sum(v > 0 for v in values), len(values)
