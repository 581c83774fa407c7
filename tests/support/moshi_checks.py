"""What is true of a batch of a real Moshi, found out in the environment that has torch.

`python tests/support/moshi_checks.py FOLDER CHECK…` prints one JSON object, a value by check.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from agent.core.duplex import DuplexPrompt
from agent.core.errors import EngineUnavailable
from pipelines.engines.moshi_batch import MoshiBatch
from pipelines.engines.moshi_load import load
from pipelines.engines.moshi_settings import MoshiSettings

STEPS = 24
GREEDY = {"temperature": 0.0, "text_temperature": 0.0}


def sound(seed, steps=STEPS):
    """Noise that is louder and quieter, float32 [steps, 1920]."""
    dice = np.random.default_rng(seed)
    loudness = dice.uniform(0.01, 0.3, (steps, 1))
    return (dice.normal(size=(steps, 1920)) * loudness).astype(np.float32)


def batch_of(folder, slots=4, **settings):
    chosen = {"numbers": "float32", "slots": slots, **GREEDY, **settings}
    return MoshiBatch(load(MoshiSettings(folder, "cpu", **chosen)), slots)


def heard_alone(batch, row, sounds):
    batch.wipe([row])
    return [batch.step({row: frame}).answers[row] for frame in sounds]


def same(one, two):
    """To the bit."""
    return len(one) == len(two) and all(
        a.token == b.token
        and (a.samples is None) == (b.samples is None)
        and (a.samples is None or np.array_equal(a.samples, b.samples))
        for a, b in zip(one, two, strict=True)
    )


def among_others(batch, row, sounds):
    """The row steps at every other beat while others come, go, are wiped and told prompts."""
    others = [other for other in range(batch.slots) if other != row]
    noise = sound(99, 2 * len(sounds))
    told = batch.told(DuplexPrompt("the model listens"))
    batch.wipe([row])
    answers = []
    for beat in range(2 * len(sounds)):
        frames = {other: noise[beat - other] for other in others if (beat // (3 + other)) % 2}
        if beat % 2 == 0:
            frames[row] = sounds[beat // 2]
        if beat % 7 == 3:
            batch.wipe([others[beat % len(others)]])
        if beat % 5 == 1:
            batch.force({others[0]: told[beat % len(told)]})
        if beat % 11 == 4:
            batch.begin_anew([others[-1]])
        if frames:
            stepped = batch.step(frames)
        if row in frames:
            answers.append(stepped.answers[row])
    return answers


def isolation(folder):
    """Greedy: whoever else is there, in whichever row, the answers are the same to the bit."""
    batch = batch_of(folder)
    sounds = sound(1)
    alone = heard_alone(batch, 0, sounds)
    return {
        "first": [a.token for a in alone[:2]],
        "tokens": len({a.token for a in alone}),
        "loudest": float(max(np.abs(a.samples).max() for a in alone if a.samples is not None)),
        "other sound, other answer": not same(alone, heard_alone(batch, 0, sound(2))),
        "rows": [same(alone, heard_alone(batch, row, sounds)) for row in (1, 3)],
        "among others": [same(alone, among_others(batch, row, sounds)) for row in (0, 2)],
        "after others": same(alone, heard_alone(batch, 0, sounds)),
    }


def sampled(folder):
    """With dice of the same seed, at the same beats: others come and go and change nothing."""
    import torch

    settings = {"temperature": 0.8, "text_temperature": 0.7}
    sounds, noise = sound(1), sound(5, 2 * STEPS)
    found = []
    for crowd in (False, True):
        batch = batch_of(folder, **settings)
        torch.manual_seed(7)
        answers = []
        for beat in range(STEPS):
            frames = {1: sounds[beat]}
            if crowd and beat > 4:
                frames |= {other: noise[beat + other] for other in (0, 2, 3) if beat % (2 + other)}
            if crowd and beat % 9 == 5:
                batch.wipe([2])
                batch.force({2: batch.told(DuplexPrompt("one two"))[0]})
            answers.append(batch.step(frames).answers[1])
        found.append(answers)
        batch.close()
    return {"same": same(*found), "tokens": len({a.token for a in found[0]})}


def one(folder):
    """A batch of four against a batch of one: other kernels, so equal but for rounding."""
    sounds = sound(1)
    many, single = (heard_alone(batch_of(folder, slots), 0, sounds) for slots in (4, 1))
    apart = [float(np.abs(a.samples - b.samples).max()) for a, b in zip(many[1:], single[1:],
                                                                        strict=True)]  # fmt: skip
    return {
        "tokens": [a.token for a in many] == [b.token for b in single],
        "apart": max(apart),
    }


def reference(folder):
    """Our answers to a call alone against moshi's own calls in the order of its server."""
    import torch

    loaded = load(MoshiSettings(folder, "cpu", numbers="float32", slots=1, **GREEDY))
    mimi, generator, theirs = loaded.mimi, loaded.generator, []
    with torch.no_grad(), mimi.streaming(1), generator.streaming(1):
        for number, frame in enumerate(sound(1)):
            codes = mimi.encode(torch.from_numpy(frame)[None, None])
            if number == 0:
                mimi.reset_streaming()
            tokens = generator.step(codes)
            if int(tokens[0, 0, 0]) == generator.lm_model.ungenerated_token_id:
                theirs.append((None, None))
                continue
            theirs.append((int(tokens[0, 0, 0]), mimi.decode(tokens[:, 1:])[0, 0].numpy().copy()))
    ours = heard_alone(MoshiBatch(loaded, 1), 0, sound(1))
    return {
        "tokens": [a.token for a in ours] == [token for token, _ in theirs],
        "sound": all(
            (a.samples is None) == (samples is None)
            and (samples is None or np.array_equal(a.samples, samples))
            for a, (_, samples) in zip(ours, theirs, strict=True)
        ),
    }


def conditions(folder):
    """A Hibiki that is told to aim at bad quality answers otherwise: ours is told to be good."""
    from moshi.run_inference import get_condition_tensors

    sounds, answers = sound(1), {}
    for name in ("very_good", "very_bad"):
        loaded = load(MoshiSettings(folder, "cpu", numbers="float32", slots=1, **GREEDY))
        lut = loaded.generator.lm_model.condition_provider.conditioners["description"]
        theirs = get_condition_tensors("hibiki", loaded.generator.lm_model, 1, 1.0)
        ours = loaded.generator.condition_tensors
        alike = bool((ours["description"].condition == theirs["description"].condition).all())
        if name == "very_bad":
            good, bad = (lut.tokenizer.possible_values[n] for n in ("very_good", "very_bad"))
            ours["description"].condition[:] = lut.output_proj(lut.embed.weight[bad])
            assert good != bad
        answers[name] = heard_alone(MoshiBatch(loaded, 1), 0, sounds)
    return {
        "as moshi's own": alike,
        "first": [a.token is None for a in answers["very_good"][:4]],
        "other quality, other answer": not same(answers["very_good"], answers["very_bad"]),
    }


def half(folder):
    """Its depth model has weights for sixteen codebooks, and eight are asked for."""
    loaded = load(MoshiSettings(folder, "cpu", numbers="float32", slots=1, **GREEDY))
    model = loaded.generator.lm_model
    return {"weights": len(model.linears), "asked": model.dep_q, "heard": model.n_q - model.dep_q}


def shapes(folder):
    """The benchmark's way for a GPU, with a tiny model in the place of the 7B shapes."""
    import contextlib
    import io
    from unittest.mock import patch

    from moshi.models import loaders

    from benchmarks import duplex
    from tests.support import tiny_moshi

    del folder
    command = ["duplex.py", "--batches", "1,2", "--steps", "5", "--minutes", "0.01"]
    with (
        patch.object(sys, "argv", command),
        patch.object(loaders, "_lm_kwargs", tiny_moshi.MODEL),
        patch.object(loaders, "_mimi_config", tiny_moshi.MIMI),
        patch.object(duplex, "_loaded", lambda options: duplex._moshi_shapes(
            MoshiSettings("random", options.device, options.numbers))),
        contextlib.redirect_stdout(io.StringIO()) as page,
    ):  # fmt: skip
        status = duplex.main()
    return {"status": status, "rows": sum(
        line.startswith(("| 1 |", "| 2 |")) for line in page.getvalue().splitlines())}  # fmt: skip


def without_a_gpu(folder):
    """What the benchmark says where there is none."""
    import contextlib
    import io
    from unittest.mock import patch

    from benchmarks import duplex

    del folder
    with (
        patch.object(sys, "argv", ["duplex.py", "--device", "cuda"]),
        patch("torch.cuda.is_available", lambda: False),
        contextlib.redirect_stderr(io.StringIO()) as said,
    ):
        return {"status": duplex.main(), "said": said.getvalue()}


def prompts(folder):
    """A prompt changes what its own call is answered."""
    voice = f"{folder}/voice.wav"
    write_voice(voice)
    batch = batch_of(folder, voices={"sine": voice})
    sounds, found = sound(1), {}
    plain = heard_alone(batch, 0, sounds)
    for name, prompt in (
        ("text", DuplexPrompt("the model listens while it speaks")),
        ("voice", DuplexPrompt(voice="sine")),
    ):
        told = batch.told(prompt)
        answers = []
        for _ in range(2):
            batch.wipe([0])
            for forced in told:
                batch.force({0: forced})
            answers.append([batch.step({0: frame}).answers[0] for frame in sounds])
        found[name] = {"frames": len(told), "answered at once": answers[0][0].samples is not None,
                       "same each time": same(*answers),
                       "other than without": not same(plain[1:], answers[0][1:])}  # fmt: skip
    return found


def write_voice(path):
    import wave

    tone = 0.3 * np.sin(2 * np.pi * 220 / 24_000 * np.arange(24_000))
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes((tone * 32767).astype("<i2").tobytes())


def long(folder):
    """Beyond the model's context of 100 frames it goes on, and begun anew it goes on too."""
    batch = batch_of(folder, slots=1)
    sounds = sound(3, 130)
    answers = heard_alone(batch, 0, sounds)
    batch.begin_anew([0])
    after = [batch.step({0: frame}).answers[0] for frame in sounds[:20]]
    finite = all(np.isfinite(a.samples).all() for a in [*answers[1:], *after[1:]])
    return {"finite": finite, "first after": [a.token is None for a in after[:3]]}


def poisoned(folder):
    """A row of the model, or of the codec, remembers what is no number: who hears of it."""
    batch, found = batch_of(folder, slots=2), {}
    sounds = sound(1)
    alone = heard_alone(batch, 0, sounds)
    for name, module in (("model", batch._generator), ("codec", batch._mimi)):
        heard_alone(batch, 0, sounds[:4])
        heard_alone(batch, 1, sounds[:4])
        for part in module.modules():
            cache = getattr(getattr(part, "_streaming_state", None), "kv_cache", None)
            if cache is not None:
                cache.cache[:, 0] = float("nan")
        answers = batch.step({0: sounds[4], 1: sounds[4]}).answers
        finite = {row: bool(np.isfinite(answers[row].samples).all()) for row in answers}
        found[name] = {
            "told": not finite[0],
            "other": finite[1] and same([answers[1]], [alone[4]]),
            "the next call": same(alone, heard_alone(batch, 0, sounds)),
        }
    return found


def refusals(folder):
    """What is said of each checkpoint in this folder."""
    said = {}
    for checkpoint in sorted(Path(folder).iterdir()):
        try:
            load(MoshiSettings(str(checkpoint), "cpu", numbers="float32"))
        except EngineUnavailable as fault:
            said[checkpoint.name] = str(fault)
    return said


def cost(folder, rounds=40):
    """Median seconds of a step of one call and of eight, taken in turns within one run."""
    batches = {slots: batch_of(folder, slots) for slots in (1, 8)}
    times = {slots: [] for slots in batches}
    sounds = sound(4, rounds)
    for frame in sounds:
        for slots, batch in batches.items():
            began = time.perf_counter()
            batch.step(dict.fromkeys(range(slots), frame))
            times[slots].append(time.perf_counter() - began)
    return {str(slots): float(np.median(taken[5:])) for slots, taken in times.items()}


if __name__ == "__main__":
    where, *checks = sys.argv[1:]
    sys.stdout.write(json.dumps({check: globals()[check](where) for check in checks}) + "\n")
