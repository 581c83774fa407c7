"""What the caller's microphone picks up: voice, room, noise, and the agent's echo. Pure."""

import numpy as np

from agent.core.audio import Samples
from floorbench.scenarios.plan import Echo, Surroundings
from floorbench.session import RATE
from floorbench.stimuli.signal import Signal, gain, on_grid

_CLIP_AT = 0.5
"""A small loudspeaker bends towards this level, half of full scale: loud peaks, not the rest."""


class Microphone:
    """Turns the clean voice and what the loudspeaker plays into what is sent, frame by frame."""

    def __init__(self, around: Surroundings) -> None:
        self._room = None if around.room is None else _Filter(around.room)
        self._echo = None if around.echo is None else _EchoPath(around.echo)
        self._bed = around.bed
        self._position = 0
        self.is_clean = around.room is None and around.bed is None and around.echo is None

    def hear(self, voice: Samples, played: Samples) -> Samples:
        """One frame, float32 [n] of each, of the same stretch of time."""
        if self.is_clean:
            return voice
        heard: Signal = voice.astype(np.float64)
        if self._room is not None:
            heard = self._room.push(heard)
        if self._bed is not None:
            at = np.arange(self._position, self._position + len(voice))
            heard = heard + self._bed[at % len(self._bed)]
        if self._echo is not None:
            heard = heard + self._echo.push(played.astype(np.float64))
        self._position += len(voice)
        return on_grid(heard)


class _EchoPath:
    """Loudspeaker, air and walls."""

    def __init__(self, echo: Echo) -> None:
        delayed = np.concatenate((np.zeros(round(echo.delay_s * RATE)), echo.taps))
        self._filter = _Filter(delayed * gain(-echo.loss_db))

    def push(self, played: Signal) -> Signal:
        return self._filter.push(_CLIP_AT * np.tanh(played / _CLIP_AT))


class _Filter:
    """Convolution with an impulse response, a frame at a time: overlap and add."""

    def __init__(self, taps: Signal) -> None:
        self._taps = taps
        self._tail: Signal = np.zeros(len(taps) - 1)
        self._spectrum = np.zeros(0, complex)
        self._size = 0

    def push(self, samples: Signal) -> Signal:
        """float64 [n], any n; as many come out."""
        count = len(samples)
        total = count + len(self._taps) - 1
        if total > self._size:
            self._size = 1 << (total - 1).bit_length()
            self._spectrum = np.fft.rfft(self._taps, self._size)
        made = np.fft.irfft(np.fft.rfft(samples, self._size) * self._spectrum, self._size)[:total]
        made[: len(self._tail)] += self._tail
        self._tail = made[count:]
        out: Signal = made[:count]
        return out
