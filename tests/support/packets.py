"""A sender of packets, a network, and a receiver that asks for each piece when it is due."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from agent.core.audio import Samples
from audio_io.receive.jitter import JitterBuffer, Lost, Next, Packet, Quiet, Sound
from audio_io.receive.received import ReceivedSound

RATE = 48_000


def packets(
    count: int,
    *,
    rate: int = RATE,
    ptime_s: float = 0.02,
    first: tuple[int, int] = (100, 5_000),
    drift: float = 0.0,
    delay_s: float = 0.03,
    source: int = 1,
    start_s: float = 0.0,
) -> list[Packet]:
    """`count` packets that arrive evenly; payload is the packet's index as text.

    Args:
        count: of packets.
        rate: of the sender's clock, in Hz.
        ptime_s: length of each.
        first: sequence number and timestamp of the first.
        drift: how much faster the sender's clock runs than ours.
        delay_s: from the end of a packet's sound to its arrival.
        source: its SSRC.
        start_s: when the sender begins.
    """
    samples = round(ptime_s * rate)
    return [
        Packet(
            (first[0] + n) % 2**16,
            (first[1] + n * samples) % 2**32,
            samples,
            str(n).encode(),
            start_s + (n + 1) * ptime_s / (1 + drift) + delay_s,
            source,
        )
        for n in range(count)
    ]


@dataclass
class Run:
    """What came out, and when."""

    pieces: list[tuple[float, Next]] = field(default_factory=list)
    most_waiting_s: float = 0.0

    @property
    def sounds(self) -> list[int]:
        """Indices of the packets that came out as they were."""
        return [int(piece.payload) for _, piece in self.pieces if isinstance(piece, Sound)]

    @property
    def copies(self) -> list[int]:
        """Indices of the packets before which a copy was asked for."""
        return [int(p.copy) for _, p in self.pieces if isinstance(p, Lost) and p.copy is not None]

    @property
    def made_up(self) -> int:
        """Ticks made up without a copy."""
        return sum(p.samples for _, p in self.pieces if isinstance(p, Lost) and p.copy is None)

    def quiet(self, after: float) -> int:
        """Ticks of silence handed over later than `after`."""
        return sum(p.samples for at, p in self.pieces if isinstance(p, Quiet) and at > after)

    def delays(self, sent: Iterable[Packet]) -> dict[int, float]:
        """Seconds between each packet's arrival without a network's mishaps and its turn."""
        arrived = {int(p.payload): p.arrived for p in sent}
        return {
            int(piece.payload): at - arrived[int(piece.payload)]
            for at, piece in self.pieces
            if isinstance(piece, Sound)
        }


def run(buffer: JitterBuffer, arriving: Iterable[Packet], until: float, *, rate: int = RATE) -> Run:
    """Ask for every piece at its time; excess is taken away to the sample."""
    waiting = sorted(arriving, key=lambda packet: packet.arrived)
    result, due, at = Run(), 0.0, 0
    while due < until:
        while at < len(waiting) and waiting[at].arrived <= due:
            buffer.put(waiting[at])
            at += 1
        piece = buffer.take(due)
        result.pieces.append((due, piece))
        result.most_waiting_s = max(result.most_waiting_s, buffer.waiting_s)
        excess = piece.excess if isinstance(piece, Sound) else 0
        due += (piece.samples - min(excess, piece.samples // 2)) / rate
    return result


def listen(sound: ReceivedSound, arriving: Iterable[Packet], until: float) -> Iterator[Samples]:
    """The sound of each piece, in turn."""
    waiting = sorted(arriving, key=lambda packet: packet.arrived)
    due, at = 0.0, 0
    while due < until:
        while at < len(waiting) and waiting[at].arrived <= due:
            sound.buffer.put(waiting[at])
            at += 1
        samples = sound.take(due)
        due += len(samples) / sound.rate
        yield samples


class ToneDecoder:
    """The packet's index as text stands for its part of an endless tone; what it makes up is 0."""

    def __init__(self, rate: int = RATE, hz: float = 200.0, samples: int = 960) -> None:
        self.rate = rate
        self._hz = hz
        self._samples = samples

    def decode(self, payload: bytes) -> Samples:
        start = int(payload) * self._samples
        at = np.arange(start, start + self._samples)
        return (0.3 * np.sin(2 * np.pi * self._hz * at / self.rate)).astype(np.float32)

    def conceal(self, count: int) -> Samples:
        return np.zeros(count, np.float32)

    def recover(self, copy: bytes, count: int) -> Samples | None:
        return self.decode(str(int(copy) - 1).encode())
