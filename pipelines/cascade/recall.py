"""What a caller said before the cascade came, from their sound: faster than time passes."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from agent.core.audio import AudioFrame
from agent.core.calls import Trace
from agent.core.errors import EngineError
from agent.core.events import SpeechEnded, SpeechStarted
from agent.core.protocols import Expectation, Recognizer
from pipelines.cascade.ears import probabilities
from pipelines.cascade.listener import Listener
from pipelines.cascade.pipeline import CascadePipeline

LIMIT_S = 0.7
"""Work on it ends then: the caller is waiting, and the first word has to be heard within 1.5 s of
the model's death, which takes up to 0.2 s to be noticed and 0.4 s to be answered."""

STEPS = 16
"""Detector steps in a row; then other calls have their turn: half a second of sound at 32 ms."""

FRAME_S = 0.2
"""Sound is fed in pieces of this length, between which the work can be ended."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech without a pause, by samples of the sound.

    Attributes:
        start: its first sample, with what the recogniser wants before it.
        end: after its last one.
        text: its words; empty where there was no time for them, or there are none.
    """

    start: int
    end: int
    text: str = ""


async def stretches(sound: AudioFrame, pipeline: CascadePipeline) -> list[Stretch]:
    """Where there is speech in a sound at the cascade's rate, oldest first."""
    detector, config = pipeline.engines.detector, pipeline.config.listener
    listener, probability = Listener(config, detector.rate), probabilities(detector)
    pre_roll, found = int(config.pre_roll_s * detector.rate), list[Stretch]()
    count = detector.step_samples
    for step, start in enumerate(range(0, len(sound.samples) - count + 1, count)):
        if step % STEPS == 0:
            await asyncio.sleep(0)
        speech = probability(sound.samples[start : start + count])
        match listener.step(speech, start, start + count):
            case SpeechStarted():
                found.append(Stretch(max(0, listener.speech_start - pre_roll), start + count))
            case SpeechEnded():
                found[-1] = Stretch(found[-1].start, listener.speech_end)
            case None if listener.is_speaking:
                found[-1] = Stretch(found[-1].start, start + count)
    return found


async def with_words(
    sound: AudioFrame, found: Sequence[Stretch], pipeline: CascadePipeline, expected: Expectation,
    trace: Trace,
) -> list[Stretch]:  # fmt: skip
    """The same stretches with their words, the newest first, as far as the time goes."""
    recognizer, done = pipeline.engines.recognizer, list(found)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LIMIT_S):
            for n in reversed(range(len(found))):
                done[n] = await _with_words(sound, found[n], recognizer, expected, trace)
    return done


async def _with_words(
    sound: AudioFrame, found: Stretch, recognizer: Recognizer, expected: Expectation, trace: Trace
) -> Stretch:
    try:
        recognition = await recognizer.open(1, expected)
        try:
            count = round(FRAME_S * sound.rate)
            for start in range(found.start, found.end, count):
                samples = sound.samples[start : min(start + count, found.end)]
                await recognition.feed(AudioFrame(samples, sound.rate, start))
            return Stretch(found.start, found.end, (await recognition.finish()).text)
        finally:
            await recognition.close()
    except EngineError as fault:
        trace("error", message=str(fault), fallback="without these words")
        return found
