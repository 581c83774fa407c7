"""A bounded ring of samples between a device's thread and the event loop."""

import threading

import numpy as np

from agent.core.audio import Samples


class SampleRing:
    """The newest `capacity` samples, written by one thread and read by another.

    Memory is taken once. Live sound is worth more new than old: when the ring is full the oldest
    samples go and are counted in `dropped`. A reader who wants more than there is gets zeros,
    counted in `missing`. The lock is held for two copies at most, so a device callback may write
    and read.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity: expected at least 1 sample, found {capacity}")
        self._samples: Samples = np.zeros(capacity, np.float32)
        self._lock = threading.Lock()
        self._first = 0  # index of the oldest sample
        self._count = 0
        self.dropped = 0
        self.missing = 0

    def __len__(self) -> int:
        """Samples waiting to be read."""
        return self._count

    @property
    def capacity(self) -> int:
        """The most it holds, in samples."""
        return len(self._samples)

    def write(self, samples: Samples) -> int:
        """Append float32 [n]; how many older samples (or leading ones of these) were dropped."""
        with self._lock:
            over = max(0, self._count + len(samples) - self.capacity)
            kept = samples[max(0, len(samples) - self.capacity) :]
            stale = min(over, self._count)
            self._first = (self._first + stale) % self.capacity
            self._count -= stale
            start = (self._first + self._count) % self.capacity
            head = min(len(kept), self.capacity - start)
            self._samples[start : start + head] = kept[:head]
            self._samples[: len(kept) - head] = kept[head:]
            self._count += len(kept)
            self.dropped += over
            return over

    def read_into(self, out: Samples) -> int:
        """Fill float32 [n] with the oldest samples, zeros after them; how many were real."""
        with self._lock:
            count = min(len(out), self._count)
            head = min(count, self.capacity - self._first)
            out[:head] = self._samples[self._first : self._first + head]
            out[head:count] = self._samples[: count - head]
            out[count:] = 0.0
            self._first = (self._first + count) % self.capacity
            self._count -= count
            self.missing += len(out) - count
            return count

    def read(self, count: int) -> Samples:
        """The oldest `count` samples as float32 [count], zeros where there are none."""
        out = np.empty(count, np.float32)
        self.read_into(out)
        return out

    def clear(self) -> int:
        """Throw away what waits, on purpose, so not counted as dropped; how many samples."""
        with self._lock:
            count, self._count = self._count, 0
            return count
