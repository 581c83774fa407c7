"""Silero's own package hears what its network without torch hears."""

import os
import subprocess
from pathlib import Path

import numpy as np
from pytest import mark, raises

from agent.core.errors import EngineUnavailable
from pipelines.engines.silero import Silero, SileroSettings
from pipelines.engines.silero_torch import SileroTorch
from tests.contracts.voices import spoken
from tests.support.tools import moshi_python

pytestmark = mark.models

ROOT = Path(__file__).parents[2]


def with_onnx(samples):
    engine = Silero.load(SileroSettings())
    state, found = engine.open(), []
    for start in range(0, len(samples) - 511, 512):
        state, probability = engine.step(state, samples[start : start + 512])
        found.append(probability)
    return np.array(found)


def with_torch(samples, folder):
    python = moshi_python()
    np.save(folder / "in.npy", samples)
    script = ROOT / "tests/models/silero_torch_script.py"
    subprocess.run([python, script, folder / "in.npy", folder / "out.npy"], check=True,
                   env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    return np.load(folder / "out.npy")


def test_both_find_the_same_speech(tmp_path):
    noise = np.random.default_rng(1).standard_normal(32_000).astype(np.float32) * 0.05
    said = spoken("drop the two when you add the figures").samples
    samples = np.concatenate([said, noise]).astype(np.float32)
    torch, onnx = with_torch(samples, tmp_path), with_onnx(samples)
    assert np.mean((torch > 0.5) == (onnx > 0.5)) > 0.9
    assert np.corrcoef(torch, onnx)[0, 1] > 0.9


def test_a_missing_package_is_named_with_what_needs_none(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with raises(EngineUnavailable, match=r"found no torch.*choose the detector silero"):
        SileroTorch.load()
