"""Hums and noises from numbers: "mm-hm" and "uh-huh" as synthesizers seldom say them. Pure."""

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Signal = NDArray[np.float64]

# First three formants in Hz and their strengths: a nasal with closed lips, and open vowels.
NASAL = ((250.0, 1000.0, 2200.0), (1.0, 0.08, 0.04))
OPEN = ((600.0, 1250.0, 2500.0), (1.0, 0.4, 0.15))


def hum(rng: np.random.Generator) -> NDArray[np.int16]:
    """One or two syllables with a breath between, "mm", "mm-hm", "uh-huh": int16 at 16 kHz."""
    base = rng.uniform(85.0, 240.0)
    shape = NASAL if rng.random() < 0.65 else OPEN
    pieces = []
    count = int(rng.choice([1, 2, 2, 2, 3]))
    hz = base
    for number in range(count):
        to = hz * 2 ** rng.uniform(-0.35, 0.45)
        length = rng.uniform(0.1, 0.32) * (1.4 if count == 1 else 1.0)
        pieces.append(_voiced(length, hz, to, shape, rng))
        if number < count - 1:
            pieces.append(_breath(rng.uniform(0.02, 0.11), shape, rng))
        hz = to * 2 ** rng.uniform(-0.3, 0.3)
    return _pcm(np.concatenate(pieces))


def noise(rng: np.random.Generator) -> NDArray[np.int16]:
    """Coughs, laughs, knocks, keys, beeps, hisses: bursts in a row, int16 at 16 kHz."""
    count = int(rng.choice([1, 1, 2, 3, 5, 9, 14]))
    length = rng.uniform(0.02, 0.5 if count < 4 else 0.15)
    low = rng.uniform(50.0, 2500.0)
    high = low * rng.uniform(1.5, 8.0)
    tonal = rng.random() < 0.35
    hz = rng.uniform(150.0, 1200.0)
    pieces = []
    for _ in range(count):
        at = np.arange(max(64, round(length * rng.uniform(0.7, 1.3) * RATE))) / RATE
        sound = _band(len(at), low, high, rng)
        if tonal:
            swing = 1 + 0.15 * rng.uniform(-1, 1) * at / at[-1]
            turns = np.cumsum(hz * rng.uniform(0.9, 1.1) * swing) / RATE
            sound = 0.3 * sound + sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 8))
        fall_s = length * rng.uniform(0.1, 1.0)
        pieces += [sound * np.minimum(1, at / rng.uniform(0.001, 0.03)) * np.exp(-at / fall_s)]
        pieces += [np.zeros(round(rng.uniform(0.02, 0.25) * RATE))]
    return _pcm(np.concatenate(pieces[:-1]))


def _voiced(
    length: float, hz: float, to: float, shape: tuple[tuple[float, ...], ...],
    rng: np.random.Generator,
) -> Signal:  # fmt: skip
    at = np.linspace(0.0, 1.0, round(length * RATE))
    bent = at ** rng.uniform(0.6, 2.0)
    pitch = hz * (to / hz) ** bent * (1 + 0.01 * np.cumsum(rng.standard_normal(len(at))) / 60)
    turns = np.cumsum(pitch) / RATE
    tilt = rng.uniform(0.8, 1.6)
    out = np.zeros(len(at))
    mean = float(np.mean(pitch))
    for k in range(1, int(4000 / mean)):
        out += _strength(k * mean, shape) * k**-tilt * np.sin(2 * np.pi * k * turns)
    rise, fall = rng.uniform(0.02, 0.08), rng.uniform(0.03, 0.15)
    edge = np.minimum(1, np.minimum(at * length / rise, (1 - at) * length / fall))
    return out * np.maximum(0, edge)


def _strength(hz: float, shape: tuple[tuple[float, ...], ...]) -> float:
    return sum(g / (1 + ((hz - f) / (0.15 * f + 40)) ** 2) for f, g in zip(*shape, strict=True))


def _breath(
    length: float, shape: tuple[tuple[float, ...], ...], rng: np.random.Generator
) -> Signal:
    count = round(length * RATE)
    return 0.05 * rng.uniform(0.1, 1.0) * _band(count, shape[0][0], 3500.0, rng)


def _band(count: int, low: float, high: float, rng: np.random.Generator) -> Signal:
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hz = np.fft.rfftfreq(count, 1 / RATE)
    spectrum *= 1 / (1 + (low / np.maximum(hz, 1.0)) ** 4) / (1 + (hz / high) ** 4)
    out: Signal = np.fft.irfft(spectrum, count)
    return out / (np.std(out) + 1e-9)


def _pcm(sound: Signal) -> NDArray[np.int16]:
    return np.asarray(sound / np.abs(sound).max() * 16000, np.int16)
