"""Results of runs that never were: events with figures made by hand."""

from dataclasses import replace

from floorbench.results import Machine, Run, results
from floorbench.score.outcome import EventResult, Outcome
from floorbench.score.run import Score
from floorbench.score.summary import SEED, summary
from floorbench.session import Expect

RUN = Run(
    target="parley in process (offline.toml)",
    wall="2026-11-20T12:00:00+00:00",
    parley="0.1.0",
    commit="abc1234",
    stimulus_set="full",
    seed=7,
    score_seed=0,
    self_test="passed",
    machine=Machine("Linux 6", "a processor", 2, 15.6, "3.11", "2.4"),
)


def events(figures, hashes=True):
    return [
        EventResult(
            f"e{i}", "s", "S1", "turn", Expect.REPLY, 0.0, 1.0, Outcome.REPLIED, f, "",
            {"sha256": f"h{i}"} if hashes else {},
        )
        for i, f in enumerate(figures)
    ]  # fmt: skip


def run(figures, seed=7, target="a", hashes=True, **more):
    made = events(figures, hashes)
    score = Score(summary(made, []), {}, (), tuple(made), SEED, ())
    return results(replace(RUN, seed=seed, target=target, **more), score)


def gaps(*values_s):
    return [{"gap_s": g, "missed": 0.0} for g in values_s]


def kept(right, of):
    return [{"kept_bc": float(i < right), "false_stop": float(i >= right)} for i in range(of)]
