"""A streaming Whisper: what a second of sound costs in minute ten of a segment and in minute 1."""

import time
from dataclasses import replace

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.protocols import Expectation
from benchmarks.tiny_models.tones import RATE, WORDS, tones
from pipelines.engines.whisper import Whisper, WhisperSettings
from pipelines.engines.whisper_model import FasterWhisper, Question, Transcriber
from pipelines.engines.whisper_words import Hypothesis

MINUTES = 10
WORDS_A_MINUTE = 120  # of tones, half a second each
STEP = RATE // 50


class _Counted:
    """A Whisper, and what it was given.

    It is not told what was said before the window: the model of tones finds words by counting
    tokens. A trained one decodes up to 50 tokens more for that, in every minute.
    """

    def __init__(self, model: Transcriber) -> None:
        self._model = model
        self.given_s = 0.0
        self.took_s = 0.0

    def hear(self, question: Question) -> Hypothesis:
        self.given_s += len(question.samples) / RATE
        began_s = time.process_time()
        found = self._model.hear(replace(question, before=""))
        self.took_s += time.process_time() - began_s
        return found


async def over_minutes(settings: WhisperSettings) -> list[str]:
    """One segment of ten minutes in the language of tones, as fast as it goes."""
    model = _Counted(FasterWhisper.load(settings.files))
    engine = Whisper(settings, model)
    dice = np.random.default_rng(1)
    given_s: list[float] = []
    took_s: list[float] = []
    try:
        recognition = await engine.open(1, Expectation())
        for minute in range(MINUTES):
            given, took = model.given_s, model.took_s
            sound = tones(" ".join(dice.choice(WORDS, WORDS_A_MINUTE))).samples
            for at in range(0, len(sound), STEP):
                piece = sound[at : at + STEP]
                await recognition.feed(AudioFrame(piece, RATE, minute * len(sound) + at))
            given_s.append((model.given_s - given) / 60)
            took_s.append((model.took_s - took) / 60)
        words = (await recognition.finish()).text.split()
    finally:
        engine.close()
    return [
        f"a segment of {MINUTES} minutes, {len(words)} of {MINUTES * WORDS_A_MINUTE} words heard; "
        f"for each second of sound the model is given {given_s[0]:.2f} s in minute 1 and "
        f"{given_s[-1]:.2f} s in minute {MINUTES} ({given_s[-1] / given_s[0]:.1%}), and takes "
        f"{took_s[0]:.3f} s and {took_s[-1]:.3f} processor seconds ({took_s[-1] / took_s[0]:.1%})"
    ]
