"""When a step of the batch begins: soon, with whoever has a frame then. Pure; told the time.

Calls whose frames begin together (`pipelines.duplex.beat` lets them) send within one packet's
length of each other, and share one step. Who is not expected by then is not waited for.
"""

from dataclasses import dataclass, field

BURST_S = 0.001
"""Every step waits so long: frames of one burst of the network, or of calls that share a clock."""

GATHER_S = 0.02
"""And no frame waits longer than a packet lasts for others that are expected."""

GRACE_S = 0.005
"""A frame is still expected when it is so late: the jitter of a busy machine."""


@dataclass(slots=True)
class Gathering:
    """Whose frame is there, and whose may be expected. `frame_s`: how long a frame lasts."""

    frame_s: float
    _came: dict[int, float] = field(default_factory=dict)  # row -> when its last frame came
    _waiting: dict[int, float] = field(default_factory=dict)

    def arrived(self, row: int, now: float) -> None:
        """A row has a frame."""
        self._came[row] = self._waiting[row] = now

    def left(self, row: int) -> None:
        """Nothing more will come of this row."""
        self._came.pop(row, None)
        self._waiting.pop(row, None)

    def begun(self) -> None:
        """A step took all that were there."""
        self._waiting.clear()

    def begin_s(self, now: float) -> float:
        """When to begin, if nothing else happens; not before now."""
        if not self._waiting:
            return now
        first = min(self._waiting.values())
        limit = first + GATHER_S
        due = [came + self.frame_s for row, came in self._came.items() if row not in self._waiting]
        expected = [at + GRACE_S for at in due if at <= limit and at + GRACE_S > now]
        return max(now, min(limit, max(expected, default=first + BURST_S)), first + BURST_S)
