"""What happens while both speak: who stops, how fast, and what it costs. Pure.

Source: the definitions are those of floorbench, section 3.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from floorbench.activity import FRAME_S, Levels, Span, overlaps
from floorbench.call.results import TalkOver

STOP_SILENCE_S = 0.3
"""A silence of this length is a stop; a shorter one is between two words."""

DUCK_DB = 12.0
DUCK_WITHIN_S = 1.0
_DUCK_WINDOW = 5  # frames: the 50 ms level
_DUCK_BEFORE = 50  # frames: against the mean of the 500 ms before, or as much as there is
_DUCK_HELD = 10  # frames: for at least 100 ms


def stop_s(agent: Sequence[Span], start_s: float, until_s: float) -> float | None:
    """Seconds from `start_s` to the agent's first silence of at least 300 ms.

    Episodes are merged over gaps of up to 300 ms, so every end of one is such a silence. An
    episode that begins after `start_s` and before `until_s`, when the stop was decided, is sound
    the caller had to talk over, and counts. None when the agent was silent throughout.
    """
    sounding = [e for e in agent if e.end_s > start_s and e.start_s < max(until_s, start_s + 0.01)]
    return sounding[-1].end_s - start_s if sounding else None


def duck_s(levels: Levels, start_s: float) -> float | None:
    """Seconds from `start_s` until the agent is 12 dB quieter than just before, for 100 ms.

    A pause between two sentences looks the same. None when it does not happen within 1 s.
    """
    power = 10 ** (levels / 10)
    first = max(round(start_s / FRAME_S), _DUCK_WINDOW)
    last = min(round((start_s + DUCK_WITHIN_S) / FRAME_S), len(power) - _DUCK_HELD)
    for i in range(first, last):
        before = np.mean(power[max(i - _DUCK_BEFORE, 0) : i])
        held = np.convolve(
            power[i : i + _DUCK_HELD], np.full(_DUCK_WINDOW, 1 / _DUCK_WINDOW), "valid"
        )
        if np.all(held * 10 ** (DUCK_DB / 10) <= before):
            return i * FRAME_S - start_s
    return None


def hole_s(agent: Sequence[Span], part: Span) -> float:
    """The longest silence between episodes that begins from the part's start to 1 s after it."""
    gaps = [
        after.start_s - before.end_s
        for before, after in pairwise(agent)
        if part.start_s <= before.end_s <= part.end_s + 1.0
    ]
    return max(gaps, default=0.0)


def talk_over(
    caller: Sequence[Span], agent: Sequence[Span], kept: Sequence[Span], duration_s: float
) -> TalkOver:
    """Seconds in which both spoke. `kept`: the caller's parts that the agent spoke through."""
    by_caller = by_agent = by_kept = 0.0
    for ours, theirs, both_s in overlaps(caller, agent):
        if ours in kept:
            by_kept += both_s
        elif ours.start_s > theirs.start_s:
            by_caller += both_s
        else:
            by_agent += both_s
    total_s = by_caller + by_agent + by_kept
    return TalkOver(by_caller, by_agent, by_kept, 60 * total_s / duration_s if duration_s else 0.0)


def unanswered(caller: Sequence[Span], agent: Sequence[Span], duration_s: float) -> list[Span]:
    """Parts after which nobody makes a sound for 5 s, although the call lasts that long."""
    return [part for part in caller if _is_left_alone(part, caller, agent, duration_s)]


def _is_left_alone(
    part: Span, caller: Sequence[Span], agent: Sequence[Span], duration_s: float
) -> bool:
    answer = Span(part.end_s, part.end_s + 5.0)
    sounds = [s for s in (*caller, *agent) if s != part and s.overlap_s(answer) > 0]
    return answer.end_s <= duration_s and not sounds
