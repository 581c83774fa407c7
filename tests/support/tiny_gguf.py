"""A chat model of half a megabyte in llama.cpp's own file format, written here.

Its weights are random: it answers nonsense, but each word depends on everything before it, which is
what sequences, memory and batches are tested with. Or it follows a script: no attention, and each
token leads to the next one, which is what answers and tool calls are tested with.

Source: the format is described in ggml's docs/gguf.md, version 3.
"""

import struct

import numpy as np

WIDTH, HEADS, DEEP, LAYERS, TRAINED_TOKENS = 64, 4, 128, 2, 4096
ALIGNMENT = 32

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


def write_gguf(path, *, seed=0, script=None, template=TEMPLATE, spoil=None):
    """Write a model.

    Args:
        path: where to.
        seed: of the weights.
        script: the tokens that follow a prompt, each at most once; the last leads to END.
        template: the chat template; None: the file has none.
        spoil: changes the weights by name, in place, before they are written.
    """
    words = [w for w in script or () if w not in LETTERS and w != END]
    vocabulary = [*SPECIAL, *(f"<0x{b:02X}>" for b in range(256)), *LETTERS, *words]
    weights = random_weights(len(vocabulary), np.random.default_rng(seed))
    if script is not None:
        follow(weights, [vocabulary.index(t) for t in (BEGIN, *script, END)])
    if spoil:
        spoil(weights)
    path.write_bytes(to_bytes(metadata(vocabulary, template), weights))


def random_weights(count, rng):
    """Matrices as llama.cpp names them, float32 [out, in]."""

    def matrix(rows, columns):
        return rng.standard_normal((rows, columns)).astype(np.float32) / np.sqrt(columns)

    weights = {
        "token_embd.weight": rng.standard_normal((count, WIDTH)).astype(np.float32),
        "output_norm.weight": np.ones(WIDTH, np.float32),
        "output.weight": matrix(count, WIDTH),
    }
    weights["output.weight"][:UNSAYABLE] = 0
    for layer in range(LAYERS):
        name = f"blk.{layer}."
        weights |= {name + f"attn_{x}.weight": matrix(WIDTH, WIDTH) for x in "qkv"}
        weights[name + "attn_output.weight"] = matrix(WIDTH, WIDTH) * 3
        weights |= {name + f"ffn_{x}.weight": matrix(DEEP, WIDTH) for x in ("gate", "up")}
        weights[name + "ffn_down.weight"] = matrix(WIDTH, DEEP)
        weights |= {name + f"{x}_norm.weight": np.ones(WIDTH, np.float32) for x in ("attn", "ffn")}
    return weights


def follow(weights, chain):
    """Make each token of `chain` lead to the next, whatever else was said."""
    for name, matrix in weights.items():
        if name.endswith(("attn_output.weight", "ffn_down.weight", "output.weight")):
            matrix[:] = 0
    for before, after in zip(chain, chain[1:], strict=False):
        weights["output.weight"][after] += weights["token_embd.weight"][before]


def metadata(vocabulary, template):
    kinds = [UNKNOWN, *[CONTROL] * (len(SPECIAL) - 1), *[BYTE] * 256]
    kinds += [NORMAL] * (len(vocabulary) - len(kinds))
    found = {
        "general.architecture": "llama",
        "llama.context_length": TRAINED_TOKENS,
        "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": DEEP,
        "llama.attention.head_count": HEADS,
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
