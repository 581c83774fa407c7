# ruff: noqa: T201
"""Trains the floor wish on what `render.py` rendered, and writes its weights.

    python tools/floor_wish/train.py FOLDER [--seed 1] [--out pipelines/cascade/floor_wish]

wants parley, torch (on the processor) and scipy. The same seed gives the same features; torch's
sums may differ in their last bits from machine to machine.

The weights beside the model come from 7,500 rendered lines of seed 1 and 1,600 of any words
(`texts.chatter`), two lines of each. They were trained in stages that restarted the rate: 13
rounds without the lines of any words, then 12 with them. A run of this program does it in one, so
its weights are of the same kind and not the same.

Each sound is put on a line several times (`augment.py`), the voice activity of the cascade says
where a stretch of speech starts, and at every step from there on the network is to say 1 for
commands and requests, and 0 for murmurs, agreements and noises. A murmur that turns into a
request is 0 until it turns and rises to 1 within `RISE_S`.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from augment import Heard, heard
from numpy.typing import NDArray
from texts import Kind, Split
from torch import nn

from agent.core.events import SpeechStarted
from pipelines.cascade.floor_wish import features
from pipelines.cascade.listener import Listener, ListenerConfig
from pipelines.engines.silero import Silero, SileroSettings

LONG = 40  # as in the model
BEFORE, AFTER = 15, 50  # steps of 32 ms before and after the start of a stretch
RISE_S = 0.25
WANTED = frozenset({Kind.COMMAND, Kind.REQUEST})
INNER, UNITS, BATCH = 32, 48, 256
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Sequences: `inputs` float16 [n, BEFORE + AFTER, WIDTH + 2]; the others are as long."""

    inputs: NDArray[np.float16]
    targets: Array
    weights: Array


def started(silero: Silero, samples: Array, after: int) -> int | None:
    """The first step after that at which the detector reports speech that goes beyond `after`."""
    listener, state = Listener(ListenerConfig(), features.RATE), silero.open()
    near = after // features.STEP
    for number in range(max(0, near - 10), min(near + 20, len(samples) // features.STEP)):
        at = number * features.STEP
        state, probability = silero.step(state, samples[at : at + features.STEP])
        event = listener.step(probability, at, at + features.STEP)
        if isinstance(event, SpeechStarted) and at + features.STEP > after:
            return number + 1
    return None


def example(line: Heard, kind: Kind, first: int, ear: features.Ear, known: int
            ) -> tuple[Array, Array, Array]:  # fmt: skip
    """Inputs, targets and weights of one sequence; `known` steps are heard before the start."""
    steps, levels = features.heard(ear, np.concatenate((np.zeros(features.HOP, np.float32),
                                   line.samples[: len(line.samples) // 512 * 512])))  # fmt: skip
    begin = max(0, first - known)
    end = min(len(steps), first + AFTER, line.end // features.STEP + 5)
    count = end - begin
    inputs = np.zeros((BEFORE + AFTER, features.WIDTH + 2), np.float32)
    targets, weights = np.zeros((2, BEFORE + AFTER), np.float32)
    here = slice(0, count)
    inputs[here, :-2] = features.relative(
        steps[begin:end], np.maximum.accumulate(levels[begin:end])
    )
    age = np.maximum(0, np.arange(count) - (first - begin) + 1)
    inputs[here, -2], inputs[here, -1] = age > 0, np.minimum(age, LONG) / LONG
    weights[here] = np.where(age > 31, 0.4, 1.0) * (age > 0)
    if kind in WANTED:
        targets[here] = 1.0
    if kind is Kind.TURNING:
        at = (np.arange(begin, end) + 1) * features.STEP - line.turn
        targets[here] = np.clip(at / (RISE_S * features.RATE), 0, 1)
    return inputs, targets, weights


def examples(folder: Path, split: Split, copies: int, seed: int) -> Examples:
    """Every sound of a split, `copies` times, each time on another line."""
    rng, silero, ear = np.random.default_rng(seed), Silero.load(SileroSettings()), features.ear()
    sounds = list(rendered(folder))
    mine = [sound for sound in sounds if sound[0] == split]
    voices = [pcm for _, kind, _, pcm in mine if kind is Kind.REQUEST]
    rows = []
    for _ in range(copies):
        for _, kind, turn, pcm in mine:
            line = heard(pcm, turn, voices[int(rng.integers(len(voices)))], rng)
            first = started(silero, line.samples, line.start)
            late = int(rng.integers(3)) if rng.random() < 0.3 else 0
            if first is None:  # noise seldom counts as speech; then it comes as if it did
                first = line.start // features.STEP + 3
            if (first + late) * features.STEP < line.end:
                known = int(rng.integers(4, BEFORE + 1))
                rows.append(example(line, kind, first + late, ear, known))
    inputs, targets, weights = (np.stack(part) for part in zip(*rows, strict=True))
    return Examples(inputs.astype(np.float16), targets, weights)


def rendered(folder: Path) -> Iterator[tuple[Split, Kind, int, Array]]:
    """Each rendered sound with its split, kind and place where it turns."""
    with np.load(folder / "sounds.npz") as file:
        pcm, ends = file["pcm"], file["ends"]
    lines = [json.loads(line) for line in (folder / "sounds.jsonl").read_text("utf-8").splitlines()]
    for line, start, end in zip(lines, [0, *ends[:-1]], ends, strict=True):
        yield (
            Split(line["split"]),
            Kind(line["kind"]),
            line["turn"],
            (pcm[start:end] / 32768).astype(np.float32),
        )


class Net(nn.Module):
    """The network of `pipelines.cascade.floor_wish.model`, over whole sequences."""

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.Linear(features.WIDTH + 2, INNER)
        self.drop = nn.Dropout(0.2)
        self.memory = nn.GRU(INNER, UNITS, batch_first=True)
        self.out = nn.Linear(UNITS, 1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Log odds [n, steps] of inputs [n, steps, WIDTH + 2]."""
        inner = self.drop(torch.tanh(self.into(inputs)))
        return self.out(self.drop(self.memory(inner)[0]))[..., 0]


def train(data: Examples, held: Examples, epochs: int, seed: int) -> Net:
    """The network after so many rounds, its rate falling as a cosine."""
    torch.manual_seed(seed)
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=0.01)
    rounds = epochs * len(batches(data))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, rounds)
    for epoch in range(epochs):
        order, total = batches(data), 0.0
        net.train()
        for rows in order:
            loss = _loss(net, data, rows)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            kept = _loss(net, held, np.arange(len(held.inputs))).item()
        print(
            f"{epoch}: {total / len(order):.4f}, voices kept out {kept:.4f}",
            flush=True,
        )
    return net


def lengths(data: Examples) -> NDArray[np.int64]:
    """Steps of each sequence, int64 [n]."""
    counted = data.weights > 0
    out: NDArray[np.int64] = counted.shape[1] - counted[:, ::-1].argmax(1)
    return out


def batches(data: Examples) -> list[NDArray[np.int64]]:
    """All rows in a random order, in batches of sequences of about the same length."""
    count = len(data.inputs)
    mixed = lengths(data) + 6 * torch.randn(count).numpy()
    rows = np.array_split(np.argsort(mixed), max(1, count // BATCH))
    return [rows[i] for i in torch.randperm(len(rows)).tolist()]


def _loss(net: Net, data: Examples, rows: NDArray[np.int64]) -> torch.Tensor:
    steps = int(lengths(Examples(data.inputs, data.targets, data.weights[rows])).max())
    inputs = torch.from_numpy(data.inputs[rows, :steps].astype(np.float32))
    targets = torch.from_numpy(data.targets[rows, :steps])
    weights = torch.from_numpy(data.weights[rows, :steps])
    if net.training:
        inputs[..., :-2] += 0.05 * torch.randn_like(inputs[..., :-2])
    losses = nn.functional.binary_cross_entropy_with_logits(net(inputs), targets, reduction="none")
    return (losses * weights).sum() / weights.sum()


def written(net: Net, path: Path) -> None:
    """The weights as the model reads them."""
    t = {name: value.detach().numpy().astype(np.float32) for name, value in net.named_parameters()}
    np.savez(
        path,
        into=t["into.weight"].T, into_bias=t["into.bias"],
        gates=t["memory.weight_ih_l0"].T, gates_bias=t["memory.bias_ih_l0"],
        again=t["memory.weight_hh_l0"].T, again_bias=t["memory.bias_hh_l0"],
        out=t["out.weight"][0], out_bias=t["out.bias"][0],
    )  # fmt: skip


def main() -> None:
    """Train on everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--copies", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("pipelines/cascade/floor_wish"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = examples(options.folder, Split.TRAIN, options.copies, options.seed)
    held = examples(options.folder, Split.VOICE, 1, options.seed + 100)
    net = train(data, held, options.epochs, options.seed)
    written(net, options.out / "weights.npz")


if __name__ == "__main__":
    main()
