"""A cache-aware FastConformer transducer that understands tones, made of a few ONNX nodes.

Inputs, outputs, caches and metadata are those of NVIDIA's models as sherpa-onnx reads them; see
`zipformer` for the idea. Blank is the last token here, and the decoder has a memory.
"""

import math
from pathlib import Path

import numpy as np

from benchmarks.tiny_models.network import save_network
from benchmarks.tiny_models.tones import LOWEST_HZ, RATE, STEP_HZ, WORDS
from benchmarks.tiny_models.zipformer import BELOW, MELS, level

WINDOW, SHIFT, FACTOR = 17, 8, 8  # of 10 ms: 80 ms a step and as much look-ahead
TOKENS = ("<unk>", *(f"▁{word}" for word in WORDS), "<blk>")
BLANK = len(TOKENS) - 1
CHANNEL, TIME, MEMORY = (1, 2, 3), (1, 3, 2), (1, 4)  # shapes of the caches, of one stream


def write_tone_fastconformer(folder: Path):
    """Write tokens.txt and the three networks."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{token} {n}" for n, token in enumerate(TOKENS)]
    (folder / "tokens.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    _write_encoder(folder / "encoder.onnx")
    _write_decoder(folder / "decoder.onnx")
    _write_joiner(folder / "joiner.onnx")


_ENCODER = {
    "vocab_size": BLANK,
    "window_size": WINDOW,
    "chunk_shift": SHIFT,
    "subsampling_factor": FACTOR,
    "normalize_type": "NA",
    "pred_rnn_layers": MEMORY[0],
    "pred_hidden": MEMORY[1],
    **{f"cache_last_channel_dim{n}": size for n, size in enumerate(CHANNEL, 1)},
    **{f"cache_last_time_dim{n}": size for n, size in enumerate(TIME, 1)},
}

_CACHES = {
    "cache_last_channel": ("float", ["N", *CHANNEL]),
    "cache_last_time": ("float", ["N", *TIME]),
    "cache_last_channel_len": ("int64", ["N"]),
}


def _write_encoder(path):
    pick, loud = np.zeros((len(TOKENS), MELS), np.float32), np.zeros((len(TOKENS), 1), np.float32)
    loud[0], loud[BLANK] = -1e4, -BELOW
    for word in range(len(WORDS)):
        hz = LOWEST_HZ + STEP_HZ * word
        mel, width_hz = _filter(hz)
        pick[1 + word, mel] = 1
        loud[1 + word] = math.log(width_hz) - level(hz)
    middle = SHIFT // 2
    constants = {
        "first": np.array([middle]),
        "last": np.array([middle + 1]),
        "axis": np.array([2]),
        "pick": pick,
        "loud": loud,
    }
    nodes = [
        ("Slice", ["audio_signal", "first", "last", "axis"], "heard"),
        ("MatMul", ["pick", "heard"], "picked"),
        ("Add", ["picked", "loud"], "outputs"),
        ("Identity", ["length"], "encoded_lengths"),
        *(("Identity", [name], f"{name}_next") for name in _CACHES),
    ]
    inputs = {"audio_signal": ("float", ["N", MELS, WINDOW]), "length": ("int64", ["N"]), **_CACHES}
    outputs = {
        "outputs": ("float", ["N", len(TOKENS), 1]),
        "encoded_lengths": ("int64", ["N"]),
        **{f"{name}_next": cache for name, cache in _CACHES.items()},
    }
    save_network(path, nodes, inputs, outputs, constants, **_ENCODER)


def _filter(hz):
    """The filter in which a tone is loudest, and half its width, by which its sum is divided."""
    from faster_whisper.feature_extractor import FeatureExtractor

    filters = FeatureExtractor.get_mel_filters(RATE, 512, MELS)
    mel = int(np.argmax(filters[:, round(hz / RATE * 512)]))
    inside = np.flatnonzero(filters[mel])
    return mel, (inside[-1] - inside[0] + 2) / 2 * RATE / 512


def _write_decoder(path):
    """Minus a lot for the last word, so that it is not put out again."""
    table = -100 * np.eye(len(TOKENS), dtype=np.float32)
    table[[0, BLANK]] = 0
    nodes = [
        ("Gather", ["table", "targets"], "row", {"axis": 0}),
        ("Transpose", ["row"], "outputs", {"perm": [0, 2, 1]}),
        ("Identity", ["target_length"], "prednet_lengths"),
        ("Identity", ["states.1"], "next.1"),
        ("Identity", ["onnx::LSTM_3"], "next.2"),
    ]
    state = "float", [MEMORY[0], "N", MEMORY[1]]
    inputs = {
        "targets": ("int32", ["N", 1]),
        "target_length": ("int32", ["N"]),
        "states.1": state,
        "onnx::LSTM_3": state,
    }
    outputs = {
        "outputs": ("float", ["N", len(TOKENS), 1]),
        "prednet_lengths": ("int32", ["N"]),
        "next.1": state,
        "next.2": state,
    }
    save_network(path, nodes, inputs, outputs, {"table": table})


def _write_joiner(path):
    one = "float", ["N", len(TOKENS), 1]
    nodes = [
        ("Add", ["encoder_outputs", "decoder_outputs"], "sum"),
        ("Transpose", ["sum"], "turned", {"perm": [0, 2, 1]}),
        ("Unsqueeze", ["turned", "axis"], "outputs"),
    ]
    inputs = {"encoder_outputs": one, "decoder_outputs": one}
    outputs = {"outputs": ("float", ["N", 1, 1, len(TOKENS)])}
    save_network(path, nodes, inputs, outputs, {"axis": np.array([1])})
