"""A voice's sound for one passage, cut into pieces that carry the words they end.

Neural voices begin with 40 to 340 ms of silence and end with as much. It is cut off here and the
pauses are set by `voice`, so that an answer begins when it begins.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from agent.core.audio import AudioFrame, Samples, silence
from agent.core.protocols import Speech
from pipelines.engines.espeak_cut import UNHEARD_S, cut, pieces
from pipelines.engines.voice_text import Passage, starts
from pipelines.unspaced import parts

_AUDIBLE = 0.004
"""−48 dBFS: above the noise of a vocoder's silence, below the softest onset."""

_EDGE_S = 0.015
"""Kept of the silence around the sound, so that no onset is clipped."""

_LETTER_S = 0.065
"""Sound of a letter, where words must be placed before the passage's length is known."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sound of an engine, in the order in which it is played.

    Attributes:
        samples: float32 [n].
        words: the first sample of each word of the text it was given, or nothing.
    """

    samples: Samples
    words: tuple[int, ...] = ()


def sounded(passage: Passage, chunks: Iterator[Chunk], rate: int) -> Iterator[list[Speech]]:
    """The passage's pieces of at most 0.2 s, from sample 0 on, as soon as each is sure.

    An engine's only chunk is the whole passage, and its words lie where the engine says, or in
    proportion. If more follow, which takes a look at the next one, words are placed by the speed
    of ordinary speech until the last chunk, which carries the rest of them.
    """
    gain = np.float32(10 ** (passage.manner.gain_db / 20))
    first = next(chunks, Chunk(np.zeros(0, np.float32)))
    following = next(chunks, None)
    if following is None:
        yield _whole(passage, Chunk(_level(first.samples, gain), first.words), rate)
        return
    stream = _Stream(passage, rate)
    chunk: Chunk | None = first
    while chunk is not None:
        yield stream.take(_level(chunk.samples, gain), is_last=following is None)
        chunk, following = following, next(chunks, None) if following else None


def _level(samples: Samples, gain: np.float32) -> Samples:
    levelled: Samples = np.clip(samples * gain, -1, 1).astype(np.float32, copy=False)
    return levelled


def _whole(passage: Passage, chunk: Chunk, rate: int) -> list[Speech]:
    first, last = _heard(chunk.samples, rate)
    sound = AudioFrame(chunk.samples[first:last], rate, 0)
    if first == last:
        return _unheard(passage.written, rate, 0)
    own = [min(max(0, start - first), last - first) for start in chunk.words]
    return list(cut(passage.written, sound, starts(passage, last - first, own)))


def _unheard(text: str, rate: int, start: int) -> list[Speech]:
    return list(pieces(silence(round(UNHEARD_S * rate), rate, start), text))


def _heard(samples: Samples, rate: int) -> tuple[int, int]:
    """First and last sample that is not silence around the sound; equal if nothing is heard."""
    audible = np.flatnonzero(np.abs(samples) > _AUDIBLE)
    if len(audible) == 0:
        return 0, 0
    edge = round(_EDGE_S * rate)
    return max(0, int(audible[0]) - edge), min(len(samples), int(audible[-1]) + 1 + edge)


class _Stream:
    """A passage whose length is not known yet."""

    def __init__(self, passage: Passage, rate: int) -> None:
        self._rate = rate
        self._position = 0
        letters = len(passage.spoken) + len(passage.words)
        count = round(letters * _LETTER_S / passage.manner.pace * rate)
        begin = starts(passage, count)
        self._words = [part.text for part in parts(passage.written)]
        self._ends = [word.sample for word in begin[1:]] + [count]

    def take(self, samples: Samples, *, is_last: bool) -> list[Speech]:
        first, last = _heard(samples, self._rate)
        begin = first if self._position == 0 else 0
        sound = samples[begin : last if is_last else len(samples)]
        if self._position == 0 and first == last:
            sound = samples[:0]
        if len(sound) == 0:
            words = self._due(len(self._words)) if is_last else ""
            return self._put(_unheard(words, self._rate, self._position)) if words else []
        frame = AudioFrame(sound, self._rate, self._position)
        found = []
        for piece in pieces(frame):
            count = sum(end <= piece.frame.end for end in self._ends)
            found.append(Speech(piece.frame, self._due(count)))
        if is_last and self._words:
            found[-1] = Speech(found[-1].frame, f"{found[-1].text} {self._rest()}".strip())
        return self._put(found)

    def _put(self, found: list[Speech]) -> list[Speech]:
        self._position = found[-1].frame.end
        return found

    def _due(self, count: int) -> str:
        due, self._words = self._words[:count], self._words[count:]
        self._ends = self._ends[count:]
        return " ".join(due)

    def _rest(self) -> str:
        return self._due(len(self._words))
