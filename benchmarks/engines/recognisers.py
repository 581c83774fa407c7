"""A recogniser: first words, last words, and its computing time."""

import asyncio
import time
from statistics import median

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.protocols import Expectation, Recognizer
from agent.models.check import SENTENCE, spoken
from audio_io.framing import frame_samples
from audio_io.resample import resampled
from benchmarks.engines.figures import Figures
from benchmarks.tiny_models.tones import tones
from pipelines.cascade.listener import ListenerConfig

RUNS = 5
FRAME_S = 0.02
RATE = 16_000
WORDS = "drop the two figures when you add two"


def sentence_in_tones() -> Samples:
    """float32 [n] at RATE."""
    return tones(WORDS).samples


def sentence() -> Samples:
    """The same in speech: espeak's, from its first sound to its last."""
    from pipelines.engines.espeak import Espeak, EspeakSettings  # noqa: PLC0415  # may be missing

    voice = Espeak.load(EspeakSettings())
    try:
        made = asyncio.run(spoken(voice, SENTENCE)).sound
    finally:
        voice.close()
    return resampled(made.samples, made.rate, RATE)


async def measure(ear: Recognizer, sound: Samples) -> Figures:
    """One sentence again and again, with the quiet after it that ends a segment in a call."""
    quiet = np.zeros(round(ListenerConfig().end_s * RATE), np.float32)
    heard = np.concatenate([resampled(sound, RATE, ear.rate), resampled(quiet, RATE, ear.rate)])
    await _run(ear, heard, 0, in_real_time=False)  # the first one warms caches up
    paced = [await _run(ear, heard, n, in_real_time=True) for n in range(1, RUNS + 1)]
    fast = [await _run(ear, heard, n, in_real_time=False) for n in range(RUNS + 1, 2 * RUNS + 1)]
    firsts = [first_s for first_s, _, _ in paced if first_s is not None]
    return Figures(
        first_partial_s=median(firsts) if firsts else None,
        final_s=median(final_s for _, final_s, _ in paced),
        real_time_factor=median(took_s for _, _, took_s in fast) / (len(heard) / ear.rate),
    )


async def _run(
    ear: Recognizer, heard: Samples, segment: int, *, in_real_time: bool
) -> tuple[float | None, float, float]:
    """Seconds to the first words, from the last sample to the final ones, and in all."""
    count, first_s = frame_samples(ear.rate), None
    recognition = await ear.open(segment, Expectation())
    start_s = time.perf_counter()
    try:
        for number, at in enumerate(range(0, len(heard), count), 1):
            if in_real_time:  # a frame is there once it was spoken
                await asyncio.sleep(start_s + number * FRAME_S - time.perf_counter())
            for found in await recognition.feed(AudioFrame(heard[at : at + count], ear.rate, at)):
                if first_s is None and found.text:
                    first_s = time.perf_counter() - start_s
        last_s = time.perf_counter()
        await recognition.finish()
        end_s = time.perf_counter()
    finally:
        await recognition.close()
    return first_s, end_s - last_s, end_s - start_s
