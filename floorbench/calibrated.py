"""A fake agent whose every delay and every fault is set on purpose, laid out on a timeline.

Pure numpy: a caller who speaks in noise from one 10 ms boundary to another, and an agent whose
edges are wherever they were put, to the sample. What was put is written down beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from agent.core.audio import Samples
from agent.core.calls import Json
from floorbench.activity import Span
from floorbench.recording import Recording
from floorbench.session import RATE, CallerEvent, Expect, Session

LEVEL_DB = -20.0
NOTHING: Mapping[str, Json] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Said:
    """A stretch of the agent's sound.

    Attributes:
        level_db: RMS, in dBFS.
        from_s: where in its voice it is taken from; None for the same place, so that a stretch
            with another one's `from_s` says the same again.
    """

    start_s: float
    end_s: float
    level_db: float = LEVEL_DB
    from_s: float | None = None


@dataclass(slots=True)
class Stage:
    """One session being laid out; `at_s` is where the next thing happens."""

    scenario: str
    at_s: float = 1.0
    events: list[CallerEvent] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    cuts: list[Span] = field(default_factory=list)

    def event(
        self,
        kind: str,
        expect: Expect,
        parts: Iterable[tuple[float, float]],
        over_agent: bool = False,
        params: Mapping[str, Json] = NOTHING,
    ) -> CallerEvent:
        """Add an event whose parts are at these times, in seconds."""
        spans = tuple(Span(round(a, 2), round(b, 2)) for a, b in parts)
        event = CallerEvent(
            id=f"{kind}-{len(self.events)}",
            kind=kind,
            t_on=spans[0].start_s,
            t_off=spans[-1].end_s,
            parts=spans,
            expect=expect,
            needs_agent_talking=over_agent,
            params=params,
        )
        self.events.append(event)
        return event

    def say(self, start_s: float, end_s: float, level_db: float = LEVEL_DB) -> None:
        """The agent sounds."""
        self.said.append(Said(start_s, end_s, level_db))

    @property
    def duration_s(self) -> float:
        """The session's length: 6 s more than anything in it, so that a miss can be seen."""
        ends = [*(e.t_off for e in self.events), *(s.end_s for s in self.said), self.at_s]
        return round((max(ends) + 6.0) * RATE) / RATE

    def session(self, seed: int, noise_db: float | None = None) -> Session:
        """The two channels; noise, if any, in the agent's."""
        count = round(self.duration_s * RATE)
        rng = np.random.default_rng(seed)
        caller = _channel(count, _spoken(self.events), rng)
        agent = _channel(count, self.said, rng)
        for cut in self.cuts:
            agent[round(cut.start_s * RATE) : round(cut.end_s * RATE)] = 0.0
        if noise_db is not None:
            agent += _noise(count, noise_db, rng)
        id_ = f"{self.scenario}-{'quiet' if noise_db is None else noise_db:}"
        events = tuple(sorted(self.events, key=lambda e: (e.t_on, -e.t_off)))
        return Session(id_, self.scenario, Recording(caller, agent, RATE), events)


def _spoken(events: Iterable[CallerEvent]) -> list[Said]:
    heard = [e for e in events if e.expect is not Expect.HOLD]  # its parts are the turn's
    return [Said(p.start_s, p.end_s) for e in heard for p in e.parts]


def _channel(count: int, said: Iterable[Said], rng: np.random.Generator) -> Samples:
    voice = rng.standard_normal(count).astype(np.float32)
    out = np.zeros(count, np.float32)
    for part in said:
        start, end = round(part.start_s * RATE), min(round(part.end_s * RATE), count)
        source = start if part.from_s is None else round(part.from_s * RATE)
        gain = np.float32(10 ** (part.level_db / 20))
        out[start:end] = (voice[source : source + end - start] * gain).clip(-0.99, 0.99)
    return out


def _noise(count: int, level_db: float, rng: np.random.Generator) -> Samples:
    return (rng.standard_normal(count) * 10 ** (level_db / 20)).astype(np.float32)
