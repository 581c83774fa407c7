"""What the scenarios have in common: stimuli drawn for one session, and the steps made of them."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from agent.core.calls import Json
from floorbench.activity import Span
from floorbench.scenarios.plan import Cue, Mark, Step, When
from floorbench.session import RATE, Expect
from floorbench.stimuli.library import Library, Role, Stimulus, number_of, seeded
from floorbench.stimuli.signal import (
    ACTIVE_DB,
    Signal,
    at_level,
    faded,
    on_grid,
    parts_of,
    sha256,
    silent,
)

AFTER_AGENT = Cue(When.AFTER_AGENT, 0.7)
"""An ordinary caller's own gap."""


@dataclass(slots=True)
class Deck:
    """The hand of one session: everything by chance comes from its own seed.

    Attributes:
        library: what can be drawn.
        scenario: S1 … S15.
        index: number of the session within its scenario; factors go round with it.
        short: the set for a quick look.
        rng: chance of this session.
    """

    library: Library
    scenario: str
    index: int
    seed: int
    short: bool = False
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        """Seeds the session's own chance."""
        self.rng = seeded(*self.seeds)

    @property
    def seeds(self) -> tuple[int, int, int]:
        """Run, scenario and session."""
        return self.seed, number_of(self.scenario), self.index

    @property
    def name(self) -> str:
        """The session's name within a run."""
        return f"{self.scenario}-{self.index:03d}"

    def draw(self, role: Role) -> Stimulus:
        """A stimulus of a role."""
        return self.library.draw(role, self.rng)

    def between(self, low: float, high: float) -> float:
        """A number of seconds, in whole hundredths."""
        return round(float(self.rng.uniform(low, high)), 2)

    def turn(self, role: Role, cue: Cue = AFTER_AGENT, kind: str = "turn") -> Step:
        """A turn that wants a reply."""
        return spoken(self.draw(role), cue, kind, Expect.REPLY)

    def ask(self) -> Step:
        """A question that lets the agent talk for a while."""
        return self.turn(Role.LONG)


def spoken(stimulus: Stimulus, cue: Cue, kind: str, expect: Expect, **params: Json) -> Step:
    """A step of one event: the stimulus as it is."""
    return sounding(stimulus.signal, cue, kind, expect, **about(stimulus), **params)


def sounding(signal: Signal, cue: Cue, kind: str, expect: Expect, **params: Json) -> Step:
    """A step of one event: a sound at the level it has."""
    samples = on_grid(signal)
    parts = parts_of(samples)
    mark = Mark(
        kind, expect, whole(parts), parts,
        needs_agent_talking=cue.needs_agent,
        params={"sha256": sha256(samples), **params},
    )  # fmt: skip
    return Step(cue, samples, (mark,))


def about(stimulus: Stimulus) -> dict[str, Json]:
    """What a stimulus is, for the parameters of an event."""
    return {"text": stimulus.name, "voice": stimulus.voice}


def whole(parts: tuple[Span, ...]) -> Span:
    """From the first part's start to the last one's end."""
    return Span(parts[0].start_s, parts[-1].end_s) if parts else Span(0.0, 0.0)


def pieces(stimulus: Stimulus) -> list[Signal]:
    """A stimulus cut at its places to pause."""
    at = [round(cut_s * RATE) for cut_s in stimulus.cuts_s]
    return [faded(piece) for piece in np.split(stimulus.signal, at)]


def joined(parts: list[Signal], gaps_s: list[float]) -> Signal:
    """Pieces with silences between them, each from the last audible sound to the next."""
    out = [parts[0]]
    for gap_s, before, after in zip(gaps_s, parts, parts[1:], strict=False):
        out += [silent(max(0.0, gap_s - _quiet_s(before)[1] - _quiet_s(after)[0])), after]
    return np.concatenate(out)


def _quiet_s(piece: Signal) -> tuple[float, float]:
    """How long a piece is inaudible at its start and at its end."""
    audible = whole(parts_of(on_grid(piece)))
    return audible.start_s, len(piece) / RATE - audible.end_s


def levelled(signal: Signal, under_speech_db: float) -> Signal:
    """At so many dB under the caller's voice."""
    return at_level(signal, ACTIVE_DB - under_speech_db)


def with_pauses(step: Step, least_s: float, meant_s: float = 0.0, **params: Json) -> Step:
    """The same turn, and an event for each silence in it: there the agent holds still.

    Args:
        step: of one turn.
        least_s: the shortest silence that is a pause.
        meant_s: the length that was asked for; what became of it is kept as `found_s`.
        params: what else was varied.
    """
    turn = step.marks[0]
    marks = [replace(turn, params={**turn.params, **params})]
    for before, after in pairwise(turn.parts):
        found_s = round(after.start_s - before.end_s, 2)
        if found_s >= least_s:
            about_it: dict[str, Json] = {
                "sha256": turn.params["sha256"], "pause_s": meant_s or found_s, "found_s": found_s,
            }  # fmt: skip
            marks.append(Mark(
                "pause", Expect.HOLD, Span(before.start_s, after.end_s), (before, after),
                name=f"pause{len(marks)}", params={**about_it, **params},
            ))  # fmt: skip
    return replace(step, marks=tuple(marks))
