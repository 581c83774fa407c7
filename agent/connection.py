"""What a trace says of the way between us and the caller, from `ear` and `network` lines. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.core.record import Line
from agent.lines import at_s, number_of


@dataclass(frozen=True, slots=True)
class EarReport:
    """One report of the caller's client; None is what it did not know.

    Attributes:
        at_s: when it came, in seconds of the trace.
        round_trip_s: of the network.
        buffer_s: in the client's receive buffer.
        output_latency_s: from the client's output to the ear.
        jitter_s: of our packets' arrival.
    """

    at_s: float
    round_trip_s: float | None
    buffer_s: float | None
    output_latency_s: float | None
    jitter_s: float | None

    @property
    def network_s(self) -> float | None:
        """Half the round trip and the receive buffer, of what is known."""
        half_s = None if self.round_trip_s is None else self.round_trip_s / 2
        known = [part_s for part_s in (half_s, self.buffer_s) if part_s is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Network:
    """What the network did to the caller's sound in the whole call.

    Attributes:
        packets: that came.
        lost: that did not come in time; late: that came when their place was over.
        dropped: that a full buffer had no room for.
        recovered_s: sound restored from copies in other packets.
        concealed_s: sound made up.
    """

    packets: int
    lost: int
    late: int
    dropped: int
    recovered_s: float
    concealed_s: float


def ear_reports(lines: Iterable[Line]) -> tuple[EarReport, ...]:
    """Every report, in order of time."""
    names = ("round_trip_s", "buffer_s", "output_latency_s", "jitter_s")
    ears = (line for line in lines if line.get("event") == "ear")
    reports = (EarReport(at_s(line), *(number_of(line, name) for name in names)) for line in ears)
    return tuple(sorted(reports, key=lambda report: report.at_s))


def nearest_before(reports: Sequence[EarReport], t: float) -> EarReport | None:
    """The newest report at trace second `t`; None where there was none yet."""
    return next((report for report in reversed(reports) if report.at_s <= t), None)


def network(lines: Iterable[Line]) -> Network | None:
    """The last `network` line, since each counts from the beginning of the call."""
    told = [line for line in lines if line.get("event") == "network"]
    if not told:
        return None
    counts = ("packets", "lost", "late", "dropped")
    spans = ("recovered_s", "concealed_s")
    return Network(
        *(round(number_of(told[-1], name) or 0.0) for name in counts),
        *(number_of(told[-1], name) or 0.0 for name in spans),
    )
