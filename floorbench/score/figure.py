"""One figure of a run, and the table of all of them: what each is made of, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from floorbench.score.outcome import Amount, Measure


class Kind(StrEnum):
    """How a figure is made."""

    DELAY = "delay"  # a percentile or mean over events, in seconds
    SHARE = "share"  # of events, 0..1
    PER_MINUTE = "per minute"
    CHANGE = "change"  # of another figure, between two scenarios
    SCORE = "score"  # made of other figures, 0..1


class Better(StrEnum):
    """Which way a figure improves."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with everything that must be read with it.

    Attributes:
        name: what gates and comparisons call it.
        value: None if nothing was counted.
        low: lower end of the 95 % interval; None where there is no way to tell.
        high: its upper end.
        n: events, or minutes, behind it.
        missed: events that should have had a value and had none.
        unit: s, share, s/min, ms/min, 1/min.
        measure: the `Measure` of its events, the `Amount` of its sessions, or its parts.
        bought_with: the figure it must be read with; a share costs time, and time costs shares.
        bought_value: the value of that one; None if nothing was counted.
        enough: at least 200 events behind a share, 100 behind a delay.
        note: what else is to be said.
    """

    name: str
    kind: Kind
    better: Better
    value: float | None
    low: float | None
    high: float | None
    n: int
    missed: int
    unit: str
    measure: str
    bought_with: str = ""
    bought_value: float | None = None
    enough: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Delay:
    """A delay: which percentiles are shown, which events missed it, which share it costs."""

    name: str
    measure: Measure
    percents: tuple[int, ...]
    missed: Measure | None
    bought_with: str
    with_mean: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """A share of events, and the delay it was bought with."""

    name: str
    measure: Measure
    better: Better
    bought_with: str


@dataclass(frozen=True, slots=True)
class PerMinute:
    """Amounts of sessions over minutes of another; `scale` is 1000 for milliseconds."""

    name: str
    amount: Amount
    over: Amount
    unit: str
    scale: float = 1.0


DELAYS = (
    Delay("gap", Measure.GAP, (50, 90, 95, 99), Measure.MISSED, "premature.pause", with_mean=True),
    Delay("duck", Measure.DUCK, (50, 95), Measure.STOP_OF_ALL, "false_stop"),
    Delay("stop", Measure.STOP, (50, 95), Measure.STOP_OF_ALL, "false_stop"),
    Delay("post_gap", Measure.POST_GAP, (50, 90, 95), Measure.POST_MISSED, "false_stop"),
    Delay("hole", Measure.HOLE, (50, 95), Measure.ABANDON, "yield"),
    Delay("gap.cold", Measure.COLD_GAP, (50,), None, "missed"),
    Delay("gap.again", Measure.AGAIN_GAP, (50,), None, "missed"),
)

STOP_OF_ALL = Delay("stop", Measure.STOP_OF_ALL, (), None, "false_stop", with_mean=True)

SHARES = (
    Share("slow.1s", Measure.SLOW_1, Better.LOWER, "gap.p50"),
    Share("slow.2s", Measure.SLOW_2, Better.LOWER, "gap.p50"),
    Share("missed", Measure.MISSED, Better.LOWER, "gap.p50"),
    Share("cut_in", Measure.CUT_IN, Better.LOWER, "gap.p50"),
    Share("one_reply", Measure.ONE_REPLY, Better.HIGHER, "gap.p50"),
    Share("let_go", Measure.LET_GO, Better.HIGHER, "gap.p50"),
    Share("premature.pause", Measure.PREMATURE_PAUSE, Better.LOWER, "gap.mean"),
    Share("premature.turn", Measure.PREMATURE_TURN, Better.LOWER, "gap.mean"),
    Share("yield", Measure.YIELD, Better.HIGHER, "stop.p50"),
    Share("yield.1s", Measure.YIELD_1, Better.HIGHER, "stop.p50"),
    Share("yield.0.5s", Measure.YIELD_05, Better.HIGHER, "stop.p50"),
    Share("post_gap.missed", Measure.POST_MISSED, Better.LOWER, "post_gap.p50"),
    Share("false_stop", Measure.FALSE_STOP, Better.LOWER, "stop.p50"),
    Share("S_BC", Measure.KEPT_BC, Better.HIGHER, "stop.p50"),
    Share("S_VT", Measure.KEPT_VT, Better.HIGHER, "stop.p50"),
    Share("S_ND", Measure.KEPT_ND, Better.HIGHER, "stop.p50"),
    Share("S_NOISE", Measure.KEPT_NOISE, Better.HIGHER, "stop.p50"),
    Share("abandon", Measure.ABANDON, Better.LOWER, "hole.p50"),
    Share("repeated", Measure.REPEATED, Better.LOWER, "hole.p50"),
    Share("false_response", Measure.FALSE_RESPONSE, Better.LOWER, "gap.p50"),
)

PER_MINUTE = (
    PerMinute("talk_over.caller", Amount.BOTH_BY_CALLER, Amount.DURATION, "s/min"),
    PerMinute("talk_over.agent", Amount.BOTH_BY_AGENT, Amount.DURATION, "s/min"),
    PerMinute("talk_over.backchannel", Amount.BOTH_BACKCHANNEL, Amount.DURATION, "s/min"),
    PerMinute("underrun", Amount.UNDERRUN, Amount.AGENT_SPEECH, "ms/min", 1000.0),
)

JOINT_PARTS: Mapping[str, bool] = MappingProxyType(
    {
        "yield": True,
        "S_BC": True,
        "S_VT": True,
        "S_ND": True,
        "S_NOISE": True,
        "premature.pause": False,
        "missed": False,
    }
)
"""What the joint score is made of; False where one minus the share is taken."""

ENOUGH_SHARE = 200
ENOUGH_DELAY = 100
