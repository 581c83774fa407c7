"""Pocket TTS through its own loading code, with a small untrained model in its true format."""

import contextlib
import importlib.util
from pathlib import Path

import numpy as np
from pytest import fixture, mark, raises, skip

from agent.core.errors import EngineUnavailable
from agent.virtual_loop import run_virtual
from benchmarks.tiny_models.pocket_tts import write_pocket_tts
from pipelines.engines.pocket_tts import PocketTTS, PocketTTSSettings
from tests.contracts.voices import given, said

pytestmark = mark.models


@fixture(scope="module")
def folder(tmp_path_factory):
    """config.yaml, weights.safetensors, tok.model, voice.wav and consent.wav."""
    if importlib.util.find_spec("pocket_tts") is None:
        skip("pocket_tts is not installed: it brings torch")
    folder = tmp_path_factory.mktemp("pocket")
    write_pocket_tts(folder)
    return folder


def settings(folder, **more):
    files = {name: str(folder / f"{name}.wav") for name in ("voice", "consent")}
    return PocketTTSSettings(str(folder / "config.yaml"), **(files | more))


@fixture
def voice(folder):
    with contextlib.closing(PocketTTS.load(settings(folder))) as made:
        yield made


def test_its_sound_comes_out_in_pieces_with_the_words(voice):
    async def pieces():
        return [piece async for piece in voice.speak(given("It is $3,", "today."))]

    found = run_virtual(pieces())
    assert " ".join(p.text for p in found if p.text) == "It is $3, today."
    assert max(p.frame.duration_s for p in found) <= 0.2
    assert max(np.abs(p.frame.samples).max() for p in found) > 0.004


def test_a_reply_that_was_left_does_not_keep_the_next_one_from_being_made(voice):
    async def left():
        async with contextlib.aclosing(voice.speak(given("hello there " * 20))) as speech:
            await anext(speech)

    run_virtual(left())
    assert len(run_virtual(said(voice, "hello"))) > 0


def test_a_voice_is_not_cloned_without_consent(folder):
    with raises(EngineUnavailable, match="is the voice of a person"):
        PocketTTS.load(settings(folder, consent=""))


def test_a_configuration_that_would_download_is_refused(folder, tmp_path):
    import pocket_tts

    shipped = Path(pocket_tts.__file__).parent / "config" / "english.yaml"
    with raises(EngineUnavailable, match="would be downloaded"):
        PocketTTS.load(PocketTTSSettings(str(shipped)))


def test_weights_that_do_not_fit_are_refused(folder, tmp_path):
    broken = tmp_path / "config.yaml"
    text = (folder / "config.yaml").read_text()
    broken.write_text(text.replace("num_layers: 8", "num_layers: 7"))
    with raises(EngineUnavailable, match="Download one: hf download"):
        PocketTTS.load(
            PocketTTSSettings(str(broken), str(folder / "voice.wav"), str(folder / "consent.wav"))
        )
