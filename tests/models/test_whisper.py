"""Whisper through faster-whisper's own loading, decoding and alignment, with weights made here."""

import asyncio
from pathlib import Path

import numpy as np
from pytest import fixture, mark, raises

from agent.core.audio import AudioFrame, split
from agent.core.errors import EngineFailed, EngineUnavailable
from agent.core.protocols import Expectation
from benchmarks.tiny_models.tones import RATE, tones
from benchmarks.tiny_models.whisper import write_tone_whisper
from pipelines.engines.whisper import Whisper, WhisperSettings
from pipelines.engines.whisper_model import FasterWhisper, Question, WhisperFiles
from pipelines.engines.whisper_words import texts
from tests.support.tools import package

pytestmark = mark.models


def files(model, context_s=10.0):
    return WhisperFiles(str(model), False, "cpu", "", 2, 1, context_s)


@fixture(scope="module")
def weights(tmp_path_factory):
    package("faster_whisper")
    folder = tmp_path_factory.mktemp("tone-whisper")
    write_tone_whisper(folder)
    return folder


@fixture(scope="module")
def model(weights):
    return FasterWhisper.load(files(weights))


@mark.parametrize("context_s", [30.0, 8.0])
def test_it_reads_words_and_their_places_from_the_model(weights, context_s):
    model = FasterWhisper.load(files(weights, context_s))
    found = model.hear(Question(tones("where are you").samples, language="en"))
    assert [(w.text, w.start, w.end) for w in found.words] == [
        ("where", 0, 8_000),
        ("are", 8_000, 16_000),
        ("you", 16_000, 23_680),
    ]
    assert found.mean_log_probability > -0.1
    assert found.no_speech < 0.1
    assert found.language == "en"


@mark.parametrize(
    "more", [{"before": "yes"}, {"hot_words": "yes"}], ids=["said before", "hot words"]
)
def test_what_it_is_told_stands_before_what_it_says(model, more):
    """The tone model finds its place by counting tokens; here they are a mark and four letters."""
    sound = tones("drop the two when you add the figures")
    assert texts(model.hear(Question(sound.samples, **more)).words) == "add the figures"


def test_sound_too_short_for_features_has_no_words(model):
    assert model.hear(Question(np.zeros(800, np.float32))).words == ()


def test_sound_longer_than_the_context_is_heard_up_to_its_end(weights):
    model = FasterWhisper.load(files(weights, context_s=1.0))
    assert texts(model.hear(Question(tones("where are you").samples)).words) == "where are"


def test_silence_has_no_words(model):
    assert model.hear(Question(np.zeros(RATE, np.float32))).words == ()


def test_a_segment_becomes_words_while_it_is_said(weights):
    settings = WhisperSettings(model=str(weights), device="cpu", context_s=12, hot_characters=0)
    quiet = np.zeros(RATE // 10, np.float32)
    sound = AudioFrame(np.concatenate([tones("stop no yes").samples, quiet]), RATE, 0)

    async def scene(engine):
        recognition = await engine.open(1, Expectation(("yes",)))
        found, rest = [], sound
        while len(rest.samples):
            frame, rest = split(rest, 1_600)
            found += await recognition.feed(frame)
        return found, await recognition.finish()

    engine = Whisper.load(settings)
    try:
        partials, final = asyncio.run(scene(engine))
    finally:
        engine.close()
    assert final.text == "stop no yes"
    assert len(partials) >= 2
    assert partials[-1].stable.startswith("stop no")


# --- what is missing ------------------------------------------------------------------------------


def test_weights_that_are_not_here_are_not_fetched_but_asked_for():
    package("faster_whisper")
    command = r"Run: parley models pull"
    with raises(EngineUnavailable, match=f"nobody/nothing are not on this machine. {command}"):
        FasterWhisper.load(files("nobody/nothing"))


def test_a_size_that_does_not_exist_is_named_beside_those_that_do():
    package("faster_whisper")
    with raises(EngineUnavailable, match=r"expected a folder or one of tiny.en, .* found smal.en"):
        FasterWhisper.load(files("smal.en"))


def test_a_folder_without_a_tokenizer_is_refused_before_one_is_fetched(weights, tmp_path):
    for name in ("model.bin", "config.json"):
        (tmp_path / name).write_bytes((weights / name).read_bytes())
    with raises(EngineUnavailable, match=r"found no tokenizer.json"):
        FasterWhisper.load(files(tmp_path))


def test_weights_that_are_broken_are_refused_in_words(weights, tmp_path):
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        (tmp_path / name).write_bytes((weights / name).read_bytes())
    Path(tmp_path / "model.bin").write_bytes(b"no model")
    with raises(EngineUnavailable, match="cannot be used on cpu as int8"):
        FasterWhisper.load(files(tmp_path))


def test_a_card_that_is_full_fails_the_step_in_words_and_not_the_next(weights):
    model = FasterWhisper.load(files(weights))
    encode = model._model.encode

    def full(features):
        raise RuntimeError("CUDA failed with error out of memory")

    model._model.encode = full
    with raises(EngineFailed, match=r"the model broke on 0.5 s: CUDA failed .* out of memory"):
        model.hear(Question(tones("yes").samples, language="en"))
    model._model.encode = encode
    assert texts(model.hear(Question(tones("yes").samples, language="en")).words) == "yes"
