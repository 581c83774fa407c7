"""Smart Turn: features, deadline and failures, on a tiny network and on the true weights."""

import asyncio
import importlib.util
from pathlib import Path

import numpy as np
from pytest import approx, fixture, mark, raises

from agent.core.audio import AudioFrame
from agent.core.errors import EngineFailed, EngineTooSlow, EngineUnavailable
from agent.core.protocols import Expectation, Pause
from agent.virtual_loop import run_virtual
from pipelines.engines.log_mel import RATE, log_mel
from pipelines.engines.smart_turn import SmartTurn, SmartTurnSettings
from tests.support.tiny_onnx import mean_then_sigmoid
from tests.support.tools import package

TOLERANCE = 1e-4
"""Between our features and the wheel's own: of values from about -1 to 1."""


@fixture
def weights(tmp_path):
    package("onnxruntime")
    return str(mean_then_sigmoid(tmp_path / "tiny.onnx"))


@fixture
def tiny(weights):
    engine = SmartTurn.load(SmartTurnSettings(weights))
    yield engine
    engine.close()


def pause(samples, rate=RATE):
    return Pause(AudioFrame(samples, rate, 0), 0.2, "a table", Expectation())


def chirp(seconds, low_hz=120.0, high_hz=3400.0):
    t = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * (low_hz * t + (high_hz - low_hz) * t**2 / (2 * seconds))
    return (0.3 * np.sin(phase)).astype(np.float32)


# --- features -----------------------------------------------------------------------------------


def test_features_are_80_bands_of_100_frames_a_second():
    found = log_mel().features(chirp(8.0))
    assert (found.shape, found.dtype) == ((80, 800), np.float32)
    assert found.max() - found.min() <= 2.0 + 1e-5  # eight decades


def test_a_rising_tone_rises_through_the_bands():
    found = log_mel().features(chirp(8.0))
    loudest = found[:, 50:750:100].argmax(axis=0)
    assert (np.diff(loudest) > 0).all()


def test_loudness_does_not_matter():
    bands, sound = log_mel(), chirp(8.0)
    quieter = bands.features(sound * np.float32(0.1))
    assert np.abs(quieter - bands.features(sound)).max() < 1e-3


def test_silence_has_features_too():
    assert np.isfinite(log_mel().features(np.zeros(8 * RATE, np.float32))).all()


# --- the engine on a tiny network ---------------------------------------------------------------


def test_an_opinion_is_what_the_network_says_of_the_last_8_seconds(tiny):
    sound = np.concatenate([chirp(3.0, 3000, 200), chirp(8.0)])
    mean = float(log_mel().features(sound[-8 * RATE :]).mean())
    opinion = run_virtual(tiny.predict(pause(sound)))
    assert opinion.probability == approx(1 / (1 + np.exp(-mean)), abs=1e-5)
    assert opinion.reason == f"sounds complete: {opinion.probability:.0%}"


def test_a_shorter_sound_has_silence_before_it(tiny):
    short = chirp(2.0)
    padded = np.concatenate([np.zeros(6 * RATE, np.float32), short])
    assert tiny.judge(short) == tiny.judge(padded)


def test_an_opinion_that_takes_longer_than_the_deadline_is_none(weights):
    engine = SmartTurn.load(SmartTurnSettings(weights, deadline_s=1e-6))
    try:
        with raises(EngineTooSlow, match="smart-turn: no opinion within 1e-06 s"):
            asyncio.run(engine.predict(pause(chirp(8.0))))
    finally:
        engine.close()


def test_sound_at_another_rate_is_refused_in_words(tiny):
    with raises(EngineFailed, match="expected sound at 16000 Hz, found 8000 Hz"):
        run_virtual(tiny.predict(pause(chirp(1.0), 8000)))


def test_a_network_that_breaks_is_a_failure_of_the_engine():
    class Broken:
        def run(self, names, feed):
            raise RuntimeError("no memory")

    engine = SmartTurn(Broken(), SmartTurnSettings())
    with raises(EngineFailed, match="smart-turn: the network refused the sound: no memory"):
        engine.judge(chirp(1.0))
    engine.close()


def test_weights_that_are_not_there_or_of_another_kind_are_told_with_a_remedy(tmp_path, weights):
    with raises(EngineUnavailable, match=r"found no file\. Correct the path"):
        SmartTurn.load(SmartTurnSettings(str(tmp_path / "nowhere.onnx")))
    noise = tmp_path / "noise.onnx"
    noise.write_bytes(b"noise")
    with raises(EngineUnavailable, match="not a network it can read"):
        SmartTurn.load(SmartTurnSettings(str(noise)))
    other = mean_then_sigmoid(tmp_path / "other.onnx", "sound")
    with raises(EngineUnavailable, match="expected the input input_features, found sound"):
        SmartTurn.load(SmartTurnSettings(str(other)))
    assert Path(weights).is_file()


def test_without_the_package_it_says_how_to_get_it():
    if importlib.util.find_spec("pipecat") is None:
        with raises(EngineUnavailable, match=r"pip install --no-deps pipecat-ai==1\.14\.0"):
            SmartTurn.load(SmartTurnSettings())


@mark.parametrize("deadline_s", [0.0, -1.0, float("nan"), 11.0])
def test_a_deadline_that_is_none_is_refused(deadline_s):
    with raises(ValueError, match="deadline_s: expected 0 to 10 seconds"):
        SmartTurnSettings(deadline_s=deadline_s)


# --- the true weights ---------------------------------------------------------------------------


@fixture
def wheel():
    package("pipecat")
    return Path(importlib.util.find_spec("pipecat").origin).parent / "audio" / "turn" / "smart_turn"


@mark.models
def test_our_features_are_those_of_the_wheel(wheel):
    spec = importlib.util.spec_from_file_location("theirs", wheel / "_whisper_features.py")
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    rng = np.random.default_rng(7)
    noise = rng.standard_normal(8 * RATE).astype(np.float32)
    late = np.concatenate([np.zeros(5 * RATE, np.float32), chirp(3.0)])
    for sound in (chirp(8.0), late, noise * np.float32(0.01), np.zeros(8 * RATE, np.float32)):
        wanted = theirs.compute_whisper_log_mel_features(sound, do_normalize=True)
        assert np.abs(log_mel().features(sound) - wanted).max() < TOLERANCE


@mark.models
def test_the_true_weights_are_found_and_have_an_opinion(wheel):
    del wheel
    with_deadline = SmartTurnSettings(deadline_s=5.0)
    engine = SmartTurn.load(with_deadline)
    try:
        opinion = run_virtual(engine.predict(pause(chirp(3.0))))
    finally:
        engine.close()
    assert 0.0 <= opinion.probability <= 1.0
