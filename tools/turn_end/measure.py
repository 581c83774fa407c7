"""What the predictor would have decided: gap against premature, for a row of settings."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from agent.commands.recorded import say
from agent.core.protocols import Pause
from agent.core.turn_config import TurnConfig
from pipelines.cascade.completeness import judge
from pipelines.cascade.turn_end.hazard import judge_pause
from tools.turn_end.pauses import Labelled, load

PAUSE_MIN_S = 0.05
LONGEST_S = (1.2, 1.6, 2.0, 2.5, 3.0, 3.5)
"""Of `pause_max_s`: the rows."""

AUDIBLE_S = 0.02
"""From the decision to the agent's first sound, of a reply that was ready."""

NOTICED_S = 0.08
"""From the caller's next word until the voice activity has it."""

SHORT_S = (0.4, 1.05)
"""The pauses that a caller makes without noticing."""

Judge = Callable[[Pause], float]


def over(pause: Pause) -> float:
    """Everything that is known of the pause."""
    return judge_pause(pause).probability


def words_alone(pause: Pause) -> float:
    """For comparison."""
    return judge(pause.text, pause.expected).probability


def decided_s(pause: Labelled, likely: Sequence[float], config: TurnConfig) -> float:
    """Silence after which the turn machine takes the turn, counted from the last sound.

    `likely` are the predictor's answers to the questions of the pause.
    """
    due_s = config.pause_s(config.prior)
    for asked, probability in zip(pause.asked, likely, strict=True):
        if due_s < asked.since_s:
            break
        due_s = max(asked.since_s, config.pause_s(probability))
    return pause.late_s + due_s


def row(pauses: Sequence[tuple[Labelled, list[float]]], config: TurnConfig) -> str:
    """One line of the curve."""
    gaps_s: list[float] = []
    short: list[bool] = []
    long_: list[bool] = []
    for pause, likely in pauses:
        at_s = decided_s(pause, likely, config)
        if pause.gone_on_s is None:
            gaps_s.append(at_s + AUDIBLE_S)
        else:
            cut = at_s + AUDIBLE_S < pause.gone_on_s + NOTICED_S
            into = short if SHORT_S[0] <= pause.gone_on_s < SHORT_S[1] else long_
            if pause.gone_on_s >= SHORT_S[0]:
                into.append(cut)
    p50, p95 = np.quantile(gaps_s, [0.5, 0.95]) if gaps_s else (np.nan, np.nan)
    mean = np.mean(gaps_s) if gaps_s else np.nan
    return (
        f"{config.pause_max_s:>6.1f}  {mean:.2f} {p50:.2f} {p95:.2f} (n {len(gaps_s):>3})  "
        f"{_share(short)}  {_share(long_)}"
    )


def _share(cut: Sequence[bool]) -> str:
    return f"{sum(cut):>3} of {len(cut):<3}"


def tables(pauses: Iterable[Labelled]) -> Iterable[str]:
    """A curve for each source and kind of turn, and for each way to judge."""
    groups: dict[str, list[Labelled]] = {}
    for pause in pauses:
        kind = "S1" if pause.place == "smooth" else "S2"
        groups.setdefault(f"{pause.source} {kind}", []).append(pause)
    judges: dict[str, Judge] = {"words alone": words_alone, "all": over}
    for name, group in sorted(groups.items()):
        for how, likely in judges.items():
            judged = [(p, [likely(asked) for asked in p.pauses()]) for p in group]
            yield f"{name}, {how}\n   max    mean  p50  p95           0.4-1 s    longer"
            for longest_s in LONGEST_S:
                yield row(judged, TurnConfig(pause_min_s=PAUSE_MIN_S, pause_max_s=longest_s))


def main() -> None:
    """Print the curves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pauses", type=Path, nargs="+")
    for line in tables(pause for path in parser.parse_args().pauses for pause in load(path)):
        say(line)


if __name__ == "__main__":
    main()
