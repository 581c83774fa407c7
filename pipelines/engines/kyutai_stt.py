"""Kyutai's streaming recogniser: a model that writes down what it hears, a fixed delay later.

One model and its batch serve all calls, in this process: torch and moshi must be importable. The
end of a segment is not waited for: as much silence as the delay is pushed through at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.duplex import DuplexModel, DuplexPrompt
from agent.core.errors import EngineUnavailable
from agent.core.events import Transcript
from agent.core.protocols import Expectation
from pipelines.engines.duplex_batched import Batch, BatchedModel
from pipelines.engines.kyutai_batch import NAME, KyutaiBatch
from pipelines.engines.moshi_load import load
from pipelines.engines.moshi_settings import MoshiSettings
from pipelines.engines.spelling import spelled
from pipelines.engines.upsampling import Upsampler

RATE = 16_000
"""What it is given, as every recogniser here; its model hears at 24 kHz."""


@dataclass(frozen=True, slots=True)
class KyutaiSttSettings:
    """Which recogniser, and on what. docs/engines/kyutai.md explains each.

    Attributes:
        checkpoint: a folder with config.json, or hf://owner/name, fetched by moshi's own loader.
        device: as torch names it: cuda, cpu.
        numbers: what the weights are held in: bfloat16, float16, float32.
        slots: segments and opinions at once, over all calls.
        threads: of the CPU for one step.
    """

    checkpoint: str
    device: str = "cuda"
    numbers: str = "bfloat16"
    slots: int = 16
    threads: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError for what no model could do."""
        _ = self.model

    @property
    def model(self) -> MoshiSettings:
        """The same as moshi's loader is told; always the likeliest word."""
        return MoshiSettings(
            self.checkpoint, self.device, self.numbers, self.slots, threads=self.threads,
            temperature=0.0, text_temperature=0.0,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A word, lower case, without punctuation, and where it was said, in seconds of the segment."""

    text: str
    start_s: float
    end_s: float


class KyutaiStt:
    """A Recognizer. Used from one event loop."""

    def __init__(self, model: DuplexModel[Any], delay_s: float, prefix_s: float = 0.0) -> None:
        """`delay_s`: text comes so much later than its sound; `prefix_s`: silence before it."""
        self.model, self._delay_s, self._prefix_s = model, delay_s, prefix_s
        self.rate = RATE

    @classmethod
    def load(cls, settings: KyutaiSttSettings) -> "KyutaiStt":
        """Seconds for a small model, more for a large one.

        Raises:
            EngineUnavailable: a package or file is missing, or the files do not fit each other.
        """
        hearing = dict[str, float]()

        def make() -> Batch[None]:
            loaded = load(settings.model, ("stt",))
            hearing.update(loaded.hearing)
            if loaded.generator.lm_model.dep_q:
                raise EngineUnavailable(NAME, "dep_q: expected a model that says nothing")
            return KyutaiBatch(loaded, settings.slots)

        model = BatchedModel(make, NAME)
        delay_s = hearing.get("audio_delay_seconds", 0.0)
        return cls(model, delay_s, hearing.get("audio_silence_prefix_seconds", 0.0))

    async def open(self, segment: int, expected: Expectation) -> "KyutaiRecognition":
        """One segment; what is expected makes no difference.

        Raises:
            EngineBusy: all slots are taken.
        """
        slot = await self.model.open(DuplexPrompt())
        return KyutaiRecognition(segment, self.model, slot, self._delay_s, self._prefix_s)

    def close(self) -> None:
        """Ends the model's thread."""
        if isinstance(self.model, BatchedModel):
            self.model.unload()


class Stream:
    """Sound of any length at RATE, as the model's frames."""

    def __init__(self, model: DuplexModel[Any], slot: Any) -> None:
        self._model, self._slot = model, slot
        self._upsampler, self._rest = Upsampler(), np.zeros(0, np.float32)
        self.steps = 0

    def frames(self, samples: Samples) -> Iterable[AudioFrame]:
        """Those that are whole now."""
        whole = np.concatenate((self._rest, self._upsampler.push(samples)))
        count = self._model.frame_samples
        cut = len(whole) - len(whole) % count
        self._rest = whole[cut:]
        for at in range(0, cut, count):
            frame = AudioFrame(whole[at : at + count], self._model.rate, self.steps * count)
            self.steps += 1
            yield frame

    def rest(self) -> int:
        """Samples at RATE that make the last frame whole; silence will do."""
        missing = (self._model.frame_samples - len(self._rest)) % self._model.frame_samples
        return -(-missing * RATE // self._model.rate)


class KyutaiRecognition:
    """One segment being recognised.

    Attributes:
        words: those that are complete, with their times.
    """

    def __init__(
        self, segment: int, model: DuplexModel[Any], slot: Any, delay_s: float, prefix_s: float
    ) -> None:
        self._segment, self._model, self._slot = segment, model, slot
        self._delay_s, self._prefix_s = delay_s, prefix_s
        self._stream = Stream(model, slot)
        self._frame_s = model.frame_samples / model.rate
        self._open: Word | None = None
        self._told = Transcript(segment, "")
        self.words: list[Word] = []
        self._before: Samples = np.zeros(round(prefix_s * RATE), np.float32)

    async def feed(self, frame: AudioFrame) -> list[Transcript]:
        """A transcript for each frame of the model's that brings text."""
        before, self._before = self._before, np.zeros(0, np.float32)
        return await self._hear(np.concatenate((before, frame.samples)))

    async def finish(self) -> Transcript:
        """The final transcript: the delay is pushed through as silence."""
        flush = round((self._delay_s + self._frame_s) * RATE)
        await self._hear(np.zeros(flush, np.float32))
        await self._hear(np.zeros(self._stream.rest(), np.float32))
        self._complete()
        return Transcript(self._segment, self._said, final=True)

    async def close(self) -> None:
        """Give the slot back. May be called twice."""
        await self._model.close(self._slot)

    @property
    def _said(self) -> str:
        return " ".join(word.text for word in self.words)

    async def _hear(self, samples: Samples) -> list[Transcript]:
        found = []
        for frame in self._stream.frames(samples):
            output = await self._model.step(self._slot, frame)
            self._write(output.text)
            unstable = " ".join(spelled(self._open.text)) if self._open else ""
            transcript = Transcript(self._segment, self._said, unstable)
            if transcript != self._told:
                found.append(transcript)
                self._told = transcript
        return found

    def _write(self, text: str) -> None:
        """Text of the last step; a space begins a word."""
        end_s = self._stream.steps * self._frame_s - self._delay_s - self._prefix_s
        start_s = end_s - self._frame_s
        for place, part in enumerate(text.split(" ")):
            if place:
                self._complete()
            if part:
                before = self._open or Word("", max(0.0, start_s), 0.0)
                self._open = Word(before.text + part, before.start_s, max(before.start_s, end_s))

    def _complete(self) -> None:
        if self._open is not None:
            start_s, end_s = self._open.start_s, self._open.end_s
            self.words += [Word(text, start_s, end_s) for text in spelled(self._open.text)]
            self._open = None
