"""Speech recognition by Whisper, streamed: the same model again and again over a bounded window.

Whisper was made for whole recordings. Here it hears a window of a few seconds about twice a
second; words that two hypotheses in a row agree on are certain, and what lies before them leaves
the window (`whisper_agreement`, `whisper_window`). What nobody said is taken out (`whisper_guard`).

One model and one thread serve all calls, one step at a time. A segment that has fallen behind its
own sound skips steps instead of queueing them.
"""

import asyncio
from dataclasses import dataclass

from agent.core.audio import AudioFrame
from agent.core.errors import EngineFailed
from agent.core.events import Transcript
from agent.core.protocols import Expectation
from pipelines.engine_thread import EngineThread
from pipelines.engines.whisper_model import (
    NAME,
    RATE,
    FasterWhisper,
    Question,
    Transcriber,
    WhisperFiles,
)
from pipelines.engines.whisper_segment import WhisperSegment
from pipelines.engines.whisper_words import hot_words


@dataclass(frozen=True, slots=True)
class WhisperSettings:
    """How it listens. docs/engines/whisper.md says what each costs.

    Attributes:
        model: a size such as `small.en`, a repository of the Hugging Face hub, or a folder in
            CTranslate2's format.
        download: fetch the weights when they are not on this machine; never without being told.
        device: `cpu`, `cuda`, or `auto` for a GPU where there is one.
        precision: as CTranslate2 calls it; empty for int8 on a CPU and float16 on a GPU.
        threads: of the CPU for one step; 0 for four.
        beam: hypotheses kept while decoding, 1..10; 1 is greedy.
        language: such as `en`; empty for a model of many languages to find out in each segment.
        every_s: sound between two steps, 0.1..2 seconds.
        window_s: the longest window, 8 seconds up to `context_s`.
        context_s: what the model is given, the window and nothing behind it, 8..30 seconds. Whisper
            was trained on 30; less costs much less, and what it costs in words is not known here.
        hot_characters: how much of what is expected is told to the model; 0 for nothing.
    """

    model: str = "small.en"
    download: bool = False
    device: str = "auto"
    precision: str = ""
    threads: int = 0
    beam: int = 1
    language: str = "en"
    every_s: float = 0.4
    window_s: float = 12.0
    context_s: float = 30.0
    hot_characters: int = 200

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.device not in ("auto", "cpu", "cuda"):
            raise ValueError(f"device: expected auto, cpu or cuda, found {self.device}")
        if self.model.endswith(".en") and self.language not in ("", "en"):
            raise ValueError(f"language: expected en of {self.model}, found {self.language}")
        for name, value, least, most in (
            ("threads", self.threads, 0, 256),
            ("beam", self.beam, 1, 10),
            ("every_s", self.every_s, 0.1, 2),
            ("context_s", self.context_s, 8, 30),
            ("window_s", self.window_s, 8, self.context_s),
            ("hot_characters", self.hot_characters, 0, 800),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name}: expected {least}..{most}, found {value}")

    @property
    def files(self) -> WhisperFiles:
        """What the model is made from."""
        return WhisperFiles(
            self.model,
            self.download,
            self.device,
            self.precision,
            self.threads,
            self.beam,
            self.context_s,
        )


class Whisper:
    """A recogniser for any number of calls.

    Attributes:
        skipped: steps left out because the model could not keep up.
    """

    rate = RATE

    def __init__(self, settings: WhisperSettings, model: Transcriber) -> None:
        self.settings = settings
        self.skipped = 0
        self._model = model
        self._thread = EngineThread(NAME)

    @classmethod
    def load(cls, settings: WhisperSettings) -> "Whisper":
        """Read the weights.

        Raises:
            EngineUnavailable: the package or the weights are missing, or cannot be used here.
        """
        return cls(settings, FasterWhisper.load(settings.files))

    async def open(self, segment: int, expected: Expectation) -> "WhisperRecognition":
        """Begin a segment, at once."""
        return WhisperRecognition(segment, expected, self)

    async def hear(self, segment: WhisperSegment, hot: str) -> Transcript:
        """One step of one segment; others wait for it.

        Raises:
            EngineFailed: the model broke.
        """
        question = Question(segment.samples(), segment.before(), hot, segment.language)
        return segment.take(await self._thread.run(lambda: self._model.hear(question)))

    def close(self) -> None:
        """End the thread; waits for the step in progress."""
        self._thread.close()


class WhisperRecognition:
    """One segment."""

    def __init__(self, segment: int, expected: Expectation, engine: Whisper) -> None:
        settings = engine.settings
        self._engine = engine
        self._hot = hot_words(expected.phrases, settings.hot_characters)
        self._segment = WhisperSegment(
            segment, settings.language, settings.every_s, settings.window_s
        )
        self._last = self._segment.transcript()
        self._began: float | None = None  # loop time of the first sound

    async def feed(self, frame: AudioFrame) -> list[Transcript]:
        """Take the next sound, mono at 16 kHz; a partial for each step that changed the words.

        Raises:
            EngineFailed: another rate, or the model broke.
        """
        if frame.rate != RATE:
            raise EngineFailed(NAME, f"expected sound at {RATE} Hz, found {frame.rate} Hz")
        if self._began is None:
            self._began = asyncio.get_running_loop().time()
        found: list[Transcript] = []
        for block in self._segment.blocks(frame.samples):
            if self._segment.append(block):
                found += await self._step()
        return found

    async def finish(self) -> Transcript:
        """The final words: those of the last step, where there was only quiet since.

        Raises:
            EngineFailed: the model broke.
        """
        self._segment.flush()
        if not self._segment.is_covered:
            await self._engine.hear(self._segment, self._hot)
        return self._segment.final()

    async def close(self) -> None:
        """Nothing to give back; a step in progress ends by itself."""

    async def _step(self) -> list[Transcript]:
        if self._is_late():
            self._engine.skipped += 1
            return []
        before, self._last = self._last, await self._engine.hear(self._segment, self._hot)
        return [self._last] if self._last != before else []

    def _is_late(self) -> bool:
        """Whether this sound could have been heard more than a step ago.

        Sound that comes faster than it is spoken is never late, so what is recognised does not
        depend on the pieces in which it comes.
        """
        passed_s = asyncio.get_running_loop().time() - (self._began or 0.0)
        return passed_s - self._segment.position / RATE > self._engine.settings.every_s
