"""How alike two recordings are, at the best delay between them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Match:
    """The best fit of a sound inside a recording.

    `likeness`: the correlation coefficient there, 1 for the same sound at any level; `delay`: how
    many samples later it is in the recording than in the original.
    """

    likeness: float
    delay: int


def find(sound, recording):
    """Where in a recording, float [n], a shorter sound, float [m], is."""
    sound = np.asarray(sound, np.float64) - np.mean(sound)
    recording = np.asarray(recording, np.float64)
    if len(recording) < len(sound):
        raise AssertionError(
            f"expected a recording of at least {len(sound)} samples, found {len(recording)}"
        )
    products = _correlate(recording, sound)
    energies = _windowed_energy(recording, len(sound))
    scores = products / np.sqrt(np.maximum(energies * np.sum(sound**2), 1e-12))
    best = int(np.argmax(scores))
    return Match(float(scores[best]), best)


def _correlate(long, short):
    """The products of `short` with every whole window of `long`, by FFT."""
    size = 1 << (len(long) + len(short) - 1).bit_length()
    spectrum = np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size))
    return np.fft.irfft(spectrum, size)[: len(long) - len(short) + 1]


def _windowed_energy(samples, count):
    """The energy of every window of `count` samples around its own mean."""
    sums = np.cumsum(np.concatenate(([0.0], samples)))
    squares = np.cumsum(np.concatenate(([0.0], samples**2)))
    total, energy = sums[count:] - sums[:-count], squares[count:] - squares[:-count]
    return np.maximum(energy - total**2 / count, 0.0)
