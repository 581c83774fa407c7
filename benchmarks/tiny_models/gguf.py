"""A chat model of half a megabyte in llama.cpp's own file format, written here.

Its weights are random: it answers nonsense, but each word depends on everything before it, which is
what sequences, memory and batches are tested with. Or it follows a script: no attention, and each
token leads to the next one, which is what answers and tool calls are tested with.

Source: the format is described in ggml's docs/gguf.md, version 3.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

TRAINED_TOKENS = 4096
ALIGNMENT, SHARP = 32, 2


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a model is: half a megabyte, or for measurements what you like."""

    width: int = 64
    heads: int = 4
    deep: int = 128
    layers: int = 2


TINY = Shape()

NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # kinds of tokens
UNSIGNED, SIGNED = 4, 5  # kinds of values: of a number, and of the numbers of a list
SPECIAL = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>")
UNSAYABLE = len(SPECIAL) + 256
LETTERS = [chr(c) for c in range(33, 127)] + ["▁", "\n"]

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
END = "<|im_end|>"
BEGIN = "\n"
"""The last token of every prompt, where a script begins."""


def write_gguf(path, *, seed=0, script=None, template=TEMPLATE, spoil=None, shape=TINY):
    """Write a model.

    Args:
        path: where to.
        seed: of the weights.
        script: the tokens that follow a prompt, each at most once; the last leads to END.
        template: the chat template; None: the file has none.
        spoil: changes the weights by name, in place, before they are written.
        shape: how large.
    """
    vocabulary = [*SPECIAL, *(f"<0x{b:02X}>" for b in range(256)), *LETTERS]
    vocabulary += [word for word in script or () if word not in vocabulary]
    weights = random_weights(len(vocabulary), shape, np.random.default_rng(seed))
    if script is not None:
        follow(weights, [vocabulary.index(t) for t in (BEGIN, *script, END)])
    if spoil:
        spoil(weights)
    path.write_bytes(to_bytes(metadata(vocabulary, template, shape), weights))


def random_weights(count, shape, rng):
    """Matrices as llama.cpp names them, float32 [out, in]."""
    width, deep = shape.width, shape.deep

    def matrix(rows, columns):
        return rng.standard_normal((rows, columns)).astype(np.float32) / np.sqrt(columns)

    weights = {
        "token_embd.weight": rng.standard_normal((count, width)).astype(np.float32),
        "output_norm.weight": np.ones(width, np.float32),
        "output.weight": matrix(count, width),
    }
    weights["output.weight"][:UNSAYABLE] = 0
    for layer in range(shape.layers):
        name = f"blk.{layer}."
        # Sharp attention: what is said depends on single words, not on the average of all.
        weights |= {name + f"attn_{x}.weight": matrix(width, width) * SHARP for x in "qkv"}
        weights[name + "attn_output.weight"] = matrix(width, width) * SHARP
        weights |= {name + f"ffn_{x}.weight": matrix(deep, width) for x in ("gate", "up")}
        weights[name + "ffn_down.weight"] = matrix(width, deep)
        weights |= {name + f"{x}_norm.weight": np.ones(width, np.float32) for x in ("attn", "ffn")}
    return weights


def follow(weights, chain):
    """Make each token of `chain` lead to the next, whatever else was said."""
    for name, matrix in weights.items():
        if name.endswith(("attn_output.weight", "ffn_down.weight", "output.weight")):
            matrix[:] = 0
    for before, after in pairwise(chain):
        weights["output.weight"][after] += weights["token_embd.weight"][before]


def metadata(vocabulary, template, shape):
    kinds = [UNKNOWN, *[CONTROL] * (len(SPECIAL) - 1), *[BYTE] * 256]
    kinds += [NORMAL] * (len(vocabulary) - len(kinds))
    found = {
        "general.architecture": "llama",
        "llama.context_length": TRAINED_TOKENS,
        "llama.embedding_length": shape.width,
        "llama.block_count": shape.layers,
        "llama.feed_forward_length": shape.deep,
        "llama.attention.head_count": shape.heads,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": vocabulary,
        "tokenizer.ggml.scores": [0.0] * len(vocabulary),
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.bos_token_id": SPECIAL.index("<s>"),
        "tokenizer.ggml.eos_token_id": SPECIAL.index(END),
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.add_space_prefix": False,
    }
    return found | ({"tokenizer.chat_template": template} if template else {})


def to_bytes(fields, weights):
    infos, data = b"", b""
    for name, matrix in weights.items():
        shape = matrix.shape[::-1]
        infos += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        infos += struct.pack("<IQ", 0, len(data))  # float32
        data += matrix.astype("<f4").tobytes()
        data += bytes(-len(data) % ALIGNMENT)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(weights), len(fields))
    head += b"".join(text(name) + value(found) for name, found in fields.items()) + infos
    return head + bytes(-len(head) % ALIGNMENT) + data


def text(string):
    encoded = string.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def value(found):
    if isinstance(found, list):
        parts = [item(each) for each in found]
        kind = SIGNED if parts[0][0] == UNSIGNED else parts[0][0]
        return struct.pack("<IIQ", 9, kind, len(parts)) + b"".join(packed for _, packed in parts)
    kind, packed = item(found)
    return struct.pack("<I", kind) + packed


def item(found):
    match found:
        case bool():
            return 7, struct.pack("<?", found)
        case int():
            return UNSIGNED, struct.pack("<I", found)
        case float():
            return 6, struct.pack("<f", found)
        case _:
            return 8, text(found)
