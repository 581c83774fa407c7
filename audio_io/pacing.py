"""When the next frame is due, and how much of what was handed over has sounded. Pure."""

import math

_EPSILON_SAMPLES = 1e-6  # loop time is a float: 0.02 s may arrive as 0.0199999999


class Pacer:
    """A steady beat: frame k is due at start + k * period_s − lead_s.

    A frame that goes out a little late leaves the beat alone, so the clock does not drift. After a
    stall the beat starts anew from where it is: what was missed is skipped, not sent in a burst.

    Attributes:
        late: frames that went out too late: after the lead was used up, or without a lead more
            than half a period after they were due.
        worst_late_s: how late the latest of all was.
        shifted_s: how far stalls have moved the beat, in all.
    """

    def __init__(self, period_s: float, lead_s: float = 0.0, stall_s: float | None = None) -> None:
        """A beat that starts when it is first asked.

        Args:
            period_s: from one frame to the next.
            lead_s: how long before its turn a frame goes out; the first ones go out together.
            stall_s: lateness that moves the beat; by default a frame's length, or the lead.
        """
        if period_s <= 0 or lead_s < 0:
            raise ValueError(f"expected period_s > 0 and lead_s >= 0, found {period_s}, {lead_s}")
        self._period_s = period_s
        self._lead_s = lead_s
        self._late_s = lead_s or period_s / 2
        self._stall_s = max(lead_s, period_s) if stall_s is None else stall_s
        self._start: float | None = None
        self._count = 0
        self.late = 0
        self.worst_late_s = 0.0
        self.shifted_s = 0.0

    def due(self, now: float) -> float:
        """Loop time at which the next frame is due; in the past when it should be out already."""
        if self._start is None:
            self._start = now
        return self._start + self._count * self._period_s - self._lead_s

    def sent(self, now: float) -> None:
        """The frame went out at loop time `now`; counts its lateness and moves on to the next."""
        late_s = now - self.due(now)
        self.worst_late_s = max(self.worst_late_s, late_s if self._count else 0.0)
        self.late += late_s > self._late_s + 1e-9
        if self._start is not None and late_s > self._stall_s + 1e-9:
            shift_s = late_s - self._lead_s
            self._start += shift_s
            self.shifted_s += shift_s
        self._count += 1


class PlayoutClock:
    """How much of what was handed to a far loudspeaker has sounded, by loop time alone.

    For far sides that do not report it. Sound plays at `rate` without a pause while there is any.

    Attributes:
        handed: samples handed over so far.
        gaps: times the loudspeaker ran dry and then went on.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._dry_at: float | None = None
        self.handed = 0
        self.gaps = 0

    def put(self, samples: int, now: float) -> float:
        """`samples` more were handed over; loop time at which all of it will have sounded."""
        dry_at = now if self._dry_at is None else self._dry_at
        self.gaps += dry_at < now - 1e-9
        self._dry_at = max(dry_at, now) + samples / self._rate
        self.handed += samples
        return self._dry_at

    def pending_s(self, now: float) -> float:
        """Seconds of sound handed over that have not sounded yet."""
        return 0.0 if self._dry_at is None else max(0.0, self._dry_at - now)

    def played(self, now: float) -> int:
        """Samples that have sounded or were flushed."""
        pending = math.ceil(self.pending_s(now) * self._rate - _EPSILON_SAMPLES)
        return self.handed - max(0, pending)

    def flush(self, now: float) -> None:
        """What has not sounded yet was taken back."""
        if self._dry_at is not None:
            self._dry_at = min(self._dry_at, now)


def position(elapsed_s: float, rate: int) -> int:
    """Whole samples that fit into `elapsed_s`, forgiving the rounding of float seconds."""
    return math.floor(elapsed_s * rate + _EPSILON_SAMPLES)
