"""Tiny voices in the true formats of Piper and Kokoro: a tone for each phoneme, silence for none.

Their networks have the inputs and outputs of trained ones, follow the speed they are asked for,
and begin and end with the silence of their padding.
"""

import json

import numpy as np

TONE = 0.4 * np.sin(np.arange(24_000) * 2 * np.pi * 220 / 24_000).astype(np.float32)
FRAMES = 5  # of 256 or 600 samples for a phoneme


def piper_voice(path, *, speakers=1, has_alignments=False):
    """A voice.onnx with its voice.onnx.json, and ids as piper-tts gives them."""
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP as IDS

    nodes = [
        ("Slice", ["scales", "one", "two"], "length_scale", {}),
        ("Mul", ["length_scale", "frames"], "width", {}),
        *_tones("input", silent=3, hop=256),
        ("Unsqueeze", ["flat", "zero_one"], "output", {}),
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
    _save(path, nodes, inputs, outputs)
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
        ("Div", ["frames", "speed"], "width", {}),
        *_tones("tokens", silent=16, hop=600),
        ("Identity", ["flat"], "audio", {}),
        ("Cast", ["durations"], "duration", {"to": 7}),
    ]
    inputs = {"tokens": ("int64", [1, "N"]), "style": ("float", [1, 256]), "speed": ("float", [1])}
    outputs = {"audio": ("float", ["T"])}
    if has_durations:
        outputs["duration"] = ("int64", [1, "N"])
    model, styles = folder / "kokoro.onnx", folder / "voices.bin"
    _save(model, nodes, inputs, outputs)
    with styles.open("wb") as file:
        np.savez(file, **{name: np.zeros((510, 1, 256), np.float32) for name in voices})
    return str(model), str(styles)


def _tones(ids, silent, hop):
    """From ids [1, N] and a width in frames [1] to `flat` [T] and `durations` [1, N]."""
    return [
        ("Ceil", ["width"], "ceiled", {}),
        ("Shape", [ids], "shape", {}),
        ("Expand", ["ceiled", "shape"], "durations", {}),
        ("Mul", ["ceiled", f"hop{hop}"], "samples", {}),
        ("Cast", ["samples"], "count", {"to": 7}),
        ("Slice", ["tone", "zero", "count"], "sound", {}),
        ("Greater", [ids, f"silent{silent}"], "audible", {}),
        ("Cast", ["audible"], "loudness", {"to": 1}),
        ("Unsqueeze", ["loudness", "two"], "column", {}),
        ("Mul", ["column", "sound"], "rows", {}),
        ("Reshape", ["rows", "any"], "flat", {}),
    ]


def _save(path, nodes, inputs, outputs):
    from onnx import TensorProto, checker, helper, numpy_helper, save

    kinds = {"int64": TensorProto.INT64, "float": TensorProto.FLOAT}
    constants = {
        "tone": TONE,
        "frames": np.array([FRAMES], np.float32),
        "hop256": np.array([256], np.float32),
        "hop600": np.array([600], np.float32),
        "silent3": np.array([3], np.int64),
        "silent16": np.array([16], np.int64),
        "zero": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "two": np.array([2], np.int64),
        "any": np.array([-1], np.int64),
        "zero_one": np.array([0, 1], np.int64),
    }
    used = {name for _, sources, _, _ in nodes for name in sources}
    graph = helper.make_graph(
        [
            helper.make_node(kind, sources, [result], **more)
            for kind, sources, result, more in nodes
        ],
        "tone voice",
        [helper.make_tensor_value_info(n, kinds[k], shape) for n, (k, shape) in inputs.items()],
        [helper.make_tensor_value_info(n, kinds[k], shape) for n, (k, shape) in outputs.items()],
        [numpy_helper.from_array(v, n) for n, v in constants.items() if n in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    save(model, path)
