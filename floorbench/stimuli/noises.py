"""Noises made from numbers: stand-ins for a cough, a door, music, and beds of noise. Pure.

They have the duration, the rhythm and the band of what they stand for; recordings take their place
where a folder of recordings has them (`recorded.py`).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from floorbench.session import RATE
from floorbench.stimuli.signal import Signal, filtered, shaped

Rng = np.random.Generator


def burst(kind: str, rng: Rng) -> Signal:
    """One sound of a kind in `BURSTS`, 0.2 to 3 s, at no particular level."""
    return BURSTS[kind](rng)


def pink(seconds: float, rng: Rng) -> Signal:
    """Noise that falls by 3 dB an octave from 50 Hz on."""
    count = round(seconds * RATE)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(count, 1 / RATE), 50.0) / 50.0)
    spectrum = np.fft.rfft(rng.standard_normal(count)) * 10 ** (-3.0 * octaves / 20)
    out: Signal = np.fft.irfft(spectrum, count)
    return out


def room_response(rt60_s: float, rng: Rng) -> Signal:
    """A direct path, then noise that has decayed by 60 dB after `rt60_s`; unit energy."""
    at = np.arange(round(rt60_s * RATE)) / RATE
    tail = rng.standard_normal(len(at)) * 10 ** (-3.0 * at / rt60_s)
    tail[: round(0.003 * RATE)] = 0.0  # the first reflection comes from a metre away
    taps = 0.5 * tail / np.sqrt(np.sum(tail**2))
    taps[0] = 1.0
    out: Signal = taps / np.sqrt(np.sum(taps**2))
    return out


def babble(voices: list[Signal], seconds: float, rng: Rng) -> Signal:
    """Voices on top of each other, each starting somewhere in itself, again and again."""
    count = round(seconds * RATE)
    total: Signal = np.zeros(count)
    for voice in voices:
        start = int(rng.integers(len(voice)))
        total += np.resize(np.roll(voice, -start), count)
    return total


# --- bursts ---------------------------------------------------------------------------------------


def _noise(seconds: float, low: float, high: float, rng: Rng) -> Signal:
    """White noise between two frequencies in Hz, 24 dB an octave or so outside."""
    signal = rng.standard_normal(round(seconds * RATE))
    points = np.array([0.0, low / 2, low, high, min(2 * high, 8000.0), 8001.0])
    return shaped(signal, points, np.array([-60.0, -24.0, 0.0, 0.0, -24.0, -24.0]))


def _decay(count: int, attack_s: float, fall_s: float) -> Signal:
    at = np.arange(count) / RATE
    out: Signal = np.minimum(1.0, at / attack_s) * np.exp(-np.maximum(0.0, at - attack_s) / fall_s)
    return out


def _tone(seconds: float, hz: Signal | float, harmonics: int) -> Signal:
    """Harmonics that fall with their number; `hz` may change with each sample."""
    turns = np.cumsum(np.broadcast_to(hz, round(seconds * RATE))) / RATE
    return np.asarray(sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, harmonics + 1)))


def _placed(pieces: list[Signal], gaps_s: Signal) -> Signal:
    """Pieces one after the other, a gap after each."""
    return np.concatenate(
        [x for p, g in zip(pieces, gaps_s, strict=True) for x in (p, np.zeros(round(g * RATE)))]
    )


def _cough(rng: Rng) -> Signal:
    count = int(rng.integers(1, 4))
    pieces = []
    for _ in range(count):
        noise = _noise(float(rng.uniform(0.2, 0.35)), 300.0, 3500.0, rng)
        pieces.append(noise * _decay(len(noise), 0.008, 0.07))
    return _placed(pieces, rng.uniform(0.1, 0.25, count))


def _laugh(rng: Rng) -> Signal:
    count = int(rng.integers(4, 8))
    pieces = []
    for at in range(count):
        hz = float(rng.uniform(200.0, 260.0)) * (1 - 0.04 * at)
        voiced = _tone(0.12, hz, 12) + 0.4 * _noise(0.12, 500.0, 4000.0, rng)
        pieces.append(voiced * _decay(len(voiced), 0.02, 0.06) * 0.9**at)
    return _placed(pieces, rng.uniform(0.06, 0.1, count))


def _keyboard(rng: Rng) -> Signal:
    count = int(rng.integers(8, 20))
    pieces = []
    for _ in range(count):
        click = _noise(0.03, 1500.0, 6000.0, rng)
        pieces.append(click * _decay(len(click), 0.001, 0.006) * float(rng.uniform(0.5, 1.0)))
    return _placed(pieces, rng.uniform(0.05, 0.18, count))


def _door(rng: Rng) -> Signal:
    slam = _noise(0.5, 50.0, 500.0, rng)
    latch = _noise(0.04, 1000.0, 5000.0, rng)
    creak = latch * _decay(len(latch), 0.002, 0.01)
    return _placed([creak, slam * _decay(len(slam), 0.004, 0.09)], np.array([0.08, 0.0]))


def _horn(rng: Rng) -> Signal:
    seconds = float(rng.uniform(0.4, 1.2))
    low = float(rng.uniform(370.0, 420.0))
    return _tone(seconds, low, 10) + _tone(seconds, low * 1.25, 10)


def _dog(rng: Rng) -> Signal:
    count = int(rng.integers(2, 5))
    pieces = []
    for _ in range(count):
        hz = np.linspace(620.0, 380.0, round(0.16 * RATE))
        bark = _tone(0.16, hz, 8) + 0.8 * _noise(0.16, 400.0, 3000.0, rng)
        pieces.append(bark * _decay(len(bark), 0.01, 0.05))
    return _placed(pieces, rng.uniform(0.15, 0.5, count))


def _siren(rng: Rng) -> Signal:
    seconds = float(rng.uniform(2.0, 3.0))
    at = np.arange(round(seconds * RATE)) / RATE
    return _tone(seconds, 900.0 + 350.0 * np.sin(2 * np.pi * 0.8 * at), 4)


def _music(rng: Rng) -> Signal:
    scale = 220.0 * 2 ** (np.array([0, 2, 4, 7, 9, 12]) / 12)
    notes = []
    for _ in range(int(rng.integers(8, 13))):
        root = float(scale[rng.integers(len(scale))])
        chord = _tone(0.25, root, 6) + 0.7 * _tone(0.25, root * 1.5, 5)
        notes.append(chord * _decay(len(chord), 0.01, 0.15))
    return filtered(np.concatenate(notes), room_response(0.3, rng))


BURSTS: Mapping[str, Callable[[Rng], Signal]] = MappingProxyType({
    "cough": _cough, "laugh": _laugh, "keyboard": _keyboard, "door": _door,
    "horn": _horn, "dog": _dog, "siren": _siren, "music": _music,
})  # fmt: skip
"""What makes each kind of burst."""

KEY_HZ: Mapping[str, tuple[int, int]] = MappingProxyType({
    key: (row, column)
    for row, keys in ((697, "123A"), (770, "456B"), (852, "789C"), (941, "*0#D"))
    for key, column in zip(keys, (1209, 1336, 1477, 1633), strict=True)
})  # fmt: skip
"""The two frequencies of each key, in Hz. Source: ITU-T Q.23."""


def tones(hz: tuple[int, ...], seconds: float) -> Signal:
    """Sines of equal level together, such as a key or a fax machine, peak 0.5."""
    at = np.arange(round(seconds * RATE)) / RATE
    total: Signal = np.sum([np.sin(2 * np.pi * f * at) for f in hz], axis=0)
    return total * (0.5 / len(hz))
