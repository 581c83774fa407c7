"""A long call without sockets: a telephone with another clock, a network, and what our ear makes
of it."""

import struct
from dataclasses import dataclass

import numpy as np

from audio_io.codecs import mulaw_decode, mulaw_encode
from audio_io.rtp.packets import Ear
from audio_io.sip.sdp import PCMU, Direction, Media

RATE = 8000
CYCLE_S = 2  # a second of a voice and a second of the noise behind it
FAR = ("10.0.0.1", 4000)
MEDIA = Media(FAR, PCMU, 0, 101, noise=True, direction=Direction.BOTH)


def voice():
    """Two seconds of what the far side sends, float32: a buzz whose pitch rises from 110 to 170 Hz,
    so that no two places of it are alike, and then nearly nothing."""
    at = np.arange(CYCLE_S * RATE)
    turns = 110 * at / RATE + 30 * (at / RATE) ** 2
    buzz = sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 8))
    swell = np.clip(np.sin(np.pi * at / RATE), 0, 1)
    noise = np.random.default_rng(3).standard_normal(len(at)) * 0.0005
    return (0.1 * buzz * swell + noise).astype(np.float32)


@dataclass
class Hour:
    """What came of it.

    `delays`: of each cycle's beginning, in seconds, from when the far side sent it to when our
    engine got it; `roughest`: the greatest step between two samples; `waiting_s`: the most that
    was ever held; `counts`: of the buffer.
    """

    delays: list
    roughest: float
    waiting_s: float
    counts: dict


def hold(seconds, drift, jitter_s=0.004, lose=0.0, ptime_s=0.02, seed=1, every=30):
    """A call of so many seconds; the far side's clock is faster by `drift`.

    The delay is looked for at the beginning, at the end, and in every so many cycles between.
    """
    frame, cycle = round(RATE * ptime_s), round(CYCLE_S / ptime_s)
    payloads = [mulaw_encode(part) for part in np.split(voice(), cycle)]
    random = np.random.default_rng(seed)
    total = round(seconds / ptime_s)
    late = random.random(total) * jitter_s
    gone = random.random(total) < lose
    ear, due, now = Ear(MEDIA), 0.0, 0.0
    heard, times, waiting_s, roughest, last = [], [], 0.0, 0.0, 0.0
    delays = []
    for n in range(total):
        now = max(now, (n + 1) * ptime_s / (1 + drift) + late[n])
        while due <= now:
            samples = ear.take(due)
            steps = np.abs(np.diff(samples, prepend=last))
            roughest, last = max(roughest, float(steps.max())), samples[-1]
            heard.append(samples)
            times.append(due)
            due += len(samples) / RATE
        if not gone[n]:
            header = struct.pack("!BBHLL", 0x80, 0, n & 0xFFFF, n * frame & 0xFFFFFFFF, 7)
            ear.hear(header + payloads[n % cycle], FAR, now)
        if n % cycle == cycle - 1:
            waiting_s = max(waiting_s, ear.buffer.waiting_s)
            began = (n + 1 - cycle) * ptime_s / (1 + drift)
            if n < 10 * cycle or n > total - 10 * cycle or n // cycle % every == 0:
                delays.append(_delay(heard, times, began))
            del heard[:-10], times[:-10]
    buffer = ear.buffer
    counts = {"late": buffer.late, "lost": buffer.lost, "dropped": buffer.dropped,
              "restarts": buffer.restarts, "concealed": ear.concealed}  # fmt: skip
    return Hour(delays, roughest, waiting_s, counts)


def _delay(heard, times, began):
    """How much later than `began` the voice of this cycle came out, by where it fits best."""
    sound = np.concatenate(heard)
    first = times[0]
    model = mulaw_decode(mulaw_encode(voice()[: RATE * 3 // 4]))
    around = round((began - first) * RATE)
    scores = {}
    for shift in range(0, 1200, 2):
        part = sound[around + shift : around + shift + len(model)]
        if len(part) == len(model):
            scores[shift] = float(np.dot(part, model)) / np.sqrt(np.dot(part, part) + 1e-9)
    return max(scores, key=scores.__getitem__) / RATE if scores else float("nan")
