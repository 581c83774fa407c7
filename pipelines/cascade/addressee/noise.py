"""What no mouth does: a tone that stays as it is. Pure.

The detector of speech already passes over almost all noises; what it takes for speech now and then
are tones and music. Hiss is left alone here: a whisper is hiss too.
"""

import numpy as np

from pipelines.cascade.addressee.rows import BANDS, Rows, decibels

_LEAST = 8
"""Rows, a quarter of a second: a vowel may stand still for less."""
_CHANGE_DB = 1.0
"""How little a band may change from step to step; 1 % of speech is under 1.4 dB in 0.5 s."""
_SPREAD_DB = 1.5
"""How little the level may vary; 1 % of speech is under 2.3 dB in 0.5 s."""
_BELOW_PEAK_DB = 25.0
"""Bands further under the strongest one are not looked at."""


def steadiness(rows: Rows) -> float:
    """0 for speech to 1 for a tone, such as a horn; 0 while it is too short to tell."""
    if len(rows) < _LEAST:
        return 0.0
    bands = decibels(rows[:, BANDS])
    bands = np.maximum(bands, bands.max(axis=1, keepdims=True) - _BELOW_PEAK_DB)
    change_db = float(np.median(np.mean(np.abs(np.diff(bands, axis=0)), axis=1)))
    spread_db = float(np.std(decibels(rows[:, BANDS].sum(axis=1))))
    still = min(_CHANGE_DB - change_db, _SPREAD_DB - spread_db)
    return min(1.0, max(0.0, 4.0 * still))
