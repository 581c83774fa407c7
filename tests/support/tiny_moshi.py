"""A Moshi of random numbers, a few megabytes large, or one of its relatives, written to a folder.

Runs in the environment that has torch and moshi: `python tests/support/tiny_moshi.py FOLDER KIND`;
a number instead of a kind makes nothing but a text vocabulary of so many pieces.
Everything moshi's own loaders ask for is there: two files of weights, the codec's and the model's
configuration, and a text vocabulary of its own.
"""

import copy
import io
import json
import sys
from pathlib import Path

VOICE_DIM = 24
"""Numbers of a voice's embedding, for each of its moments."""

PIECES = 60
"""Size of the text vocabulary."""

SENTENCES = """the model listens while it speaks and answers at once
a call begins and a call ends and another call takes its place
one two three four five six seven eight nine ten eleven twelve
who is there and what can we do for you this fine morning
numbers words and silence are all that this small voice knows"""

MIMI = {
    "sample_rate": 24000,
    "channels": 1,
    "frame_rate": 12.5,
    "seanet": {
        "channels": 1,
        "dimension": 64,
        "causal": True,
        "n_filters": 4,
        "n_residual_layers": 1,
        "activation": "ELU",
        "compress": 2,
        "dilation_base": 2,
        "disable_norm_outer_blocks": 0,
        "kernel_size": 7,
        "residual_kernel_size": 3,
        "last_kernel_size": 3,
        "norm": "none",
        "pad_mode": "constant",
        "ratios": [8, 6, 5, 4],
        "true_skip": True,
    },
    "quantizer": {
        "dimension": 32,
        "n_q": 16,
        "bins": 256,
        "input_dimension": 64,
        "output_dimension": 64,
    },
    "transformer": {
        "d_model": 64,
        "num_heads": 4,
        "num_layers": 1,
        "causal": True,
        "layer_scale": 0.01,
        "context": 250,
        "conv_layout": True,
        "max_period": 10000,
        "gating": "none",
        "norm": "layer_norm",
        "positional_embedding": "rope",
        "dim_feedforward": 128,
        "input_dimension": 64,
        "output_dimensions": [64],
    },
}

MODEL = {
    "dim": 64,
    "text_card": PIECES,
    "existing_text_padding_id": 3,
    "n_q": 16,
    "dep_q": 8,
    "card": 256,
    "num_heads": 4,
    "num_layers": 2,
    "hidden_scale": 2.0,
    "causal": True,
    "layer_scale": None,
    "context": 100,
    "max_period": 10000,
    "gating": "silu",
    "norm": "rms_norm_f32",
    "positional_embedding": "rope",
    "depformer_dim": 32,
    "depformer_dim_feedforward": 64,
    "depformer_num_heads": 2,
    "depformer_num_layers": 1,
    "depformer_layer_scale": None,
    "depformer_multi_linear": True,
    "depformer_context": 8,
    "depformer_max_period": 10000,
    "depformer_gating": "silu",
    "depformer_pos_emb": "none",
    "depformer_weights_per_step": True,
    "delays": [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1],
}

KINDS = {
    "moshi": {},
    # Its depth model has weights for both sides.
    "personaplex": {"dep_q": 16},
    # Translates: a delay of two frames between codebooks, and told what quality to aim at.
    "hibiki": {
        "model_type": "hibiki",
        "delays": [0, 0, *[2] * 7, 0, *[2] * 7],
        "conditioners": {
            "description": {
                "type": "lut",
                "lut": {
                    "n_bins": 31,
                    "dim": 16,
                    "tokenizer": "noop",
                    "possible_values": ["very_bad", "bad", "neutral", "good", "very_good"],
                },
            },
        },
        "fuser": {"sum": ["description"], "prepend": [], "cross": []},
    },
    # Writes down what it hears half a second later, and says how likely the speaker is done.
    "stt": {
        "model_type": "stt",
        "n_q": 8,
        "dep_q": 0,
        "delays": [0] * 9,
        "extra_heads_num_heads": 4,
        "extra_heads_dim": 6,
        "stt_config": {"audio_delay_seconds": 0.5, "audio_silence_prefix_seconds": 0.0},
    },
    # Reads words, two of them ahead, and speaks them half a second later with a given voice.
    "tts": {
        "model_type": "tts",
        "model_id": {"sig": "tiny", "epoch": 1},
        "text_card_out": 5,
        "dep_q": 16,
        "delays": [0, 0, *[2] * 15],
        "cross_attention": True,
        "demux_second_stream": True,
        "tts_config": {"audio_delay": 0.48, "second_stream_ahead": 2},
        "conditioners": {
            "speaker_wavs": {"type": "tensor", "tensor": {"dim": VOICE_DIM}},
            "cfg": {
                "type": "lut",
                "lut": {
                    "n_bins": 3,
                    "dim": 16,
                    "tokenizer": "noop",
                    "possible_values": ["1.0", "2.0", "3.0"],
                },
            },
            "control": {
                "type": "lut",
                "lut": {"n_bins": 1, "dim": 16, "tokenizer": "noop", "possible_values": ["ok"]},
            },
        },
        "fuser": {"sum": ["control", "cfg"], "prepend": [], "cross": ["speaker_wavs"]},
    },
}
"""What their config.json has that a Moshi's has not, or has otherwise.

Source: config.json of kyutai/hibiki-1b-pytorch-bf16 and kyutai/stt-1b-en_fr, scaled down; of a
voice, what moshi 0.2.13, models/tts.py, reads in it."""

NOT_THE_MODELS = ("model_type", "model_id", "stt_config", "tts_config")


def write(folder: Path, kind: str = "moshi") -> Path:
    """Everything into `folder`; the path of its config.json."""
    import torch
    from moshi.models import loaders
    from safetensors.torch import save_file

    torch.set_num_threads(1)
    torch.manual_seed(20)
    folder.mkdir(parents=True, exist_ok=True)
    mimi = loaders.get_mimi(None, MIMI, num_codebooks=8)
    _loud(torch, mimi)
    save_file(_plain(mimi), folder / "mimi.safetensors")
    config = {**MODEL, **KINDS[kind]}
    kept = {name: value for name, value in config.items() if name not in NOT_THE_MODELS}
    model = loaders.get_moshi_lm(None, copy.deepcopy(kept), dtype=torch.float32)
    _lively(torch, model)
    save_file(_plain(model), folder / "moshi.safetensors")
    (folder / "words.model").write_bytes(_vocabulary(PIECES))
    (folder / "mimi.json").write_text(json.dumps(MIMI))
    names = {
        "moshi_name": f"file://{folder}/moshi.safetensors",
        "mimi_name": f"file://{folder}/mimi.safetensors",
        "mimi_config_name": f"file://{folder}/mimi.json",
        "tokenizer_name": f"file://{folder}/words.model",
    }
    (folder / "config.json").write_text(json.dumps({**config, **names}))
    if kind == "tts":
        for number, voice in enumerate(("voice", "other")):
            torch.manual_seed(number)
            wavs = torch.randn(1, VOICE_DIM, 10)
            save_file({"speaker_wavs": wavs}, folder / f"{voice}.safetensors")
    return folder / "config.json"


def _plain(model):
    return {name: value.contiguous().clone() for name, value in model.state_dict().items()}


def _loud(torch, mimi):
    """Codebooks start as zeros, and biases drown what is heard and said: such a codec tells no two
    sounds apart. This one has no biases, codes that are as large as what they stand for, and a
    voice that is as loud as a person's."""
    with torch.no_grad():
        for name, value in mimi.named_parameters():
            if name.startswith(("encoder.", "decoder.")) and name.endswith("bias"):
                value.zero_()
        noise = torch.randn(1, 1, 40 * 1920) * 0.1
        heard = mimi._encode_to_unquantized_latent(noise)
        scales = {
            f"quantizer.{part}.": float(
                mimi.get_submodule(f"quantizer.{part}").input_proj(heard).std()
            )
            for part in ("rvq_first", "rvq_rest")
        }
    for name, value in mimi.state_dict().items():
        if name.endswith("embedding_sum"):
            scale = next(found for part, found in scales.items() if name.startswith(part))
            value.copy_(torch.randn_like(value) * scale)
        if name.endswith("cluster_usage"):
            value.fill_(1.0)
    with torch.no_grad():
        said = mimi.decode(torch.randint(MIMI["quantizer"]["bins"], (1, 8, 40)))
        *_, last = (value for name, value in mimi.named_parameters()
                    if name.startswith("decoder.") and name.endswith("weight"))  # fmt: skip
        last *= 0.1 / said.std()


def _lively(torch, model):
    """Fresh weights make nearly the same choice every time: these depend on what they hear."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.startswith(("text_linear", "linears", "emb", "text_emb")):
                value.copy_(torch.randn_like(value))


def _vocabulary(pieces: int) -> bytes:
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES.splitlines() * 20),
        model_writer=model,
        vocab_size=pieces,
        hard_vocab_limit=False,
        model_type="unigram",
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        minloglevel=2,
    )
    found = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).get_piece_size()
    assert found == pieces, f"the text gives {found} pieces, expected {pieces}"
    return model.getvalue()


if __name__ == "__main__":
    where, kind = sys.argv[1:]
    if kind in KINDS:
        sys.stdout.write(f"{write(Path(where).absolute(), kind)}\n")
    else:
        Path(where, "words.model").write_bytes(_vocabulary(int(kind)))
        sys.stdout.write(f"{where}\n")
