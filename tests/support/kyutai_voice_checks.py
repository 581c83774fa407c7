"""What is true of Kyutai's voice, found out in the environment that has torch.

`python tests/support/kyutai_voice_checks.py FOLDER` prints one JSON object. FOLDER holds a
checkpoint of random numbers: it hums and rustles, but what it says depends on its words.
"""

import asyncio
import json
import sys
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from agent.core.errors import EngineError
from agent.virtual_loop import run_virtual
from audio_io.resample import at_rates
from pipelines.engines.kyutai_voice import KyutaiVoice
from pipelines.engines.kyutai_voice_batch import KyutaiVoiceBatch
from pipelines.engines.kyutai_voice_load import KyutaiTtsSettings, load_voice
from tests.support.duplex import TapedCall, cascade, hold
from tests.support.duplex import said as said_aloud

TEXTS = (
    "The model listens while it speaks",
    "one two three four five six seven",
    "Who is there?",
)


def settings(folder, **other):
    chosen = {"voice": f"{folder}/voice.safetensors", "slots": 3, "temperature": 0.0, **other}
    return KyutaiTtsSettings(folder, device="cpu", numbers="float32", codebooks=8, **chosen)


def alone(batch, slot, text):
    """All frames of a text, and the last word on where its words are."""
    batch.begin(slot, text)
    frames, spoken = [], None
    while spoken is None or not spoken.is_over:
        spoken = batch.step([slot])[slot]
        if spoken.samples is not None:
            frames.append(spoken.samples.copy())
    return np.concatenate(frames), spoken.words


def together(batch, texts):
    """The same for one text in each row, which begin and step at different times."""
    frames, words, steps = {slot: [] for slot in range(len(texts))}, {}, 0
    while len(words) < len(texts):
        for slot, text in enumerate(texts):
            if steps == 5 * slot:
                batch.begin(slot, text)
        begun = [s for s in range(len(texts)) if steps >= 5 * s and s not in words]
        chosen = [slot for slot in begun if (steps // (2 + slot)) % 3 or len(begun) == 1]
        for slot, spoken in (batch.step(chosen) if chosen else {}).items():
            if spoken.samples is not None:
                frames[slot].append(spoken.samples.copy())
            if spoken.is_over:
                words[slot] = spoken.words
        steps += 1
    return [(np.concatenate(frames[slot]), words[slot]) for slot in frames]


def theirs(loaded, text):
    """What moshi's own `generate` makes of a text, as its `simple_generate` cuts it."""
    import torch

    tts = loaded.tts
    entries = [tts.prepare_script([text], padding_between=1)]
    result = tts.generate(entries, [loaded.attributes])
    with torch.no_grad(), tts.mimi.streaming(1):
        frames = [tts.mimi.decode(f[:, 1:]).clip(-1, 1) for f in result.frames[tts.delay_steps :]]
    sound = torch.cat(frames[2:][: result.end_steps[0]], -1)[0, 0].numpy()
    return sound, [step for _, step in result.all_transcripts[0]]


def sounds(folder):
    reference = [theirs(load_voice(settings(folder)), text) for text in TEXTS]
    single = KyutaiVoiceBatch(load_voice(settings(folder, slots=1)), 1)
    same = [alone(single, 0, text)[0] for text in TEXTS]
    batch = KyutaiVoiceBatch(load_voice(settings(folder)), 3)
    one = [alone(batch, slot, text) for slot, text in enumerate(TEXTS)]
    again = [alone(batch, 2 - slot, text) for slot, text in enumerate(TEXTS)]
    other = KyutaiVoiceBatch(load_voice(settings(folder, voice=f"{folder}/other.safetensors")), 3)
    words = [[round(start / batch.frame_samples) + 2 for start in found] for _, found in one]
    return {
        "as moshi": [bool(np.array_equal(a, b)) for a, (b, _) in zip(same, reference, strict=True)],
        "words as moshi": words == [steps for _, steps in reference],
        "whichever row": _same(one, again),
        "among others": _same(one, together(batch, TEXTS)),
        "seconds": [len(sound) / batch.rate for sound, _ in one],
        "loud": [float(np.abs(sound).max()) for sound, _ in one],
        "other voice": bool(np.array_equal(alone(other, 0, TEXTS[0])[0], one[0][0])),
        "colons and brackets": len(alone(batch, 0, "ten:30 (or so) : yes")[1]),
    }  # fmt: skip


def _same(one, two):
    return [bool(np.array_equal(a, b)) and x == y for (a, x), (b, y) in zip(one, two, strict=True)]


async def said(voice, *clauses):
    async def given():
        for clause in clauses:
            yield clause

    async with aclosing(voice.speak(given())) as speech:
        return [piece async for piece in speech]


def whole(pieces):
    return np.concatenate([piece.frame.samples for piece in pieces])


def text_of(pieces):
    return " ".join(piece.text for piece in pieces if piece.text)


async def calls(folder):
    """Replies at once through the whole voice: more of them than there are slots."""
    voice = KyutaiVoice.load(settings(folder))
    first = await said(voice, TEXTS[0])
    voice.close()
    voice = KyutaiVoice.load(settings(folder))
    async with asyncio.TaskGroup() as group:
        many = [group.create_task(said(voice, TEXTS[n % 2], f"{n} of five.")) for n in range(5)]
        alike = group.create_task(said(voice, TEXTS[0]))
    left = voice.speak(_one("and another call takes its place"))
    await anext(left)
    await left.aclose()
    after = await said(voice, "seven eight nine")
    voice.close()
    return {
        "texts": [text_of(task.result()) for task in many],
        "alike": bool(np.array_equal(whole(first), whole(alike.result()))),
        "pieces": max(piece.frame.duration_s for piece in first),
        "in order": all(a.frame.end == b.frame.start for a, b in pairwise(first)),
        "words spread": sum(bool(piece.text) for piece in first),
        "after one that was left": text_of(after),
    }  # fmt: skip


async def _one(text):
    yield text


def call(folder):
    """A whole call on the cascade: what was heard of the greeting and of the answer."""
    pipeline, voice = cascade((4.0, "hello there")), KyutaiVoice.load(settings(folder))
    engines = replace(pipeline.engines, synthesizer=voice)

    async def scene():
        whole = at_rates(TapedCall(said_aloud(12, (3, 5))), pipeline.rate, pipeline.play_rate)
        return await hold(whole, replace(pipeline, engines=engines))

    trace = run_virtual(scene()).trace
    voice.close()
    heard = [line["text"] for line in trace.named("heard")]
    return {"heard": heard, "errors": trace.named("error")}


def refusals(folder):
    found = {}
    for name, other in {
        "no voice": {"voice": ""},
        "no file": {"voice": "/nowhere.safetensors"},
        "no wav": {"voice": f"{folder}/config.json"},
        "too many codebooks": {"codebooks": 17},
    }.items():
        try:
            load_voice(KyutaiTtsSettings(**{**_plain(settings(folder)), **other}))
        except EngineError as fault:
            found[name] = str(fault)
    return found


def _plain(chosen):
    return {name: getattr(chosen, name) for name in chosen.__slots__}


def main(folder):
    Path(folder).resolve(strict=True)
    found = {**sounds(folder), **asyncio.run(calls(folder)), "refusals": refusals(folder)}
    found["call"] = call(folder)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
