"""Calls to measure the addressee on: a caller's turns, bystanders, television, noises.

Voices are the recordings of a folder (`PARLEY_SPEECH`) and renders by flite and espeak-ng. They
are sorted by path: the even ones serve for tuning, the odd ones only for reporting.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.core.audio import Samples
from floorbench.scenarios.over_agent import _far_off, _turned_away
from floorbench.session import RATE
from floorbench.stimuli.library import _read, seeded
from floorbench.stimuli.noises import BURSTS, babble, burst, pink, room_response
from floorbench.stimuli.signal import Signal, at_level, filtered, on_grid, shaped, silent

Rng = np.random.Generator

LEVEL_DB = -23.0
CONDITIONS = tuple(
    "clean clean clean clean pink20 pink10 pink5 babble20 babble10 phone phone room room".split()
)
SENTENCES = (
    "i would like to book a table for four people tomorrow evening please",
    "do you have anything vegetarian on the menu",
    "could you tell me what time you close on sundays",
    "my name is peter and the number is five five two nine",
    "is there somewhere to park the car near the restaurant",
    "yes that would be fine thank you",
    "no i meant the day after tomorrow",
    "what does the fish come with",
    "can we sit outside if the weather is good",
    "we will be a little late maybe twenty minutes",
    "how much is the tasting menu with wine",
    "please cancel the booking i made last week",
)
FLITE = ("rms", "slt", "kal16", "awb")
ESPEAK = ("en-us+m3", "en-gb+f2")
ANYONE = "anyone"
"""A caller whose voice changes from turn to turn, as it does in floorbench."""


@dataclass(frozen=True, slots=True, eq=False)
class Sounds:
    """One half of what there is: `voices` by speaker, rooms, noises, overheard talk."""

    voices: dict[str, list[Signal]]
    rooms: list[Signal]
    noises: list[tuple[str, Signal]]
    talk: list[Signal]


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A sound of a call: what it is, and its level against the caller's usual one."""

    kind: str
    signal: Signal
    db: float


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One call: `sound` float32 [n], and where each item begins and ends in it."""

    condition: str
    caller: str
    sound: Samples
    items: tuple[tuple[int, int, str, float], ...]


def render(folder: Path) -> None:
    """The sentences in every voice that is installed, as WAVs named `voice_number`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(SENTENCES):
        makers: dict[str, list[str]] = {}
        if shutil.which("flite"):
            makers |= {v: ["flite", "-voice", v, "-t", text, "-o"] for v in FLITE}
        if shutil.which("espeak-ng"):
            makers |= {v: ["espeak-ng", "-v", v, text, "-w"] for v in ESPEAK}
        for voice, command in makers.items():
            path = folder / f"{voice}_{number}.wav"
            if not path.exists():
                subprocess.run([*command, str(path)], check=True)


def sounds(speech: Path, renders: Path, half: int) -> Sounds:
    """The even (0) or the odd (1) half."""
    rows = [json.loads(x) for x in (speech / "manifest.jsonl").read_text().splitlines()]
    rows = sorted(rows, key=lambda row: row["path"])[half::2]

    def of(*kinds: str) -> Iterator[tuple[dict[str, str], Signal]]:
        for row in rows:
            if row["kind"] in kinds and row.get("channels", 1) == 1:
                yield row, _read(speech / row["path"])

    voices: dict[str, list[Signal]] = {}
    for row, signal in of("speech", "short", "disfluent"):
        voices.setdefault(row["speaker"], []).append(at_level(signal[: 6 * RATE]))
    for path in sorted(renders.glob("*.wav")):
        voice, number = path.stem.rsplit("_", 1)
        if int(number) % 2 == half:
            voices.setdefault(voice, []).append(at_level(_read(path)))
    voices[ANYONE] = [x for v in FLITE for x in voices.get(v, [])]
    noises = [(Path(row["path"]).stem, signal) for row, signal in of("noise")]
    rooms = [signal[:RATE] for _, signal in of("rir")]
    return Sounds(voices, rooms, noises, [signal for _, signal in of("conversation")])


def scene(have: Sounds, number: int, seed: int) -> Scene:
    """A call with 1, 2 or 4 turns to learn from, then everything else."""
    rng = seeded(seed, number)
    condition = CONDITIONS[number % len(CONDITIONS)]
    crowd = [x for voice in have.voices.values() for x in voice]
    overall_db = LEVEL_DB + rng.uniform(-10, 3)
    caller, items = _items(have, condition, rng)
    parts: list[Signal] = []
    places, at = [], 0
    for item in items:
        gap = silent(rng.uniform(1.0, 1.6))
        signal = at_level(item.signal, overall_db + item.db)
        places.append((at + len(gap), at + len(gap) + len(signal), item.kind, item.db))
        parts += [gap, signal]
        at = places[-1][1]
    sound = np.concatenate([*parts, silent(1.0)])
    if condition.startswith("pink"):
        sound += at_level(
            pink(len(sound) / RATE + 1, rng)[: len(sound)], overall_db - int(condition[4:])
        )
    if condition.startswith("babble"):
        bed = babble([crowd[rng.integers(len(crowd))] for _ in range(8)], 20.0, rng)
        sound += at_level(np.resize(bed, len(sound)), overall_db - int(condition[6:]))
    if condition == "phone":
        sound = phone(sound)
    return Scene(condition, caller, on_grid(sound), tuple(places))


def _items(have: Sounds, condition: str, rng: Rng) -> tuple[str, list[Item]]:
    names = [name for name, voice in have.voices.items() if len(voice) >= 3 and name != ANYONE]
    caller = names[rng.integers(len(names))] if rng.random() > 0.15 else ANYONE
    mine = [have.voices[caller][i] for i in rng.permutation(len(have.voices[caller]))]
    if condition == "room":
        room = _room(have, rng)
        mine = [filtered(x, room)[: len(x) + RATE // 4] for x in mine]
    count = min(int(rng.choice([1, 2, 4])), len(mine) - 1)
    items = [Item("learn", x, rng.uniform(-2.5, 2.5)) for x in mine[:count]]
    rest = mine[count:]
    items += [Item("caller", rest[i % len(rest)], float(rng.integers(-6, 7))) for i in range(4)]
    strangers = [x for n, v in have.voices.items() if n not in (caller, ANYONE) for x in v]
    return caller, items + _others(have, rest, strangers, rng)


def _others(have: Sounds, mine: list[Signal], strangers: list[Signal], rng: Rng) -> list[Item]:
    def somebody() -> Signal:
        pool = mine if rng.random() < 0.5 else strangers
        return pool[rng.integers(len(pool))]

    def stranger() -> Signal:
        return strangers[rng.integers(len(strangers))]

    name, noise = have.noises[rng.integers(len(have.noises))]
    kinds = [*BURSTS, "music", "music"]
    items = [
        Item("S6 beside", _turned_away(somebody()), -8.0),
        Item("S6 background", _far_off(somebody()), -15.0),
        Item("turned away", _aside(somebody(), rng), rng.uniform(-12, -6)),
        Item("across the room", _distant(somebody(), rng), rng.uniform(-18, -9)),
        Item("television", _television(stranger(), rng), rng.uniform(-18, -9)),
        Item("a stranger, -10 dB", stranger(), -10.0),
        Item("noise", burst(kinds[rng.integers(len(kinds))], rng), -float(rng.integers(-5, 11))),
        Item("babble" if "babble" in name else "noise", _clip(noise, rng),
             -float(rng.integers(-5, 11))),
    ]  # fmt: skip
    if have.talk:
        overheard = _clip(have.talk[rng.integers(len(have.talk))], rng)
        items.append(Item("conversation", overheard, rng.uniform(-18, -8)))
    return items


def _clip(signal: Signal, rng: Rng) -> Signal:
    start = int(rng.integers(max(1, len(signal) - 4 * RATE)))
    return signal[start : start + 4 * RATE]


def _shelf(signal: Signal, low: float, high: float, loss_db: float) -> Signal:
    return shaped(signal, np.array([0.0, low, high, 8000.0]), np.array([0, 0, -loss_db, -loss_db]))


def _room(have: Sounds, rng: Rng) -> Signal:
    if have.rooms and rng.random() < 0.5:
        return have.rooms[rng.integers(len(have.rooms))]
    return room_response(float(rng.choice([0.2, 0.35, 0.5])), rng)


def _distant(signal: Signal, rng: Rng) -> Signal:
    room = room_response(rng.uniform(0.3, 0.8), rng)
    room[1:] *= rng.uniform(1.2, 3.0)
    return filtered(_shelf(signal, 1000.0, 4000.0, rng.uniform(2, 8)), room)


def _aside(signal: Signal, rng: Rng) -> Signal:
    taps = np.zeros(round(0.04 * RATE))
    taps[0] = 1.0
    for at in rng.integers(60, len(taps), rng.integers(2, 5)):
        taps[at] += rng.uniform(0.2, 0.6)
    loss_db = rng.uniform(4, 14)
    return filtered(_shelf(signal, rng.uniform(700, 1500), rng.uniform(2500, 4500), loss_db), taps)


def _television(signal: Signal, rng: Rng) -> Signal:
    points = np.array([0.0, 120, 250, 5000, 7000, 8000])
    small = shaped(signal, points, np.array([-40.0, -30, 0, 0, -20, -40]))
    return _distant(np.tanh(8 * small) / 8, rng)


def phone(sound: Signal) -> Signal:
    """Through 8 kHz and µ-law."""
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    keep = np.clip((hz - 180) / 100, 0, 1) * np.clip((3600 - hz) / 250, 0, 1)
    narrow = np.clip(np.fft.irfft(np.fft.rfft(sound) * keep, len(sound)), -1, 1)
    code = np.round(np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256) * 127) / 127
    back = np.sign(code) * (256 ** np.abs(code) - 1) / 255
    out: Signal = np.fft.irfft(np.fft.rfft(back) * (hz < 3750), len(sound))
    return out
