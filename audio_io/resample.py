"""Sound from one rate to another, with a delay of 3 ms at most."""

import math
from collections.abc import AsyncIterator

import numpy as np
from numpy.typing import NDArray

from agent.core.around import CallAround
from agent.core.audio import AudioFrame, Samples
from agent.core.calls import Call, Incoming
from audio_io.framing import Reframer, frame_samples

_ZEROS = 24  # zero crossings of the sinc on each side: 24 periods of the lower rate of delay
_BETA = 7.0  # Kaiser window; stop band at −72 dB or better
_EDGE = 0.92  # middle of the transition, as a part of the lower Nyquist frequency


class Resampler:
    """A stream of mono sound at another rate: polyphase windowed sinc, linear phase.

    Sample k that comes out belongs to time k / to_rate of what went in: the filter's delay holds
    sound back but does not move it. Equal rates pass through untouched.

    Why not soxr: its block transform holds sound back in bursts, and a late first word costs more
    than a steeper filter gains. Measured with 20 ms chunks, worst delay in ms and time per chunk
    in µs (pass band to −3 dB, as a part of the lower Nyquist frequency; stop band):

        rates            soxr LQ     soxr MQ     soxr HQ    soxr HQ vr   this one
        48000 -> 16000   20.0 / 4    37.6 / 5    36.6 / 5   12.5 / 32    1.5 / 33
        8000 -> 16000    61.3 / 3   117.5 / 3   115.0 / 2   30.0 / 8     3.0 / 24
        22050 -> 16000   21.7 / 4    40.9 / 6    40.0 / 6   10.9 / 10    1.5 / 26
        22050 -> 48000    0.9 / 6    42.7 / 8    41.7 / 8   10.9 / 19    1.1 / 43
        -3 dB at         0.81        0.95        0.95       0.94         0.90
        stop band        -106 dB     -116 dB     -131 dB    -110 dB      -72 dB

    Speech at 16 kHz has next to nothing above 7.2 kHz, and aliases at −72 dB are under the noise
    of every microphone.

    Source: Kaiser's window for finite impulse responses, as in Oppenheim and Schafer,
    "Discrete-Time Signal Processing", 3rd edition, section 7.5.3.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        if from_rate < 1 or to_rate < 1:
            raise ValueError(f"expected rates above 0 Hz, found {from_rate} and {to_rate}")
        divisor = math.gcd(from_rate, to_rate)
        self._up, self._down = to_rate // divisor, from_rate // divisor
        self._half = math.ceil(_ZEROS * max(1.0, from_rate / to_rate))
        self._phases = _filter_phases(self._up, self._half, min(1.0, to_rate / from_rate))
        self._delay_s = self._half / from_rate if self._up != self._down else 0.0
        self.reset()

    @property
    def delay_s(self) -> float:
        """How long sound is held back: what comes out is this much older than what went in."""
        return self._delay_s

    def reset(self) -> None:
        """Begin again: the next sample in is sample 0."""
        self._first = 1 - self._half  # index of the first sample kept, silence before the stream
        self._kept: Samples = np.zeros(self._half - 1, np.float32)
        self._taken = 0
        self._made = 0

    def push(self, samples: Samples) -> Samples:
        """Take float32 [n], any n; what can be made now, float32 [m]."""
        if self._up == self._down:
            return samples
        self._taken += len(samples)
        return self._make(samples)

    def finish(self) -> Samples:
        """The rest, as if silence followed, and begin again: ceil(taken * ratio) samples in all."""
        if self._up == self._down:
            return np.zeros(0, np.float32)
        total = -(-self._taken * self._up // self._down)
        due = total - self._made
        rest = self._make(np.zeros(2 * self._half, np.float32))
        self.reset()
        return rest[:due]

    def _make(self, samples: Samples) -> Samples:
        self._kept = np.concatenate((self._kept, samples))
        reach = self._first + len(self._kept) - self._half  # inputs whose whole window is here
        last = (reach * self._up - 1) // self._down
        if last < self._made:
            return np.zeros(0, np.float32)
        at = np.arange(self._made, last + 1) * self._down
        step, count = self._kept.strides[0], len(self._kept) - 2 * self._half + 1
        # As sliding_window_view, which takes longer than the sum below.
        windows = np.ndarray((count, 2 * self._half), np.float32, self._kept, 0, (step, step))
        starts = at // self._up - self._half + 1 - self._first
        made: Samples = np.einsum("ij,ij->i", windows[starts], self._phases[at % self._up])
        self._made = last + 1
        used = self._made * self._down // self._up - self._half + 1 - self._first
        self._kept, self._first = self._kept[used:], self._first + used
        return made


def _filter_phases(up: int, half: int, ratio: float) -> Samples:
    """Low-pass filter taps, float32 [up, 2 * half], one row for each place between two inputs."""
    offsets = np.arange(1 - half, half + 1) - np.arange(up)[:, None] / up
    window = np.i0(_BETA * np.sqrt(np.maximum(0.0, 1 - (offsets / half) ** 2))) / np.i0(_BETA)
    taps: NDArray[np.float64] = np.sinc(ratio * _EDGE * offsets) * window
    phases: Samples = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    return phases


def resampled(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """A whole recording at another rate."""
    resampler = Resampler(from_rate, to_rate)
    seconds = range(0, len(samples), from_rate)  # in pieces: each takes 200 times its own memory
    parts = [resampler.push(samples[at : at + from_rate]) for at in seconds]
    return np.concatenate((*parts, resampler.finish()))


def at_rates(call: Call, rate: int, play_rate: int) -> Call:
    """The same call, heard at `rate` and spoken to at `play_rate`, both in Hz.

    What `play` takes must be one unbroken stream, silence included: the last 3 ms wait in the
    filter for what follows.
    """
    if (call.rate, call.play_rate) == (rate, play_rate):
        return call
    return _CallAtRates(call, rate, play_rate)


class _CallAtRates(CallAround):
    def __init__(self, call: Call, rate: int, play_rate: int) -> None:
        super().__init__(call)
        self._rate = rate
        self._play_rate = play_rate
        self._resampler = Resampler(play_rate, call.play_rate)
        self._reframer = Reframer(call.frame_samples, call.play_rate)
        self._ledger = _Ledger(play_rate, call.play_rate)

    @property
    def rate(self) -> int:
        return self._rate

    @property
    def play_rate(self) -> int:
        return self._play_rate

    @property
    def frame_samples(self) -> int:
        return frame_samples(self._play_rate)

    async def frames(self) -> AsyncIterator[Incoming]:
        resampler = Resampler(self.call.rate, self._rate)
        position = 0
        async for item in self.call.frames():
            if not isinstance(item, AudioFrame):
                yield item
                continue
            samples = resampler.push(item.samples)
            if len(samples):
                yield AudioFrame(samples, self._rate, position)
                position += len(samples)
        rest = resampler.finish()
        if len(rest):
            yield AudioFrame(rest, self._rate, position)

    async def play(self, frame: AudioFrame) -> None:
        self._ledger.taken += len(frame.samples)
        flushes = self._ledger.flushes
        for part in self._reframer.push(self._resampler.push(frame.samples)):
            if self._ledger.flushes != flushes:
                return  # flushed while the part before it was waiting: this one is old
            self._ledger.handed += len(part.samples)
            await self.call.play(part)

    def flush(self) -> None:
        self.call.flush()
        self._resampler.reset()
        self._reframer.clear()
        self._ledger.flush()

    def played(self) -> int:
        return self._ledger.played(self.call.played())


class _Ledger:
    """Samples played at one rate told as samples at another, across flushes.

    Attributes:
        taken: samples the pipeline gave us, at `rate`.
        handed: samples we gave the call, at `call_rate`.
        flushes: how many there were.
    """

    def __init__(self, rate: int, call_rate: int) -> None:
        self._rate = rate
        self._call_rate = call_rate
        self._before = (0, 0)  # taken and handed at the flush before the last
        self._since = (0, 0)  # and at the last one
        self.taken = 0
        self.handed = 0
        self.flushes = 0

    def flush(self) -> None:
        """All that was taken so far is gone, what waited in our filter too."""
        self._before, self._since = self._since, (self.taken, self.handed)
        self.flushes += 1

    def played(self, call_played: int) -> int:
        """Samples at `rate` that were played or flushed, from what the call says at its own."""
        reached = call_played >= self._since[1]
        taken, handed = self._since if reached else self._before
        limit = self.taken if reached else self._since[0]
        return min(limit, taken + (call_played - handed) * self._rate // self._call_rate)
