"""What clients report of the way to the caller's ear, for the trace."""

import dataclasses
from typing import Protocol, runtime_checkable

from agent.core.calls import Json, Trace
from audio_io.wire import Ear


@runtime_checkable
class ReportsEar(Protocol):
    """A call whose client may report."""

    def report_to(self, trace: Trace) -> None:
        """From now on reports go into this trace."""


TRACE_S = 0.25
"""Between two reports in the trace, a line on the disk each. A client sends one a second or so."""


class Seldom:
    """Whether it is time for one more of what should not come too often. Pure."""

    def __init__(self, least_s: float) -> None:
        self._least_s = least_s
        self._next: float | None = None

    def is_due(self, now: float) -> bool:
        """Whether the last one for which it was due is long enough ago; times in seconds."""
        if self._next is not None and now < self._next:
            return False
        self._next = now + self._least_s
        return True


def no_trace(event: str, /, **fields: Json) -> None:
    """A trace that nobody keeps."""
    del event, fields


def trace_ear(trace: Trace, ear: Ear) -> None:
    """One report, without what the client does not know."""
    known = {name: value for name, value in dataclasses.asdict(ear).items() if value is not None}
    trace("ear", **known, delay_s=ear.delay_s)
