"""A cache-aware FastConformer transducer that understands tones, made of a few ONNX nodes.

Inputs, outputs, caches and metadata are those of NVIDIA's models as sherpa-onnx reads them; see
`zipformer` for the idea. Blank is the last token here, and the decoder has a memory.
"""

import math
from pathlib import Path

import numpy as np

from benchmarks.tiny_models.tones import LOWEST_HZ, RATE, STEP_HZ, WORDS
from benchmarks.tiny_models.zipformer import BELOW, MELS, level, save_network

WINDOW, SHIFT, FACTOR = 17, 8, 8  # of 10 ms: 80 ms a step and as much look-ahead
TOKENS = ("<unk>", *(f"▁{word}" for word in WORDS), "<blk>")
BLANK = len(TOKENS) - 1
CHANNEL, TIME, MEMORY = (1, 2, 3), (1, 3, 2), (1, 4)  # shapes of the caches, of one stream


def write_tone_fastconformer(folder: Path):
    """Write tokens.txt and the three networks."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{token} {n}" for n, token in enumerate(TOKENS)]
    (folder / "tokens.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    shapes = {
        f"cache_last_{name}_dim{n}": size
        for name, shape in (("channel", CHANNEL), ("time", TIME))
        for n, size in enumerate(shape, 1)
    }
    save_network(
        _encoder(),
        folder / "encoder.onnx",
        vocab_size=BLANK,
        window_size=WINDOW,
        chunk_shift=SHIFT,
        subsampling_factor=FACTOR,
        normalize_type="NA",
        pred_rnn_layers=MEMORY[0],
        pred_hidden=MEMORY[1],
        **shapes,
    )
    save_network(_decoder(), folder / "decoder.onnx")
    save_network(_joiner(), folder / "joiner.onnx")


def _encoder():
    from onnx import TensorProto, helper, numpy_helper

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
        helper.make_node("Slice", ["audio_signal", "first", "last", "axis"], ["heard"]),
        helper.make_node("MatMul", ["pick", "heard"], ["picked"]),
        helper.make_node("Add", ["picked", "loud"], ["outputs"]),
        helper.make_node("Identity", ["length"], ["encoded_lengths"]),
        *(helper.make_node("Identity", [name], [f"{name}_next"]) for name in _CACHES),
    ]
    whole = TensorProto.INT64

    def value(name, shape, kind=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, kind, shape)

    return helper.make_graph(
        nodes,
        "encoder",
        [
            value("audio_signal", ["N", MELS, WINDOW]),
            value("length", ["N"], whole),
            *(value(name, *rest) for name, rest in _caches(whole)),
        ],
        [
            value("outputs", ["N", len(TOKENS), 1]),
            value("encoded_lengths", ["N"], whole),
            *(value(f"{name}_next", *rest) for name, rest in _caches(whole)),
        ],
        [numpy_helper.from_array(data, name) for name, data in constants.items()],
    )


_CACHES = ("cache_last_channel", "cache_last_time", "cache_last_channel_len")


def _caches(whole):
    shapes = ((["N", *CHANNEL],), (["N", *TIME],), (["N"], whole))
    return zip(_CACHES, shapes, strict=True)


def _filter(hz):
    """The filter in which a tone is loudest, and half its width, by which its sum is divided."""
    from faster_whisper.feature_extractor import FeatureExtractor

    filters = FeatureExtractor.get_mel_filters(RATE, 512, MELS)
    mel = int(np.argmax(filters[:, round(hz / RATE * 512)]))
    inside = np.flatnonzero(filters[mel])
    return mel, (inside[-1] - inside[0] + 2) / 2 * RATE / 512


def _decoder():
    """Minus a lot for the last word, so that it is not put out again."""
    from onnx import TensorProto, helper, numpy_helper

    table = -100 * np.eye(len(TOKENS), dtype=np.float32)
    table[[0, BLANK]] = 0
    states = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [MEMORY[0], "N", MEMORY[1]])
        for name in ("states.1", "onnx::LSTM_3", "next.1", "next.2")
    ]
    whole = TensorProto.INT32
    return helper.make_graph(
        [
            helper.make_node("Gather", ["table", "targets"], ["row"], axis=0),
            helper.make_node("Transpose", ["row"], ["outputs"], perm=[0, 2, 1]),
            helper.make_node("Identity", ["target_length"], ["prednet_lengths"]),
            helper.make_node("Identity", ["states.1"], ["next.1"]),
            helper.make_node("Identity", ["onnx::LSTM_3"], ["next.2"]),
        ],
        "decoder",
        [
            helper.make_tensor_value_info("targets", whole, ["N", 1]),
            helper.make_tensor_value_info("target_length", whole, ["N"]),
            *states[:2],
        ],
        [
            helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["N", len(TOKENS), 1]),
            helper.make_tensor_value_info("prednet_lengths", whole, ["N"]),
            *states[2:],
        ],
        [numpy_helper.from_array(table, "table")],
    )


def _joiner():
    from onnx import TensorProto, helper, numpy_helper

    one = ["N", len(TOKENS), 1]
    return helper.make_graph(
        [
            helper.make_node("Add", ["encoder_outputs", "decoder_outputs"], ["sum"]),
            helper.make_node("Transpose", ["sum"], ["turned"], perm=[0, 2, 1]),
            helper.make_node("Unsqueeze", ["turned", "axis"], ["outputs"]),
        ],
        "joiner",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, one)
            for name in ("encoder_outputs", "decoder_outputs")
        ],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["N", 1, 1, len(TOKENS)])],
        [numpy_helper.from_array(np.array([1]), "axis")],
    )
