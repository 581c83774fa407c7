"""How a stretch of speech sounds: its level, its spectrum and its room. Pure."""

from dataclasses import dataclass

import numpy as np

from pipelines.cascade.addressee.rows import BANDS, QUARTERS, QUIET, Rows, decibels

_FALL_ROWS_DB = 20.0
"""A short stretch has met fewer steep falls: it lacks this many dB over the number of its rows.
Source: medians of recorded and rendered callers at 5, 10 and 24 rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """Figures of a stretch; the caller's own are learnt, and each is compared with itself.

    Attributes:
        level_db: of the louder half of its steps, background taken off, in dBFS.
        shape_db: float64 [bands], of the same steps, against `level_db`.
        fall_db: the steepest falls of the high tones within 24 ms; echoes fill them.
    """

    level_db: float
    shape_db: Rows
    fall_db: float


def sketch(rows: Rows, floor: Rows) -> Sketch:
    """Of the rows [n, ROW] of a stretch, n at least 1, over a background [ROW]."""
    bands = np.maximum(rows[:, BANDS] - floor[BANDS], QUIET)
    power = bands.sum(axis=1)
    loud = bands[np.argsort(power)[len(power) // 2 :]].mean(axis=0)
    level_db = float(decibels(loud.sum()))
    return Sketch(level_db, decibels(loud) - level_db, _fall_db(rows, floor))


def _fall_db(rows: Rows, floor: Rows) -> float:
    """Mean of the steepest twentieth; what happens under the background is no fall."""
    heard = np.maximum(rows[:, QUARTERS].ravel(), 2 * floor[QUARTERS].mean())
    quarters = decibels(heard + QUIET)
    falls = np.sort(quarters[:-3] - quarters[3:])
    return float(falls[-max(1, len(falls) // 20) :].mean()) + _FALL_ROWS_DB / len(rows)


def mixed(old: Sketch, new: Sketch, share: float) -> Sketch:
    """The old figures, moved towards the new ones by a share of 0..1."""
    rest = 1.0 - share
    return Sketch(
        level_db=rest * old.level_db + share * new.level_db,
        shape_db=rest * old.shape_db + share * new.shape_db,
        fall_db=rest * old.fall_db + share * new.fall_db,
    )
