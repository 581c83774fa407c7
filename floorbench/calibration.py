"""What the fake agent does in each scenario, and what every figure must therefore come to.

The expected figures are worked out from what was set, with no part of the scorer.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from floorbench.activity import Span
from floorbench.calibrated import Said, Stage
from floorbench.session import CallerEvent, Expect

DUCKED_DB = -35.0
EDGE_S = 0.01
Laid = tuple[Stage, list["Expected"]]


@dataclass(frozen=True, slots=True)
class Expected:
    """A figure of the fake agent.

    Attributes:
        figure: its name in the results.
        value: what it must be; of `count`, the number of events behind it.
        unit: s for what is good to 10 ms, otherwise exact unless `within` says more.
        scenario: whose figure; the whole run's when empty.
        in_noise: noise does not hide it.
    """

    figure: str
    value: float
    unit: str = "share"
    scenario: str = ""
    count: bool = False
    within: float = 0.0
    in_noise: bool = True


def stages(seed: int) -> Iterator[Laid]:
    """Every scenario, laid out, with its figures; the figures of the whole run come last."""
    rng = np.random.default_rng(seed)
    makers: Sequence[Callable[[np.random.Generator], Laid]] = (
        smooth_turns,
        pauses,
        interruptions,
        backchannels,
        side_talk,
        noises,
        keys,
        echo,
    )
    laid = [make(rng) for make in makers]
    laid[-1][1].extend(whole_run())
    return iter(laid)


# --- S1 -------------------------------------------------------------------------------------------

GAPS_S = (-0.213, -0.104, 0.052, *(0.131 + 0.108 * i for i in range(26)))
MISSED, CUT_IN, HUMMED = 3, 2, 2
HUMMED_GAP_S = 0.914
UNDERRUN_S = 0.037
UNDERRUNS = 4


def smooth_turns(rng: np.random.Generator) -> Laid:
    """Turns answered after set gaps, some with a hum first, some not at all, some cut into."""
    stage = Stage("S1")
    plan = [("gap", g) for g in GAPS_S] + [("hum", HUMMED_GAP_S)] * HUMMED
    plan += [("cut in", -0.613)] * CUT_IN + [("miss", 0.0)] * MISSED
    rng.shuffle(plan)
    for kind, gap_s in ((str(k), float(g)) for k, g in plan):
        end_s = round(stage.at_s + float(rng.integers(120, 260)) / 100, 2)
        stage.event("turn", Expect.REPLY, [(stage.at_s, end_s)])
        if kind == "hum":
            stage.say(end_s + 0.09, end_s + 0.35)
        if kind != "miss":
            stage.say(end_s + gap_s, end_s + gap_s + 1.812)
        stage.at_s = grid(end_s + (6.0 if kind == "miss" else max(gap_s, 0.0) + 3.0))
    for said in [s for s in stage.said if s.end_s - s.start_s > 1][:UNDERRUNS]:
        stage.cuts.append(Span(said.start_s + 0.703, said.start_s + 0.703 + UNDERRUN_S))
    gaps = [*GAPS_S, *[HUMMED_GAP_S] * HUMMED]
    turns = len(plan)
    speech_s = sum(s.end_s - s.start_s for s in stage.said)
    both_s = CUT_IN * 0.613 + sum(-g for g in gaps if g < 0)
    return stage, [
        *(delay(f"gap.p{p}", float(np.percentile(gaps, p)), "S1") for p in (50, 90, 95, 99)),
        delay("gap.mean", float(np.mean(gaps)), "S1"),
        Expected("gap.p50", len(gaps), "", "S1", count=True),
        share("slow.1s", sum(g > 1 for g in gaps), len(gaps), "S1"),
        share("slow.2s", sum(g > 2 for g in gaps), len(gaps), "S1"),
        share("missed", MISSED + CUT_IN, turns, "S1"),
        share("cut_in", CUT_IN, turns, "S1"),
        share("premature.turn", CUT_IN, turns, "S1"),
        per_minute("talk_over.agent", both_s, stage, "S1", edges=2 * CUT_IN + 2),
        per_minute("talk_over.caller", 0.0, stage, "S1"),
        Expected(
            "underrun",
            60_000 * UNDERRUNS * UNDERRUN_S / speech_s,
            "ms/min",
            "S1",
            within=60_000 * EDGE_S * len(stage.said) / speech_s**2 + 1.0,
            in_noise=False,
        ),
    ]


# --- S2 -------------------------------------------------------------------------------------------

TAKEN = {0.3: 0, 0.5: 1, 0.7: 1, 1.0: 2, 1.5: 3, 2.0: 4}
EACH = 5


def pauses(rng: np.random.Generator) -> Laid:
    """Pauses of six lengths, some taken for the end; the first that is held has a click in it."""
    stage = Stage("S2")
    plan = [(length_s, i < taken) for length_s, taken in TAKEN.items() for i in range(EACH)]
    for length_s, taken in plan:
        first_s = stage.at_s + 1.2
        end_s = grid(first_s + length_s + 1.4)
        parts = [(stage.at_s, first_s), (first_s + length_s, end_s)]
        stage.event("turn", Expect.REPLY, parts)
        stage.event("pause", Expect.HOLD, parts, params={"pause_s": length_s})
        onset_s = first_s + 0.204 + float(rng.uniform(0, 0.05))
        stage.say(onset_s, onset_s + (1.207 if taken else 0.052))  # 52 ms is not a word
        stage.say(end_s + 0.603, end_s + 2.5)
        stage.at_s = grid(end_s + 4.0)
    taken_in_all = sum(TAKEN.values())
    return stage, [
        share("premature.pause", taken_in_all, len(plan), "S2"),
        share("premature.turn", taken_in_all, len(plan), "S2"),
        delay("gap.p50", 0.603, "S2"),
        *(share(f"premature.pause.{s:.1f}s", n, EACH, "S2") for s, n in TAKEN.items()),
    ]


# --- S4 -------------------------------------------------------------------------------------------

STOPS_S = tuple(0.183 + 0.111 * i for i in range(16))
NEVER, AGAIN = 4, 1
SPOKEN_S = 1.2


def interruptions(rng: np.random.Generator) -> Laid:
    """Some stop after a duck, some never do, one stops and starts again; one comes too late."""
    stage = Stage("S4")
    ducks: list[float] = []
    gaps: list[float] = []
    for stop_s in STOPS_S:
        at_s = grid(stage.at_s + 1.5)
        duck_s = float(rng.uniform(0.04, 0.15))
        gap_s = max(0.521, stop_s - SPOKEN_S + 0.5) + float(rng.uniform(0, 0.1))
        stage.event("interruption", Expect.YIELD, [(at_s, at_s + SPOKEN_S)], over_agent=True)
        stage.say(stage.at_s, at_s + duck_s)
        stage.say(at_s + duck_s, at_s + stop_s, DUCKED_DB)
        stage.say(at_s + SPOKEN_S + gap_s, at_s + SPOKEN_S + gap_s + 1.5)
        ducks, gaps = [*ducks, duck_s], [*gaps, gap_s]
        stage.at_s = grid(at_s + SPOKEN_S + gap_s + 3.0)
    for _ in range(NEVER):
        at_s = _interrupted(stage)
        stage.say(stage.at_s, at_s + 4.0)
        stage.at_s = grid(at_s + 6.0)
    at_s = grid(stage.at_s + 1.5)
    stage.event("interruption", Expect.YIELD, [(at_s, at_s + 3.5)], over_agent=True)
    stage.say(stage.at_s, at_s + 0.417)
    stage.say(at_s + 1.0, at_s + 2.5)
    stage.at_s = grid(at_s + 10.0)
    _interrupted(stage)  # the agent is silent: this one does not count
    n = len(STOPS_S) + NEVER + AGAIN
    every = [*STOPS_S, *[2.0] * (NEVER + AGAIN)]
    return stage, [
        *(delay(f"stop.p{p}", float(np.percentile(STOPS_S, p)), "S4") for p in (50, 95)),
        delay("stop.mean_of_all", float(np.mean(every)), "S4"),
        delay("duck.p50", float(np.percentile([*ducks, 0.417], 50)), "S4"),
        delay("duck.p95", float(np.percentile([*ducks, 0.417], 95)), "S4"),
        *(delay(f"post_gap.p{p}", float(np.percentile(gaps, p)), "S4") for p in (50, 90, 95)),
        share("post_gap.missed", NEVER + AGAIN, n, "S4"),
        share("yield", len(STOPS_S), n, "S4"),
        share("yield.1s", sum(s <= 1.0 for s in STOPS_S), n, "S4"),
        share("yield.0.5s", sum(s <= 0.5 for s in STOPS_S), n, "S4"),
        Expected("yield", n, "", "S4", count=True),
    ]


def _interrupted(stage: Stage) -> float:
    at_s = grid(stage.at_s + 1.5)
    stage.event("interruption", Expect.YIELD, [(at_s, at_s + SPOKEN_S)], over_agent=True)
    return at_s


# --- S3, S6, S7, S13 ------------------------------------------------------------------------------

HOLES_S = (0.452, 0.913, 1.508)
SAID_AGAIN_S = 0.52
ABANDONED = 2


def backchannels(_: np.random.Generator) -> Laid:
    """Most are talked through; three make a hole, one of them with words said twice; two end it."""
    stage = Stage("S3")
    lengths: list[float | None] = [None] * 15 + list(HOLES_S) + [math.inf] * ABANDONED
    for hole_s in lengths:
        over_agent(stage, "backchannel", 0.4, hole_s)
    last = [s for s in stage.said if s.from_s is None][-1 - ABANDONED]
    stopped = max(s.end_s for s in stage.said if s.end_s < last.start_s)
    stage.said[stage.said.index(last)] = Said(
        last.start_s, last.end_s, from_s=stopped - SAID_AGAIN_S
    )
    stopped_by = len(HOLES_S) + ABANDONED
    both_s = 15 * 0.4 + stopped_by * 0.2
    return stage, [
        share("false_stop", stopped_by, len(lengths), "S3"),
        share("S_BC", len(lengths) - stopped_by, len(lengths), "S3"),
        share("abandon", ABANDONED, stopped_by, "S3"),
        delay("hole.p50", HOLES_S[1], "S3"),
        share("repeated", 1, len(HOLES_S), "S3"),
        per_minute("talk_over.backchannel", both_s, stage, "S3", edges=stopped_by),
    ]


def side_talk(_: np.random.Generator) -> Laid:
    """Ten over the agent, two of which stop it; ten in silence, three of which it answers."""
    stage = Stage("S6")
    for i in range(10):
        over_agent(stage, "side_talk", 1.5, 0.8 if i < 2 else None)
    for i in range(10):
        in_silence(stage, "side_talk", 1.5, answered=i < 3)
    return stage, [
        share("S_ND", 8, 10, "S6"),
        share("false_response", 3, 10, "S6"),
        delay("hole.p50", 0.8, "S6"),
    ]


def noises(_: np.random.Generator) -> Laid:
    """A cough stops it once in eight, a door twice in eight; one noise in silence is answered."""
    stage = Stage("S7")
    for i in range(8):
        over_agent(stage, "cough", 0.5, 0.6 if i < 1 else None)
        over_agent(stage, "door", 0.3, math.inf if i < 2 else None)
    for i in range(6):
        in_silence(stage, "keyboard", 0.8, answered=i < 1)
    return stage, [
        share("S_VT", 7, 8, "S7"),
        share("S_NOISE", 6, 8, "S7"),
        share("abandon", 2, 3, "S7"),
        share("false_response", 1, 6, "S7"),
    ]


def keys(_: np.random.Generator) -> Laid:
    """Keys over the agent and in silence; they are in no selectivity."""
    stage = Stage("S13")
    for i in range(5):
        over_agent(stage, "key", 0.1, 0.5 if i < 1 else None)
        in_silence(stage, "key", 0.1, answered=i < 2)
    return stage, [
        share("false_stop", 1, 5, "S13"),
        share("false_response", 2, 5, "S13"),
        Expected("S_NOISE", 0, "", "S13", count=True),
    ]


def over_agent(stage: Stage, kind: str, length_s: float, hole_s: float | None) -> None:
    """An event 2 s into 5 s of the agent, who stops 0.2 s later for `hole_s`, if at all."""
    at_s = grid(stage.at_s + 2.0)
    stage.event(kind, Expect.IGNORE, [(at_s, at_s + length_s)], over_agent=True)
    if hole_s is None:
        stage.say(stage.at_s + 0.003, at_s + 4.0)
    else:
        stage.say(stage.at_s + 0.003, at_s + 0.2)
    if hole_s is not None and math.isfinite(hole_s):
        stage.say(at_s + 0.2 + hole_s, at_s + 0.2 + hole_s + 2.7)
    stage.at_s = grid(at_s + 7.0)


def in_silence(stage: Stage, kind: str, length_s: float, answered: bool) -> None:
    """An event while nobody speaks, which the agent answers a second later, or does not."""
    at_s = stage.at_s
    stage.event(kind, Expect.IGNORE, [(at_s, at_s + length_s)])
    if answered:
        stage.say(at_s + length_s + 1.004, at_s + length_s + 2.5)
    stage.at_s = grid(at_s + length_s + 5.0)


# --- S9 -------------------------------------------------------------------------------------------


def echo(_: np.random.Generator) -> Laid:
    """Seven of ten interruptions yield, four of ten backchannels stop it; so does nothing."""
    stage = Stage("S9")
    for i in range(10):
        at_s = _interrupted(stage)
        stage.say(stage.at_s, at_s + (0.602 if i < 7 else 4.0))
        stage.at_s = grid(at_s + 7.0)
    for i in range(10):
        over_agent(stage, "backchannel", 0.4, 0.6 if i < 4 else None)
    for _i in range(3):
        stage.say(stage.at_s, stage.at_s + 8.0)
        stage.at_s = grid(stage.at_s + 10.0)
    stops, speech_s = away_from(stage.events, stage.said)
    before = len(STOPS_S) / (len(STOPS_S) + NEVER + AGAIN)
    return stage, [
        share("yield", 7, 10, "S9"),
        delay("stop.p50", 0.602, "S9"),
        share("S_BC", 6, 10, "S9"),
        Expected("echo.yield", 0.7 - before),
        Expected("echo.S_BC", 0.6 - 15 / 20),
        delay("echo.stop.p50", 0.602 - float(np.median(STOPS_S)), ""),
        Expected("self_interruption", 60 * stops / speech_s, "1/min", "S9", within=0.2),
    ]


def whole_run() -> list[Expected]:
    """Figures that take all scenarios together."""
    yielded = (len(STOPS_S) + 7, len(STOPS_S) + NEVER + AGAIN + 10)
    kept = [(15 + 6) / (20 + 10), 7 / 8, 8 / 10, 6 / 8]
    premature = sum(TAKEN.values()) / (EACH * len(TAKEN))
    turns = len(GAPS_S) + HUMMED + CUT_IN + MISSED + EACH * len(TAKEN)
    missed = (MISSED + CUT_IN) / turns
    j = yielded[0] / yielded[1] * sum(kept) / 4 * (1 - premature) * (1 - missed)
    return [
        share("yield", *yielded, ""),
        share("missed", MISSED + CUT_IN, turns, ""),
        Expected("joint", j, within=1e-5),
    ]


def away_from(events: Sequence[CallerEvent], said: Sequence[Said]) -> tuple[int, float]:
    """Ends and seconds of the agent's sound that no event, and no 2 s after one, covers."""
    taken = [(e.t_on, e.t_off + 2.0) for e in events]
    speech_s = sum(s.end_s - s.start_s for s in said)
    under_s = sum(max(0.0, min(s.end_s, b) - max(s.start_s, a)) for s in said for a, b in taken)
    ends = sum(not any(a <= s.end_s <= b for a, b in taken) for s in said)
    return ends, speech_s - under_s


# --- how a figure is expected ---------------------------------------------------------------------


def grid(at_s: float) -> float:
    """The next 10 ms boundary: the caller's stimuli begin on one."""
    return math.ceil(at_s * 100 - 1e-6) / 100


def delay(figure: str, value_s: float, scenario: str) -> Expected:
    """Good to 10 ms."""
    return Expected(figure, value_s, "s", scenario, within=EDGE_S)


def share(figure: str, count: int, n: int, scenario: str) -> Expected:
    """Exact."""
    return Expected(figure, round(count / n, 6), "share", scenario)


def per_minute(
    figure: str, seconds: float, stage: Stage, scenario: str, edges: int = 0
) -> Expected:
    """Good to 10 ms for each of the agent's edges in it."""
    minutes = stage.duration_s / 60
    return Expected(
        figure, seconds / minutes, "s/min", scenario, within=edges * EDGE_S / minutes + 1e-4
    )
