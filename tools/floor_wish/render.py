# ruff: noqa: T201
"""Renders the sounds that the floor wish is trained and tested on.

    python tools/floor_wish/render.py FOLDER [--seed 1] [--count 7500]

writes `FOLDER/sounds.npz` (`pcm` int16 [n] at 16 kHz, `ends` int64 [sounds]) and
`FOLDER/sounds.jsonl`, a line for each sound. Programs, from Debian, whose voices lie inside:

    espeak-ng 1.51   GPL-3 program, its output is not covered by that; formant voices, 80 variants
    flite 2.2        BSD; voices kal, kal16, awb, rms, slt
    festival 2.5     BSD-like; voices kal and ked (diphones), slt (HTS)

and hums that are made here from numbers (`hums.py`). The words are in `texts.py`.
`floorbench/stimuli/wav` was rendered by flite too. Of the voices rms, slt and kal16 no text that
lies there is rendered here, in no way of speaking, and awb is kept for tests.
"""

import argparse
import json
import subprocess
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
from hums import hum, noise
from numpy.typing import NDArray
from texts import Kind, Line, Split, chatter, draw

RATE = 16_000
Pcm = NDArray[np.int16]

ESPEAK_ACCENTS = tuple("en-us en-gb en-gb-scotland en-gb-x-rp en-029 en-us-nyc".split())
ESPEAK_VARIANTS = tuple(
    """Alex Alicia Andrea Andy Annie Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario
    Michael Mike Nguyen Storm adam anika announcer antonio aunty belinda benjamin boris caleb david
    ed edward edward2 f1 f2 f3 f4 f5 grandma grandpa gustave iven iven2 iven3 iven4 john klatt
    klatt2 klatt3 klatt4 linda m1 m2 m3 m4 m5 m6 m7 m8 marcelo max michel miguel norbert pablo paul
    pedro quincy rob robert sandro shelby steph steph2 steph3 travis victor zac""".split()
)
FLITE = ("rms", "slt", "kal16", "kal")
FESTIVAL = ("kal_diphone", "cmu_us_slt_arctic_hts")
CHATTER = 0.2  # lines of any words, as a share of the others
KEPT_OUT = 5  # every fifth variant of espeak is only for tests, so are flite awb, festival ked


@dataclass(frozen=True, slots=True)
class Way:
    """How a line is said: pace 1 is the voice's own, pitch in octaves about its own."""

    engine: str
    voice: str
    pace: float
    pitch: float


def way(rng: Random, split: Split) -> Way:
    """A voice that the split may use, at some pace and pitch."""
    trained = split is Split.TRAIN
    share = rng.random()
    pace, pitch = rng.uniform(0.75, 1.45), rng.uniform(-0.4, 0.4)
    if share < 0.5:
        accent = rng.choice(ESPEAK_ACCENTS)
        kept = [v for i, v in enumerate(ESPEAK_VARIANTS) if (i % KEPT_OUT == 0) is not trained]
        return Way("espeak", f"{accent}+{rng.choice(kept)}", pace, pitch)
    if share < 0.85:
        return Way("flite", rng.choice(FLITE) if trained else "awb", pace, pitch)
    return Way("festival", rng.choice(FESTIVAL) if trained else "ked_diphone", pace, pitch)


def espeak(text: str, how: Way, wav: Path) -> None:
    """Speak into a file at 22 kHz."""
    pitch = int(np.clip(50 + 50 * how.pitch, 5, 95))
    command = ["espeak-ng", "-v", how.voice, "-s", str(int(170 * how.pace)), "-p", str(pitch)]
    subprocess.run([*command, "-w", str(wav), text], check=True, capture_output=True)


def flite(text: str, how: Way, wav: Path) -> None:
    """Speak into a file at 8 or 16 kHz."""
    mean = {"slt": 170, "rms": 100, "awb": 130}.get(how.voice, 105) * 2**how.pitch
    setting = [f"duration_stretch={1 / how.pace:.3f}", f"int_f0_target_mean={mean:.1f}"]
    options = [part for value in setting for part in ("--setf", value)]
    command = ["flite", "-voice", how.voice, *options, "-t", text, "-o", str(wav)]
    subprocess.run(command, check=True, capture_output=True)


def festival(batch: Sequence[tuple[str, Way, Path]]) -> None:
    """Speak many into files with one process: it takes a second to start."""
    script = ["(define (say text file) (utt.save.wave (utt.synth (eval (list 'Utterance 'Text "
              "text))) file 'riff))"]  # fmt: skip
    for text, how, wav in sorted(batch, key=lambda job: job[1].voice):
        script.append(f"(voice_{how.voice})")
        script.append(f"(Parameter.set 'Duration_Stretch {1 / how.pace:.3f})")
        script.append(f'(say "{text}" "{wav}")')
    with TemporaryDirectory() as folder:
        path = Path(folder) / "say.scm"
        path.write_text("\n".join(script), encoding="utf-8")
        subprocess.run(["festival", "-b", str(path)], check=True, capture_output=True)


def read(path: Path) -> Pcm:
    """A mono file at 16 kHz, without the silence around it; empty where nothing was said."""
    from scipy.signal import resample_poly  # noqa: PLC0415

    try:
        with wave.open(str(path), "rb") as file:
            rate, raw = file.getframerate(), file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error):
        return np.zeros(0, np.int16)
    samples = np.frombuffer(raw, "<i2").astype(np.float64)
    if rate != RATE and len(samples):
        divisor = int(np.gcd(rate, RATE))
        samples = resample_poly(samples, RATE // divisor, rate // divisor)
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max(initial=1.0))
    if not len(loud):
        return np.zeros(0, np.int16)
    return np.clip(samples[loud[0] : loud[-1] + 1], -32768, 32767).astype(np.int16)


def spoken(parts: Sequence[tuple[str, Way]], folder: Path) -> list[Pcm]:
    """Every text in its way; empty where a program failed."""
    wavs = [folder / f"{number}.wav" for number in range(len(parts))]
    jobs = [(text, how, wav) for (text, how), wav in zip(parts, wavs, strict=True)]
    festival([job for job in jobs if job[1].engine == "festival"])
    for text, how, wav in jobs:
        if how.engine != "festival":
            {"espeak": espeak, "flite": flite}[how.engine](text, how, wav)
    return [read(wav) for wav in wavs]


def measured() -> frozenset[tuple[str, str]]:
    """The voices and texts of floorbench's stimuli."""
    path = Path(__file__).parents[2] / "floorbench/stimuli/manifest.jsonl"
    items = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return frozenset((item["voice"], _bare(item["text"])) for item in items)


def _bare(text: str) -> str:
    return " ".join(text.replace(",", " ").replace(".", " ").replace("-", " ").split())


Draw = Callable[[Random, Split], Line]


def plan(rng: Random, split: Split, count: int, draw: Draw) -> list[tuple[Line, Way]]:
    """What is said how, without what floorbench measures with."""
    known = measured()
    out: list[tuple[Line, Way]] = []
    while len(out) < count:
        line, how = draw(rng, split), way(rng, split)
        if (f"{how.engine} {how.voice}", _bare(line.text)) not in known:
            out.append((line, how))
    return out


Sound = tuple[Kind, str, str, int, Pcm]
"""Kind, text, voice, the sample at which a murmur turns into a request, sound."""


def said(split: Split, count: int, rng: Random, draw: Draw = draw) -> Iterator[Sound]:
    """Spoken lines; what no program could say is left out."""
    jobs = plan(rng, split, count, draw)
    parts = [(text, how) for line, how in jobs for text in (line.text, line.then) if text]
    with TemporaryDirectory() as folder:
        sounds = iter(spoken(parts, Path(folder)))
    for line, how in jobs:
        first = next(sounds)
        then = next(sounds) if line.then else np.zeros(0, np.int16)
        if not len(first) or (line.then and not len(then)):
            continue
        gap = np.zeros(rng.randrange(1920) if line.then else 0, np.int16)
        turn = len(first) + len(gap) if line.then else 0
        text, voice = f"{line.text} {line.then}".strip(), f"{how.engine} {how.voice}"
        yield line.kind, text, voice, turn, np.concatenate((first, gap, then))


def made(count: int, rng: np.random.Generator) -> Iterator[Sound]:
    """Hums and noises from numbers, in shares of the lines."""
    for kind, make, share in ((Kind.MURMUR, hum, 0.08), (Kind.NOISE, noise, 0.06)):
        for _ in range(round(share * count)):
            yield kind, "", make.__name__, 0, make(rng)


def main() -> None:
    """Render everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=7500)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    more = round(CHATTER * options.count)
    shares = ((Split.TRAIN, 1.0), (Split.VOICE, 0.12), (Split.WORDS, 0.12))
    sounds: list[tuple[Split, Sound]] = []
    for number, (split, share) in enumerate(shares):
        count, seed = round(share * options.count), 1000 * options.seed + number
        sounds += [(split, sound) for sound in said(split, count, Random(seed))]
        sounds += [(split, sound) for sound in made(count, np.random.default_rng(seed + 10))]
    words = said(Split.TRAIN, more, Random(1000 * options.seed + 20), lambda rng, _: chatter(rng))
    sounds += [(Split.TRAIN, sound) for sound in words]
    names = ("kind", "text", "voice", "turn")
    pcm = [sound[-1] for _, sound in sounds]
    lines = [{"split": split, **dict(zip(names, s, strict=False))} for split, s in sounds]
    ends = np.cumsum([len(p) for p in pcm])
    np.savez(options.folder / "sounds.npz", pcm=np.concatenate(pcm), ends=ends)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (options.folder / "sounds.jsonl").write_text(text, encoding="utf-8")
    print(len(pcm), "sounds,", round(ends[-1] / RATE), "s")


if __name__ == "__main__":
    main()
