"""What only some scenarios ask of a turn: S12 exactly one reply, S14 a rough beginning or end."""

from floorbench.activity import Span
from floorbench.score.heard import EPS_S, Heard, is_sustained
from floorbench.score.outcome import Measure
from floorbench.session import CallerEvent

DOUBLE = "double_turn"
COLD, AGAIN, HANGS_UP = "cold", "called again", "hangs up on the agent"
"""Conditions of S14, as the scenario names them."""

ANOTHER_S = 0.6
"""A sustained sound after so much silence is another reply, a sooner one goes on with the first:
a voice pauses for less between two sentences, and the caller takes the floor after 0.7 s."""


def special(
    event: CallerEvent, heard: Heard, reply: Span | None, premature: bool
) -> dict[Measure, float]:
    """The figures of a turn that its scenario asks for besides the usual ones.

    `reply` is the episode that answers it, or None; `premature` says that the agent took the turn
    before it was over, so after its first part alone.
    """
    figures: dict[Measure, float] = {}
    if event.kind == DOUBLE:
        one = reply is not None and not premature and not _again(event, heard, reply)
        figures[Measure.ONE_REPLY] = float(one)
    condition = event.params.get("condition")
    is_first = heard.session.events[0] is event
    if reply is not None and is_first and condition in (COLD, AGAIN):
        gap = Measure.COLD_GAP if condition == COLD else Measure.AGAIN_GAP
        figures[gap] = reply.start_s - event.t_off
    if condition == HANGS_UP:
        figures[Measure.LET_GO] = float(not heard.session.fault)
    return figures


def _again(event: CallerEvent, heard: Heard, reply: Span) -> bool:
    """Whether another reply follows before the caller next wants the floor."""
    until_s = heard.claimed_after(event, event.t_off)
    spoken_to_s = reply.end_s
    for episode in heard.onsets(reply.end_s + 2 * EPS_S, until_s):
        if is_sustained(episode) and episode.start_s - spoken_to_s >= ANOTHER_S - EPS_S:
            return True
        spoken_to_s = episode.end_s
    return False
