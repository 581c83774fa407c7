"""What a trace says of a duplex model's beat, from `duplex` and `beat` lines. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from agent.core.record import Line
from agent.lines import number_of


@dataclass(frozen=True, slots=True)
class Beat:
    """How a duplex model kept up with the sound, over all the time that it had the call.

    Attributes:
        frame_s: the time for one step: the length of a frame.
        steps: frames that were answered.
        step_p50_s: the median of the medians of every 10 s; None where no step was summed up.
        step_p99_s: the worst of the 99th percentiles of every 10 s.
        lag_s: how far a step was behind the sound at worst.
        filled_s: silence put in for sound of the caller's that was missing.
        skipped_s: quiet left out to catch up.
    """

    frame_s: float
    steps: int
    step_p50_s: float | None
    step_p99_s: float | None
    lag_s: float
    filled_s: float
    skipped_s: float


def beat(lines: Iterable[Line]) -> Beat | None:
    """All `beat` lines together; None where no duplex model had the call."""
    told = list(lines)
    begun = next((line for line in told if line.get("event") == "duplex"), None)
    if begun is None:
        return None
    beats = [line for line in told if line.get("event") == "beat"]
    rate = number_of(begun, "rate") or 0.0

    def every(name: str) -> list[float]:
        return [value for line in beats if (value := number_of(line, name)) is not None]

    def seconds(samples: float) -> float:
        return samples / rate if rate > 0 else 0.0

    p50s, p99s = every("step_p50_s"), every("step_p99_s")
    return Beat(
        frame_s=seconds(number_of(begun, "frame_samples") or 0.0),
        steps=round(sum(every("steps"))),
        step_p50_s=median(p50s) if p50s else None,
        step_p99_s=max(p99s, default=None),
        lag_s=max(every("lag_s"), default=0.0),
        filled_s=seconds(sum(every("filled"))),
        skipped_s=seconds(sum(every("skipped"))),
    )
