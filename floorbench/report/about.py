"""What the run was, and what must be known before any of its figures is believed."""

from collections.abc import Iterator
from html import escape

from floorbench.call.elements import cautions
from floorbench.call.wording import day, plural, shortened
from floorbench.progress import in_words
from floorbench.results import QUICK, FloorResults
from floorbench.score.outcome import Outcome, SessionResult, State

MOST_NOTICES = 12
NAMED = 8


def subtitle(results: FloorResults) -> str:
    """When, how much, and by which version."""
    sound_s = sum(s.duration_s for s in results.sessions)
    parts = (
        day(results.run.wall),
        plural(len(results.sessions), "session"),
        plural(len(results.events), "event"),
        f"{in_words(sound_s)} of sound",
    )
    return " · ".join(part for part in parts if part)


def facts(results: FloorResults) -> str:
    """Everything that would be needed to do it again."""
    return "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>"
        for name, text in _facts(results)
        if text
    )


def _facts(results: FloorResults) -> Iterator[tuple[str, str]]:
    run = results.run
    machine = run.machine
    counted = sum(e.outcome is not Outcome.NOT_COUNTED for e in results.events)
    yield "who", run.target
    yield "stimuli", _set(run.stimulus_set)
    yield "seed", f"{run.seed} (bootstrap {run.score_seed})"
    yield "self-test", run.self_test
    yield "events", f"{counted} of {len(results.events)} counted"
    yield "machine", f"{machine.processor}, {plural(machine.cores, 'core')}, {machine.memory_gb} GB"
    yield "system", f"{machine.system}, Python {machine.python}, NumPy {machine.numpy}"
    yield "version", " ".join(part for part in ("parley", run.parley, run.commit) if part)


def _set(name: str) -> str:
    return "quick set" if name == QUICK else name


def is_quick(results: FloorResults) -> bool:
    """Whether the run was the quick set, however its name says so."""
    return results.run.stimulus_set.startswith(QUICK)


def void_sessions(results: FloorResults) -> list[SessionResult]:
    """Those that count for nothing."""
    return [s for s in results.sessions if s.state is State.VOID]


def banners(results: FloorResults) -> str:
    """What no reader may miss, above the figures."""
    return "".join(
        f'<p class="banner {kind}"><b>{escape(title)}</b> {escape(text)}</p>'
        for kind, title, text in _banners(results)
    )


def _banners(results: FloorResults) -> Iterator[tuple[str, str, str]]:
    if results.run.self_test == "failed":
        yield "bad", "Void.", "The self-test failed: no figure of this run counts."
    if not results.sessions:
        yield "bad", "Nothing was measured.", "The run has no session."
    if is_quick(results):
        yield (
            "late",
            "This is the quick set.",
            "It shows whether something broke; it has too few events for any claim.",
        )
    void = void_sessions(results)
    if void:
        names = ", ".join(shortened(s.id, 40) for s in void[:NAMED])
        more = f" and {len(void) - NAMED} more" if len(void) > NAMED else ""
        yield (
            "bad",
            f"{len(void)} of {plural(len(results.sessions), 'session')} "
            f"{'is' if len(void) == 1 else 'are'} void",
            f"and {'counts' if len(void) == 1 else 'count'} for nothing: {names}{more}.",
        )


def notices(results: FloorResults) -> str:
    """The run's own notices; those of single sessions stand with the sessions."""
    own = {f"{s.id}: {text}" for s in results.sessions for text in s.notices}
    told = [text for text in results.notices if text not in own]
    doubtful = [s for s in results.sessions if s.notices and s.state is State.SCORED]
    if doubtful:
        told.append(
            f"{plural(len(doubtful), 'session')} of those that count {_has(len(doubtful))} a "
            f"notice of {_their(len(doubtful))} own, for example {doubtful[0].id}: "
            f"{doubtful[0].notices[0]}"
        )
    if len(told) > MOST_NOTICES:
        told = [*told[:MOST_NOTICES], f"and {len(told) - MOST_NOTICES} more, in results.json"]
    return cautions(told)


def _has(count: int) -> str:
    return "has" if count == 1 else "have"


def _their(count: int) -> str:
    return "its" if count == 1 else "their"
