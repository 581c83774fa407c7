"""Is it the caller who speaks, and to the agent? A sum of evidence, step by step. Pure.

States are values: one `Profile` for a call, one `Stretch` for each time that somebody speaks.
Wrongly ignoring the caller is the worst mistake, so the sum starts far on their side.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from agent.core.audio import Samples
from pipelines.cascade.addressee.cues import cues
from pipelines.cascade.addressee.noise import steadiness
from pipelines.cascade.addressee.rows import QUIET, ROW, STEP, Rows, rows_of
from pipelines.cascade.addressee.sketch import Sketch, mixed, sketch

MEMORY = 94
"""Rows of a stretch that count: the latest 3 s."""
LEARNT = 300
"""Rows that a profile stands for at most, about 10 s: what is older fades."""
LEAST = 12
"""Rows, 0.4 s, that a stretch must have to teach anything."""

_OWN = 3
"""Rows at the end of `before` that are speech already: the listener asks for two steps."""
_FLOOR_PERCENT = 10

# Log-odds for the caller, fitted by logistic regression on one half of the recordings and renders
# (tools/addressee/measure.py). KNOWN was then raised until callers within 5 dB of their usual
# level fell below 0.2, even for one step, in fewer than 1 of 100 stretches of either half.
UNKNOWN = 4.0  # nothing is known: only noises lower it
KNOWN = 5.8
PER_BELOW_DB = -0.8
PER_ABOVE_DB = 1.5
PER_DULL_DB = -0.17
PER_BLURRED_DB = -0.105
STEADY = -8.0


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """How the caller sounds, as far as known: the figures of `rows` rows, at most `LEARNT`."""

    own: Sketch | None = None
    rows: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Somebody is speaking.

    Attributes:
        profile: of the caller, when it began.
        rows: float64 [n, ROW], n at most `MEMORY`.
        past: float32 [STEP], the latest step, which the next row overlaps.
        floor: float64 [ROW], the background.
    """

    profile: Profile
    rows: Rows
    past: Samples
    floor: Rows


class Addressee:
    """Tells the caller at their usual distance from side talk, television and noises."""

    def open(self) -> Profile:
        """A call in which nobody spoke yet."""
        return Profile()

    def begin(self, profile: Profile, before: Samples, last: Stretch | None = None) -> Stretch:
        """A stretch of speech begins.

        Args:
            profile: of the caller.
            before: float32 [n], up to 1 s of sound up to now; its last 100 ms are speech already,
                the rest tells the background.
            last: the stretch that this one goes on from, in the same voice: it still counts. None:
                anybody may be speaking.
        """
        whole = np.concatenate((np.zeros((_OWN + 1) * STEP, np.float32), before))
        rows = rows_of(whole)[-max(_OWN, len(before) // STEP - 1) :]
        background = rows[:-_OWN]
        floor = np.full(ROW, QUIET)
        if len(background):
            floor = np.maximum(np.percentile(background, _FLOOR_PERCENT, axis=0), QUIET)
        own = rows[-_OWN:]
        if last is not None:
            own = np.concatenate((last.rows, own))[-MEMORY:]
        return Stretch(profile, own, whole[-STEP:], floor)

    def step(self, stretch: Stretch, samples: Samples, speech: float) -> tuple[Stretch, float, str]:
        """The stretch goes on: probability 0..1 that it is the caller's to the agent, and why.

        Args:
            stretch: so far.
            samples: float32 [512] at 16 kHz.
            speech: the detector's probability of this step. Within a stretch it told nothing more
                when measured: it is not used.
        """
        row = rows_of(np.concatenate((stretch.past, samples)))
        rows = np.concatenate((stretch.rows, row))[-MEMORY:]
        stretch = replace(stretch, rows=rows, past=samples)
        evidence = _evidence(stretch)
        worst = min(evidence, key=lambda reason: evidence[reason])
        odds = sum(evidence.values())
        reason = worst if evidence[worst] < -1.0 else "nothing against it"
        return stretch, 1 / (1 + math.exp(-odds)), reason

    def learn(self, profile: Profile, stretch: Stretch) -> Profile:
        """That stretch was surely the caller's."""
        count = len(stretch.rows)
        if count < LEAST:
            return profile
        new = sketch(stretch.rows, stretch.floor)
        known = min(profile.rows + count, LEARNT)
        own = new if profile.own is None else mixed(profile.own, new, count / known)
        return Profile(own, known)


def _evidence(stretch: Stretch) -> dict[str, float]:
    """Log-odds for the caller, by reason."""
    steady = {"a steady tone": STEADY * steadiness(stretch.rows)}
    own = stretch.profile.own
    if own is None:
        return steady | {"nobody known yet": UNKNOWN}
    now = sketch(stretch.rows, stretch.floor)
    c = cues(own, now, stretch.floor, len(stretch.rows))
    return steady | {
        "this caller": KNOWN,
        f"{c.below_db:.0f} dB below this caller": PER_BELOW_DB * c.sure * c.below_db,
        "louder": PER_ABOVE_DB * c.sure * c.above_db,
        "duller": PER_DULL_DB * c.sure * c.dull_db,
        "blurred by a room": PER_BLURRED_DB * c.sure * c.blurred_db,
    }
