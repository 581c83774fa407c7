"""A streaming Zipformer transducer that understands tones, made of a few ONNX nodes.

Inputs, outputs, states and metadata are those of a trained one (zipformer2, one layer); so the
library loads and runs it as such. A word is put out once where its pitch is loud, until another is.
"""

import math
from pathlib import Path

import numpy as np

from benchmarks.tiny_models.tones import LOWEST_HZ, RATE, STEP_HZ, WORDS

FRAMES, CHUNK = 45, 32  # of 10 ms: what one step sees, and how far it moves on
MELS = 80
LOWEST_MEL_HZ, HIGHEST_MEL_HZ = 20.0, RATE / 2 - 400.0
TOKENS = ("<blk>", "<sos/eos>", "<unk>", *(f"▁{word.upper()}" for word in WORDS))
FIRST = 3
BELOW = 3.0  # nepers below its own level at which a pitch is no longer heard


def write_tone_zipformer(folder: Path):
    """Write tokens.txt, bpe.vocab and the three networks."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{token} {n}" for n, token in enumerate(TOKENS)]
    (folder / "tokens.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    pieces = [f"{token}\t-{n}" for n, token in enumerate(TOKENS)]
    (folder / "bpe.vocab").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    save_network(_encoder(), folder / "encoder.onnx", **_ENCODER)
    save_network(_decoder(), folder / "decoder.onnx", vocab_size=len(TOKENS), context_size=2)
    save_network(_joiner(), folder / "joiner.onnx", joiner_dim=len(TOKENS))


_ENCODER = {
    "model_type": "zipformer2",
    "version": "1",
    "encoder_dims": "4",
    "query_head_dims": "1",
    "value_head_dims": "1",
    "num_heads": "1",
    "num_encoder_layers": "1",
    "cnn_module_kernels": "3",
    "left_context_len": "2",
    "T": FRAMES,
    "decode_chunk_len": CHUNK,
}

_STATES = {
    "cached_key_0": [2, "N", 1],
    "cached_nonlin_attn_0": [1, "N", 2, 3],
    "cached_val1_0": [2, "N", 1],
    "cached_val2_0": [2, "N", 1],
    "cached_conv1_0": ["N", 4, 1],
    "cached_conv2_0": ["N", 4, 1],
    "embed_states": ["N", 128, 3, 19],
}


def _encoder():
    from onnx import TensorProto, helper, numpy_helper

    pick, loud = np.zeros((MELS, len(TOKENS)), np.float32), np.zeros(len(TOKENS), np.float32)
    loud[:FIRST] = -BELOW, -1e4, -1e4
    for word in range(len(WORDS)):
        hz = LOWEST_HZ + STEP_HZ * word
        pick[_bin(hz), FIRST + word] = 1
        loud[FIRST + word] = -level(hz)
    constants = {
        "first": np.array([0]),
        "last": np.array([CHUNK]),
        "axis": np.array([1]),
        "second": np.array([2]),
        "pick": pick,
        "level": loud,
        "step": np.array([CHUNK // 2]),
    }
    nodes = [
        helper.make_node("Slice", ["x", "first", "last", "axis", "second"], ["heard"]),
        helper.make_node("MatMul", ["heard", "pick"], ["picked"]),
        helper.make_node("Add", ["picked", "level"], ["encoder_out"]),
        helper.make_node("Add", ["processed_lens", "step"], ["new_processed_lens"]),
        *(helper.make_node("Identity", [name], [f"new_{name}"]) for name in _STATES),
    ]

    def value(name, shape, kind=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, kind, shape)

    return helper.make_graph(
        nodes,
        "encoder",
        [
            value("x", ["N", FRAMES, MELS]),
            *(value(name, shape) for name, shape in _STATES.items()),
            value("processed_lens", ["N"], TensorProto.INT64),
        ],
        [
            value("encoder_out", ["N", CHUNK // 2, len(TOKENS)]),
            *(value(f"new_{name}", shape) for name, shape in _STATES.items()),
            value("new_processed_lens", ["N"], TensorProto.INT64),
        ],
        [numpy_helper.from_array(data, name) for name, data in constants.items()],
    )


def _bin(hz):
    """The filter in which a tone is loudest. Source: Kaldi's mel scale."""
    low, high = _mel(LOWEST_MEL_HZ), _mel(HIGHEST_MEL_HZ)
    return round((_mel(hz) - low) / (high - low) * (MELS + 1)) - 1


def _mel(hz):
    return 1127 * math.log(1 + hz / 700)


def level(hz):
    """Log energy of a word's tone in its filter, to about a neper; what matters is its slope."""
    steepness = abs(1 - 0.97 * np.exp(-2j * np.pi * hz / RATE))
    return 2 * math.log(0.2 * steepness * 400 / 4)


def _decoder():
    """Minus a lot for the last word, so that it is not put out again."""
    from onnx import TensorProto, helper, numpy_helper

    table = -100 * np.eye(len(TOKENS), dtype=np.float32)
    table[:FIRST] = 0
    return helper.make_graph(
        [
            helper.make_node("Gather", ["y", "one"], ["newest"], axis=1),
            helper.make_node("Gather", ["table", "newest"], ["decoder_out"], axis=0),
        ],
        "decoder",
        [helper.make_tensor_value_info("y", TensorProto.INT64, ["N", 2])],
        [helper.make_tensor_value_info("decoder_out", TensorProto.FLOAT, ["N", len(TOKENS)])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array(1), "one")],
    )


def _joiner():
    from onnx import TensorProto, helper

    shape = ["N", len(TOKENS)]
    names = ("encoder_out", "decoder_out", "logit")
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in names]
    node = helper.make_node("Add", ["encoder_out", "decoder_out"], ["logit"])
    return helper.make_graph([node], "joiner", values[:2], values[2:])


def save_network(graph, path, **metadata):
    import onnx

    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8
    )
    onnx.helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
