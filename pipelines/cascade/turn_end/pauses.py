"""How long this caller's own pauses are: the scale on which a silence is long or short. Pure."""

from collections.abc import Sequence

USUAL_S = 0.6
"""Mean pause inside a turn, of somebody not yet heard.
Source: Heldner and Edlund, "Pauses, gaps and overlaps in conversations" (2010): within-speaker
pauses have a mean of 0.5 to 0.6 s in three corpora."""

WORTH = 3.0
"""So many pauses of this caller's count as much as what is known of people in general."""

LONGEST_S = 2.0
"""A longer one was an interruption of theirs, not a habit."""


def mean_s(own_s: Sequence[float]) -> float:
    """The mean pause to expect of a caller who has made these; between what is usual and theirs."""
    heard = [min(pause_s, LONGEST_S) for pause_s in own_s]
    return (WORTH * USUAL_S + sum(heard)) / (WORTH + len(heard))
