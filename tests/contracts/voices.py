"""Speech to recognise, made here: espeak-ng at 16 kHz with the silence that a listener leaves."""

import asyncio
from functools import cache

import numpy as np

from agent.core.audio import AudioFrame
from audio_io.resample import resampled
from pipelines.engines.espeak import Espeak, EspeakSettings

RATE = 16_000


@cache
def spoken(text, voice="en-us+Hugo"):  # steady: the same sound whatever was said before
    """A frame at 16 kHz: 0.3 s of silence, the words, 0.1 s of silence."""
    engine = Espeak.load(EspeakSettings(voice=voice))
    try:
        sound = asyncio.run(said(engine, text))
    finally:
        engine.close()
    samples = resampled(sound, engine.rate, RATE)
    hush = np.random.default_rng(1).standard_normal(RATE * 2 // 5).astype(np.float32) * 1e-4
    return AudioFrame(np.concatenate([hush[:4_800], samples, hush[4_800:]]), RATE, 0)


async def said(engine, *clauses):
    """All samples of a reply."""
    pieces = [speech.frame.samples async for speech in engine.speak(given(*clauses))]
    return np.concatenate(pieces)


async def given(*clauses):
    """Clauses as a responder gives them."""
    for clause in clauses:
        yield clause
