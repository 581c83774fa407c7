"""Does an engine work here? It is loaded and given a sentence, a clock and a scale beside it.

These figures are of this machine at this moment, in real time; they decide nothing.
"""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Generic, TypeVar

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.protocols import Expectation, Recognizer, Synthesizer
from audio_io.framing import frame_samples
from audio_io.resample import resampled

T = TypeVar("T")

SENTENCE = "Good morning, the next train leaves at half past seven."

_WORDS = 4  # fewer are soon understood by chance

_QUIET_S = 0.3  # after the sentence, as the voice activity would leave it


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """A loaded engine.

    Attributes:
        engine: it.
        load_s: how long that took.
        memory_bytes: by how much this process grew.
    """

    engine: T
    load_s: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence as sound.

    Attributes:
        sound: all of it.
        first_s: until the first piece of sound came.
        whole_s: until the last came.
    """

    sound: AudioFrame
    first_s: float
    whole_s: float


@dataclass(frozen=True, slots=True)
class Understood:
    """What a recogniser made of it, given as fast as it takes it.

    Attributes:
        text: the words.
        took_s: for all of the sound.
        final_s: of that, after the last sample.
    """

    text: str
    took_s: float
    final_s: float


def loaded(load: Callable[[], T]) -> Loaded[T]:
    """Load an engine with a clock and a scale."""
    before, start_s = memory_bytes(), perf_counter()
    engine = load()
    return Loaded(engine, perf_counter() - start_s, memory_bytes() - before)


def sentence(expected: Expectation) -> str:
    """Something to say: what this agent expects to hear, if it expects anything."""
    return next((p for p in expected.phrases if len(p.split()) >= _WORDS), SENTENCE)


async def spoken(voice: Synthesizer, text: str) -> Spoken:
    """Let a synthesizer say it."""
    start_s = perf_counter()
    pieces: list[Samples] = [np.zeros(0, np.float32)]
    first_s = 0.0
    async for speech in voice.speak(_once(text)):
        first_s = first_s or perf_counter() - start_s
        pieces.append(speech.frame.samples)
    sound = AudioFrame(np.concatenate(pieces), voice.rate, 0)
    return Spoken(sound, first_s, perf_counter() - start_s)


async def understood(ear: Recognizer, sound: AudioFrame, expected: Expectation) -> Understood:
    """Let a recogniser hear it, with silence behind it; `expected` as in a call."""
    quiet = np.zeros(round(_QUIET_S * ear.rate), np.float32)
    heard = np.concatenate([resampled(sound.samples, sound.rate, ear.rate), quiet])
    count = frame_samples(ear.rate)
    start_s = perf_counter()
    recognition = await ear.open(1, expected)
    try:
        for start in range(0, len(heard), count):
            await recognition.feed(AudioFrame(heard[start : start + count], ear.rate, start))
        last_s = perf_counter()
        final = await recognition.finish()
    finally:
        await recognition.close()
    end_s = perf_counter()
    return Understood(final.text, end_s - start_s, end_s - last_s)


def memory_bytes() -> int:
    """What this process and its children occupy, on Linux; 0 elsewhere."""
    return sum(_resident(process) for process in ["self", *_children("self")])


def _children(process: str) -> list[str]:
    """All processes below this one."""
    found: list[str] = []
    for task in Path("/proc").glob(f"{process}/task/*"):
        for child in _words(task / "children"):
            found += [child, *_children(child)]
    return found


def _resident(process: str) -> int:
    pages = _words(Path(f"/proc/{process}/statm"))
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if pages else 0


def _words(file: Path) -> list[str]:
    """Of a file about a process or thread; none if that has ended meanwhile."""
    try:
        return file.read_text(encoding="ascii").split()
    except OSError:
        return []


async def _once(text: str) -> AsyncIterator[str]:
    yield text
