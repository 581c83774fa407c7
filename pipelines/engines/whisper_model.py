"""faster-whisper behind one function: a window of sound in, a hypothesis out. Blocks.

The library's parts are called, not its `transcribe`: that encodes 30 s whatever the sound's length,
encodes again to find the language, and decodes again what lies behind the last word. Here a window
is encoded once and decoded once, without time tokens; word times come from the attention.
Greedy or with a beam, never by sampling: the same sound gives the same words.
"""

import zlib
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import EngineFailed, EngineUnavailable
from pipelines.engines.whisper_words import Hypothesis, Word, placed

NAME = "whisper"
RATE = 16_000
FRAMES_PER_S = 100

OPENING, CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the word after and before it."""

TOKENS_PER_S = 12
"""Bound on what is decoded: fast English has about 6 words or 8 tokens a second."""

FREE_TOKENS = 16
"""A single word with its punctuation, and some room."""

SHORTEST_S = 0.1
"""Less sound has no features."""

_FILES = ("model.bin", "config.json", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class Question:
    """One window.

    Attributes:
        samples: float32 [n] at 16 kHz, at most 30 s.
        before: what was said before it, as it was written; may be empty.
        hot_words: what may be said, with commas; may be empty.
        language: such as `en`; empty to find out.
    """

    samples: Samples
    before: str = ""
    hot_words: str = ""
    language: str = ""


class Transcriber(Protocol):
    """What the adapter needs of a Whisper."""

    def hear(self, question: Question) -> Hypothesis:
        """Words with places counted from the first sample of the window. Blocks.

        Raises:
            EngineFailed: the model broke.
        """


@dataclass(frozen=True, slots=True)
class WhisperFiles:
    """Which weights, and how they are computed.

    Attributes:
        model: a size such as `small.en`, a repository of the Hugging Face hub, or a folder.
        download: fetch the weights when they are not there.
        device: `cpu`, `cuda`, or `auto` for a GPU where there is one.
        precision: as CTranslate2 calls it; empty for int8 on a CPU and float16 on a GPU.
        threads: of the CPU; 0 for four.
        beam: hypotheses kept while decoding; 1 is greedy.
        context_s: what the encoder is given, the window and zeros behind it; trained on 30 s.
    """

    model: str
    download: bool
    device: str
    precision: str
    threads: int
    beam: int
    context_s: float


class FasterWhisper:
    """A model in memory."""

    def __init__(self, model: Any, files: WhisperFiles) -> None:
        library: Any = import_module("faster_whisper")
        self._library = library
        self._model = model
        self._files = files

    @classmethod
    def load(cls, files: WhisperFiles) -> "FasterWhisper":
        """Read the weights; from the network only if the settings say so.

        Raises:
            EngineUnavailable: the package or the weights are missing, or cannot be used here.
        """
        if find_spec("faster_whisper") is None:
            raise EngineUnavailable(
                NAME, "the package is not installed. Run: pip install faster-whisper==1.2.1"
            )
        from faster_whisper import WhisperModel  # noqa: PLC0415  # slow to import, may be missing

        folder = _folder(files)
        device = _device(files.device)
        precision = files.precision or ("float16" if device == "cuda" else "int8")
        try:
            model = WhisperModel(
                str(folder), device=device, compute_type=precision, cpu_threads=files.threads
            )
        except Exception as fault:  # CTranslate2 raises what its C++ threw
            raise EngineUnavailable(
                NAME, f"{folder} cannot be used on {device} as {precision}: {fault}"
            ) from fault
        return cls(model, files)

    def hear(self, question: Question) -> Hypothesis:
        """One run of the encoder, one decoding, one alignment."""
        if len(question.samples) < SHORTEST_S * RATE:
            return Hypothesis(language=question.language)
        try:
            return self._hear(question)
        except Exception as fault:  # CTranslate2 raises what its C++ threw
            length_s = len(question.samples) / RATE
            raise EngineFailed(NAME, f"the model broke on {length_s:.1f} s: {fault}") from fault

    def _hear(self, question: Question) -> Hypothesis:
        frames = round(self._files.context_s * FRAMES_PER_S)
        features = self._model.feature_extractor(question.samples)[:, :-1][:, :frames]
        encoded = self._model.encode(_padded(features, frames))
        language = self._language(question, encoded)
        tokenizer = self._library.tokenizer.Tokenizer(
            self._model.hf_tokenizer,
            self._model.model.is_multilingual,
            task="transcribe",
            language=language,
        )
        result = self._decoded(question, encoded, tokenizer)
        tokens = result.sequences_ids[0]
        pieces = self._model.find_alignment(tokenizer, [tokens], encoded, features.shape[1])[0]
        self._library.transcribe.merge_punctuations(pieces, OPENING, CLOSING)
        end = len(question.samples)
        return Hypothesis(
            tuple(word for piece in pieces for word in _words(piece, end)),
            result.no_speech_prob,
            result.scores[0] * len(tokens) / (len(tokens) + 1),
            _compression(tokenizer.decode(tokens)),
            language,
        )

    def _language(self, question: Question, encoded: Any) -> str:
        if not self._model.model.is_multilingual:
            return "en"
        if question.language:
            return question.language
        token, _ = self._model.model.detect_language(encoded)[0][0]
        return str(token).strip("<|>")

    def _decoded(self, question: Question, encoded: Any, tokenizer: Any) -> Any:
        before = tokenizer.encode(f" {question.before}") if question.before else []
        prompt = self._model.get_prompt(
            tokenizer, before, without_timestamps=True, hotwords=question.hot_words or None
        )
        most = FREE_TOKENS + round(TOKENS_PER_S * len(question.samples) / RATE)
        longest = max(2 * most, len(prompt) + most)  # CTranslate2 decodes half of it at most
        return self._model.model.generate(
            encoded,
            [prompt],
            beam_size=self._files.beam,
            max_length=min(self._model.max_length, longest),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._library.transcribe.get_suppressed_tokens(tokenizer, [-1]),
        )[0]


def _padded(features: Any, frames: int) -> Any:
    """Features, float32 [mels, n], filled with zeros to that many frames."""
    return np.pad(features, ((0, 0), (0, frames - features.shape[1])))


def _compression(text: str) -> float:
    raw = text.strip().encode()
    return len(raw) / len(zlib.compress(raw))


def _words(piece: Any, end: int) -> list[Word]:
    """Places inside the window: Whisper's may lie in the padding behind it."""
    start_s, end_s = float(piece["start"]), float(piece["end"])
    return placed(piece["word"], min(end, round(start_s * RATE)), min(end, round(end_s * RATE)))


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    library: Any = import_module("ctranslate2")
    return "cuda" if library.get_cuda_device_count() > 0 else "cpu"


def _folder(files: WhisperFiles) -> Path:
    """Where the weights are; the library would fetch a missing tokenizer without being asked."""
    path = Path(files.model)
    if not path.is_dir():
        path = _from_hub(files)
    missing = [name for name in _FILES if not (path / name).is_file()]
    if missing:
        raise EngineUnavailable(
            NAME,
            f"expected {', '.join(_FILES)} in {path}, found no {', '.join(missing)}. "
            "Convert with: ct2-transformers-converter --copy_files tokenizer.json",
        )
    return path


def _from_hub(files: WhisperFiles) -> Path:
    from faster_whisper import available_models, download_model  # noqa: PLC0415

    if "/" not in files.model and files.model not in available_models():
        raise EngineUnavailable(
            NAME,
            f"model: expected a folder or one of {', '.join(available_models())}, "
            f"found {files.model}",
        )
    try:
        return Path(download_model(files.model, local_files_only=not files.download))
    except Exception as fault:  # of the hub's client, of HTTP, of the disk
        raise EngineUnavailable(NAME, _not_there(files)) from fault


def _not_there(files: WhisperFiles) -> str:
    where = "could not be fetched" if files.download else "are not on this machine"
    return f"the weights of {files.model} {where}. Run: parley models pull CONFIGURATION"
