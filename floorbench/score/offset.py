"""How much later one channel is than the other, from a click that was sent and came back."""

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import ParleyError

CLICK_S = 0.005
LEAST = 0.05
"""A click that comes back quieter than this cannot be told from what else is on the line."""


def channel_offset_s(sent: Samples, heard: Samples, rate: int) -> float:
    """Seconds by which `heard` lags `sent`; to be subtracted from everything heard.

    Both hold one short click, float32 [n], and little else. The whole shape of the click is
    looked for, so that an echo or a resampler's ringing does not move it.

    Raises:
        ParleyError: there is no click in one of them.
    """
    at, back = _peak(sent, "sent"), _peak(heard, "heard")
    half = round(CLICK_S * rate)
    click = sent[max(at - half, 0) : at + half].astype(np.float64)
    first = max(back - 4 * half, 0)
    around = heard[first : back + 4 * half].astype(np.float64)
    if len(around) < len(click):
        return (back - at) / rate
    alike = np.abs(np.correlate(around, click, "valid"))
    return (first + int(np.argmax(alike)) - max(at - half, 0)) / rate


def _peak(samples: Samples, name: str) -> int:
    if len(samples) == 0 or float(np.abs(samples).max()) < LEAST:
        raise ParleyError(
            f"loop-back: expected a click in the channel that was {name}, found none above "
            f"{LEAST:.2f}; check that the line returns what it is sent"
        )
    return int(np.argmax(np.abs(samples)))
