"""What is to be heard in a recording, and which sound is which reply."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.metrics import Reply
from floorbench.activity import Levels, Span, agent_episodes, caller_parts, levels_db
from floorbench.recording import Recording

CLOCK_SLACK_S = 0.1
"""The trace and the recording agree to about 20 ms; a sound this much early is still the one."""
MISSED_AFTER_S = 5.0
"""A reply that is not heard for so long was missed."""


@dataclass(frozen=True, slots=True, eq=False)
class Ear:
    """Who sounds when, apart from any trace."""

    caller: tuple[Span, ...]
    agent: tuple[Span, ...]
    agent_levels: Levels
    duration_s: float


def listen(recording: Recording) -> Ear:
    """The caller's parts and the agent's episodes."""
    levels = levels_db(recording.agent, recording.rate)
    parts = caller_parts(levels_db(recording.caller, recording.rate))
    return Ear(tuple(parts), tuple(agent_episodes(levels)), levels, recording.duration_s)


def reply_onset_s(reply: Reply, agent: Sequence[Span], every: Sequence[Reply]) -> float | None:
    """The first episode that starts after the reply was handed over and before the next one."""
    if reply.audible_s is None:
        return None
    later = [r.audible_s for r in every if r.audible_s is not None and r.reply > reply.reply]
    until_s = min([reply.audible_s + MISSED_AFTER_S, *(t - CLOCK_SLACK_S for t in later)])
    starts = (e.start_s for e in agent)
    return next((s for s in starts if reply.audible_s - CLOCK_SLACK_S <= s < until_s), None)


def talk(reply: Reply, ear: Ear, every: Sequence[Reply]) -> Span | None:
    """From the first sound of a reply to its last; the pauses between its sentences are in it."""
    onset_s = reply_onset_s(reply, ear.agent, every)
    if onset_s is None:
        return None
    over_s = reply.over_s if reply.over_s is not None else ear.duration_s
    ends = [e.end_s for e in ear.agent if onset_s <= e.start_s <= max(over_s, onset_s)]
    return Span(onset_s, max(ends))
