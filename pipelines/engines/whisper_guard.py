"""What Whisper says that nobody said. Pure.

Trained on subtitles, it writes something for every sound: a polite phrase for silence, the same
phrase again and again for noise. Four questions are asked of a hypothesis, each of which removes
what cannot be: was there speech, does it repeat itself, was there sound where the word is, and was
there time to say all that?
"""

from collections.abc import Sequence

from pipelines.engines.whisper_window import BLOCK, RATE, Window
from pipelines.engines.whisper_words import Hypothesis, Word

NO_SPEECH = 0.6
UNLIKELY = -1.0
"""Both together mean silence. Source: Radford et al. 2022, "Robust speech recognition via
large-scale weak supervision", section 4.5."""

COMPRESSION = 2.4
"""Source: as above."""

LOOP = 4
"""The same words this many times in a row are a loop; one word needs two times more, for there are
telephone numbers with four noughts."""

LOOP_IF_COMPRESSED = 2
"""Enough where the text as a whole compresses too well."""

LONGEST_LOOP = 8
"""Words in what is repeated."""

AROUND = RATE // 5
"""Whisper's word times, from its attention, are this exact: 0.2 s."""

MOST_CHARACTERS_PER_S = 30.0
"""Fast English is about 20 to 25 characters, spaces included, in a second of sound."""

FREE_CHARACTERS = 8
"""One short word may take no measurable time."""


def believed(hypothesis: Hypothesis, window: Window) -> list[Word]:
    """The words of a hypothesis on this window that can have been said."""
    if hypothesis.no_speech > NO_SPEECH and hypothesis.mean_log_probability < UNLIKELY:
        return []
    least = LOOP_IF_COMPRESSED if hypothesis.compression > COMPRESSION else LOOP
    words = without_loop(hypothesis.words, least)
    words = [w for w in words if window.loud(w.start - AROUND, w.end + AROUND)]
    return words if _had_time(words, window) else []


def without_loop(words: Sequence[Word], least: int) -> list[Word]:
    """The words up to the first thing that is said `least` times in a row, and it once."""
    texts = [word.text for word in words]
    for start in range(len(texts)):
        for length in range(1, min(LONGEST_LOOP, (len(texts) - start) // least) + 1):
            times = least + 2 if length == 1 else least
            once = texts[start : start + length]
            if texts[start : start + length * times] == once * times:
                return list(words[: start + length])
    return list(words)


def _had_time(words: Sequence[Word], window: Window) -> bool:
    loud_s = window.loud(window.start, window.end) * BLOCK / RATE
    characters = sum(len(word.text) + 1 for word in words)
    return characters <= FREE_CHARACTERS + MOST_CHARACTERS_PER_S * loud_s
