"""A language of tones: every word is a pitch. Recognisers are tried on it without a voice."""

import numpy as np

from agent.core.audio import AudioFrame

RATE = 16_000
WORD = 8_000  # half a second: 0.4 s of tone, 0.1 s of silence
TONE = 6_400
LOWEST_HZ, STEP_HZ = 300, 150

WORDS = "drop the two when you add figures where are located yes no stop oh table for".split()


def tones(text):
    """A frame at 16 kHz that says this, word by word."""
    pieces = [np.zeros(0, np.float32), *(_word(w) for w in text.split())]
    return AudioFrame(np.concatenate(pieces), RATE, 0)


def _word(word):
    sound = np.zeros(WORD, np.float32)
    hz = LOWEST_HZ + STEP_HZ * WORDS.index(word)
    sound[:TONE] = 0.2 * np.sin(2 * np.pi * hz * np.arange(TONE) / RATE)
    return sound
