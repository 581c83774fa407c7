"""Piper voices (VITS): one network run for each sentence. piper-tts is GPL-3, hence an extra."""

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from agent.core.errors import EngineUnavailable
from pipelines.engines.voice import Threaded, Voice, file_of, needed
from pipelines.engines.voice_cut import Chunk
from pipelines.engines.voice_markup import Manner
from pipelines.engines.voice_onnx import session

NAME = "piper"
_MEND = "Download one: python -m piper.download_voices en_US-lessac-medium"


@dataclass(frozen=True, slots=True)
class PiperSettings:
    """How it speaks. docs/engines/voices.md names voices.

    Attributes:
        model: the voice, an .onnx file; its .onnx.json lies beside it.
        speaker: number of the speaker in a voice of several; 0 for the first.
        pace: 1 is the voice's own, 0.5..2.
        level: peak of each sentence, 0.05..1 of full scale.
        threads: of the CPU for one sentence, 1..64.
    """

    model: str = ""
    speaker: int = 0
    pace: float = 1.0
    level: float = 0.7
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be heard."""
        if not (0.5 <= self.pace <= 2 and 0.05 <= self.level <= 1):
            raise ValueError(
                "expected pace 0.5..2 and level 0.05..1, "
                f"found pace {self.pace}, level {self.level}"
            )
        if self.speaker < 0 or not 1 <= self.threads <= 64:
            raise ValueError(
                "expected speaker 0 or more and threads 1..64, "
                f"found speaker {self.speaker}, threads {self.threads}"
            )


class Piper:
    """One loaded voice."""

    name = NAME

    def __init__(self, library: Any, voice: Any, settings: PiperSettings) -> None:
        self._library, self._voice, self._settings = library, voice, settings
        self.rate: int = voice.config.sample_rate
        self.language: str = voice.config.espeak_voice

    @classmethod
    def load(cls, settings: PiperSettings) -> Voice:
        """Load a voice from the user's files.

        Raises:
            EngineUnavailable: the package or a file is missing, or it is no voice.
        """
        needed(NAME, "piper", "parley[piper]")
        model = file_of(NAME, "model", settings.model, _MEND)
        config = file_of(NAME, "model", f"{model}.json", _MEND)
        library = import_module("piper")
        network = session(NAME, model, settings.threads, "input", "input_lengths", "scales")
        try:
            known = import_module("piper.config").PiperConfig.from_dict(_table(config))
        except (KeyError, ValueError) as fault:
            raise EngineUnavailable(
                NAME, f"{config}: expected a voice's settings, found a fault: {fault!r}. {_MEND}"
            ) from fault
        if settings.speaker >= max(1, known.num_speakers):
            raise EngineUnavailable(
                NAME, f"speaker: {model} has {known.num_speakers}, found {settings.speaker}"
            )
        voice = cls(library, library.PiperVoice(session=network, config=known), settings)
        return Voice(Threaded(voice))

    def say(self, text: str, manner: Manner) -> Generator[Chunk, None, None]:
        """A chunk for each sentence; with word times where the voice was patched to give them."""
        how = self._library.SynthesisConfig(
            speaker_id=self._settings.speaker,
            length_scale=self._voice.config.length_scale / (self._settings.pace * manner.pace),
            volume=self._settings.level,
        )
        for made in self._voice.synthesize(text, how, include_alignments=True):
            yield Chunk(made.audio_float_array, _starts(made.phoneme_alignments or ()))

    def close(self) -> None:
        """Nothing to give back."""


def _table(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _starts(alignments: Sequence[Any]) -> tuple[int, ...]:
    """The first sample of each word: phonemes come between ^ and $, words between spaces."""
    at, starts, is_new = 0, [], True
    for aligned in alignments:
        if aligned.phoneme == " ":
            is_new = True
        elif aligned.phoneme not in ("^", "$") and is_new:
            starts.append(at)
            is_new = False
        at += int(aligned.num_samples)
    return tuple(starts)
