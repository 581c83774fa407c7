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


def no_trace(event: str, /, **fields: Json) -> None:
    """A trace that nobody keeps."""
    del event, fields


def trace_ear(trace: Trace, ear: Ear) -> None:
    """One report, without what the client does not know."""
    known = {name: value for name, value in dataclasses.asdict(ear).items() if value is not None}
    trace("ear", **known, delay_s=ear.delay_s)
