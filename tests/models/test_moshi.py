"""Moshi through moshi's own loaders and steps, with a model of random numbers made here."""

import asyncio
import json
import re
import signal
import time
from contextlib import suppress

import numpy as np
from pytest import fixture, mark, raises

from agent.core.audio import AudioFrame
from agent.core.duplex import DuplexPrompt
from agent.core.errors import EngineBusy, EngineFailed, EngineUnavailable
from pipelines.engines.duplex_remote import RemoteModel, RemoteSettings
from pipelines.engines.moshi import Moshi
from pipelines.engines.moshi_settings import MoshiSettings
from tests.support.duplex_workers import (
    checked,
    refusal,
    run_script,
    running_worker,
    write_tiny_moshi,
)

pytestmark = [mark.models, mark.peers]

NOTHING = DuplexPrompt()
GREEDY = {"temperature": 0.0, "text_temperature": 0.0}
RATE, FRAME = 24_000, 1920


@fixture(scope="module")
def tiny(tmp_path_factory):
    return write_tiny_moshi(tmp_path_factory.mktemp("moshi"))


@fixture(scope="module")
def found(tiny):
    """What holds inside the batch; one process for all of it, for torch is slow to import."""
    return checked(tiny, "isolation", "sampled", "one", "reference", "prompts", "long", "poisoned")


def sound(seed, frames):
    dice = np.random.default_rng(seed)
    samples = (dice.normal(size=(frames, FRAME)) * 0.1).astype(np.float32)
    return [AudioFrame(samples[n], RATE, n * FRAME) for n in range(frames)]


# --- the batch ------------------------------------------------------------------------------------


def test_a_row_that_lost_its_numbers_is_told_and_is_sound_again_for_the_next_call(found):
    for part in ("model", "codec"):
        assert found["poisoned"][part] == {"told": True, "other": True, "the next call": True}


def test_nobody_elses_coming_going_or_prompt_changes_a_call_by_a_bit(found):
    isolation = found["isolation"]
    assert isolation["among others"] == [True, True]
    assert isolation["after others"] is True
    # It would prove nothing if the model said the same whatever it heard.
    assert isolation["other sound, other answer"] is True
    assert isolation["tokens"] > 10
    assert isolation["loudest"] > 0.01


def test_a_call_is_answered_the_same_in_whichever_row(found):
    assert found["isolation"]["rows"] == [True, True]


def test_with_dice_too_nobody_else_changes_a_call_by_a_bit(found):
    assert found["sampled"]["same"] is True
    assert found["sampled"]["tokens"] > 10


def test_a_batch_of_four_says_what_a_batch_of_one_says_but_for_rounding(found):
    assert found["one"]["tokens"] is True
    assert found["one"]["apart"] < 1e-5


def test_a_call_alone_is_answered_as_moshis_own_server_would_to_the_bit(found):
    assert found["reference"] == {"tokens": True, "sound": True}


@mark.parametrize("kind", ["text", "voice"])
def test_a_prompt_changes_the_answers_of_its_own_call_and_the_first_frame_has_one(found, kind):
    prompt = found["prompts"][kind]
    assert prompt["frames"] > 10
    assert prompt["answered at once"] is True
    assert prompt["same each time"] is True
    assert prompt["other than without"] is True


def test_a_call_may_be_longer_than_the_models_context(found):
    assert found["long"] == {"finite": True, "first after": [True, False, False]}


def test_the_benchmark_builds_the_shapes_that_it_measures_on_a_gpu_and_says_where_none_is(tiny):
    done = checked(tiny, "shapes", "without_a_gpu")
    assert done["shapes"] == {"status": 0, "rows": 2}
    assert done["without_a_gpu"]["status"] == 2
    assert "expected a GPU, found none" in done["without_a_gpu"]["said"]


# --- Hibiki ---------------------------------------------------------------------------------------


@fixture(scope="module")
def translated(tmp_path_factory):
    """The same of a Hibiki: other delays, and a condition."""
    folder = write_tiny_moshi(tmp_path_factory.mktemp("hibiki"), "hibiki")
    return checked(folder, "isolation", "reference", "conditions", "prompts")


def test_hibiki_answers_as_moshis_own_steps_would_to_the_bit(translated):
    assert translated["reference"] == {"tokens": True, "sound": True}


def test_nobody_else_changes_a_call_to_hibiki_by_a_bit(translated):
    isolation = translated["isolation"]
    assert isolation["among others"] == [True, True]
    assert isolation["rows"] == [True, True]
    assert isolation["other sound, other answer"] is True
    assert isolation["tokens"] > 10


def test_hibiki_is_told_to_translate_well_and_what_it_is_told_matters(translated):
    conditions = translated["conditions"]
    assert conditions["as moshi's own"] is True
    assert conditions["other quality, other answer"] is True
    assert conditions["first"] == [True, True, False, False]  # two frames of delay


def test_hibiki_takes_a_voice_prompt_too(translated):
    assert translated["prompts"]["voice"]["other than without"] is True


# --- PersonaPlex ----------------------------------------------------------------------------------


@fixture(scope="module")
def persona(tmp_path_factory):
    """The same of a model whose depth model speaks for both sides, as PersonaPlex's does."""
    folder = write_tiny_moshi(tmp_path_factory.mktemp("persona"), "personaplex")
    return checked(folder, "half", "isolation", "reference", "prompts")


def test_a_depth_model_for_both_sides_speaks_for_the_agent_and_hears_the_caller(persona):
    assert persona["half"] == {"weights": 16, "asked": 8, "heard": 8}
    assert persona["isolation"]["other sound, other answer"] is True
    assert persona["isolation"]["among others"] == [True, True]
    assert persona["reference"] == {"tokens": True, "sound": True}


@mark.parametrize("kind", ["text", "voice"])
def test_it_takes_a_text_and_a_voice_before_the_first_frame(persona, kind):
    assert persona["prompts"][kind]["other than without"] is True
    assert persona["prompts"][kind]["same each time"] is True


# --- a checkpoint that is none --------------------------------------------------------------------


@fixture(scope="module")
def said(tiny, tmp_path_factory):
    """What is said of checkpoints of which something is wrong, by what it is."""
    folder, other = (tmp_path_factory.mktemp(name) for name in ("spoilt", "other"))
    torn = other / "torn.safetensors"
    torn.write_bytes((tiny / "moshi.safetensors").read_bytes()[:100_000])
    run_script("tiny_moshi.py", other, "50")
    for name, change in {
        "wide": {"dim": 128},
        "swapped": {"moshi_name": f"file://{tiny}/mimi.safetensors"},
        "torn": {"moshi_name": f"file://{torn}"},
        "words": {"tokenizer_name": f"file://{other}/words.model"},
        "recognizer": {"model_type": "stt"},
        "unheard-of": {"wings": 2, "delays": [0]},
    }.items():
        good = json.loads((tiny / "config.json").read_text())
        (folder / name).mkdir()
        (folder / name / "config.json").write_text(json.dumps(good | change))
    return checked(folder, "refusals")["refusals"]


@mark.parametrize(
    ("what", "why"),
    [
        ("wide", "expected weights that fit their configuration, found .*size mismatch"),
        ("swapped", "expected weights that fit their configuration"),
        ("torn", "expected weights that fit their configuration"),
        # moshi's own server starts with such a checkpoint, and dies in the first call.
        ("words", "the model has 60 text tokens, and its vocabulary 50"),
        ("recognizer", "model_type: expected one of moshi, hibiki, found stt"),
        ("unheard-of", "expected weights that fit their configuration"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_one_sentence(said, what, why):
    assert said[what].startswith("moshi: ")
    assert re.search(why, said[what])
    assert len(said[what]) < 800


def test_without_torch_the_engine_is_unavailable_here(tiny):
    with suppress(ImportError):
        import torch  # noqa: F401

        return  # this environment has it
    with raises(EngineUnavailable, match="is not installed here"):
        Moshi.load(MoshiSettings(str(tiny), "cpu", slots=1))


# --- the worker -----------------------------------------------------------------------------------


async def talk(model, frames, answers):
    """One call as fast as it goes: what it got, added as it comes."""
    slot = await model.open(NOTHING)
    try:
        for frame in frames:
            answers.append(await model.step(slot, frame))
    finally:
        await model.close(slot)


def plain(outputs):
    return [
        (o.tokens, o.text, None if o.frame is None else o.frame.samples.tobytes()) for o in outputs
    ]


def test_eight_calls_at_once_get_what_each_would_get_alone(tiny):
    async def main(where):
        model = RemoteModel.load(RemoteSettings(where, answer_s=20))
        calls = [sound(n, 20) for n in range(8)]
        together = [[] for _ in calls]
        async with asyncio.TaskGroup() as group:
            for frames, answers in zip(calls, together, strict=True):
                group.create_task(talk(model, frames, answers))
        alone = []
        await talk(model, calls[3], alone)
        assert plain(alone) == plain(together[3])
        assert len({o.text for o in alone}) > 5
        assert len({str(plain(answers)) for answers in together}) == 8
        assert all(len(answers) == 20 for answers in together)
        assert together[0][-1].step_s > 0
        assert together[0][-1].batch == 8

    with running_worker(tiny, **GREEDY) as (_, where):
        asyncio.run(main(where))


def test_a_ninth_call_is_told_that_the_worker_is_full(tiny):
    async def main(where):
        model = RemoteModel.load(RemoteSettings(where))
        slots = [await model.open(NOTHING) for _ in range(2)]
        with raises(EngineBusy, match="all 2 taken"):
            await model.open(NOTHING)
        for slot in slots:
            await model.close(slot)

    with running_worker(tiny, slots=2) as (_, where):
        asyncio.run(main(where))


def test_a_worker_that_is_killed_in_mid_call_is_missed_within_a_second(tiny):
    async def main(process, where):
        model = RemoteModel.load(RemoteSettings(where, answer_s=20))
        slot = await model.open(NOTHING)
        frames = iter(sound(1, 2000))
        await model.step(slot, next(frames))
        process.send_signal(signal.SIGKILL)
        began = time.monotonic()
        with raises(EngineFailed, match="the worker is gone"):
            while time.monotonic() - began < 20:
                await model.step(slot, next(frames))
        # No figure of speed: without a closed socket it would be twenty seconds, the answer's limit
        assert time.monotonic() - began < 10
        await model.close(slot)
        with raises(EngineUnavailable, match="expected a duplex worker"):
            await model.open(NOTHING)

    with running_worker(tiny, slots=1) as (process, where):
        asyncio.run(main(process, where))


def test_a_worker_ends_in_order_when_it_is_told_to(tiny, tmp_path):
    with running_worker(tiny, listen=f"unix:{tmp_path}/w.sock", slots=1) as (process, where):
        assert where == f"unix:{tmp_path}/w.sock"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=15) == 0


def test_a_worker_says_in_words_what_is_wrong_with_its_settings(tiny):
    assert "slots: expected 1..512, found 0" in refusal(tiny, slots=0)
    assert "config.json" in refusal("/nowhere")
