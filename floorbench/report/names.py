"""What every figure is, in words, in the groups in which they are read; and its value."""

from collections.abc import Mapping
from types import MappingProxyType

from floorbench.call.wording import MINUS, NONE
from floorbench.score.figure import Figure, Kind
from floorbench.score.summary import BY_PAUSE

GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Replies": {
            "gap.p50": "from the caller's last sound to the reply's first: half are shorter",
            "gap.p90": "nine tenths are shorter",
            "gap.p95": "all but a twentieth are shorter",
            "gap.p99": "all but a hundredth are shorter",
            "gap.mean": "their mean",
            "slow.1s": "replies that took more than 1 s",
            "slow.2s": "replies that took more than 2 s",
            "missed": "turns without a reply within 5 s",
            "cut_in": "turns in which it began too early, and never again",
            "one_reply": "double turns (S12) that got exactly one reply, to both",
            "gap.cold.p50": "the first turn of a call that begins at once (S14): half are shorter",
            "gap.again.p50": "the first turn after calling again (S14): half are shorter",
            "let_go": "hang-ups in mid reply (S14) that it took well",
        },
        "Patience": {
            "premature.pause": "pauses inside a turn that it took for the end",
            "premature.turn": "turns that it did not let the caller finish",
        },
        "Interruptions": {
            "duck.p50": "until it is 12 dB quieter: half are sooner",
            "duck.p95": "all but a twentieth are sooner",
            "stop.p50": "until it is silent, where it yields: half are sooner",
            "stop.p95": "all but a twentieth are sooner",
            "stop.mean_of_all": "the mean, each that it ignored counted as 2 s",
            "yield": "interruptions it gave way to within 2 s",
            "yield.1s": "within 1 s",
            "yield.0.5s": "within 0.5 s",
            "post_gap.p50": "from the interruption's end to the reply: half are shorter",
            "post_gap.p90": "nine tenths are shorter",
            "post_gap.p95": "all but a twentieth are shorter",
            "post_gap.missed": "interruptions that got no reply",
        },
        "Sounds that are nothing": {
            "false_stop": "sounds that stopped it for 0.3 s or more",
            "S_BC": "signs of listening it talked on through",
            "S_VT": "coughs and laughs it talked on through",
            "S_ND": "talk meant for others it talked on through",
            "S_NOISE": "noises it talked on through",
            "abandon": "false stops after which it did not come back",
            "repeated": "false stops after which it said something again",
            "hole.p50": "silence of a false stop: half are shorter",
            "hole.p95": "all but a twentieth are shorter",
            "false_response": "sounds in silence that it answered",
        },
        "Both at once": {
            "talk_over.caller": "both speak, the caller came in on the agent",
            "talk_over.agent": "both speak, the agent came in on the caller",
            "talk_over.backchannel": "both speak, one of them only listens aloud",
            "underrun": "its own sound is cut out, at most",
        },
        "Echo": {
            "self_interruption": "stops away from any event, with its own echo",
            "self_interruption.usual": "the same without echo",
            "echo.yield": "change of yield with echo",
            "echo.S_BC": "change of S_BC with echo",
            "echo.stop.p50": "change of stop.p50 with echo",
        },
        "All together": {
            "joint": "yield × mean of the four S × (1 − premature) × (1 − missed)",
        },
    }
)


def meaning(name: str) -> str:
    """A figure in words; empty for one this version does not know."""
    if name.startswith(BY_PAUSE):
        return f"premature, of pauses of {name.removeprefix(BY_PAUSE).removesuffix('s')} s"
    return next((words[name] for words in GROUPS.values() if name in words), "")


def group(name: str) -> str:
    """The heading a figure stands under."""
    if name.startswith(BY_PAUSE):
        return "Patience"
    return next((title for title, words in GROUPS.items() if name in words), "Others")


def read(value: float | None, unit: str) -> str:
    """A value as people read it: seconds, percent, or a plain number with its unit."""
    if value is None:
        return NONE
    if unit in ("s", "share"):
        return f"{number(value, unit)} {'s' if unit == 's' else '%'}"
    return f"{number(value, unit)} {unit}".strip()


def number(value: float, unit: str) -> str:
    """The number alone: seconds to 10 ms, shares in percent."""
    digits = {"s": 2, "share": 1, "ms/min": 0}.get(unit, 2)
    return f"{value * (100 if unit == 'share' else 1):.{digits}f}".replace("-", MINUS)


def shown(figure: Figure | None) -> str:
    """A figure's value; the joint score is a plain number, whatever its unit."""
    if figure is None or figure.value is None:
        return NONE
    return f"{figure.value:.2f}" if figure.kind is Kind.SCORE else read(figure.value, figure.unit)


def cost_of(figure: Figure) -> str:
    """The value of what a figure was bought with: a share by a delay, a delay by a share."""
    is_delay = figure.bought_with.rpartition(".")[2] in ("p50", "p90", "p95", "mean")
    return read(figure.bought_value, "s" if is_delay else "share")


def interval(figure: Figure | None) -> str:
    """`0.84 to 0.88 s`; empty where there is none."""
    if figure is None or figure.low is None or figure.high is None:
        return ""
    if figure.kind is Kind.SCORE:
        return f"{figure.low:.2f} to {figure.high:.2f}"
    return f"{number(figure.low, figure.unit)} to {read(figure.high, figure.unit)}"
