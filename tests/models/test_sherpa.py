"""Streaming transducers through sherpa-onnx's own loading and decoding, with networks made here."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from pytest import fixture, mark, raises

from agent.core.audio import AudioFrame, silence, split
from agent.core.errors import EngineFailed, EngineUnavailable
from agent.core.protocols import Expectation
from benchmarks.tiny_models.fastconformer import write_tone_fastconformer
from benchmarks.tiny_models.tones import RATE, tones
from benchmarks.tiny_models.zipformer import write_tone_zipformer
from pipelines.engines.sherpa import Sherpa, SherpaSettings
from tests.support.tools import package

pytestmark = mark.models


@fixture(scope="module")
def models(tmp_path_factory):
    """Settings for a model of each family."""
    package("sherpa_onnx")
    package("onnx")
    folder = tmp_path_factory.mktemp("tones")
    write_tone_zipformer(folder / "zipformer")
    write_tone_fastconformer(folder / "fastconformer")
    return {name: SherpaSettings(str(folder / name)) for name in ("zipformer", "fastconformer")}


@fixture
def settings(models):
    return models["zipformer"]


@fixture(params=["zipformer", "fastconformer"])
def engine(models, request):
    made = Sherpa.load(models[request.param])
    yield made
    made.close()


async def heard(engine, sound, expected=(), count=1_600):
    recognition = await engine.open(1, Expectation(expected))
    found = []
    try:
        while len(sound.samples):
            frame, sound = split(sound, count)
            found += await recognition.feed(frame)
        return [*found, await recognition.finish()]
    finally:
        await recognition.close()


def test_words_come_while_they_are_said_and_stay(engine):
    found = asyncio.run(heard(engine, tones("where are you located")))
    assert [(t.stable, t.unstable) for t in found] == [
        ("", "where"),
        ("where", "are"),
        ("where are", "you"),
        ("where are you", "located"),
        ("where are you located", ""),
    ]


@mark.parametrize(("family", "sees_s"), [("fastconformer", 0.17), ("zipformer", 0.45)])
def test_a_word_is_shown_as_soon_as_the_network_has_seen_its_beginning(models, family, sees_s):
    """What a step sees, and the 80 ms in which sound is handed to it."""

    async def shown(engine):
        recognition = await engine.open(1, Expectation())
        sound, at_s, fed = tones("where are you located"), {}, 0
        while len(sound.samples):
            frame, sound = split(sound, 320)
            fed += len(frame.samples)
            for found in await recognition.feed(frame):
                at_s.setdefault(found.text.split()[-1], fed / RATE)
        await recognition.close()
        return at_s

    engine = Sherpa.load(models[family])
    try:
        at_s = asyncio.run(shown(engine))
    finally:
        engine.close()
    delays = [at_s[word] - place * 0.5 for place, word in enumerate("where are you".split())]
    assert 0 < min(delays) <= max(delays) <= sees_s + 0.08


def test_the_look_ahead_is_filled_at_the_end(engine):
    """The last word is still inside the network when the sound ends; silence brings it out."""
    sound, _ = split(tones("yes no"), 8_000 + 3_200)
    found = asyncio.run(heard(engine, sound))
    assert [t.text for t in found] == ["yes", "yes no"]
    assert found[-1].final


def test_what_is_expected_is_favoured_where_the_search_keeps_several_hypotheses(settings):
    """Two words at once: the network hears either, what is expected decides."""
    engine = Sherpa.load(replace(settings, search="beam", hot_score=8.0))
    both = (tones("yes").samples + tones("no").samples) / 2
    unsure = AudioFrame(both, RATE, 0)
    try:
        words = {
            hot: asyncio.run(heard(engine, unsure, (hot,)))[-1].text.split()[0]
            for hot in ("yes", "no")
        }
    finally:
        engine.close()
    assert words == {"yes": "yes", "no": "no"}


def test_the_words_of_a_beam_only_grow(settings):
    engine = Sherpa.load(replace(settings, search="beam"))
    try:
        found = asyncio.run(heard(engine, tones("drop the two when you add"), ("no",)))
    finally:
        engine.close()
    assert found[-1].text == "drop the two when you add"
    stable = [t.stable for t in found]
    assert all(after.startswith(before) for before, after in pairwise(stable))


def test_a_phrase_that_its_letters_cannot_spell_does_no_harm(settings):
    engine = Sherpa.load(replace(settings, search="beam"))
    try:
        found = asyncio.run(heard(engine, tones("yes"), ("a zebra", "yes", "7/8")))
    finally:
        engine.close()
    assert found[-1].text == "yes"


def test_a_beam_is_refused_for_a_family_that_has_none(models):
    with raises(EngineUnavailable, match="a NeMo model knows only greedy, found beam"):
        Sherpa.load(replace(models["fastconformer"], search="beam"))


def test_another_rate_is_refused(engine):
    with raises(EngineFailed, match="expected sound at 16000 Hz, found 8000 Hz"):
        asyncio.run(heard(engine, silence(80, 8_000)))


def test_networks_that_are_broken_are_refused_in_words(settings, tmp_path):
    for name in ("encoder.onnx", "tokens.txt"):
        (tmp_path / name).write_bytes((Path(settings.model) / name).read_bytes())
    for name in ("decoder.onnx", "joiner.onnx"):
        (tmp_path / name).write_bytes(b"no network")
    with raises(EngineUnavailable, match="cannot be used"):
        Sherpa.load(replace(settings, model=str(tmp_path)))
