"""What is true of Kyutai's recogniser, found out in the environment that has torch.

`python tests/support/kyutai_checks.py FOLDER` prints one JSON object. FOLDER holds a checkpoint of
random numbers: what it writes means nothing, but it depends on what it hears.
"""

import asyncio
import json
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np

from agent.core.audio import AudioFrame, split
from agent.core.errors import EngineBusy, EngineError
from agent.core.protocols import Expectation, Pause
from agent.virtual_loop import run_virtual
from audio_io.resample import at_rates
from pipelines.cascade.first_opinion import FirstOpinion
from pipelines.cascade.turn_end.hazard import HazardPredictor
from pipelines.engines.kyutai_batch import KyutaiBatch
from pipelines.engines.kyutai_pause import LOOK_S, KyutaiPause
from pipelines.engines.kyutai_stt import RATE, KyutaiStt, KyutaiSttSettings, Stream
from pipelines.engines.moshi_load import load
from tests.support.duplex import TapedCall, cascade, hold, said

NOTHING = Expectation()


def settings(folder, slots=4):
    return KyutaiSttSettings(folder, "cpu", "float32", slots)


def noise(seconds, seed=1):
    dice = np.random.default_rng(seed)
    loudness = np.repeat(dice.uniform(0.01, 0.3, round(seconds * 10)), RATE // 10)
    return AudioFrame((dice.normal(size=len(loudness)) * loudness).astype(np.float32), RATE, 0)


async def heard(recognizer, sound, count=1600, segment=3):
    """All transcripts, and the words with their times."""
    recognition = await recognizer.open(segment, NOTHING)
    try:
        found = []
        while len(sound.samples):
            frame, sound = split(sound, count)
            found += await recognition.feed(frame)
        return [*found, await recognition.finish()], recognition.words
    finally:
        await recognition.close()


async def contract(recognizer):
    """What tests/contracts/test_recognizer.py asks of every recogniser, but for understanding."""
    sound = noise(3.0)
    whole, words = await heard(recognizer, sound)
    pieces = [(await heard(recognizer, sound, count))[0] for count in (160, 333, 4096, 10**6)]
    head, _ = split(sound, RATE)
    other = AudioFrame(np.concatenate([head.samples, noise(2.0, 9).samples]), RATE, 0)
    early = (await heard(recognizer, head))[0][:-1]
    late = (await heard(recognizer, other))[0]
    alone = [(await heard(recognizer, noise(2.0, n)))[0] for n in (5, 6)]
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(heard(recognizer, noise(2.0, n), 500 * n)) for n in (5, 6)]
    stable = [t.stable.split() for t in whole]
    return {
        "words": len(words),
        "whole": whole[-1].text == " ".join(w.text for w in words),
        "pieces": [found == whole for found in pieces],
        "stable grows": all(b[: len(a)] == a for a, b in pairwise(stable)),
        "final": [t.final for t in whole] == [False] * (len(whole) - 1) + [True],
        "segments": {t.segment for t in whole} == {3},
        "causal": bool(early) and late[: len(early)] == early,
        "apart": [task.result()[0] for task in both] == alone and alone[0] != alone[1],
        "other sound, other words": (await heard(recognizer, noise(3.0, 8)))[0] != whole,
        "times": all(0 <= w.start_s <= w.end_s <= 3.2 for w in words)
        and all(a.start_s <= b.start_s for a, b in pairwise(words)),
    }


async def cancelled(recognizer):
    """A segment that is dropped in the middle gives its slot back, and harms nobody."""
    before = (await heard(recognizer, noise(1.0)))[0]
    recognition = await recognizer.open(1, NOTHING)
    task = asyncio.create_task(recognition.feed(noise(5.0)))  # noqa: TID251  # to be cancelled
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await recognition.close()
    await recognition.close()
    opened, full = [], ""
    while not full:
        try:
            opened += [await recognizer.open(1, NOTHING)]
        except EngineBusy as fault:
            full = str(fault)
    for one in opened:
        await one.close()
    return {
        "slots": len(opened),
        "full": full,
        "same after": (await heard(recognizer, noise(1.0)))[0] == before,
    }


async def pauses(recognizer):
    """The head's opinion: one number for one sound, whoever else is there."""
    predictor = KyutaiPause(recognizer)

    async def opinion(seed, seconds=4.0):
        pause = Pause(noise(seconds, seed), 0.3, "", NOTHING)
        return (await predictor.predict(pause)).probability

    first = await opinion(1)
    async with asyncio.TaskGroup() as group:
        again, other = (group.create_task(opinion(seed)) for seed in (1, 2))
        group.create_task(heard(recognizer, noise(2.0)))
    tail = AudioFrame(noise(4.0).samples[-round(LOOK_S * RATE) :], RATE, 0)
    short = (await predictor.predict(Pause(tail, 0.3, "", NOTHING))).probability
    try:
        await predictor.predict(Pause(AudioFrame(tail.samples, 8000, 0), 0.3, "", NOTHING))
    except EngineError as fault:
        wrong = str(fault)
    return {
        "within": 0 < first < 1,
        "same": again.result() == first == short,
        "other": other.result() != first,
        "wrong rate": wrong,
    }


def reference(folder):
    """Our tokens and opinions against moshi's own steps, in the order of its run_inference."""
    import torch

    loaded = load(settings(folder, 1).model, ("stt",))
    frames = list(Stream(_Sizes, None).frames(noise(3.0).samples))
    mimi, generator, theirs = loaded.mimi, loaded.generator, []
    with torch.no_grad(), mimi.streaming(1), generator.streaming(1):
        for number, frame in enumerate(frames):
            codes = mimi.encode(torch.from_numpy(frame.samples.copy())[None, None])
            if number == 0:
                generator.step(codes)
            tokens, heads = generator.step_with_extra_heads(codes)
            theirs.append((int(tokens[0, 0, 0]), float(heads[2][0, 0, 0])))
    batch = KyutaiBatch(loaded, 1)
    answers = [batch.step({0: frame.samples}).answers[0] for frame in frames]
    return {
        "same": [(a.token, a.turn_end) for a in answers] == theirs,
        "tokens": len({token for token, _ in theirs}),
    }


def call(recognizer):
    """A whole call on the cascade: what was understood, and what the pause head said."""
    pipeline = cascade()
    engines = replace(
        pipeline.engines,
        recognizer=recognizer,
        predictor=FirstOpinion(KyutaiPause(recognizer), HazardPredictor()),
    )
    dice = np.random.default_rng(4)
    sound = said(10, (3, 5))
    sound[sound != 0] += dice.normal(size=np.count_nonzero(sound)).astype(np.float32) * 0.1

    async def scene():
        whole = at_rates(TapedCall(sound), pipeline.rate, pipeline.play_rate)
        return await hold(whole, replace(pipeline, engines=engines))

    trace = run_virtual(scene()).trace
    told = {what: [x for x in trace.named("told") if x["what"] == what]
            for what in ("Transcript", "TurnEndPredicted")}  # fmt: skip
    return {
        "understood": [bool(x["stable"]) for x in told["Transcript"] if x["final"]],
        "opinions": len(told["TurnEndPredicted"]),
        "by the head": all("pause head" in x["reason"] for x in told["TurnEndPredicted"]),
        "errors": trace.named("error"),
        "replies": len(trace.named("heard")),
    }


class _Sizes:
    rate, frame_samples = 24_000, 1920


def main(folder):
    recognizer = KyutaiStt.load(settings(folder))

    async def checks():
        return {
            "contract": await contract(recognizer),
            "cancelled": await cancelled(recognizer),
            "pauses": await pauses(recognizer),
        }

    found = {**asyncio.run(checks()), "call": call(recognizer), "reference": reference(folder)}
    recognizer.close()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
