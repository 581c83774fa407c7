"""How long a duplex step takes, by batch size; what it keeps in memory; how many calls fit.

Runs in the environment that has torch and moshi, on any device:

    PYTHONPATH=. .venv-moshi/bin/python benchmarks/duplex.py --device cuda
    PYTHONPATH=. .venv-moshi/bin/python benchmarks/duplex.py --device cpu

Without --checkpoint the weights are random: tiny on a CPU, Moshi's own shapes (7B) on a GPU. How
long a step takes does not depend on the values of the weights, only on their shapes and kind.
"""
# ruff: noqa: PLC0415, T201  (torch takes seconds to import; a table is printed)

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from agent.commands.settled import settle
from agent.core.audio import Samples
from pipelines.engines.moshi_batch import MoshiBatch
from pipelines.engines.moshi_load import LoadedMoshi, load
from pipelines.engines.moshi_settings import MoshiSettings
from pipelines.engines.moshi_text import Vocabulary
from pipelines.engines.moshi_voices import silences

BATCHES = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128)
FRAME_S = 0.08
PARTS = ("encode_s", "model_s", "depth_s", "decode_s")
WARM = 10
"""Steps before the first that counts, beyond those that a batch makes when it is built."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds and bytes for one batch size.

    Attributes:
        calls: streams in the batch, all of them with a frame at every step.
        p50_s: median of a whole step as its caller sees it, copies to and from the device included.
        p99_s: the same, of a hundred steps the slowest.
        host_s: median of what a step takes of the thread that makes it: on a CPU all of it,
            whatever else the machine has to do; on a GPU what is left to the host.
        parts_s: median of each part, by name.
        memory_bytes: most that tensors held on a GPU; on a CPU the process as a whole.
    """

    calls: int
    p50_s: float
    p99_s: float
    host_s: float
    parts_s: dict[str, float]
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Endurance:
    """A long call in one go, as fast as it goes.

    Attributes:
        frames: of 80 ms.
        took_s: for all of them.
        p99_s: of the steps.
        late: steps that took longer than a frame lasts.
        lag_s: furthest that the call would have fallen behind, frames coming on the beat.
        host_late: steps that took longer than a frame of the thread that made them.
        host_lag_s: furthest behind, reckoned with that thread's time: what is left of the lag when
            nothing else runs on the machine. On a GPU it says nothing.
        before_bytes: memory of the process after the first 500 frames.
        after_bytes: and after the last.
    """

    frames: int
    took_s: float
    p99_s: float
    late: int
    lag_s: float
    host_late: int
    host_lag_s: float
    before_bytes: int
    after_bytes: int


def main() -> int:
    """Measure, print the table, keep the figures."""
    options = _options()
    import torch

    if options.device != "cpu" and not torch.cuda.is_available():
        print(
            f"--device {options.device}: expected a GPU, found none; try --device cpu",
            file=sys.stderr,
        )
        return 2
    torch.set_num_threads(options.threads)
    loaded, found = _loaded(options), list[Measured]()
    for calls in sorted(options.batches):
        measured = _batch(loaded, calls, options)
        if measured is None:  # the model was left in the middle of being made ready
            del loaded
            gc.collect()
            loaded = _loaded(options)
            break
        found.append(measured)
    reference = _reference(loaded, options)
    endurance = _endurance(loaded, options.minutes) if options.minutes else None
    about = _about(torch, options)
    print(_page(about, found, reference, endurance, options.deadline))
    if options.out:
        figures = {
            "about": about,
            "batches": [asdict(m) for m in found],
            "reference": asdict(reference),
            "endurance": endurance and asdict(endurance),
        }
        options.out.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The cost of a duplex step, by batch size.")
    parser.add_argument("--device", default="cpu", help="as torch names it (default: cpu)")
    parser.add_argument("--checkpoint", help="real weights: a folder with config.json, or hf://…")
    parser.add_argument("--batches", type=_numbers, default=BATCHES, help="such as 1,8,32")
    parser.add_argument("--steps", type=int, default=300, help="that count, for each batch size")
    parser.add_argument("--deadline", type=float, default=0.07, help="for the p99 of a step, in s")
    parser.add_argument("--minutes", type=float, default=0, help="also one call of this length")
    parser.add_argument("--numbers", help="kind of the weights (default: bfloat16, on CPU float32)")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    options = parser.parse_args()
    options.numbers = options.numbers or ("float32" if options.device == "cpu" else "bfloat16")
    return options


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


# --- models ---------------------------------------------------------------------------------------


def _loaded(options: argparse.Namespace) -> LoadedMoshi:
    """The weights, for batches of any size, one after the other."""
    settings = MoshiSettings(
        options.checkpoint or "random", options.device, options.numbers, threads=options.threads
    )
    if options.checkpoint:
        return load(settings)
    if options.device != "cpu":
        return _moshi_shapes(settings)
    from tests.support.tiny_moshi import write

    with tempfile.TemporaryDirectory() as folder:
        return load(replace(settings, checkpoint=str(write(Path(folder)))))


def _moshi_shapes(settings: MoshiSettings) -> LoadedMoshi:
    """Moshi 7B as moshi's loaders describe it, with random weights."""
    import torch
    from moshi.models import LMGen, loaders

    numbers = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
    with torch.no_grad():
        mimi = loaders.get_mimi(None, None, device=settings.device, num_codebooks=8)
        model = loaders.get_moshi_lm(
            None, None, device=settings.device, dtype=numbers[settings.numbers]
        )
        words = Vocabulary([f"▁{n}" for n in range(model.text_card)], ())
        generator = LMGen(model, support_out_of_sync=True)
        return LoadedMoshi(mimi, generator, words, None, {}, silences(mimi, model), {})


# --- measuring ------------------------------------------------------------------------------------


def _batch(loaded: LoadedMoshi, calls: int, options: argparse.Namespace) -> Measured | None:
    """One batch size; None where the device has no room for it."""
    import torch

    if options.device != "cpu":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        batch = MoshiBatch(loaded, calls)
    except torch.OutOfMemoryError:
        print(f"{calls} calls and more: no room on {options.device}", file=sys.stderr)
        return None
    try:
        return _measured(batch, calls, options.steps)
    finally:
        batch.close()


def _measured(batch: MoshiBatch, calls: int, steps: int) -> Measured:
    sound = _sound(batch, 50)
    took, host, parts = [], [], []
    for step in range(WARM + steps):
        frames = {slot: sound[(step + slot) % len(sound)] for slot in range(calls)}
        began, busy = time.perf_counter(), time.thread_time()
        stepped = batch.step(frames)
        took.append(time.perf_counter() - began)
        host.append(time.thread_time() - busy)
        parts.append(stepped.laps)
    medians = {name: _median([asdict(laps)[name] for laps in parts[WARM:]]) for name in PARTS}
    p50_s, p99_s = _median(took[WARM:]), float(np.percentile(took[WARM:], 99))
    host_s = _median(host[WARM:])
    return Measured(calls, p50_s, p99_s, host_s, medians, batch.memory_bytes() or _process_bytes())


def _reference(loaded: LoadedMoshi, options: argparse.Namespace) -> Measured:
    """What moshi's own server does with a frame, in its order, one call: no mask, no laps.

    Source: moshi 0.2.13, server.py, `recv_loop` and `decode_and_send`, without Opus and socket.
    """
    import torch
    from moshi.models import LMGen

    mimi, words, took, host = loaded.mimi, loaded.words, [], []
    generator = LMGen(loaded.generator.lm_model)
    with torch.no_grad(), mimi.streaming(1), generator.streaming(1):
        dice = np.random.default_rng(1)
        for _ in range(WARM + 4 + options.steps):
            chunk = (dice.normal(size=mimi.frame_size) * 0.1).astype(np.float32)
            began, busy = time.perf_counter(), time.thread_time()
            codes = mimi.encode(torch.from_numpy(chunk).to(options.device)[None, None])
            tokens = generator.step(codes)
            if tokens is not None:
                mimi.decode(tokens[:, 1:]).cpu()
                words.bytes_of(int(tokens[0, 0, 0].item()))
            took.append(time.perf_counter() - began)
            host.append(time.thread_time() - busy)
    took, host = took[WARM + 4 :], host[WARM + 4 :]
    return Measured(1, _median(took), float(np.percentile(took, 99)), _median(host), {}, 0)


def _endurance(loaded: LoadedMoshi, minutes: float) -> Endurance:
    batch = MoshiBatch(loaded, 1)
    settle()  # as the worker does
    sound = _sound(batch, 500)
    took: list[float] = []
    host: list[float] = []
    before = 0
    for step in range(round(minutes * 60 / FRAME_S)):
        began, busy = time.perf_counter(), time.thread_time()
        batch.step({0: sound[step % len(sound)]})
        took.append(time.perf_counter() - began)
        host.append(time.thread_time() - busy)
        if step == len(sound) - 1:
            before = _process_bytes()
    batch.close()
    return Endurance(
        len(took),
        sum(took),
        float(np.percentile(took, 99)),
        *_behind(took),
        *_behind(host),
        before,
        _process_bytes(),
    )


def _behind(took: list[float]) -> tuple[int, float]:
    """How many steps were longer than a frame, and how far behind that led at most, in seconds."""
    lag_s = most_s = 0.0
    for second in took:
        lag_s = max(0.0, lag_s + second - FRAME_S)
        most_s = max(most_s, lag_s)
    return sum(second > FRAME_S for second in took), most_s


def _sound(batch: MoshiBatch, frames: int) -> list[Samples]:
    dice = np.random.default_rng(1)
    return [(dice.normal(size=batch.frame_samples) * 0.1).astype(np.float32) for _ in range(frames)]


def _median(values: list[float]) -> float:
    return float(np.median(values))


def _process_bytes() -> int:
    """Memory of this process now, as the system counts it."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


# --- the page -------------------------------------------------------------------------------------


def _about(torch: Any, options: argparse.Namespace) -> dict[str, str]:
    cuda = options.device != "cpu"
    random = "random weights, " + ("Moshi's shapes (7B)" if cuda else "tiny")
    return {
        "device": torch.cuda.get_device_name(options.device) if cuda else _processor(),
        "weights": options.checkpoint or random,
        "numbers": options.numbers,
        "threads": str(options.threads),
        "steps": str(options.steps),
        "torch": torch.__version__,
        "moshi": _version("moshi"),
        "python": sys.version.split()[0],
        "commit": _commit(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "CPU"


def _commit() -> str:
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _page(
    about: dict[str, str],
    found: list[Measured],
    reference: Measured,
    endurance: Endurance | None,
    deadline_s: float,
) -> str:
    fit = [m.calls for m in found if m.p99_s <= deadline_s]
    lines = [
        "; ".join(f"{name} {value}" for name, value in about.items()) + ".",
        "",
        "| calls | step p50 | p99 | host | encode | model | depth | decode | per call | memory |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row(m) for m in found),
        "",
        f"ms. Largest batch measured with a p99 of at most {deadline_s * 1000:.0f} ms: "
        f"{max(fit, default=0)} calls.",
        f"moshi's own server loop, one call, same run: p50 {reference.p50_s * 1000:.1f}, "
        f"p99 {reference.p99_s * 1000:.1f}, host {reference.host_s * 1000:.1f} ms.",
    ]
    if (one := _of(found, 1)) and (eight := _of(found, 8)):
        lines.append(
            f"Eight calls in one batch cost {eight.p50_s / one.p50_s:.2f} times one call by the "
            f"clock, {eight.host_s / one.host_s:.2f} times by the host's own time."
        )
    if endurance is not None:
        lines.append(_endured(endurance))
    return "\n".join(lines)


def _of(found: list[Measured], calls: int) -> Measured | None:
    return next((m for m in found if m.calls == calls), None)


def _row(m: Measured) -> str:
    times = (m.p50_s, m.p99_s, m.host_s, *(m.parts_s[name] for name in PARTS), m.p50_s / m.calls)
    shown = " | ".join(f"{second * 1000:.1f}" for second in times)
    return f"| {m.calls} | {shown} | {m.memory_bytes / 2**20:.0f} MiB |"


def _endured(e: Endurance) -> str:
    return (
        f"One call of {e.frames} frames ({e.frames * FRAME_S / 60:.0f} min of sound) in "
        f"{e.took_s:.0f} s: p99 {e.p99_s * 1000:.1f} ms, {e.late} steps longer than a frame, "
        f"furthest behind {e.lag_s * 1000:.0f} ms (by the host's own time {e.host_late} and "
        f"{e.host_lag_s * 1000:.0f} ms); memory {e.before_bytes / 2**20:.1f} MiB after "
        f"the first 500 frames, {e.after_bytes / 2**20:.1f} MiB at the end."
    )


if __name__ == "__main__":
    sys.exit(main())
