"""A session as it is heard: who sounds when, and which events there are to judge."""

from collections.abc import Sequence
from dataclasses import dataclass

from floorbench.activity import FRAME_S, Levels, Span, agent_episodes, levels_db
from floorbench.session import CallerEvent, Expect, Session

EPS_S = 1e-6
"""Times are sums of decimals; two that differ by less are the same."""

SUSTAINED_S = 1.0
"""Up to this an episode may be a sound of listening; beyond it somebody has taken the floor."""

REPLY_EARLY_S = 0.25
"""A reply may begin this long before the caller's last sound ends: people's often do."""

STOP_SILENCE_S = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Both channels, listened to once.

    Attributes:
        session: where it comes from.
        duration_s: as far as both channels go; nothing beyond it is judged.
        caller_levels: one for each 10 ms, in dBFS.
        agent_levels: the same of the agent.
        agent: the agent's episodes, by time.
    """

    session: Session
    duration_s: float
    caller_levels: Levels
    agent_levels: Levels
    agent: tuple[Span, ...]

    def talking_at(self, at_s: float) -> Span | None:
        """The agent's episode that had begun before this moment and was not over."""
        return next((e for e in self.agent if e.start_s < at_s - EPS_S and at_s < e.end_s), None)

    def onsets(self, from_s: float, until_s: float) -> list[Span]:
        """The agent's episodes that begin from `from_s` to `until_s`, both included."""
        return [e for e in self.agent if from_s - EPS_S <= e.start_s <= until_s + EPS_S]

    def reply(self, from_s: float, until_s: float) -> Span | None:
        """The episode that answers: the first sustained one, or the first if none is.

        A short sound before a sustained one may be a sound of listening; taking it for the reply
        would flatter an agent that hums while it thinks.
        """
        begun = self.onsets(from_s, until_s)
        return next((e for e in begun if is_sustained(e)), begun[0] if begun else None)

    def stopped(self, episode: Span) -> bool:
        """Whether silence of 300 ms after the episode is in the recording."""
        return episode.end_s <= self.duration_s - STOP_SILENCE_S + EPS_S

    def claimed_after(self, event: CallerEvent, at_s: float) -> float:
        """When the caller next wants the floor; infinite if never."""
        later = [
            other.t_on
            for other in self.session.events
            if other.expect is not Expect.IGNORE and other is not event and other.t_on >= at_s
        ]
        return min(later, default=float("inf"))


def listen(session: Session) -> Heard:
    """Levels and episodes of a session whose channels were found fit."""
    recording = session.recording
    count = min(len(recording.caller), len(recording.agent))
    caller = levels_db(recording.caller[:count], recording.rate)
    agent = levels_db(recording.agent[:count], recording.rate)
    return Heard(session, count / recording.rate, caller, agent, tuple(agent_episodes(agent)))


def is_sustained(episode: Span) -> bool:
    """Longer than a sound of listening."""
    return episode.duration_s > SUSTAINED_S + EPS_S


def judged_span(event: CallerEvent) -> Span:
    """The event's own time; of a pause, the silence between the two parts around it."""
    if event.expect is Expect.HOLD and len(event.parts) > 1:
        return Span(event.parts[0].end_s, event.parts[1].start_s)
    return Span(event.t_on, event.t_off)


def loudest_db(levels: Levels, span: Span) -> float:
    """The loudest 10 ms inside a span."""
    first = max(int(span.start_s / FRAME_S), 0)
    inside = levels[first : max(round(span.end_s / FRAME_S), first + 1)]
    return float(inside.max()) if len(inside) else float("-inf")


def turn_around(events: Sequence[CallerEvent], span: Span) -> CallerEvent | None:
    """The turn in which a pause lies."""
    around = (
        e
        for e in events
        if e.expect in (Expect.REPLY, Expect.YIELD)
        and e.t_on <= span.start_s + EPS_S
        and span.end_s <= e.t_off + EPS_S
    )
    return next(around, None)
