"""Silero on sound that is known to be speech, or not."""

import sys

import numpy as np
from pytest import mark, raises

from agent.core.errors import EngineFailed, EngineUnavailable
from pipelines.engines import packed_network
from pipelines.engines.silero import Silero, SileroSettings
from tests.contracts.voices import spoken

pytestmark = mark.models


def probabilities(samples):
    engine = Silero.load(SileroSettings())
    state, found = engine.open(), []
    for start in range(0, len(samples) - 511, 512):
        state, probability = engine.step(state, samples[start : start + 512])
        found.append(probability)
    return np.array(found)


def test_a_voice_is_speech_and_the_silence_before_it_is_not():
    found = probabilities(spoken("drop the two when you add the figures").samples)
    assert found[:6].max() < 0.5
    assert np.mean(found[12:-6] > 0.5) > 0.8


def test_steady_noise_is_not_speech():
    noise = np.random.default_rng(1).standard_normal(32_000).astype(np.float32) * 0.05
    assert np.mean(probabilities(noise) > 0.5) < 0.1


def test_another_number_of_samples_is_refused():
    engine = Silero.load(SileroSettings())
    with raises(EngineFailed, match="expected 512 samples"):
        engine.step(engine.open(), np.zeros(480, np.float32))


def test_weights_that_are_not_there_are_named(tmp_path):
    with raises(EngineUnavailable, match=r"none\.onnx"):
        Silero.load(SileroSettings(str(tmp_path / "none.onnx")))


def test_a_file_that_is_no_network_is_named(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with raises(EngineUnavailable, match=r"bad\.onnx is not a network"):
        Silero.load(SileroSettings(str(tmp_path / "bad.onnx")))


def test_a_missing_runtime_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with raises(EngineUnavailable, match="pip install onnxruntime"):
        Silero.load(SileroSettings())


def test_missing_weights_are_named_with_the_command_that_installs_them(monkeypatch):
    monkeypatch.setattr(packed_network, "find_spec", lambda name: None)
    with raises(EngineUnavailable, match="pip install faster-whisper"):
        Silero.load(SileroSettings())


def test_faster_whisper_is_located_and_not_imported():
    monkey = sys.modules.pop("faster_whisper", None)
    try:
        Silero.load(SileroSettings())
        assert "faster_whisper" not in sys.modules
    finally:
        if monkey is not None:
            sys.modules["faster_whisper"] = monkey
