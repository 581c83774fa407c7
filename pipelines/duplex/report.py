"""What the trace holds of the beat: what was late or lost at once, the rest every few seconds."""

from collections import deque

from agent.core.calls import Trace
from agent.core.duplex import DuplexOutput
from pipelines.duplex.beat import Beat, Taken
from pipelines.duplex.line import Line
from pipelines.duplex.outlet import Outlet
from pipelines.duplex.step_times import StepTimes

EVERY_S = 10.0
"""How often the beat is summed up."""

LATE_S = 0.02
"""A step this late is a line of its own: one frame of the caller's, who may hear it."""


class BeatReport:
    """Counts the steps of one call."""

    def __init__(
        self, trace: Trace, steps: StepTimes, beat: Beat, outlet: Outlet, line: Line
    ) -> None:
        self._trace, self._steps, self._beat = trace, steps, beat
        self._outlet, self._line = outlet, line
        self._took: deque[float] = deque(maxlen=256)  # of the steps since the last summary
        self._filled = self._skipped = 0
        self._worst_s = 0.0
        self._told: dict[str, int] = {}
        self._due = 0.0

    def step(self, taken: Taken, output: DuplexOutput, began_s: float, now: float) -> None:
        """A step is done; times are loop time."""
        took_s = output.step_s or now - began_s
        self._steps.add(output.batch, took_s, now)
        self._took.append(took_s)
        self._filled += taken.filled
        self._skipped += taken.skipped
        self._worst_s = max(self._worst_s, taken.lag_s)
        if taken.lag_s > LATE_S:
            self._trace("late", lag_s=round(taken.lag_s, 6))
        self._due = self._due or now + EVERY_S
        if now >= self._due:
            self._due = now + EVERY_S
            self.close()

    def close(self) -> None:
        """Sum up what has not been."""
        self._losses()
        if not self._took:
            return
        took = sorted(self._took)
        self._trace(
            "beat", steps=len(took), step_p50_s=round(took[len(took) // 2], 6),
            step_p99_s=round(took[int(0.99 * (len(took) - 1))], 6),
            lag_s=round(self._worst_s, 6), filled=self._filled, skipped=self._skipped,
        )  # fmt: skip
        self._took.clear()
        self._filled = self._skipped = 0
        self._worst_s = 0.0

    def _losses(self) -> None:
        lost = {
            "the caller's sound": self._beat.dropped + self._line.dropped,
            "the agent's sound": self._outlet.dropped,
            "numbers that are no sound": self._beat.broken,
        }
        for what, samples in lost.items():
            if samples > self._told.get(what, 0):
                self._trace("dropped", what=what, samples=samples - self._told.get(what, 0))
                self._told[what] = samples
