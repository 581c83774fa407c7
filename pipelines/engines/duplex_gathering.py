"""When a step of the batch begins: soon, with whoever has a frame then. Pure; told the time.

Calls whose frames begin together (`pipelines.duplex.beat` lets them) send within one packet's
length of each other, and share one step. Who is not expected by then is not waited for.
"""

from dataclasses import dataclass, field
from math import inf

BURST_S = 0.001
"""Every step waits so long: frames of one burst of the network, or of calls that share a clock."""

GATHER_S = 0.02
"""And no frame waits longer than a packet lasts for others that are expected; nor longer than that
after a step for those who are behind, whose next frame then comes at once."""

GRACE_S = 0.005
"""A frame is still expected when it is so late: the jitter of a busy machine."""


@dataclass(slots=True)
class _Row:
    """What is known of a row. All in loop time.

    Attributes:
        due_s: when its next frame can be there at the earliest.
        answered_s: when it got its last answer; before that it sends no other.
    """

    due_s: float
    answered_s: float = -inf

    @property
    def is_behind(self) -> bool:
        """Its next frame was there before the last was answered, and comes at once."""
        return self.due_s <= self.answered_s


@dataclass(slots=True)
class Gathering:
    """Whose frame is there, and whose may be expected. `frame_s`: how long a frame lasts."""

    frame_s: float
    _rows: dict[int, _Row] = field(default_factory=dict)
    _waiting: dict[int, float] = field(default_factory=dict)  # row -> since when

    def arrived(self, row: int, now: float) -> None:
        """A row has a frame. One that comes right after an answer had to wait for that, so that
        its time says nothing of when the next one is due."""
        known = self._rows.setdefault(row, _Row(now))
        held_back = now <= known.answered_s + GATHER_S
        known.due_s = (min(known.due_s, now) if held_back else now) + self.frame_s
        self._waiting[row] = now

    def answered(self, row: int, now: float) -> None:
        """A row has its answer, and may send the next frame."""
        if row in self._rows:
            self._rows[row].answered_s = now

    def left(self, row: int) -> None:
        """Nothing more will come of this row."""
        self._rows.pop(row, None)
        self._waiting.pop(row, None)

    def begun(self) -> None:
        """A step took all that were there."""
        self._waiting.clear()

    def begin_s(self, now: float) -> float:
        """When to begin, if nothing else happens; not before now.

        Rows that have fallen behind are waited for as well: if they came in turns, a step for each
        turn, nobody would ever catch up.
        """
        if not self._waiting:
            return now
        first = min(self._waiting.values())
        limit = first + GATHER_S
        missing = [known for row, known in self._rows.items() if row not in self._waiting]
        due = [m.due_s for m in missing if not m.is_behind and m.due_s <= limit]
        expected = [min(limit, at + GRACE_S) for at in due if at + GRACE_S > now]
        expected += [m.answered_s + GATHER_S for m in missing if m.is_behind]
        return max(now, first + BURST_S, *(at for at in expected if at > now))
