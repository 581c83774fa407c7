"""A linear echo canceller: an adaptive filter from what we played to what the microphone hears."""

import numpy as np
from numpy.typing import NDArray

from agent.core.audio import Samples

Spectra = NDArray[np.complex64]
Powers = NDArray[np.float32]

_STAYS = 0.9985  # part of the path that is the same after a block: it changes within about 3 s
_NOISE_KEPT = 0.7  # the caller's spectrum, smoothed over about 30 ms: syllables must be followed
_UNKNOWN = 0.02  # variance of each block's path at first: in all, an echo 2 dB under the voice
_TURNS = 4  # blocks in which every partition is confined once
_FLOOR = 1e-9  # power of a sample under the noise of any microphone


class LinearCanceller:
    """Kalman filter in the frequency domain, in partitions of one block each. Pure.

    The step in each frequency follows from how well the path is known there and how loud the
    caller is, so nothing has to detect double talk and stop the adaptation.

    Source: Enzner and Vary, "Frequency-domain adaptive Kalman filter for acoustic echo control in
    hands-free telephones", Signal Processing 86 (2006), and Kuech, Mabande and Enzner,
    "State-space architecture of the partitioned-block-based acoustic echo controller", ICASSP 2014.
    """

    def __init__(self, block: int, blocks: int) -> None:
        """A filter of `block * blocks` taps, all zero."""
        self._block = block
        bins = block + 1
        self._past: Samples = np.zeros(block, np.float32)  # the block of reference before
        self._heard: Spectra = np.zeros((blocks, bins), np.complex64)  # reference, newest first
        self._path: Spectra = np.zeros((blocks, bins), np.complex64)
        self._doubt: Powers = np.full((blocks, bins), _UNKNOWN, np.float32)
        self._turn = 0
        self._noise: Powers = np.full(bins, _FLOOR * block, np.float32)

    @property
    def taps(self) -> Samples:
        """The path as an impulse response, float32 [block * blocks]."""
        whole = np.fft.irfft(self._path, axis=1)[:, : self._block]
        return np.asarray(whole.reshape(-1), np.float32)

    def step(self, reference: Samples, microphone: Samples) -> Samples:
        """The next block of both, float32 [block]; the echo in it, as far as it is known."""
        self._remember(reference)
        expected = np.fft.irfft(np.sum(self._path * self._heard, axis=0))[self._block :]
        echo = expected.astype(np.float32)
        self._learn(microphone - echo)
        return echo

    def realign(self, history: Samples, shift: int) -> None:
        """The reference is read `shift` samples later from now on: the taps move to the front.

        Args:
            history: float32 [block * (blocks + 1)], the reference as it will have been.
            shift: samples, negative to move the taps back.
        """
        blocks = len(self._path)
        frames = np.lib.stride_tricks.sliding_window_view(history, 2 * self._block)
        spectra = np.fft.rfft(frames[:: self._block], axis=1)[::-1]
        self._heard = spectra.astype(np.complex64)
        self._past = history[-self._block :].copy()
        taps = np.zeros((blocks, 2 * self._block), np.float32)
        taps[:, : self._block] = _shifted(self.taps, shift).reshape(blocks, self._block)
        self._path = np.fft.rfft(taps, axis=1).astype(np.complex64)
        self._doubt = np.maximum(self._doubt, np.mean(np.abs(self._path) ** 2, axis=0))

    def _remember(self, reference: Samples) -> None:
        self._heard[1:] = self._heard[:-1]
        self._heard[0] = np.fft.rfft(np.concatenate((self._past, reference)))
        self._past = reference

    def _learn(self, rest: Samples) -> None:
        """Move the path along the gradient, by the Kalman gain."""
        error = np.fft.rfft(np.concatenate((np.zeros(self._block, np.float32), rest)))
        loud = np.abs(error).astype(np.float32) ** 2
        self._noise = _NOISE_KEPT * self._noise + (1 - _NOISE_KEPT) * loud
        power = self._heard.real**2 + self._heard.imag**2
        # Half of each window is silence: it carries half of the reference's power.
        total = 0.5 * np.sum(self._doubt * power, axis=0) + self._noise + _FLOOR * self._block
        gain = self._doubt / total
        change = gain * np.conj(self._heard) * error
        self._path = np.asarray(_STAYS * (self._path + change), np.complex64)
        self._confine()
        known = self._path.real**2 + self._path.imag**2
        kept = _STAYS**2 * (1 - 0.5 * gain * power)
        self._doubt = np.asarray(kept * self._doubt + (1 - _STAYS**2) * known, np.float32)

    def _confine(self) -> None:
        """Half of each window must not hold taps: a few partitions at a time, in turn."""
        some = slice(self._turn, None, _TURNS)
        self._turn = (self._turn + 1) % _TURNS
        taps = np.fft.irfft(self._path[some], axis=1)
        taps[:, self._block :] = 0.0
        self._path[some] = np.fft.rfft(taps, axis=1)


def _shifted(taps: Samples, shift: int) -> Samples:
    """Moved towards the front, zeros where nothing is."""
    out = np.zeros_like(taps)
    count = len(taps) - abs(shift)
    if count > 0 and shift >= 0:
        out[:count] = taps[shift:]
    elif count > 0:
        out[-shift:] = taps[:count]
    return out
