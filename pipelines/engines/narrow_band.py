"""An upper half for a telephone's sound, for recognisers that were trained on wide band. Pure.

Above 4 kHz such sound holds nothing at all, which no training sound ever did. Its lower half
mirrored there is closer to speech than nothing: hiss stays hiss, voice stays voice.
"""

import numpy as np

from agent.core.audio import AudioFrame, Samples

RATE = 16_000
_LOUD = 1e-3  # of full scale: quieter frames say nothing about the line
_NOTHING = 1e-5  # power above 4.3 kHz against that below 3.4, which the poorest microphone exceeds
_BELOW_HZ, _ABOVE_HZ = 3_400, 4_300  # what a telephone carries, and what its filters let through


class UpperHalf:
    """One stretch of sound. It counts as narrow until a loud frame shows otherwise."""

    def __init__(self) -> None:
        self._is_narrow: bool | None = None

    @property
    def is_made(self) -> bool:
        """Whether the sound so far came over a telephone."""
        return bool(self._is_narrow)

    def add(self, frame: AudioFrame) -> Samples:
        """The frame's samples at `RATE`, float32 [n], with an upper half where they had none."""
        samples = frame.samples
        if self._is_narrow is not False and np.abs(samples).max(initial=0.0) > _LOUD:
            self._is_narrow = is_narrow(samples)
        return mirrored(samples, frame.start) if self._is_narrow else samples


def is_narrow(samples: Samples) -> bool:
    """Whether float32 [n] at `RATE` holds nothing above 4 kHz."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    low, high = power[hz < _BELOW_HZ].mean(), power[hz > _ABOVE_HZ].mean()
    return bool(high < _NOTHING * low)


def mirrored(samples: Samples, start: int) -> Samples:
    """The sound and its mirror image about 4 kHz: at every other sample they cancel.

    `start` is where in the stream the samples are, so that frames fit together.
    """
    made = samples * np.float32(2.0)
    made[(start + 1) % 2 :: 2] = 0.0
    return made
