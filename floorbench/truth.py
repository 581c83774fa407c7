"""What the caller really did in the pauses of a trace, where a plan of the call is known. Pure.

A trace knows how a pause ended only by what happened next: who gave up waiting looks like one who
had finished, and a cough like one who went on. The events of a measured session say it outright.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from floorbench.pauses import Pause
from floorbench.session import CallerEvent, Expect

LATE_S = 0.5
"""A detector may hear a turn end so much later: hang-over, echo of the room, a network's delay."""


def by_events(found: Iterable[Pause], events: Sequence[CallerEvent]) -> list[Pause]:
    """The pauses of the turns in `events`, each with how it really ended and by its real edges.

    A pause that is no turn's was made of noise, and is left out; so is a second silence after the
    end of a turn.
    """
    turns = [e for e in events if e.expect in (Expect.REPLY, Expect.YIELD)]
    over: set[int] = set()
    out = []
    for pause in found:
        number = _turn_of(pause, turns)
        if number is None or number in over:
            continue
        gone_on_s = _gone_on_s(pause, turns[number])
        quiet_s = pause.quiet_s
        if gone_on_s is None:
            over.add(number)
            quiet_s = turns[number].t_off
        out.append(replace(pause, turn=number, quiet_s=quiet_s, gone_on_s=gone_on_s))
    return out


def _turn_of(pause: Pause, turns: Sequence[CallerEvent]) -> int | None:
    """The last turn that had begun before the pause and is not long over."""
    for number in reversed(range(len(turns))):
        turn = turns[number]
        if turn.t_on <= pause.quiet_s <= turn.t_off + LATE_S:
            return number
    return None


def _gone_on_s(pause: Pause, turn: CallerEvent) -> float | None:
    """When the caller went on; the trace's own time, where it heard them in this turn."""
    told_s = pause.gone_on_s
    if told_s is not None and told_s <= turn.t_off:
        return told_s
    return min((part.start_s for part in turn.parts if part.start_s > pause.quiet_s), default=None)
