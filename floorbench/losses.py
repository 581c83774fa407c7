"""Which packets a bad line loses: in bursts, by a seed. Pure."""

import numpy as np

BURST_PACKETS = (3, 10)
"""Packets lost in a row: 60 to 200 ms of 20 ms packets."""


class Losses:
    """Gilbert and Elliott's two states, the bad one lasting as long as a burst.

    Which packets go depends on the seed and on their number alone.

    Source: E. N. Gilbert, "Capacity of a burst-noise channel", 1960.

    Attributes:
        sent: packets asked about.
        lost: of them, how many go.
    """

    def __init__(
        self, loss: float, rng: np.random.Generator, burst: tuple[int, int] = BURST_PACKETS
    ) -> None:
        """`loss`: share of packets lost, 0..1; `burst`: shortest and longest, in packets."""
        self._loss = loss
        self._rng = rng
        self._bounds = burst
        self._burst = 0  # packets of the present burst still to be lost
        self.sent = 0
        self.lost = 0

    def next(self) -> bool:
        """Whether the next packet is lost."""
        self.sent += 1
        chance = self._rng.uniform()
        if self._burst == 0 and chance < self._begins():
            self._burst = int(self._rng.integers(self._bounds[0], self._bounds[1] + 1))
        if self._burst == 0:
            return False
        self._burst -= 1
        self.lost += 1
        return True

    def _begins(self) -> float:
        """Chance that a burst begins with this packet, so that `loss` of all are lost."""
        mean = sum(self._bounds) / 2
        return self._loss / (self._loss + mean * (1 - self._loss)) if self._loss else 0.0
