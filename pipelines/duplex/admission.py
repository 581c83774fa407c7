"""May one more call come in? Only while every call will still get its answer on the beat. Pure."""

from collections import deque
from dataclasses import dataclass

from agent.core.duplex import Seats
from pipelines.duplex.step_times import StepTimes

RETRY_S = (5, 60)
"""A client is asked to come back within these, in seconds: soon enough to find a seat that became
free, seldom enough to cost nothing."""

ASKED = 64
"""Refusals remembered to tell a place in the queue."""

CALL_S = 180.0
"""How long a call lasts while none has ended: a few minutes, as people talk to machines."""


@dataclass(frozen=True, slots=True)
class Full:
    """Why there is no room, in a sentence, and when to ask again."""

    message: str
    place: int
    retry_s: int


class Admission:
    """The door of one model. Told the time, in loop seconds.

    There is no queue with names in it: a place is how many asked in vain lately and may ask again
    before. It tells a person what to expect, and promises nothing.
    """

    def __init__(self, steps: StepTimes, deadline_s: float) -> None:
        self._steps, self._deadline_s = steps, deadline_s
        self._asked: deque[float] = deque(maxlen=ASKED)  # when each of the refused may ask again
        self._call_s = CALL_S

    def full(self, seats: Seats, now: float) -> Full | None:
        """Why one more call has to wait, or None."""
        why = self._why(seats, now)
        if why is None:
            return None
        self._asked = deque((at for at in self._asked if at > now), maxlen=ASKED)
        place = len(self._asked) + 1
        wait_s = self._call_s * place / max(1, seats.taken)
        retry_s = round(min(RETRY_S[1], max(RETRY_S[0], wait_s)))
        self._asked.append(now + retry_s)
        message = f"{why}; you are number {place} in the queue, try again in {retry_s} s"
        return Full(message, place, retry_s)

    def ended(self, lasted_s: float) -> None:
        """A call ended after so long; the wait is reckoned from the last few."""
        self._call_s += (lasted_s - self._call_s) / 8

    def _why(self, seats: Seats, now: float) -> str | None:
        if seats.total == 0:
            return "expected a duplex model that answers, found none"
        if seats.taken >= seats.total:
            return f"expected a free seat, found all {seats.total} taken"
        if seats.taken == 0:
            return None  # whatever was measured with others in it: there are none
        predicted_s = self._steps.predicted_s(seats.next_batch or seats.taken + 1, now)
        if predicted_s is None or predicted_s < self._deadline_s:
            return None
        return (
            f"expected steps under {self._deadline_s * 1000:.0f} ms with one call more, "
            f"predicted {predicted_s * 1000:.0f} ms"
        )
