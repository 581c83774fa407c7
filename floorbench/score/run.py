"""Many sessions, one after the other, to one score."""

from collections.abc import Iterable
from dataclasses import dataclass

from floorbench.score.figure import Figure
from floorbench.score.outcome import EventResult, Outcome, SessionResult, State
from floorbench.score.session import score_session
from floorbench.score.summary import SEED, summary
from floorbench.session import Session


@dataclass(frozen=True, slots=True)
class Score:
    """Everything a run came to.

    Attributes:
        figures: over all sessions that are not void.
        scenarios: the same figures for each scenario apart.
        seed: of the bootstrap.
        notices: what must be known before any figure is believed.
    """

    figures: tuple[Figure, ...]
    scenarios: dict[str, tuple[Figure, ...]]
    sessions: tuple[SessionResult, ...]
    events: tuple[EventResult, ...]
    seed: int
    notices: tuple[str, ...]


def score(sessions: Iterable[Session], seed: int = SEED) -> Score:
    """Holds one session at a time: an iterator that loads them as asked keeps memory constant."""
    results: list[SessionResult] = []
    events: list[EventResult] = []
    for scored in map(score_session, sessions):  # no name keeps the sound of the one before
        results.append(scored.session)
        events += scored.events
    return Score(
        figures=summary(events, results, seed),
        scenarios={name: _of_scenario(name, events, results, seed) for name in _names(results)},
        sessions=tuple(results),
        events=tuple(events),
        seed=seed,
        notices=notices(results, events),
    )


def notices(results: Iterable[SessionResult], events: Iterable[EventResult]) -> tuple[str, ...]:
    """What a reader must know: void sessions, events that did not count, doubtful recordings."""
    every, happened = list(results), list(events)
    out = []
    void = [s for s in every if s.state is State.VOID]
    if void:
        out.append(f"{len(void)} of {len(every)} sessions are void and count for nothing")
    lost = [e for e in happened if e.outcome is Outcome.NOT_COUNTED]
    if lost:
        reasons = sorted({e.reason for e in lost if e.reason})
        most = "most often because " if len(reasons) > 1 else "because "
        out.append(f"{len(lost)} of {len(happened)} events did not count, {most}{_commonest(lost)}")
    out += [f"{s.id}: {text}" for s in every for text in s.notices]
    return tuple(out)


def _commonest(lost: list[EventResult]) -> str:
    counts: dict[str, int] = {}
    for event in lost:
        counts[event.reason] = counts.get(event.reason, 0) + 1
    return max(counts, key=lambda reason: counts[reason])


def _names(results: Iterable[SessionResult]) -> list[str]:
    names = {s.scenario for s in results}
    return sorted(names, key=lambda name: (len(name), name))  # S2 before S10


def _of_scenario(
    name: str, events: list[EventResult], results: list[SessionResult], seed: int
) -> tuple[Figure, ...]:
    return summary(
        [e for e in events if e.scenario == name], [s for s in results if s.scenario == name], seed
    )
