"""A Whisper in CTranslate2's format that understands tones, every weight of it set by hand.

It is loaded and run by the same code as a trained one. The word in each half second is found thus:

    convolutions    dimension n is above 0 where the pitch of word n sounds
    encoder         one idle layer; a frame's position says in which half second it lies
    decoder         position n asks for the frames of half second n by cross-attention
    projection      the loudest word, or the end of the text where there is little of any
"""

from pathlib import Path

import numpy as np

from benchmarks.tiny_models.tones import LOWEST_HZ, RATE, STEP_HZ, WORDS

SLOTS = 60  # half seconds in 30 s
FRAMES, FRAMES_PER_SLOT = 1_500, 25
MELS = 80
POSITIONS = 448
CONSTANT = len(WORDS) + SLOTS
DIMENSIONS = CONSTANT + 1

PLACE = 100.0  # far above the other dimensions, so that a norm changes every frame alike
SPECIAL = (
    "<|endoftext|> <|startoftranscript|> <|en|> <|translate|> <|transcribe|> <|startoflm|> "
    "<|startofprev|> <|nospeech|> <|notimestamps|>"
).split() + [f"<|{n * 0.02:.2f}|>" for n in range(FRAMES + 1)]


def write_tone_whisper(folder: Path):
    """Write model.bin, config.json, the vocabulary and tokenizer.json."""
    from ctranslate2.specs import WhisperSpec

    tokenizer = _tokenizer()
    ids = tokenizer.get_vocab()
    spec = WhisperSpec(1, 1, 1, 1)
    _encoder(spec.encoder)
    _decoder(spec.decoder, ids)
    spec.register_vocabulary(sorted(ids, key=ids.get))
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = [ids["<|en|>"]]
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    spec.optimize()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))


def _tokenizer():
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*letters, *(f"Ġ{word}" for word in WORDS)]
    made = Tokenizer(models.BPE({piece: n for n, piece in enumerate(pieces)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    return made


def _encoder(spec):
    first, second = _zeros(DIMENSIONS, MELS, 3), _zeros(DIMENSIONS, DIMENSIONS, 3)
    least = _zeros(DIMENSIONS)
    for word, (mel, level) in enumerate(_pitches()):
        first[word, mel, 1] = 20
        least[word] = -20 * (level - 0.2)
        second[word, word, 1] = 1
    spec.conv1.weight, spec.conv1.bias = first, least
    spec.conv2.weight, spec.conv2.bias = second, _zeros(DIMENSIONS)
    places = _zeros(FRAMES, DIMENSIONS)
    places[np.arange(FRAMES), len(WORDS) + np.arange(FRAMES) // FRAMES_PER_SLOT] = PLACE
    spec.position_encodings.encodings = places
    _silent(spec.layer[0])
    _norm(spec.layer_norm)


def _pitches():
    """Where in the spectrum each word lies, and how high it stands out."""
    from faster_whisper.feature_extractor import FeatureExtractor

    extractor = FeatureExtractor()
    for word in range(len(WORDS)):
        hz = LOWEST_HZ + STEP_HZ * word
        tone = 0.2 * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)
        levels = np.median(extractor(tone.astype(np.float32)), axis=1)
        yield int(np.argmax(levels)), float(levels.max())


def _decoder(spec, ids):
    spec.embeddings.weight = _zeros(len(ids), DIMENSIONS)
    places = _zeros(POSITIONS, DIMENSIONS)
    asked = np.arange(1, SLOTS + 1)  # position 0 is the start of the transcript
    places[asked, len(WORDS) + asked - 1] = PLACE
    places[:, CONSTANT] = 12
    spec.position_encodings.encodings = places
    layer = spec.layer[0]
    _silent(layer)
    _norm(layer.attention.layer_norm)
    slots, words = np.arange(len(WORDS), CONSTANT), np.arange(len(WORDS))
    queries, keys, values = (_zeros(DIMENSIONS, DIMENSIONS) for _ in range(3))
    queries[slots, slots] = 2
    keys[slots, slots] = 1
    values[words, words] = 100
    _linear(layer.attention.linear[0], queries)
    _linear(layer.attention.linear[1], np.concatenate([keys, values]))
    _linear(layer.attention.linear[2], np.eye(DIMENSIONS, dtype=np.float32))
    _norm(spec.layer_norm)
    projection = _zeros(len(ids), DIMENSIONS)
    for n, word in enumerate(WORDS):
        projection[ids[f"Ġ{word}"], n] = 100
    projection[ids["<|endoftext|>"], CONSTANT] = 100
    spec.projection.weight = projection


def _silent(layer):
    """Self-attention and feed-forward add nothing to what passes."""
    _norm(layer.self_attention.layer_norm)
    _linear(layer.self_attention.linear[0], _zeros(3 * DIMENSIONS, DIMENSIONS))
    _linear(layer.self_attention.linear[1], _zeros(DIMENSIONS, DIMENSIONS))
    _norm(layer.ffn.layer_norm)
    _linear(layer.ffn.linear_0, _zeros(1, DIMENSIONS))
    _linear(layer.ffn.linear_1, _zeros(DIMENSIONS, 1))


def _norm(spec):
    spec.gamma, spec.beta = np.ones(DIMENSIONS, np.float32), _zeros(DIMENSIONS)


def _linear(spec, weight):
    spec.weight, spec.bias = weight, _zeros(len(weight))


def _zeros(*shape):
    return np.zeros(shape, np.float32)
