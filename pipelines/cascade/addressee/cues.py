"""A stretch of speech against the caller's own: what speaks for somebody else. Pure.

What stands behind the cues is physics, and no particular filter: level falls with distance, highs
fall with distance and where the mouth points elsewhere, and a room fills the gaps of a far voice.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.cascade.addressee.rows import BANDS, Rows, decibels
from pipelines.cascade.addressee.sketch import Sketch

_HEARD_DB = 3.0
"""A band counts where the caller's voice would rise so far above the background."""

_LOW, _HIGH = slice(0, 5), slice(8, 11)
"""150-1000 Hz and 2-3.8 kHz. A telephone passes both; what lies above them depends on which
consonants were said more than on who said them, and told nothing when measured."""

_HALF_SURE = 7
"""Rows, 0.22 s, after which a cue has half its weight; the sureness grows with the square of the
rows. A first syllable may be soft: "where" begins up to 17 dB under the rest for 0.2 s."""


@dataclass(frozen=True, slots=True)
class Cues:
    """Where a stretch differs from the caller's speech.

    Attributes:
        below_db: quieter than they are, 0 to 18.
        above_db: louder, 0 to 6.
        dull_db: less of 2-3.8 kHz against the lows, -10 to 15; negative is brighter.
        blurred_db: falls are less steep, -8 to 20.
        sure: 0..1, how much of it has been heard.
    """

    below_db: float
    above_db: float
    dull_db: float
    blurred_db: float
    sure: float


def cues(own: Sketch, now: Sketch, floor: Rows, count: int) -> Cues:
    """The differences of a stretch of `count` rows over a background [ROW]."""
    rise_db = now.level_db - own.level_db
    return Cues(
        below_db=_clip(-rise_db, 0.0, 18.0),
        above_db=_clip(rise_db, 0.0, 6.0),
        dull_db=_clip(_dull_db(own, now, floor), -10.0, 15.0),
        blurred_db=_clip(own.fall_db - now.fall_db, -8.0, 20.0),
        sure=count**2 / (count**2 + _HALF_SURE**2),
    )


def _dull_db(own: Sketch, now: Sketch, floor: Rows) -> float:
    """Bands that the background would hide lose nothing."""
    change_db = now.shape_db - own.shape_db
    expected_db = own.shape_db + min(own.level_db, now.level_db)
    heard = expected_db > decibels(floor[BANDS]) + _HEARD_DB
    lost_db = change_db[_LOW].mean() - change_db[_HIGH]
    return float(np.where(heard[_HIGH], lost_db, 0.0).mean())


def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
