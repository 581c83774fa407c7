"""Kokoro voices (StyleTTS 2, 82 M parameters) through kokoro-onnx: one run for each passage."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

from agent.core.errors import EngineUnavailable
from pipelines.engines.voice import Threaded, Voice, file_of, needed
from pipelines.engines.voice_cut import Chunk
from pipelines.engines.voice_markup import Manner
from pipelines.engines.voice_onnx import session

NAME = "kokoro"
_FILES = "https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.1"
_LANGUAGES = MappingProxyType(
    {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr-fr", "h": "hi", "i": "it", "p": "pt-br"}
)
"""By the first letter of a voice's name. Japanese and Mandarin need a phonemiser of their own."""

_MARKS = '.,!?;:—…"()“”«»¡¿'


@dataclass(frozen=True, slots=True)
class KokoroSettings:
    """How it speaks. docs/engines/voices.md says where its files are.

    Attributes:
        model: the network, an .onnx file.
        voices: the file with the voices' styles.
        voice: one of them; its first letter is its language.
        pace: 1 is the voice's own, 0.5..2.
        threads: of the CPU for one passage, 1..64.
    """

    model: str = ""
    voices: str = ""
    voice: str = "af_heart"
    pace: float = 1.0
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse what it cannot speak."""
        if self.voice[:1] not in _LANGUAGES:
            raise ValueError(
                f"voice: expected a name that begins with {', '.join(_LANGUAGES)}, "
                f"found {self.voice!r}"
            )
        if not 0.5 <= self.pace <= 2 or not 1 <= self.threads <= 64:
            raise ValueError(
                "expected pace 0.5..2 and threads 1..64, "
                f"found pace {self.pace}, threads {self.threads}"
            )


class Kokoro:
    """One loaded network and a voice of it."""

    name = NAME
    rate = 24_000

    def __init__(self, model: Any, settings: KokoroSettings) -> None:
        self._model, self._settings = model, settings
        self.language = _LANGUAGES[settings.voice[0]]

    @classmethod
    def load(cls, settings: KokoroSettings) -> Voice:
        """Load network and voices from the user's files.

        Raises:
            EngineUnavailable: the package or a file is missing, or there is no such voice.
        """
        needed(NAME, "kokoro_onnx", "parley[kokoro]")
        network = file_of(
            NAME, "model", settings.model, f"Download it: curl -LO {_FILES}/kokoro-v1.0.onnx"
        )
        styles = file_of(
            NAME, "voices", settings.voices, f"Download it: curl -LO {_FILES}/voices-v1.0.bin"
        )
        opened = session(NAME, network, settings.threads, "style", "speed")
        model = import_module("kokoro_onnx").Kokoro.from_session(opened, str(styles))
        if settings.voice not in model.voices:
            known = ", ".join(sorted(model.voices))
            raise EngineUnavailable(NAME, f"voice: expected one of {known}, found {settings.voice}")
        return Voice(Threaded(cls(model, settings)))

    def say(self, text: str, manner: Manner) -> Generator[Chunk, None, None]:
        """One chunk; with word times where the network was exported with durations."""
        samples, _, spoken = self._model.create_timed(
            text,
            self._settings.voice,
            speed=min(2.0, max(0.5, self._settings.pace * manner.pace)),
            lang=manner.language or self.language,
            trim=False,
        )
        yield Chunk(samples, _starts(spoken))

    def close(self) -> None:
        """Nothing to give back."""


def _starts(spoken: Sequence[Any]) -> tuple[int, ...]:
    """The first sample of each word: phonemes between spaces, but for marks."""
    starts, is_new = [], True
    for timing in spoken:
        if timing.phoneme == " ":
            is_new = True
        elif is_new and timing.phoneme not in _MARKS:
            starts.append(round(timing.start * Kokoro.rate))
            is_new = False
    return tuple(starts)
