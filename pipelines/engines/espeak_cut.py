"""Where espeak's sound is cut: at words, with natural pauses between clauses. Pure."""

import math
from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import itemgetter

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.protocols import Speech
from pipelines.engines.espeak_native import WordStart
from pipelines.engines.voice_words import Word
from pipelines.unspaced import parts

_STEP_CHARS = 300
"""Longest text of one step: about 20 s of sound, so about 12 ms of work that others wait for."""

_CHUNK_S = 0.2
"""Longest piece of sound."""

_SENTENCE_PAUSE_S = 0.25
"""Longer than the gap people leave between turns, and the caller hears the end of the turn.

Source: Stivers et al. 2009, PNAS 106(26): in ten languages the mean gap is about 0.2 s.
"""

CLAUSE_PAUSE_S = 0.12
"""A breath at a comma, and between any two clauses: heard as belonging together. A clause that no
sign ends was ended by its line, as the items of a list are, or by its length."""

UNHEARD_S = 0.02
"""Silence for words that have no sound, such as a dash: something has to carry them."""

_AUDIBLE = 0.001
"""−60 dBFS; espeak's own silence is digital zero."""

_EDGE_S = 0.005
"""Kept of the silence around the sound, so that no onset is clipped."""


def steps(words: Sequence[Word]) -> Iterator[list[Word]]:
    """The words of a clause in runs short enough for one step."""
    run, length = list[Word](), 0
    for word in words:
        if run and length + len(word.spoken) > _STEP_CHARS:
            yield run
            run, length = [], 0
        run.append(word)
        length += len(word.spoken) + 1
    if run:
        yield run


def written(words: Sequence[Word]) -> str:
    """What is kept of words."""
    return " ".join(word.written for word in words)


def spoken(words: Sequence[Word]) -> str:
    """What espeak is given of them."""
    return " ".join(word.spoken for word in words if word.spoken)


def moved(words: Sequence[Word], starts: Sequence[WordStart]) -> list[WordStart]:
    """Starts in what is spoken, at their places in what is written."""
    places: list[tuple[int, int, int]] = []  # first character spoken and written, letters written
    said = kept = 0
    for word in words:
        if word.spoken:
            places.append((said, kept, len(word.written)))
            said += len(word.spoken) + 1
        kept += len(word.written) + 1
    result = []
    for start in starts:
        at = bisect(places, start.character, key=itemgetter(0)) - 1
        if at >= 0:
            first, place, letters = places[at]
            within = min(start.character - first, letters - 1)
            result.append(WordStart(place + within, start.sample))
    return result


def pause_s(text: str) -> float:
    """How long to be silent after this text, if more follows."""
    end = text.rstrip("\"'”’)]»」』）】〉》*_~`")[-1:]
    if end and end in ".!?…。！？｡।॥؟۔":
        return _SENTENCE_PAUSE_S
    return CLAUSE_PAUSE_S if end and end in ",;:–—-、，；：،؛" else 0.0


def trim(sound: Samples, words: Sequence[WordStart], rate: int) -> tuple[Samples, list[WordStart]]:
    """The sound without the silence around it; the words moved with it."""
    audible = np.flatnonzero(np.abs(sound) > _AUDIBLE)
    if len(audible) == 0:
        return sound[:0], []
    edge = round(_EDGE_S * rate)
    first = max(0, int(audible[0]) - edge)
    last = min(len(sound), int(audible[-1]) + 1 + edge)
    moved = [WordStart(w.character, min(max(0, w.sample - first), last - first)) for w in words]
    return sound[first:last], moved


def cut(text: str, sound: AudioFrame, words: Sequence[WordStart]) -> Iterator[Speech]:
    """The sound in pieces of at most 0.2 s; a piece carries the words that end with it.

    A word of several pieces is carried by its last, so a word counts as heard once all of it was;
    a pause after it carries nothing.
    Joined, the words of all pieces are the text; `pipelines.unspaced` says how.
    """
    starts = _starts(text, words, len(sound.samples))
    ends = [sample for _, sample in starts[1:]] + [len(sound.samples)]
    for (word, start), end in zip(starts, ends, strict=True):
        spoken = start + _spoken(sound.samples[start:end], sound.rate)
        yield from pieces(_part(sound, start, spoken), word)
        yield from pieces(_part(sound, spoken, end))


def pieces(sound: AudioFrame, text: str = "") -> Iterator[Speech]:
    """A stretch of sound in equal pieces of at most 0.2 s; the last carries the text."""
    count = math.ceil(sound.duration_s / _CHUNK_S)
    edges = [round(len(sound.samples) * n / count) for n in range(count + 1)] if count else []
    for n, (start, end) in enumerate(pairwise(edges), 1):
        yield Speech(_part(sound, start, end), text if n == count else "")


def _spoken(span: Samples, rate: int) -> int:
    """How many samples of a word's span are not the silence at its end; all if none is heard."""
    audible = np.flatnonzero(np.abs(span) > _AUDIBLE)
    edge = round(_EDGE_S * rate)
    return min(len(span), int(audible[-1]) + 1 + edge) if len(audible) else len(span)


def _part(sound: AudioFrame, start: int, end: int) -> AudioFrame:
    return AudioFrame(sound.samples[start:end], sound.rate, sound.start + start)


def _starts(text: str, words: Sequence[WordStart], count: int) -> list[tuple[str, int]]:
    """Each printed word and its first sample; what has no start of its own joins its neighbour.

    Espeak reports one start for words it runs together, and several inside numbers.
    """
    found: list[tuple[str, int]] = []
    for part in parts(text):
        own = [w.sample for w in words if part.start <= w.character < part.end]
        if not found:
            found.append((part.text, 0))
        elif own and found[-1][1] < own[0] < count:
            found.append((part.text, own[0]))
        else:
            found[-1] = (f"{found[-1][0]} {part.text}", found[-1][1])
    return found
