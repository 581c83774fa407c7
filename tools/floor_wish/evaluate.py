# ruff: noqa: T201
"""How well the floor wish tells murmurs from requests, on what it was not trained on.

    python tools/floor_wish/evaluate.py FOLDER [--speech RECORDINGS] [--threshold 0.8]

FOLDER is what `render.py` wrote; its splits VOICE and WORDS were kept out. The stimuli of
floorbench are run clean, shifted against the steps four times. Recordings sorted by their path:
an even index may choose a threshold, an odd index only reports. Every sound lies between 0.7 s
and 0.6 s of faint noise, and time counts from the step at which the detector reports speech.

At each time stand the area under the ROC curve of the stretches that still last, and the shares,
of those that want the floor and of those that do not, that were at the threshold once by then.
"""

import argparse
import json
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from augment import heard
from numpy.typing import NDArray
from scipy.signal import resample_poly
from texts import Kind, Split
from train import WANTED, rendered

from agent.core.events import SpeechEnded, SpeechStarted
from pipelines.cascade.floor_wish.model import FloorWish
from pipelines.cascade.listener import Listener, ListenerConfig
from pipelines.engines.silero import Silero, SileroSettings

RATE, STEP = 16_000, 512
TIMES_S = (0.1, 0.15, 0.25, 0.35, 0.5, 0.7, 1.0)
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of speech: when it started in the sound, and the wish at every step."""

    name: str
    start_s: float
    wishes: tuple[float, ...]


class Bench:
    """The detector and the network, as the cascade runs them."""

    def __init__(self, wish: FloorWish) -> None:
        self.silero, self.wish = Silero.load(SileroSettings()), wish

    def stretches(self, name: str, samples: Array) -> list[Stretch]:
        """Every stretch of speech in a sound."""
        listener, voice = Listener(ListenerConfig(), RATE), self.silero.open()
        found: list[tuple[int, list[float]]] = []
        state = None
        for at in range(0, len(samples) - STEP + 1, STEP):
            step = samples[at : at + STEP]
            if state is not None:
                state, wish = self.wish.step(state, step)
                found[-1][1].append(wish)
            voice, probability = self.silero.step(voice, step)
            match listener.step(probability, at, at + STEP):
                case SpeechStarted():
                    state = self.wish.begin(samples[max(0, at + STEP - RATE // 2) : at + STEP])
                    found.append((at + STEP, []))
                case SpeechEnded():
                    state = None
                case None:
                    pass
        return [Stretch(name, start / RATE, tuple(wishes)) for start, wishes in found]


def padded(samples: Array, rng: np.random.Generator) -> Array:
    """Between 0.7 s and 0.6 s of faint noise, against the steps by some shift."""
    start = round(0.7 * RATE) + int(rng.integers(STEP))
    line = rng.standard_normal(start + len(samples) + round(0.6 * RATE)) * 10 ** (-65 / 20)
    line[start : start + len(samples)] += samples
    return line.astype(np.float32)


def crossed(stretch: Stretch, count: int, threshold: float) -> bool:
    """Whether the wish was at the threshold at a step by then."""
    return any(wish >= threshold for wish in stretch.wishes[:count])


def area(wanted: Sequence[float], unwanted: Sequence[float]) -> float:
    """Under the ROC curve: how often one that wants the floor has the higher wish."""
    if not wanted or not unwanted:
        return float("nan")
    more = np.subtract.outer(np.array(wanted), np.array(unwanted))
    return float(np.mean((more > 0) + 0.5 * (more == 0)))


def report(title: str, wanted: list[Stretch], unwanted: list[Stretch], threshold: float) -> None:
    """A table, a line for each time."""
    print(f"\n{title}: {len(wanted)} want the floor, {len(unwanted)} do not; at {threshold}")
    for time_s in TIMES_S:
        count = max(1, round(time_s * RATE / STEP))
        last = [[s.wishes[count - 1] for s in side if len(s.wishes) >= count]
                for side in (wanted, unwanted)]  # fmt: skip
        shares = [np.mean([crossed(s, count, threshold) for s in side]) if side else float("nan")
                  for side in (wanted, unwanted)]  # fmt: skip
        print(f"  {time_s:4.2f} s  AUC {area(*last):.3f} ({len(last[0])}, {len(last[1])})  "
              f"true {shares[0]:.2f}  false {shares[1]:.2f}")  # fmt: skip


def first(bench: Bench, name: str, samples: Array) -> list[Stretch]:
    """The first stretch of speech, if any."""
    return bench.stretches(name, samples)[:1]


def on_rendered(bench: Bench, folder: Path, split: Split, threshold: float) -> None:
    """Kept-out voices and words, each on one line."""
    rng = np.random.default_rng(7)
    mine = [sound for sound in rendered(folder) if sound[0] is split]
    sides: dict[Kind, list[Stretch]] = {kind: [] for kind in Kind}
    for _, kind, turn, pcm in mine:
        line = heard(pcm, turn, mine[int(rng.integers(len(mine)))][3], rng)
        sides[kind] += first(bench, kind, line.samples)
    wanted = [s for kind in WANTED for s in sides[kind]]
    report(f"rendered, {split}: all", wanted, sides[Kind.MURMUR] + sides[Kind.AGREEMENT], threshold)
    report("  commands, murmurs", sides[Kind.COMMAND], sides[Kind.MURMUR], threshold)
    report("  requests, agreements", sides[Kind.REQUEST], sides[Kind.AGREEMENT], threshold)
    report("  turning, noise", sides[Kind.TURNING], sides[Kind.NOISE], threshold)


def on_stimuli(bench: Bench, folder: Path, threshold: float) -> None:
    """What floorbench plays: S3 backchannels, S4 interruptions and stops, S5 agreements."""
    rng = np.random.default_rng(8)
    items = [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").split("\n")
             if line]  # fmt: skip
    sides: dict[str, list[Stretch]] = {}
    for item in items:
        for _ in range(4):
            sound = padded(read(folder / item["path"]), rng)
            sides.setdefault(item["kind"], []).extend(first(bench, item["text"], sound))
    report("floorbench S4 whole, S3", sides["interruption"], sides["backchannel"], threshold)
    report("floorbench S4 bare, S5 agreement", sides["stop"], sides["agreement"], threshold)
    report("floorbench questions, fillers", sides["question"] + sides["long"], sides["filler"],
           threshold)  # fmt: skip
    for kind in ("backchannel", "agreement", "stop", "interruption"):
        for stretch in sides[kind][::4]:
            print(f"  {kind:12} {stretch.name:40}", shown(stretch))


def on_recorded(bench: Bench, folder: Path, threshold: float) -> None:
    """Recorded people: sentences, short orders, digits; against them a man's "uh" and laughs."""
    rng = np.random.default_rng(9)
    for odd in (0, 1):
        sides: dict[str, list[Stretch]] = {kind: [] for kind in RECORDED}
        for name, kind, sound in list(recordings(folder))[odd::2]:
            found = bench.stretches(name, padded(sound, rng))
            sides[kind] += [s for s in found if is_sound(s)] if kind == "disfluent" else found[:1]
        title = f"recorded, {('even', 'odd')[odd]}"
        for kind in RECORDED[:-1]:
            report(f"{title}: {kind}, uh and laughs", sides[kind], sides["disfluent"], threshold)
        for stretch in sides["short"] + sides["disfluent"]:
            print(f"  {stretch.name:30} {stretch.start_s:5.2f}", shown(stretch))


RECORDED = ("speech", "telephony", "short", "digits", "disfluent")
SOUNDS = ("mfa_uhuh", "mfa_laughter")  # of them a few stretches are known to hold no words


def is_sound(stretch: Stretch) -> bool:
    """Whether a stretch of these two recordings is "uh", or a laugh: short, and after a word."""
    if stretch.name == "mfa_uhuh":
        return 2.6 < stretch.start_s < 4.6
    return len(stretch.wishes) * STEP < 0.6 * RATE


def shown(stretch: Stretch) -> str:
    """Every second wish of the first second."""
    return " ".join(f"{wish:.2f}" for wish in stretch.wishes[:32:2])


def recordings(folder: Path) -> Iterator[tuple[str, str, Array]]:
    """Name, kind and sound of each recording, sorted by path."""
    items = [
        json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines()
    ]
    for path in sorted(item["path"] for item in items):
        kind, stem = path.partition("/")[0], Path(path).stem
        if kind in RECORDED and (kind != "disfluent" or stem in SOUNDS):
            yield stem, kind, read(folder / path)


def read(path: Path) -> Array:
    """A mono file at 16 kHz, -1..1."""
    with wave.open(str(path), "rb") as file:
        rate, raw = file.getframerate(), file.readframes(file.getnframes())
    samples = np.frombuffer(raw, "<i2") / 32768
    return resample_poly(samples, RATE // rate, 1).astype(np.float32)


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--speech", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--threshold", type=float, default=0.8)
    options = parser.parse_args()
    bench = Bench(FloorWish.load(options.weights) if options.weights else FloorWish.load())
    for split in (Split.VOICE, Split.WORDS):
        on_rendered(bench, options.folder, split, options.threshold)
    on_stimuli(bench, Path("floorbench/stimuli"), options.threshold)
    if options.speech:
        on_recorded(bench, options.speech, options.threshold)


if __name__ == "__main__":
    main()
