"""A stand-in for Whisper's model that understands the language of tones."""

import numpy as np

from agent.core.audio import level_db
from benchmarks.tiny_models.tones import LOWEST_HZ, RATE, STEP_HZ, TONE, WORDS
from pipelines.engines.whisper_words import Hypothesis, placed

BLOCK = 320


class ToneWhisper:
    """Understands tones as Whisper does speech: with places, and wrongly where a word is cut.

    Attributes:
        asked: every question it was asked.
    """

    def __init__(self):
        self.asked = []

    def hear(self, question):
        self.asked.append(question)
        found = []
        for pitch, first, count in _runs([_pitch(b) for b in _blocks(question.samples)]):
            word = WORDS[pitch] if count >= TONE // BLOCK - 2 else "um"
            if count >= 5:
                start, end = first * BLOCK, (first + count) * BLOCK
                found += placed(f" {word.capitalize()},", start, end)
        return Hypothesis(tuple(found), mean_log_probability=-0.2)


def _blocks(samples):
    return [samples[at : at + BLOCK] for at in range(0, len(samples) - BLOCK + 1, BLOCK)]


def _pitch(block):
    """The number of the word, or None for silence."""
    if level_db(block) < -50:
        return None
    hz = np.argmax(np.abs(np.fft.rfft(block, 4096))) * RATE / 4096
    return min(len(WORDS) - 1, max(0, round((hz - LOWEST_HZ) / STEP_HZ)))


def _runs(pitches):
    start = 0
    for at in range(1, len(pitches) + 1):
        if at == len(pitches) or pitches[at] != pitches[start]:
            if pitches[start] is not None:
                yield pitches[start], start, at - start
            start = at
