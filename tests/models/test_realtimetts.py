"""RealtimeTTS with an engine of its own kind: its base class, queue and stop, a tone for sound."""

import contextlib
import json
import sys
from pathlib import Path

import numpy as np
from pytest import fixture, importorskip, mark, raises

from agent.core.errors import EngineFailed, EngineUnavailable
from agent.virtual_loop import run_virtual
from benchmarks.tiny_models.voices import piper_voice
from pipelines.engines.realtimetts import RealtimeTTS, RealtimeTTSSettings
from tests.contracts.voices import given, said
from tests.support.tools import tool

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
    assert voice._source._engine._engine.said == ["It is three dollars", "now."]


def test_sound_as_floats_is_taken_as_it_is():
    with contextlib.closing(load(is_float=True)) as voice:
        assert 0.2 < np.abs(run_virtual(said(voice, "hello"))).max() < 0.4


def test_leaving_a_reply_stops_the_engine_in_the_middle_of_its_passage(voice):
    async def left():
        async with contextlib.aclosing(voice.speak(given("word " * 500))) as speech:
            await anext(speech)

    run_virtual(left())
    run_virtual(said(voice, "next"))  # made once the engine has let go of what was left
    assert 2 < voice._source._engine._engine.chunks < 500


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


# --- engines of the library's own, where what they need is installed ------------------------------


def heard(kind, *texts, **options):
    """A sentence each, one after the other, from one engine; their sounds and the rate."""
    with contextlib.closing(
        RealtimeTTS.load(RealtimeTTSSettings(kind, {k: str(v) for k, v in options.items()}))
    ) as voice:
        return [run_virtual(said(voice, text)) for text in texts], voice.rate


@mark.filterwarnings("ignore:'audioop' is deprecated:DeprecationWarning")  # imported by pydub
def test_its_system_engine_speaks_with_the_systems_voice():
    tool("espeak-ng")
    tool("ffprobe")
    importorskip("pyttsx3")
    importorskip("pyaudio")
    (short, long), rate = heard("SystemEngine", "Hello.", "It is $3, and that is for all of you.")
    assert rate == 22_050
    assert 0.1 < len(short) / rate < 2
    assert 1.3 * len(short) < len(long)
    assert min(np.abs(short).max(), np.abs(long).max()) > 0.05


def test_its_piper_engine_speaks_with_a_voice_of_ours(tmp_path):
    importorskip("pyaudio")
    program = tool(str(Path(sys.executable).with_name("piper")), "piper")
    model = piper_voice(tmp_path / "voice.onnx")
    kind = "tests.support.piper_engine:PiperFile"
    (short, long), rate = heard(
        kind, "Hi.", "Hello there, all of you.", program=program, model=model
    )
    assert rate == 22_050
    assert 0 < len(short) < len(long)
    assert np.abs(long).max() > 0.1
