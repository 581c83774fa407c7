"""Tiny voices in the true formats of Piper and Kokoro: a tone for each phoneme, silence for none.

Their networks have the inputs and outputs of trained ones, follow the speed they are asked for,
and begin and end with the silence of their padding.
"""

import json

import numpy as np

from benchmarks.tiny_models.network import save_network

TONE = 0.4 * np.sin(np.arange(24_000) * 2 * np.pi * 220 / 24_000).astype(np.float32)
FRAMES = 5  # of 256 or 600 samples for a phoneme

_CONSTANTS = {
    "tone": TONE,
    "frames": np.array([FRAMES], np.float32),
    "hop256": np.array([256], np.float32),
    "hop600": np.array([600], np.float32),
    "silent3": np.array([3]),
    "silent16": np.array([16]),
    "zero": np.array([0]),
    "one": np.array([1]),
    "two": np.array([2]),
    "any": np.array([-1]),
    "zero_one": np.array([0, 1]),
}


def piper_voice(path, *, speakers=1, has_alignments=False):
    """A voice.onnx with its voice.onnx.json, and ids as piper-tts gives them."""
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP as IDS

    nodes = [
        ("Slice", ["scales", "one", "two"], "length_scale"),
        ("Mul", ["length_scale", "frames"], "width"),
        *_tones("input", silent=3, hop=256),
        ("Unsqueeze", ["flat", "zero_one"], "output"),
    ]
    inputs = {
        "input": ("int64", [1, "N"]),
        "input_lengths": ("int64", [1]),
        "scales": ("float", [3]),
    }
    if speakers > 1:
        inputs["sid"] = ("int64", [1])
    outputs = {"output": ("float", [1, 1, "T"])}
    if has_alignments:
        outputs["durations"] = ("float", [1, "N"])
    save_network(path, nodes, inputs, outputs, _CONSTANTS)
    config = {
        "audio": {"sample_rate": 22_050},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "num_symbols": 256,
        "num_speakers": speakers,
        "phoneme_id_map": IDS,
    }
    path.with_name(f"{path.name}.json").write_text(json.dumps(config))
    return str(path)


def kokoro_voice(folder, *, has_durations=False, voices=("af_heart", "bf_emma")):
    """The paths of a network and of its voices' styles."""
    nodes = [
        ("Div", ["frames", "speed"], "width"),
        *_tones("tokens", silent=16, hop=600),
        ("Identity", ["flat"], "audio"),
        ("Cast", ["durations"], "duration", {"to": 7}),
    ]
    inputs = {"tokens": ("int64", [1, "N"]), "style": ("float", [1, 256]), "speed": ("float", [1])}
    outputs = {"audio": ("float", ["T"])}
    if has_durations:
        outputs["duration"] = ("int64", [1, "N"])
    model, styles = folder / "kokoro.onnx", folder / "voices.bin"
    save_network(model, nodes, inputs, outputs, _CONSTANTS)
    with styles.open("wb") as file:
        np.savez(file, **{name: np.zeros((510, 1, 256), np.float32) for name in voices})
    return str(model), str(styles)


def _tones(ids, silent, hop):
    """From ids [1, N] and a width in frames [1] to `flat` [T] and `durations` [1, N]."""
    return [
        ("Ceil", ["width"], "ceiled"),
        ("Shape", [ids], "shape"),
        ("Expand", ["ceiled", "shape"], "durations"),
        ("Mul", ["ceiled", f"hop{hop}"], "samples"),
        ("Cast", ["samples"], "count", {"to": 7}),
        ("Slice", ["tone", "zero", "count"], "sound"),
        ("Greater", [ids, f"silent{silent}"], "audible"),
        ("Cast", ["audible"], "loudness", {"to": 1}),
        ("Unsqueeze", ["loudness", "two"], "column"),
        ("Mul", ["column", "sound"], "rows"),
        ("Reshape", ["rows", "any"], "flat"),
    ]
