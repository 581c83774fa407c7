"""Streaming recognition by transducers on sherpa-onnx: Zipformer, cache-aware FastConformer.

The network hears each piece of sound once and keeps what it needs of it, so words come a few tens
of milliseconds after its look-ahead, and at the end of a segment that look-ahead is filled with
silence at once, which takes no longer than computing it.

One network and one thread serve all calls; a stream of its own remembers each segment.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.errors import EngineFailed, EngineUnavailable
from agent.core.events import Transcript
from agent.core.protocols import Expectation
from pipelines.engine_thread import EngineThread
from pipelines.engines.sherpa_files import (
    NAME,
    Family,
    TransducerFiles,
    hot_words,
    transducer_files,
)
from pipelines.engines.spelling import spelled
from pipelines.engines.sphinx_stable import Agreement

_RATE = 16_000
_SEARCHES = {"greedy": "greedy_search", "beam": "modified_beam_search"}.items()

_AGREEING = 4
"""With a beam a word may change; how often, depends on the model. Greedy words never do."""


@dataclass(frozen=True, slots=True)
class SherpaSettings:
    """How it listens. docs/engines/sherpa.md names models.

    Attributes:
        model: folder with tokens.txt, encoder*.onnx, decoder*.onnx and joiner*.onnx.
        precision: `int8` or `float32`, where the folder holds both.
        threads: of the CPU for one step, 1..64.
        provider: `cpu`, or `cuda` with a build of sherpa-onnx for it.
        search: `greedy`, or `beam`, which is slower and takes hot words.
        hot_score: how much a token of what is expected is favoured, 0..10; 0 for not at all.
        every_s: sound between two looks at the words, 0.02..0.5 seconds.
        delay_s: how long after its sound a word may come out, 0..2 seconds; so much silence is
            put behind the last sound, and as much as the network sees in one step.
    """

    model: str = ""
    precision: str = "int8"
    threads: int = 1
    provider: str = "cpu"
    search: str = "greedy"
    hot_score: float = 1.5
    every_s: float = 0.08
    delay_s: float = 0.3

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for name, value, allowed in (
            ("precision", self.precision, ("int8", "float32")),
            ("provider", self.provider, ("cpu", "cuda")),
            ("search", self.search, ("greedy", "beam")),
        ):
            if value not in allowed:
                raise ValueError(f"{name}: expected {' or '.join(allowed)}, found {value}")
        for name, number, least, most in (
            ("threads", self.threads, 1, 64),
            ("hot_score", self.hot_score, 0, 10),
            ("every_s", self.every_s, 0.02, 0.5),
            ("delay_s", self.delay_s, 0, 2),
        ):
            if not least <= number <= most:
                raise ValueError(f"{name}: expected {least}..{most}, found {number}")


class Sherpa:
    """A recogniser for any number of calls."""

    rate = _RATE

    def __init__(self, settings: SherpaSettings, files: TransducerFiles, model: Any) -> None:
        self.settings = settings
        self.tail = round((files.look_s + settings.delay_s) * _RATE)  # samples of silence
        self._model = model
        self._tokens = Path(files.tokens).read_text(encoding="utf-8")
        self._takes_hot_words = _takes_hot_words(files, settings)
        self._thread = EngineThread(NAME)

    @classmethod
    def load(cls, settings: SherpaSettings) -> "Sherpa":
        """Read the networks.

        Raises:
            EngineUnavailable: the package or a file is missing, or it is no streaming transducer.
        """
        if find_spec("sherpa_onnx") is None:
            raise EngineUnavailable(
                NAME, "the package is not installed. Run: pip install 'parley[sherpa]'"
            )
        files = transducer_files(Path(settings.model), settings.precision)
        if files.family is Family.NEMO and settings.search == "beam":
            raise EngineUnavailable(NAME, "search: a NeMo model knows only greedy, found beam")
        return cls(settings, files, _recognizer(files, settings))

    async def open(self, segment: int, expected: Expectation) -> "SherpaRecognition":
        """Begin a segment, at once."""
        hot = hot_words(expected.phrases, self._tokens) if self._takes_hot_words else None
        stream = await self._thread.run(lambda: self._model.create_stream(hot))
        return SherpaRecognition(segment, stream, self)

    async def hear(self, stream: Any, samples: Samples) -> str:
        """The words so far after this sound, float32 [n] at 16 kHz.

        Raises:
            EngineFailed: the network broke.
        """
        return await self._thread.run(lambda: self._step(stream, samples))

    def close(self) -> None:
        """End the thread; waits for the step in progress."""
        self._thread.close()

    def _step(self, stream: Any, samples: Samples) -> str:
        try:
            stream.accept_waveform(_RATE, samples)
            while self._model.is_ready(stream):
                self._model.decode_stream(stream)
            return " ".join(spelled(self._model.get_result(stream)))
        except (RuntimeError, MemoryError) as fault:
            raise EngineFailed(NAME, f"the network refused a step: {fault}") from fault


class SherpaRecognition:
    """One segment: a stream of the network's."""

    def __init__(self, segment: int, stream: Any, engine: Sherpa) -> None:
        settings = engine.settings
        self._segment = segment
        self._stream = stream
        self._engine = engine
        self._known = Agreement(1 if settings.search == "greedy" else _AGREEING)
        self._block = round(settings.every_s * _RATE)
        self._rest: Samples = np.zeros(0, np.float32)
        self._last = Transcript(segment, "")

    async def feed(self, frame: AudioFrame) -> list[Transcript]:
        """Take the next sound, mono at 16 kHz; a partial for each step that changed the words.

        Raises:
            EngineFailed: another rate, or the network broke.
        """
        if frame.rate != _RATE:
            raise EngineFailed(NAME, f"expected sound at {_RATE} Hz, found {frame.rate} Hz")
        sound = np.concatenate([self._rest, frame.samples], dtype=np.float32)
        whole = len(sound) - len(sound) % self._block
        self._rest = sound[whole:]
        found: list[Transcript] = []
        for start in range(0, whole, self._block):
            words = await self._engine.hear(self._stream, sound[start : start + self._block])
            before, self._last = self._last, Transcript(self._segment, *self._known.take(words))
            found += [self._last] if self._last != before else []
        return found

    async def finish(self) -> Transcript:
        """The final words, after as much silence as the network wants to look ahead.

        Raises:
            EngineFailed: the network broke.
        """
        tail = np.zeros(self._engine.tail, np.float32)
        sound = np.concatenate([self._rest, tail], dtype=np.float32)
        words = await self._engine.hear(self._stream, sound)
        return Transcript(self._segment, self._known.finish(words), final=True)

    async def close(self) -> None:
        """Forget the stream."""
        self._stream = None


def _takes_hot_words(files: TransducerFiles, settings: SherpaSettings) -> bool:
    return settings.search == "beam" and bool(files.vocabulary and settings.hot_score)


def _recognizer(files: TransducerFiles, settings: SherpaSettings) -> Any:
    library: Any = import_module("sherpa_onnx")  # slow to import, and may be missing
    hot = _takes_hot_words(files, settings)
    try:
        return library.OnlineRecognizer.from_transducer(
            tokens=files.tokens,
            encoder=files.encoder,
            decoder=files.decoder,
            joiner=files.joiner,
            num_threads=settings.threads,
            provider=settings.provider,
            decoding_method=dict(_SEARCHES)[settings.search],
            hotwords_score=settings.hot_score,
            modeling_unit="bpe" if hot else "",
            bpe_vocab=files.vocabulary if hot else "",
        )
    except Exception as fault:  # the library throws what its C++ threw
        raise EngineUnavailable(
            NAME, f"{files.encoder} and its parts cannot be used: {fault}"
        ) from fault
