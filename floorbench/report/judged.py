"""Whether an event went as it should, in a word and in a sentence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from floorbench.call.wording import seconds, shortened
from floorbench.score.outcome import EventResult, Measure, Outcome
from floorbench.session import Expect

LATE_GAP_S = 2.0
LATE_STOP_S = 1.0
"""A reply or a silence that came, but so late that a caller would have given up waiting."""


class Mark(StrEnum):
    """How an event is drawn and counted."""

    MET = "met"
    LATE = "late"
    FAILED = "failed"
    UNCOUNTED = "not counted"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a reader is told about an event.

    Attributes:
        mark: how it is drawn and counted.
        fault: the kind of failure or lateness, in a few words; empty for what went well.
        sentence: what the agent did.
        weight: how bad it is, to put the worst first; 0 for what went well.
    """

    mark: Mark
    fault: str
    sentence: str
    weight: float = 0.0


EXPECTED: Mapping[Expect, str] = MappingProxyType(
    {
        Expect.REPLY: "reply after it",
        Expect.YIELD: "fall silent, then reply",
        Expect.HOLD: "wait through the pause",
        Expect.IGNORE: "take no notice",
    }
)

_FAULTS: Mapping[Outcome, tuple[str, str, float]] = MappingProxyType(
    {
        Outcome.MISSED: ("no reply", "did not reply within 5 s", 5.0),
        Outcome.CUT_IN: ("cut in", "began before the caller was done, and said nothing after", 5.0),
        Outcome.PREMATURE: ("premature", "took the turn in the pause", 3.0),
        Outcome.NOT_YIELDED: ("did not yield", "talked on over the caller", 4.0),
        Outcome.STOPPED: ("false stop", "stopped for it", 1.0),
        Outcome.ABANDONED: ("abandoned", "stopped for it and did not come back", 3.5),
        Outcome.ANSWERED: ("answered nothing", "spoke, though nothing was said to it", 2.0),
    }
)
_WELL: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.HELD: "waited through the pause",
        Outcome.TALKED_ON: "talked on",
        Outcome.QUIET: "stayed quiet",
    }
)


def judged(event: EventResult) -> Judged:
    """What became of an event, from its result alone."""
    match event.outcome:
        case Outcome.NOT_COUNTED:
            return Judged(Mark.UNCOUNTED, "", f"not counted: {event.reason}")
        case Outcome.REPLIED:
            return _replied(event)
        case Outcome.YIELDED:
            return _yielded(event)
        case outcome if outcome in _WELL:
            return Judged(Mark.MET, "", _and(_WELL[outcome], event.reason))
    return _failed(event)


def _replied(event: EventResult) -> Judged:
    gap_s = event.figures.get(Measure.GAP, 0.0)
    when = f"replied after {seconds(gap_s)}"
    if gap_s < 0:
        when = f"replied {seconds(-gap_s)} before the caller was done"
    if event.figures.get(Measure.PREMATURE_TURN):
        return Judged(Mark.FAILED, "premature", f"took the turn before it was over; {when}", 2.5)
    if gap_s > LATE_GAP_S:
        return Judged(Mark.LATE, "late reply", f"{when}, which is late", gap_s / 10)
    return Judged(Mark.MET, "", _and(when, event.reason))


def _yielded(event: EventResult) -> Judged:
    stop_s = event.figures.get(Measure.STOP, 0.0)
    when = f"fell silent after {seconds(stop_s)}"
    if event.figures.get(Measure.POST_MISSED):
        return Judged(Mark.FAILED, "no reply after it", f"{when}, but never replied", 4.5)
    gap_s = event.figures.get(Measure.POST_GAP)
    after = "" if gap_s is None else f"replied {seconds(gap_s)} after the caller"
    if stop_s > LATE_STOP_S:
        return Judged(Mark.LATE, "late stop", _and(f"{when}, which is late", after), stop_s / 10)
    return Judged(Mark.MET, "", _and(_and(when, after), event.reason))


def _failed(event: EventResult) -> Judged:
    fault, sentence, weight = _FAULTS[event.outcome]
    detail = event.reason
    if event.outcome is Outcome.PREMATURE and Measure.PAUSE in event.figures:
        sentence = f"took the turn in a pause of {seconds(event.figures[Measure.PAUSE])}"
    if event.outcome is Outcome.STOPPED and Measure.HOLE in event.figures:
        hole_s, again_s = event.figures[Measure.HOLE], event.figures.get(Measure.REPEATED, 0.0)
        again = f", and said {seconds(again_s)} again" if again_s else ""
        detail, weight = f"came back after {seconds(hole_s)}{again}", weight + hole_s / 10
    return Judged(Mark.FAILED, fault, _and(sentence, detail), weight)


def _and(first: str, then: str) -> str:
    return f"{first}; {then}" if then else first


def subject(event: EventResult) -> str:
    """What it was, with its words where there are some."""
    words = event.params.get("text")
    said = f" “{shortened(words, 60)}”" if isinstance(words, str) and words.strip() else ""
    return event.kind.replace("_", " ") + said


def failures(events: Iterable[EventResult]) -> list[tuple[EventResult, Judged]]:
    """What failed, the worst first."""
    every = ((event, judged(event)) for event in events)
    failed = [(event, j) for event, j in every if j.mark is Mark.FAILED]
    return sorted(failed, key=lambda pair: -pair[1].weight)
