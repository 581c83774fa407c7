"""What others have published, to be read beside a run: reference lines, not opponents in it.

They were measured on other stimuli, machines and lines; only the definitions are alike.
Source: floorbench, section 6: the best known in November 2026, each read where it was published.
"""

from dataclasses import dataclass

from floorbench.results import FloorResults
from floorbench.score.figure import Better
from floorbench.score.joint import KEPT

SELECTIVITY = "yield · selectivity"
MATCHED = "gap at 5 % premature"


@dataclass(frozen=True, slots=True)
class Published:
    """One published figure.

    Attributes:
        figure: ours that it stands beside, SELECTIVITY, or MATCHED.
        who: short enough for a chart.
        source: where it comes from and how it was measured, in words.
        at: what it was bought with, where that was published.
        premature: share of pauses taken for the end, where a chart can use it.
    """

    figure: str
    value: float
    unit: str
    better: Better
    who: str
    source: str
    at: str = ""
    premature: float | None = None


_PEOPLE = "people in conversation, ten languages; Stivers et al., PNAS 2009"
_AIEWF = "aiewf-eval: commercial speech-to-speech, stereo recordings; 1.1 to 1.9 s on telephones"
_CASCADE = "a Python cascade on a 6-core desktop processor: p50 0.88 to 0.89 s, p90 0.99 to 1.18 s"
_MOSHI = "Moshi on a consumer graphics card"
_EOT = "eot-bench, English, real pauses; LiveKit's figures"
_TURNBENCH = "TurnBench, interruption against backchannel: the best published"
_TAU = "τ-voice interaction panel: the best published"
_STOPS = "stop latency, the two ends of what is published"
_LIVEKIT = "LiveKit Agents: its default time-out before it resumes"
_PIPECAT = (
    "Pipecat 1.14 with local engines on 2 cores, by ear, 90 turns, 30 interruptions, "
    "30 backchannels and 30 noises"
)
_LOW, _HIGH = Better.LOWER, Better.HIGHER

PUBLISHED = (
    Published("gap.p50", 0.2, "s", _LOW, "people", _PEOPLE, "nearly half of the changes overlap"),
    Published("gap.p50", 0.276, "s", _LOW, "Moshi", _MOSHI, "33 % premature", 0.33),
    Published("gap.p50", 0.86, "s", _LOW, "Pipecat", _PIPECAT, "p90 of 3.7 s"),
    Published("gap.p50", 0.88, "s", _LOW, "cascade", _CASCADE),
    Published("gap.p50", 1.152, "s", _LOW, "gpt-realtime-1.5", _AIEWF),
    Published("gap.p90", 0.444, "s", _LOW, "Moshi", _MOSHI, "33 % premature"),
    Published("gap.p90", 0.991, "s", _LOW, "cascade", _CASCADE),
    Published("gap.p90", 3.7, "s", _LOW, "Pipecat", _PIPECAT),
    Published(MATCHED, 0.543, "s", _LOW, "best closed", _EOT, "5 % premature", 0.05),
    Published(MATCHED, 1.051, "s", _LOW, "best open weights", _EOT, "5 % premature", 0.05),
    Published("stop.p50", 0.29, "s", _LOW, "Pipecat", _PIPECAT, "backchannels stop it in 63 %"),
    Published("stop.p50", 0.414, "s", _LOW, "fastest", _STOPS, "stops for everything"),
    Published("stop.p50", 0.559, "s", _LOW, "TurnBench", _TURNBENCH, "8.1 % false stops"),
    Published("stop.p50", 0.833, "s", _LOW, "most selective", _STOPS, "5.9 % false stops"),
    Published("stop.p95", 0.37, "s", _LOW, "Pipecat", _PIPECAT),
    Published("yield", 0.898, "share", _HIGH, "TurnBench", _TURNBENCH, "8.1 % false stops"),
    Published("yield", 1.0, "share", _HIGH, "Pipecat", _PIPECAT, "backchannels stop it in 63 %"),
    Published("false_stop", 0.081, "share", _LOW, "TurnBench", _TURNBENCH, "yields to 89.8 %"),
    Published("S_BC", 0.37, "share", _HIGH, "Pipecat", _PIPECAT),
    Published("S_NOISE", 1.0, "share", _HIGH, "Pipecat", _PIPECAT),
    Published("hole.p50", 2.0, "s", _LOW, "LiveKit", _LIVEKIT),
    Published(SELECTIVITY, 0.571, "share", _HIGH, "τ-voice", _TAU),
)


def beside(figure: str) -> tuple[Published, ...]:
    """What was published for a figure of ours, the best first."""
    ours = [p for p in PUBLISHED if p.figure == figure]
    return tuple(sorted(ours, key=lambda p: p.value if p.better is _LOW else -p.value))


def selectivity(results: FloorResults) -> float | None:
    """Yield times the mean of the four selectivities; None where one was not measured."""
    parts = [results.figure(name) for name in ("yield", *KEPT)]
    values = [p.value for p in parts if p is not None and p.value is not None]
    if len(values) < len(parts):
        return None
    return values[0] * sum(values[1:]) / len(KEPT)
