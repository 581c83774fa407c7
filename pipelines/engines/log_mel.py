"""Log-mel features as the Whisper encoder wants them: 80 bands, 100 frames a second. Pure.

Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022, 2.2;
the mel scale is Slaney's (Auditory Toolbox, 1998), with triangles of equal area.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.core.audio import Samples

RATE = 16_000
MELS = 80
WINDOW = 400  # samples, 25 ms
HOP = 160  # samples, 10 ms

_LINEAR_HZ = 1000.0  # up to here the scale is linear, 15 mels; above, 27 mels multiply by 6.4
_LINEAR_MELS = 15.0
_LOG_STEP = math.log(6.4) / 27.0
_QUIETEST = 1e-10
_RANGE = 8.0  # decades under the loudest band that are kept: 80 dB


@dataclass(frozen=True, slots=True, eq=False)
class LogMel:
    """Tables that are computed once.

    Attributes:
        window: a periodic Hann window, float32 [400].
        bands: triangles, float32 [80, 201].
    """

    window: Samples
    bands: Samples

    def features(self, samples: Samples) -> Samples:
        """Log-mel features, float32 [80, n // 160], about -1 to 1, of samples, float32 [n].

        The sound is first brought to mean 0 and variance 1, as the authors' extractor does.
        """
        even = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
        padded = np.pad(even.astype(np.float32), WINDOW // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
        spectrum = np.fft.rfft(frames[: len(samples) // HOP] * self.window, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        decades = np.log10(np.maximum(self.bands @ power.T, _QUIETEST))
        kept = np.maximum(decades, decades.max() - _RANGE)
        scaled: Samples = ((kept + 4.0) / 4.0).astype(np.float32)
        return scaled


def log_mel() -> LogMel:
    """The tables for 16 kHz."""
    ramp = np.arange(WINDOW) / WINDOW
    window = (0.5 - 0.5 * np.cos(2 * np.pi * ramp)).astype(np.float32)
    return LogMel(window, _bands())


def _bands() -> Samples:
    bins = np.linspace(0.0, RATE / 2, WINDOW // 2 + 1)
    top = _LINEAR_MELS + math.log(RATE / 2 / _LINEAR_HZ) / _LOG_STEP
    edges = _hz(np.linspace(0.0, top, MELS + 2))
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (mid - low), (high - bins) / (high - mid)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * 2.0 / (high - low)).astype(np.float32)


def _hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mels * _LINEAR_HZ / _LINEAR_MELS
    above = _LINEAR_HZ * np.exp(_LOG_STEP * (mels - _LINEAR_MELS))
    return np.where(mels < _LINEAR_MELS, linear, above)
