"""How long one period of a voice is. Pure."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from agent.core.audio import Samples

SHORTEST_S = 0.0025  # 400 Hz
LONGEST_S = 0.010  # 100 Hz; a lower voice is matched at half its period, which sounds as well
_LOOK_RATE = 8000  # Hz; a finer look costs more and hears no better


def period(samples: Samples, rate: int, longest_s: float = LONGEST_S) -> tuple[int, float]:
    """The lag at which float32 [n] is most like itself, and how like it is there, −1..1.

    The length must be twice `longest_s`; silence is like itself at every lag.
    """
    stride = max(1, rate // _LOOK_RATE)
    coarse = samples[::stride].astype(np.float64)
    look_rate = rate / stride
    least, most = round(SHORTEST_S * look_rate), round(longest_s * look_rate)
    count = len(coarse) - most
    if count < 1:
        return round(SHORTEST_S * rate), 0.0
    fixed = coarse[:count]
    moved = sliding_window_view(coarse, count)[least : most + 1]
    powers = np.sqrt(np.einsum("ij,ij->i", moved, moved) * np.dot(fixed, fixed))
    likeness = (moved @ fixed + 1e-12) / (powers + 1e-12)
    best = int(np.argmax(likeness))
    return (best + least) * stride, float(likeness[best])
