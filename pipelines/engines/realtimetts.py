"""Whatever RealtimeTTS can drive: Coqui XTTS, Orpheus, StyleTTS, the system's voice, and services.

Only its engines are used. Its stream would cut sentences, own a sound device and play at its own
speed, all of which is done elsewhere here; so no PyAudio plays, no tokenizer is downloaded, and a
sound is ours as soon as the engine puts it into its queue. One model makes one passage at a time.
"""

import json
import pkgutil
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Queue
from types import MappingProxyType
from typing import Any

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import EngineFailed, EngineUnavailable
from pipelines.engines.voice import Threaded, Voice, needed
from pipelines.engines.voice_consent import agreed
from pipelines.engines.voice_cut import Chunk
from pipelines.engines.voice_markup import Manner
from pipelines.engines.voice_worker import Put, Worker

NAME = "realtimetts"
_OFFLINE = ("SystemEngine", "PiperEngine")
_FORMATS = MappingProxyType({8: "<i2", 1: "<f4"})  # PortAudio's numbers, NumPy's names
_RUNS_ON = ("CoquiEngine",)
"""Engines that must not be stopped: version 0.8.10 of this one then leaves the rest of the sentence
in the pipe from its worker, and the next sentence ends before it begins, or with the wrong sound.
What is left of theirs is made to the end and thrown away."""
_RECORDINGS = (".wav", ".mp3", ".flac", ".ogg", ".m4a")


@dataclass(frozen=True, slots=True)
class RealtimeTTSSettings:
    """Which engine speaks.

    Attributes:
        kind: a class of RealtimeTTS such as CoquiEngine, or module:class for one of your own.
        options: its constructor's arguments, as text; numbers, true and false are understood.
        language: what it speaks, such as en-us; decides how numbers are read.
        network: it may download its model, or send what it speaks to a service.
        consent: WAV file in which the owner of a cloned voice agrees.
    """

    kind: str = "SystemEngine"
    options: dict[str, str] = field(default_factory=dict)
    language: str = "en-us"
    network: bool = False
    consent: str = ""


class RealtimeTTS:
    """One engine of the library, with a thread in which it works."""

    name = NAME

    def __init__(self, engine: Any, language: str, sample: np.dtype[Any], rate: int) -> None:
        self._engine, self._sample = engine, sample
        runs_on = type(engine).__name__ in _RUNS_ON
        self._worker = Worker(NAME, _nothing if runs_on else engine.stop)
        self.language, self.rate = language, rate

    @classmethod
    def load(cls, settings: RealtimeTTSSettings) -> Voice:
        """Make the engine; it may take long to load.

        Raises:
            EngineUnavailable: the library or the engine's own package is missing, it would use
                the network unasked, a voice is cloned without consent, or it gives no plain sound.
        """
        needed(NAME, "RealtimeTTS", "parley[realtimetts]")
        if settings.kind not in _OFFLINE and ":" not in settings.kind and not settings.network:
            raise EngineUnavailable(
                NAME,
                f"kind: {settings.kind} downloads its model by itself or speaks through a service. "
                "Set network = true to let it",
            )
        for value in settings.options.values():
            if value.lower().endswith(_RECORDINGS):
                agreed(NAME, value, settings.consent)
        engine = _made(settings)
        encoding, channels, rate = engine.get_stream_info()
        sample = _FORMATS.get(encoding)
        if sample is None or channels != 1 or rate <= 0:
            raise EngineUnavailable(
                NAME,
                f"{settings.kind}: expected plain mono sound, found compressed or stereo sound",
            )
        return Voice(Threaded(cls(engine, settings.language, np.dtype(sample), rate)))

    def say(self, text: str, manner: Manner) -> Generator[Chunk, None, None]:
        """Its chunks as it makes them; tags other than silences and loudness do nothing."""
        yield from self._worker.stream(partial(self._synthesize, text))

    def close(self) -> None:
        """Stop and shut down the engine."""
        self._engine.stop()
        self._worker.close()
        self._engine.shutdown()

    def _synthesize(self, text: str, put: Put) -> None:
        self._engine.queue = _Outlet(put, self._sample)
        if not self._engine.synthesize(text):
            raise EngineFailed(NAME, f"the engine could not speak {text!r}")


class _Outlet(Queue[bytes]):
    """Stands where the engine expects its queue: an empty one, whose sound goes to its passage."""

    def __init__(self, hand_on: Put, sample: np.dtype[Any]) -> None:
        super().__init__()
        self._hand_on, self._sample = hand_on, sample

    def put(self, item: bytes, block: bool = True, timeout: float | None = None) -> None:
        """A chunk of raw sound."""
        self._hand_on(_samples(item, self._sample))


def _nothing() -> None:
    pass


def _samples(data: bytes, sample: np.dtype[Any]) -> Samples:
    found = np.frombuffer(data, sample)
    scale = 32768 if sample.kind == "i" else 1
    return (found / scale).astype(np.float32)


def _made(settings: RealtimeTTSSettings) -> Any:
    path = settings.kind if ":" in settings.kind else f"RealtimeTTS:{settings.kind}"
    try:
        return pkgutil.resolve_name(path)(**{k: _value(v) for k, v in settings.options.items()})
    except Exception as fault:  # each engine has its own
        raise EngineUnavailable(
            NAME,
            f"{settings.kind}: {fault!r}. Its page in RealtimeTTS's documentation says what it "
            "needs; every engine of the library needs PyAudio, so apt install portaudio19-dev "
            "and pip install pyaudio",
        ) from fault


def _value(text: str) -> Any:
    with suppress(ValueError):
        return json.loads(text)
    return text
