"""RealtimeTTS with an engine of its own kind: its base class, queue and stop, a tone for sound."""

import contextlib
import json

import numpy as np
from pytest import fixture, importorskip, mark, raises

from agent.core.errors import EngineFailed, EngineUnavailable
from agent.virtual_loop import run_virtual
from pipelines.engines.realtimetts import RealtimeTTS, RealtimeTTSSettings
from tests.contracts.voices import given, said

pytestmark = mark.models

RATE = 16_000
KIND = "tests.support.tone_engine:ToneEngine"


@fixture(autouse=True)
def library():
    importorskip("RealtimeTTS.engines.base_engine", reason="RealtimeTTS brings 314 MB")


def load(**options):
    return RealtimeTTS.load(
        RealtimeTTSSettings(KIND, {k: json.dumps(v) for k, v in options.items()})
    )


@fixture
def voice():
    with contextlib.closing(load()) as made:
        yield made


def test_the_engines_sound_comes_out_with_the_words(voice):
    async def pieces():
        return [piece async for piece in voice.speak(given("It is $3", "now."))]

    found = run_virtual(pieces())
    assert " ".join(p.text for p in found if p.text) == "It is $3 now."
    sound = np.concatenate([p.frame.samples for p in found])
    assert 0.2 < np.abs(sound).max() < 0.4
    assert voice._engine._engine.said == ["It is three dollars", "now."]


def test_sound_as_floats_is_taken_as_it_is():
    with contextlib.closing(load(is_float=True)) as voice:
        assert 0.2 < np.abs(run_virtual(said(voice, "hello"))).max() < 0.4


def test_leaving_a_reply_stops_the_engine_in_the_middle_of_its_passage(voice):
    async def left():
        async with contextlib.aclosing(voice.speak(given("word " * 500))) as speech:
            await anext(speech)

    run_virtual(left())
    run_virtual(said(voice, "next"))  # made once the engine has let go of what was left
    assert 2 < voice._engine._engine.chunks < 500


def test_an_engine_that_loses_its_place_when_it_is_stopped_is_left_to_finish():
    async def left(voice):
        async with contextlib.aclosing(voice.speak(given("word " * 40))) as speech:
            await anext(speech)

    kind = "tests.support.tone_engine:CoquiEngine"
    with contextlib.closing(RealtimeTTS.load(RealtimeTTSSettings(kind))) as voice:
        run_virtual(left(voice))
        assert len(run_virtual(said(voice, "two words"))) / RATE > 0.08


def test_an_engine_that_cannot_speak_a_text_says_so(voice):
    with raises(EngineFailed, match="could not speak 'unspeakable'"):
        run_virtual(said(voice, "unspeakable"))


def test_compressed_sound_is_refused():
    with raises(EngineUnavailable, match="expected plain mono sound"):
        load(is_compressed=True)


def test_an_engine_that_uses_the_network_is_asked_for():
    with raises(EngineUnavailable, match="Set network = true to let it"):
        RealtimeTTS.load(RealtimeTTSSettings("CoquiEngine"))


def test_an_engine_that_cannot_be_made_says_what_it_said():
    with raises(EngineUnavailable, match="NoSuchEngine"):
        RealtimeTTS.load(RealtimeTTSSettings("tests.support.tone_engine:NoSuchEngine"))
    with raises(EngineUnavailable, match="unexpected keyword argument 'loudness'"):
        load(loudness=3)


def test_a_recording_among_the_options_asks_for_consent():
    with raises(EngineUnavailable, match="is the voice of a person"):
        RealtimeTTS.load(RealtimeTTSSettings(KIND, {"voice": "/somewhere/me.WAV"}))
