"""A rendered sound as it may come down a line: another speaker, a room, noise, an echo. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.signal import fftconvolve

RATE = 16_000
BEFORE_S, LONGEST_S, AFTER_S = 0.7, 2.0, 0.4  # of the line: around the sound, and of it
Signal = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A line with a sound on it.

    Attributes:
        samples: float32 [n].
        start, turn, end: where the sound starts, where it turns into a request, where it ends.
    """

    samples: NDArray[np.float32]
    start: int
    turn: int
    end: int


def heard(sound: Signal, turn: int, other: Signal, rng: np.random.Generator) -> Heard:
    """The sound on a line.

    Args:
        sound: -1..1 at 16 kHz.
        turn: where in it a murmur turns into a request.
        other: another voice, for the echo of the agent.
        rng: decides everything.
    """
    factor = 2 ** rng.uniform(-0.25, 0.25)  # lower and slower, or higher and faster
    body = _spread(sound, factor)[: round(LONGEST_S * RATE)]
    start = round(BEFORE_S * RATE) + int(rng.integers(512))
    line = np.zeros(next_fast_len(start + len(body) + round(AFTER_S * RATE)), np.float32)
    line[start : start + len(body)] = body
    if rng.random() < 0.5:
        line = fftconvolve(line, _room(rng))[: len(line)]
    active = np.sqrt(np.mean(body**2)) + 1e-9
    line = line / active
    if rng.random() < 0.35:
        echo = np.resize(np.roll(other, int(rng.integers(len(other)))), len(line))
        line = line + echo / (np.std(echo) + 1e-9) * 10 ** (rng.uniform(-40, -14) / 20)
    line = line + _hiss(len(line), rng) * 10 ** (-rng.uniform(5, 45) / 20)
    line = _curve(line, rng) * 10 ** (rng.uniform(-35, -15) / 20)
    if rng.random() < 0.04:
        line = line * 10
    samples = np.clip(line, -1.0, 1.0).astype(np.float32)
    return Heard(samples, start, start + round(turn * factor), start + len(body))


def _spread(sound: Signal, factor: float) -> Signal:
    at = np.arange(round(len(sound) * factor)) / factor
    return np.interp(at, np.arange(len(sound)), sound).astype(np.float32)


def _room(rng: np.random.Generator) -> Signal:
    at = np.arange(round(rng.uniform(0.08, 0.5) * RATE)) / RATE
    tail = rng.standard_normal(len(at)) * 10 ** (-3 * at / at[-1])
    tail[:48] = 0.0
    tail *= rng.uniform(0.1, 0.9) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return tail.astype(np.float32)


def _hiss(count: int, rng: np.random.Generator) -> Signal:
    """Noise that falls by 0 to 8 dB an octave, and swells."""
    octaves = np.log2(np.maximum(rfftfreq(count, 1 / RATE), 50.0) / 50.0)
    white = rfft(rng.standard_normal(count, np.float32))
    tilt = (10 ** (-rng.uniform(0, 8) * octaves / 20)).astype(np.float32)
    out: Signal = irfft(white * tilt, count)
    swell = np.interp(np.arange(count), np.linspace(0, count, 8), rng.uniform(0.5, 1.5, 8))
    return out / np.std(out) * swell.astype(np.float32)


def _curve(line: Signal, rng: np.random.Generator) -> Signal:
    """The colour of a microphone; every third line is a telephone's, 0.3 to 3.6 kHz."""
    hz = rfftfreq(len(line), 1 / RATE)
    points = np.geomspace(80, 8000, 6)
    gains_db = np.interp(np.log(hz + 1), np.log(points), rng.normal(0, 3.5, 6))
    if rng.random() < 0.33:
        low, high = rng.uniform(150, 350), rng.uniform(3300, 3900)
        gains_db -= 60 * np.clip(1 - hz / low, 0, 1) + 60 * np.clip((hz - high) / 400, 0, 1)
    gains = (10 ** (gains_db / 20)).astype(np.float32)
    out: Signal = irfft(rfft(line) * gains, len(line))
    return out
