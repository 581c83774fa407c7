"""Piper and Kokoro through their own loading code, with tiny voices in their true formats."""

import contextlib

import numpy as np
from pytest import fixture, mark, param, raises

from agent.core.errors import EngineUnavailable
from agent.virtual_loop import run_virtual
from benchmarks.tiny_models.voices import kokoro_voice, piper_voice
from pipelines.engines.kokoro import Kokoro, KokoroSettings
from pipelines.engines.piper import Piper, PiperSettings
from tests.contracts.voices import given, said
from tests.support.tools import package

pytestmark = mark.models


@fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("voices")


def piper(folder, **settings):
    package("piper")
    model = folder / "voice.onnx"
    path = str(model) if model.exists() else piper_voice(model)
    return Piper.load(PiperSettings(path, **settings))


def kokoro(folder, **settings):
    package("kokoro_onnx")
    if not (folder / "kokoro.onnx").exists():
        kokoro_voice(folder)
    return Kokoro.load(
        KokoroSettings(str(folder / "kokoro.onnx"), str(folder / "voices.bin"), **settings)
    )


@fixture(params=[param(piper, id="piper"), param(kokoro, id="kokoro")])
def voice(request, folder):
    with contextlib.closing(request.param(folder)) as made:
        yield made


async def pieces(voice, *clauses):
    return [speech async for speech in voice.speak(given(*clauses))]


def test_the_sound_begins_and_ends_at_once(voice):
    sound = run_virtual(said(voice, "Hello there."))
    audible = np.flatnonzero(np.abs(sound) > 0.004)
    assert audible[0] <= 0.02 * voice.rate
    assert len(sound) - audible[-1] <= 0.02 * voice.rate


def test_a_price_is_spoken_in_words_and_kept_as_it_was_written(voice):
    found = run_virtual(pieces(voice, "It is $3.50."))
    spelt = run_virtual(said(voice, "It is three dollars and fifty cents."))
    assert " ".join(piece.text for piece in found if piece.text) == "It is $3.50."
    assert sum(len(piece.frame.samples) for piece in found) == len(spelt)


def test_a_silence_that_was_asked_for_is_made_and_nothing_of_its_tag_is_said(voice):
    plain = run_virtual(said(voice, "Hello", "there."))
    paused = run_virtual(pieces(voice, 'Hello <break time="700ms"/> there.'))
    assert [piece.text for piece in paused if piece.text] == ["Hello", "there."]
    added = sum(len(piece.frame.samples) for piece in paused) - len(plain)
    assert added == round(0.7 * voice.rate) - round(0.12 * voice.rate)  # instead of a breath


def test_slow_prosody_is_slower(voice):
    plain = run_virtual(said(voice, "Hello there."))
    slow = run_virtual(said(voice, '<prosody rate="50%">Hello there.</prosody>'))
    assert 1.8 < len(slow) / len(plain) < 2.2


def test_what_was_said_before_is_remembered(voice, monkeypatch):
    first = run_virtual(said(voice, "One moment."))
    monkeypatch.setattr(voice._source, "_thread", None)  # it would be needed for anything new
    assert np.array_equal(run_virtual(said(voice, "One moment.")), first)


def test_words_lie_where_an_aligned_piper_voice_says(tmp_path):
    package("piper")
    path = piper_voice(tmp_path / "aligned.onnx", has_alignments=True)
    with contextlib.closing(Piper.load(PiperSettings(path))) as voice:
        chunk = next(voice._source._engine.say("a strengths", _plain()))
    assert len(chunk.words) == 2
    silent = np.flatnonzero(np.abs(chunk.samples) < 1e-6)
    gap = silent[(silent > chunk.words[0]) & (silent < chunk.words[1])]
    assert len(gap) > 256  # the silent phonemes between the words


def test_words_lie_where_a_kokoro_network_with_durations_says(tmp_path):
    package("kokoro_onnx")
    model, styles = kokoro_voice(tmp_path, has_durations=True)
    with contextlib.closing(Kokoro.load(KokoroSettings(model, styles))) as voice:
        chunk = next(voice._source._engine.say("a strengths", _plain()))
    assert len(chunk.words) == 2
    assert abs(chunk.words[1] - chunk.words[0] - 2 * 5 * 600) <= 5 * 600


def _plain():
    from pipelines.engines.voice_markup import PLAIN

    return PLAIN


def test_a_missing_file_is_named_with_the_command_that_brings_it(tmp_path):
    package("piper")
    package("kokoro_onnx")
    with raises(EngineUnavailable, match=r"found nothing at .*python -m piper.download_voices"):
        Piper.load(PiperSettings(str(tmp_path / "none.onnx")))
    with raises(EngineUnavailable, match=r"model: expected a file, found no path.*curl -LO"):
        Kokoro.load(KokoroSettings())


def test_the_network_of_another_engine_is_refused(folder, tmp_path):
    package("piper")
    package("kokoro_onnx")
    path = tmp_path / "voice.onnx"
    kokoro_voice(tmp_path)
    (tmp_path / "kokoro.onnx").rename(path)
    path.with_name("voice.onnx.json").write_text("{}")
    with raises(EngineUnavailable, match="the model of another engine"):
        Piper.load(PiperSettings(str(path)))


def test_a_voice_that_does_not_exist_is_refused_with_those_that_do(folder):
    package("kokoro_onnx")
    with raises(EngineUnavailable, match="expected one of af_heart, bf_emma, found af_bella"):
        kokoro(folder, voice="af_bella")


def test_a_speaker_that_does_not_exist_is_refused(folder):
    package("piper")
    with raises(EngineUnavailable, match="has 1, found 3"):
        piper(folder, speaker=3)


@mark.parametrize(
    ("settings", "message"),
    [
        (lambda: PiperSettings(pace=3), "pace 0.5..2"),
        (lambda: PiperSettings(threads=0), "threads 1..64"),
        (lambda: KokoroSettings(voice="jf_alpha"), "begins with a, b, e"),
        (lambda: KokoroSettings(pace=0.1), "pace 0.5..2"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, message):
    with raises(ValueError, match=message):
        settings()
