"""A streaming Zipformer transducer that understands tones, made of a few ONNX nodes.

Inputs, outputs, states and metadata are those of a trained one (zipformer2, one layer); so the
library loads and runs it as such. A word is put out once where its pitch is loud, until another is.
"""

import math
from pathlib import Path

import numpy as np

from benchmarks.tiny_models.network import save_network
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
    _write_encoder(folder / "encoder.onnx")
    _write_decoder(folder / "decoder.onnx")
    _write_joiner(folder / "joiner.onnx")


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


def _write_encoder(path):
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
        ("Slice", ["x", "first", "last", "axis", "second"], "heard"),
        ("MatMul", ["heard", "pick"], "picked"),
        ("Add", ["picked", "level"], "encoder_out"),
        ("Add", ["processed_lens", "step"], "new_processed_lens"),
        *(("Identity", [name], f"new_{name}") for name in _STATES),
    ]
    states = {name: ("float", shape) for name, shape in _STATES.items()}
    states["processed_lens"] = "int64", ["N"]
    inputs = {"x": ("float", ["N", FRAMES, MELS]), **states}
    outputs = {
        "encoder_out": ("float", ["N", CHUNK // 2, len(TOKENS)]),
        **{f"new_{name}": state for name, state in states.items()},
    }
    save_network(path, nodes, inputs, outputs, constants, **_ENCODER)


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


def _write_decoder(path):
    """Minus a lot for the last word, so that it is not put out again."""
    table = -100 * np.eye(len(TOKENS), dtype=np.float32)
    table[:FIRST] = 0
    nodes = [
        ("Gather", ["y", "one"], "newest", {"axis": 1}),
        ("Gather", ["table", "newest"], "decoder_out", {"axis": 0}),
    ]
    inputs = {"y": ("int64", ["N", 2])}
    outputs = {"decoder_out": ("float", ["N", len(TOKENS)])}
    constants = {"table": table, "one": np.array(1)}
    sizes = {"vocab_size": len(TOKENS), "context_size": 2}
    save_network(path, nodes, inputs, outputs, constants, **sizes)


def _write_joiner(path):
    row = "float", ["N", len(TOKENS)]
    nodes = [("Add", ["encoder_out", "decoder_out"], "logit")]
    inputs = {"encoder_out": row, "decoder_out": row}
    save_network(path, nodes, inputs, {"logit": row}, {}, joiner_dim=len(TOKENS))
