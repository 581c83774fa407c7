"""Kyutai's Pocket TTS: small, on the CPU, a chunk every 80 ms. Needs torch, hence an extra."""

import threading
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from agent.core.errors import EngineUnavailable
from pipelines.engines.voice import Threaded, Voice, file_of, needed
from pipelines.engines.voice_consent import agreed
from pipelines.engines.voice_cut import Chunk
from pipelines.engines.voice_markup import Manner
from pipelines.engines.voice_worker import Put, Worker

NAME = "pocket_tts"
_MEND = (
    "Download one: hf download kyutai/pocket-tts-without-voice-cloning, and set the paths in its "
    "configuration to the files"
)


@dataclass(frozen=True, slots=True)
class PocketTTSSettings:
    """How it speaks. docs/engines/voices.md says where its files are.

    Attributes:
        config: the model's .yaml, with paths of files that are here.
        voice: a .safetensors file made from a voice, or a recording of one, which clones it.
        consent: WAV file in which the owner of a cloned voice agrees.
        language: what it speaks, such as en-us; decides how numbers are read.
        threads: of the CPU, 1..64.
    """

    config: str = ""
    voice: str = ""
    consent: str = ""
    language: str = "en-us"
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        if not 1 <= self.threads <= 64:
            raise ValueError(f"threads: expected 1..64, found {self.threads}")


class PocketTTS:
    """One loaded model and a voice."""

    name = NAME

    def __init__(self, model: Any, voice: Any, language: str) -> None:
        self._model, self._voice = model, voice
        self._stopped = threading.Event()
        self._worker = Worker(NAME, self._stopped.set)
        self.rate: int = model.sample_rate
        self.language = language

    @classmethod
    def load(cls, settings: PocketTTSSettings) -> Voice:
        """Load model and voice from the user's files.

        Raises:
            EngineUnavailable: the package or a file is missing, the configuration would download
                one, or a voice is cloned without consent.
        """
        needed(NAME, "pocket_tts", "parley[pocket-tts]")
        config = file_of(NAME, "config", settings.config, _MEND)
        if "hf://" in (text := config.read_text(encoding="utf-8")) or "https://" in text:
            raise EngineUnavailable(
                NAME, f"{config} names files that are elsewhere and would be downloaded. {_MEND}"
            )
        voice = file_of(NAME, "voice", settings.voice, _MEND)
        if voice.suffix != ".safetensors":
            agreed(NAME, str(voice), settings.consent)
        import_module("torch").set_num_threads(settings.threads)
        try:
            return Voice(Threaded(cls(*_loaded(config, voice), settings.language)))
        except Exception as fault:  # torch, safetensors, pydantic and yaml each have their own
            raise EngineUnavailable(NAME, f"{config}: {fault}. {_MEND}") from fault

    def say(self, text: str, manner: Manner) -> Generator[Chunk, None, None]:
        """A chunk for each 80 ms; tags other than silences and loudness do nothing."""
        yield from self._worker.stream(partial(self._generate, text))

    def close(self) -> None:
        """Stop what is being made."""
        self._stopped.set()
        self._worker.close()

    def _generate(self, text: str, put: Put) -> None:
        self._stopped.clear()
        for made in self._model.generate_audio_stream(self._voice, text, stop=self._stopped):
            put(np.asarray(made.detach().cpu(), np.float32).reshape(-1))


def _loaded(config: Path, voice: Path) -> tuple[Any, Any]:
    model = import_module("pocket_tts").TTSModel.load_model(config=str(config))
    return model, model.get_state_for_audio_prompt(voice)
