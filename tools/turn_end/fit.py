"""Weights of the melody by logistic regression, each source apart: only what agrees is believed."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.commands.recorded import say
from pipelines.cascade.completeness import judge
from pipelines.cascade.turn_end.hazard import USUAL_DECAY_DB, USUAL_LOW_ST
from pipelines.cascade.turn_end.prosody import Prosody, ending
from tools.turn_end.pauses import Labelled, load

FIGURES = ("decay_db", "low_st", "held_s")
NEUTRAL = Prosody(USUAL_DECAY_DB, USUAL_LOW_ST, 0.0)
RIDGE = 1.0
"""Pulls weights to zero: there are few pauses of people."""

Table = NDArray[np.float64]


def figures(pauses: Sequence[Labelled]) -> tuple[Table, Table, Table]:
    """Standardised figures of each pause, whether it was the end, and what the words say of it."""
    last = [pause.last for pause in pauses]
    sounds = [ending(pause.audio, pause.silence_s) or NEUTRAL for pause in last]
    table = np.array([[sound.decay_db, sound.low_st, sound.held_s] for sound in sounds])
    likely = np.array([judge(pause.text, pause.expected).probability for pause in last])
    spread = np.maximum(table.std(axis=0), 1e-6)
    over = np.array([pause.gone_on_s is None for pause in pauses], float)
    return (table - table.mean(axis=0)) / spread, over, np.log(likely / (1 - likely))


def fitted(table: Table, over: Table, words: Table) -> Table:
    """Log-odds per standard deviation of each figure, and a constant, beside those of the words."""
    inputs = np.c_[table, np.ones(len(table))]
    weights = np.zeros(inputs.shape[1])
    penalty = RIDGE * np.eye(len(weights))
    penalty[-1, -1] = 0.01
    for _ in range(30):
        likely = 1 / (1 + np.exp(-np.clip(inputs @ weights + words, -30, 30)))
        slope = inputs.T @ (over - likely) - penalty @ weights
        curve = inputs.T @ (inputs * (likely * (1 - likely))[:, np.newaxis]) + penalty
        weights = weights + np.linalg.solve(curve, slope)
    return weights


def area(score: Table, over: Table) -> float:
    """How often an end scores higher than a pause inside: 0.5 is chance."""
    ends, holds = score[over > 0], score[over == 0]
    return float(np.mean(ends[:, np.newaxis] > holds) + 0.5 * np.mean(ends[:, np.newaxis] == holds))


def main() -> None:
    """Print the weights and what each figure says alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pauses", type=Path, nargs="+")
    pauses = [pause for path in parser.parse_args().pauses for pause in load(path)]
    for source in sorted({pause.source for pause in pauses}):
        of_it = [pause for pause in pauses if pause.source == source]
        table, over, words = figures(of_it)
        if len(set(over)) < 2:
            continue
        say(f"{source}: {len(of_it)} pauses, words alone {area(words, over):.2f}")
        weights = fitted(table, over, words) if source != "held out" else None
        for number, name in enumerate(FIGURES):
            weight = "" if weights is None else f"{weights[number]:+.2f}"
            say(f"  {name:<10} alone {area(table[:, number], over):.2f}  {weight}")


if __name__ == "__main__":
    main()
