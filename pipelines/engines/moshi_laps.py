"""How long the parts of a step took."""

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Laps:
    """Seconds for a step of a whole batch.

    Attributes:
        encode_s: sound to codes, copying to the device included.
        model_s: the language model, up to its text token.
        depth_s: the depth model, up to its last code.
        decode_s: codes to sound, copying from the device included.
    """

    encode_s: float
    model_s: float
    depth_s: float
    decode_s: float

    @property
    def step_s(self) -> float:
        """All of it."""
        return self.encode_s + self.model_s + self.depth_s + self.decode_s


class LapClock(Protocol):
    """Started when it is made; `mark` ends a lap. Four laps are a step."""

    def mark(self) -> None: ...

    def taken(self) -> Laps: ...


def laps_of(torch: Any, device_type: str) -> LapClock:
    """A clock for steps on such a device."""
    return _DeviceLaps(torch) if device_type == "cuda" else _HostLaps()


class _HostLaps:
    def __init__(self) -> None:
        self._at = [time.perf_counter()]

    def mark(self) -> None:
        self._at.append(time.perf_counter())

    def taken(self) -> Laps:
        return Laps(*(after - before for before, after in pairwise(self._at)))


class _DeviceLaps:
    """The device works on while the host hands it the next part: it must take the times itself."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._at: list[Any] = []
        self.mark()

    def mark(self) -> None:
        event = self._torch.cuda.Event(enable_timing=True)
        event.record()
        self._at.append(event)

    def taken(self) -> Laps:
        self._at[-1].synchronize()
        return Laps(*(a.elapsed_time(b) / 1000 for a, b in pairwise(self._at)))
