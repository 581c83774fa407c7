"""How long it takes until what we played comes back: found by itself, again and again. Pure."""

import numpy as np

from agent.core.audio import Samples

_LOOK_S = 0.25  # between two looks
_HEARD_S = 1.0  # of the microphone in each of them
_KEPT = 0.7  # of the looks before: about the last second counts
_CLEAR = 9.0  # times the root mean square of all delays: chance reaches 5
_SAME_S = 0.002  # two looks agree
_SPEAKS = 1e-5  # power of the reference, −50 dBFS: below, there is nothing to find


class DelayFinder:
    """Cross-correlation with the phase transform, over about the last second.

    Source: Knapp and Carter, "The generalized correlation method for estimation of time delay",
    IEEE Transactions on Acoustics, Speech, and Signal Processing 24 (1976).
    """

    def __init__(self, rate: int, longest_s: float) -> None:
        """Looks for delays of 0 to `longest_s` at `rate` Hz."""
        self._longest = round(longest_s * rate)
        self._heard: Samples = np.zeros(round(_HEARD_S * rate), np.float32)
        self._played: Samples = np.zeros(len(self._heard) + self._longest, np.float32)
        # Ends cut off sharply in both would be alike, whatever the sound.
        self._window = np.hanning(len(self._heard)).astype(np.float32)
        self._size = 1 << (len(self._played) - 1).bit_length()
        self._cross = np.zeros(self._size // 2 + 1, np.complex64)
        self._every = round(_LOOK_S * rate)
        self._same = round(_SAME_S * rate)
        self._next = self._every
        self._last: int | None = None

    def step(self, reference: Samples, microphone: Samples) -> int | None:
        """The next block of both, float32 [n]; a delay in samples that two looks agree on."""
        _push(self._played, reference)
        _push(self._heard, microphone)
        self._next -= len(microphone)
        if self._next > 0:
            return None
        self._next = self._every
        recent = self._played[-len(self._heard) :]
        if float(np.dot(recent, recent)) < _SPEAKS * len(recent):
            return None
        return self._agreed(self._look())

    def _look(self) -> int | None:
        """The delay that stands out, if one does."""
        played = np.fft.rfft(self._played, self._size)
        heard = np.fft.rfft(self._heard * self._window, self._size)
        cross = heard * np.conj(played)
        self._cross = np.asarray(_KEPT * self._cross + cross, np.complex64)
        white = self._cross / (np.abs(self._cross) + np.float32(1e-9))
        # Sample 0 of what was heard is `longest` after sample 0 of what was played.
        fits = np.fft.irfft(white, self._size)
        by_delay = np.concatenate((fits[:1], fits[: -self._longest - 1 : -1]))[::-1]
        by_delay = np.abs(by_delay[: self._longest + 1])
        best = int(np.argmax(by_delay))
        clear = by_delay[best] > _CLEAR * float(np.sqrt(np.mean(fits**2)))
        return best if clear else None

    def _agreed(self, found: int | None) -> int | None:
        last, self._last = self._last, found
        agreed = found is not None and last is not None and abs(found - last) <= self._same
        return found if agreed else None


def _push(line: Samples, samples: Samples) -> None:
    line[: -len(samples)] = line[len(samples) :]
    line[-len(samples) :] = samples
