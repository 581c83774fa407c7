"""How often the addressee is right, and the weights that make it so.

    PARLEY_SPEECH=<folder> python -m tools.addressee.measure tune|report [calls]

`tune` takes the even half of the sounds, fits the weights of `Cues` by logistic regression and says
which start of the sum lets callers within 5 dB of their usual level fall below 0.2 in 1 of 200
stretches. `report` takes the odd half and measures the weights as they are in the source. Speech is
found by Silero and the Listener, as in a call; only what makes a SpeechStarted is counted. Renders
need flite and espeak-ng; they are kept in a temporary folder. 182 calls take about five minutes.
"""

import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.core.audio import Samples
from agent.core.events import SpeechEnded, SpeechStarted
from pipelines.cascade.addressee.addressee import Addressee, Stretch
from pipelines.cascade.addressee.cues import cues
from pipelines.cascade.addressee.rows import RATE, STEP
from pipelines.cascade.addressee.sketch import sketch
from pipelines.cascade.listener import Listener, ListenerConfig
from pipelines.cascade.sound_judge import BREATH_S
from pipelines.engines.silero import Silero, SileroSettings
from tools.addressee.calls import Scene, render, scene, sounds

IGNORED = 0.2
TIMES_S = (0.15, 0.3, 0.5, 1.0)
WITHIN_DB = 5.0
NEVER_BELOW = 0.005
TAUGHT = ("below", "above", "dull", "blurred")


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """One stretch of speech: the probability after each step, and the cues where there are any."""

    kind: str
    db: float
    condition: str
    probabilities: NDArray[np.float64]
    cues: NDArray[np.float64]

    @property
    def counts(self) -> bool:
        """Callers further from their usual level are shown, but not calibrated on."""
        return self.kind != "caller" or abs(self.db) <= WITHIN_DB


def stretches(sound: Samples, silero: Silero) -> Iterator[tuple[int, int]]:
    """First step after a SpeechStarted and step of the SpeechEnded."""
    state, listener, begun = silero.open(), Listener(ListenerConfig(), RATE), 0
    for number, start in enumerate(range(0, len(sound) - STEP + 1, STEP)):
        state, speech = silero.step(state, sound[start : start + STEP])
        match listener.step(speech, start, start + STEP):
            case SpeechStarted():
                begun = number + 1
            case SpeechEnded():
                yield begun, number


def heard(call: Scene, silero: Silero) -> Iterator[Heard]:
    """Every stretch after the caller is known."""
    judge = Addressee()
    profile, stretch, ended = judge.open(), None, 0
    for begin, end in stretches(call.sound, silero):
        at = (begin - 1) * STEP
        kind, db = next(
            ((k, d) for s, e, k, d in call.items if s - RATE // 10 <= at < e), ("bed", 0.0)
        )
        past = min(begin * STEP, RATE // STEP * STEP)
        before = call.sound[begin * STEP - past : begin * STEP]
        goes_on = (begin - ended) * STEP / RATE <= BREATH_S
        stretch = judge.begin(profile, before, stretch if goes_on else None)
        found, told = [], []
        for step in range(begin, end + 1):
            sound = call.sound[step * STEP : (step + 1) * STEP]
            stretch, probability, _ = judge.step(stretch, sound, 1.0)
            found.append(probability)
            told.append(_cues(stretch))
        ended = end
        if kind == "learn":
            profile = judge.learn(profile, stretch)
        elif profile.own is not None:
            yield Heard(kind, db, call.condition, np.array(found), np.array(told))


def _cues(stretch: Stretch) -> tuple[float, ...]:
    own = stretch.profile.own
    if own is None:
        return (0.0,) * 5
    now = sketch(stretch.rows, stretch.floor)
    return astuple(cues(own, now, stretch.floor, len(stretch.rows)))


def table(found: list[Heard]) -> str:
    """Shares below 0.2: ever, and after so much speech, by what it was."""
    groups: dict[str, list[Heard]] = defaultdict(list)
    for one in found:
        groups[one.kind if one.counts else "caller, 6 dB off"].append(one)
    lines = [f"{'':22}    n   ever  " + "  ".join(f"{s:4.2f} s" for s in TIMES_S)]
    for kind, group in sorted(groups.items()):
        ever = np.mean([one.probabilities.min() < IGNORED for one in group])
        shares = [_share(group, round(s * RATE / STEP) - 4) for s in TIMES_S]
        lines.append(
            f"{kind:22} {len(group):4}  {ever:.3f}  " + "  ".join(f"{s:6.2f}" for s in shares)
        )
    return "\n".join(lines)


def _share(group: list[Heard], step: int) -> float:
    """After `step` steps beside the four of speech before the first one; of those that last."""
    left = [one.probabilities[step] < IGNORED for one in group if len(one.probabilities) > step]
    return float(np.mean(left)) if left else float("nan")


def fitted(found: list[Heard]) -> str:
    """Weights by Newton's method; a caller's stretch counts three times one of the others."""
    used = [one for one in found if one.counts and one.kind != "noise"]
    x = np.concatenate([_terms(one) for one in used])
    each = [np.full(len(one.cues), float(one.kind == "caller")) for one in used]
    caller = np.concatenate(each)
    weight = np.concatenate([np.full(len(one.cues), len(one.cues) ** -0.5) for one in used])
    weight *= np.where(caller == 1, 3 * (weight @ (1 - caller)) / (weight @ caller), 1.0)
    spread = np.maximum(x.std(axis=0), 1e-9)
    spread[0] = 1.0
    x, b = x / spread, np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ b))
        bend = (x * (weight * p * (1 - p))[:, None]).T @ x + np.eye(len(b))
        b += np.linalg.solve(bend, x.T @ (weight * (caller - p)) - b)
    b /= spread
    callers = (one for one in found if one.counts and one.kind == "caller")
    lowest = [float(np.min(_terms(one) @ b)) for one in callers]
    start = b[0] + np.log(IGNORED / (1 - IGNORED)) - np.quantile(lowest, NEVER_BELOW)
    return f"KNOWN {start:.2f}  " + "  ".join(
        f"{n} {w:.3f}" for n, w in zip(TAUGHT, b[1:], strict=True)
    )


def _terms(one: Heard) -> NDArray[np.float64]:
    sure = one.cues[:, -1:]
    return np.hstack((np.ones_like(sure), one.cues[:, :-1] * sure))


def say(text: str) -> None:
    """To whoever started this."""
    sys.stdout.write(text + "\n")


def main(half: str, calls: int = 182) -> None:
    """The tables, and the weights."""
    odd = half == "report"
    renders = Path(tempfile.gettempdir()) / "parley-addressee"
    render(renders)
    have = sounds(Path(os.environ["PARLEY_SPEECH"]), renders, int(odd))
    silero = Silero.load(SileroSettings())
    found = [x for n in range(calls) for x in heard(scene(have, n, 2 if odd else 1), silero)]
    say(table(found))
    say("\nin silence\n" + table([one for one in found if one.condition == "clean"]))
    if not odd:
        say("\n" + fitted(found))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
