"""Sound made shorter or longer by one period of the voice, so that its pitch stays. Pure.

Source: the idea of pitch-synchronous overlap and add, as in Moulines and Charpentier, "Pitch-
synchronous waveform processing techniques for text-to-speech synthesis", 1990.
"""

import numpy as np

from agent.core.audio import Samples, level_db
from audio_io.receive.pitch import period

_ALIKE = 0.5  # two periods less alike than this are a click when one goes into the other
_URGENT_S = 0.02  # so much too late, a click is the lesser evil
_QUIET_DB = -50.0  # dBFS; in such sound any stretch can go
_BLEND_S = 0.0025
_SHORTEST_S = 0.02


def shortened(samples: Samples, rate: int, most: int) -> Samples:
    """Float32 [n] without one period, of `most` samples at most; as it is where none can go.

    20 ms or more at a time; where `most` is more than that, also where it does not sound well.
    """
    if most < 1 or len(samples) < round(_SHORTEST_S * rate):
        return samples
    if level_db(samples) < _QUIET_DB:
        blend = round(_BLEND_S * rate)
        gone = min(most, len(samples) - 2 * blend)
        return _without(samples, gone, blend)
    lag, alike = period(samples, rate)
    fits = alike >= _ALIKE or most > _URGENT_S * rate
    return _without(samples, lag, lag) if fits and lag <= most else samples


def lengthened(samples: Samples, rate: int, most: int) -> Samples:
    """Float32 [n] with one period twice, of `most` samples at most; as it is where none fits."""
    if most < 1 or len(samples) < round(_SHORTEST_S * rate):
        return samples
    lag, alike = period(samples, rate)
    if level_db(samples) < _QUIET_DB:
        lag, alike = min(most, len(samples) // 2), 1.0
    if alike < _ALIKE or lag > most or 2 * lag > len(samples):
        return samples
    blended = _blend(samples[lag : 2 * lag], samples[:lag])
    return np.concatenate((samples[:lag], blended, samples[lag:]))


def _without(samples: Samples, gone: int, blend: int) -> Samples:
    """Leave out `gone` samples, going over within `blend` samples."""
    blended = _blend(samples[:blend], samples[gone : gone + blend])
    return np.concatenate((blended, samples[gone + blend :]))


def _blend(before: Samples, after: Samples) -> Samples:
    share = np.linspace(0.0, 1.0, len(before), dtype=np.float32)
    blended: Samples = before * (1 - share) + after * share
    return blended
