"""A bad line between caller and agent: loss in bursts, jitter, delay, telephone quality. Pure."""

from collections import deque

import numpy as np

from agent.core.audio import Samples
from audio_io.resample import Resampler
from floorbench.losses import Losses
from floorbench.scenarios.plan import Network
from floorbench.session import RATE, Flushed

PACKET_S = 0.02
_MU = 255.0
_TELEPHONE_RATE = 8_000
_TELEPHONE_DELAY_S = 0.01  # both filters hold back 6 ms


class LossyLink:
    """One direction. What is lost arrives as silence: a packet keeps its place in time.

    Packets arrive in order, as after a receive buffer that waits for the late ones. Which are lost
    and how late the others are depends on the seed and on their number alone.

    Attributes:
        losses: counts the packets that went in, and those of which only silence came out.
    """

    def __init__(self, network: Network, rng: np.random.Generator) -> None:
        self._network = network
        self._rng = rng
        self._telephone = _Telephone() if network.mu_law else None
        self._waiting: deque[tuple[float, Samples | Flushed]] = deque()
        self._last_s = 0.0
        self.losses = Losses(network.loss, rng)

    def send(self, item: Samples | Flushed, now_s: float) -> None:
        """Sound of any length, float32 [n] at `RATE`, or the order to drop what has not played."""
        if isinstance(item, Flushed):
            self._put(item, now_s)
            return
        heard = item if self._telephone is None else self._telephone.push(item)
        size = round(PACKET_S * RATE)
        for at in range(0, len(heard), size):
            packet = heard[at : at + size]
            self._put(np.zeros_like(packet) if self.losses.next() else packet, now_s)

    def due(self, now_s: float) -> list[Samples | Flushed]:
        """What has arrived by now, in order."""
        out = []
        while self._waiting and self._waiting[0][0] <= now_s + 1e-9:
            out.append(self._waiting.popleft()[1])
        return out

    def _put(self, item: Samples | Flushed, now_s: float) -> None:
        jitter_s = abs(float(self._rng.normal(0.0, 1.0))) * self._network.jitter_s
        self._last_s = max(self._last_s, now_s + self._network.delay_s + jitter_s)
        self._waiting.append((self._last_s, item))


class _Telephone:
    """8 kHz and 8 bits a sample, and back; 10 ms late.

    Source: ITU-T G.711, its continuous companding law.
    """

    def __init__(self) -> None:
        self._down = Resampler(RATE, _TELEPHONE_RATE)
        self._up = Resampler(_TELEPHONE_RATE, RATE)
        self._rest: Samples = np.zeros(round(_TELEPHONE_DELAY_S * RATE), np.float32)

    def push(self, samples: Samples) -> Samples:
        """float32 [n]; as many come out."""
        narrow = np.clip(self._down.push(samples), -1.0, 1.0)
        companded = np.sign(narrow) * np.log1p(_MU * np.abs(narrow)) / np.log1p(_MU)
        coded = np.rint(companded * 127) / 127
        decoded = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(_MU)) / _MU
        wide = self._up.push(decoded.astype(np.float32))
        self._rest = np.concatenate((self._rest, wide))
        out, self._rest = self._rest[: len(samples)], self._rest[len(samples) :]
        return out
