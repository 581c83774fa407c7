"""A voice's sound for one passage, cut into pieces that carry the words they end.

Neural voices begin with 40 to 340 ms of silence and end with as much. It is cut off here and the
pauses are set by `voice`, so that an answer begins when it begins.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

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

_FAR = 2**40
"""A sample that no passage reaches."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sound of an engine, in the order in which it is played.

    Attributes:
        samples: float32 [n].
        words: where the words of the text it was given begin, in samples of all its sound: all of
            them, those that are known by now, or nothing.
    """

    samples: Samples
    words: tuple[int, ...] = ()


class Cutting:
    """A passage's sound as it comes: pieces of at most 0.2 s, from sample 0 on, when each is sure.

    An engine's only chunk is the whole passage, and its words lie where the engine says, or in
    proportion. If more follow, which takes a look at the next one, they lie where it says or by the
    speed of ordinary speech; the last chunk carries the rest of them.
    """

    def __init__(self, passage: Passage, rate: int) -> None:
        self._passage, self._rate = passage, rate
        self._gain = np.float32(10 ** (passage.manner.gain_db / 20))
        self._held: Chunk | None = None
        self._stream: _Stream | None = None

    def take(self, chunk: Chunk) -> list[Speech]:
        """The pieces of the chunk before this one."""
        held, self._held = self._held, replace(chunk, samples=_level(chunk.samples, self._gain))
        if held is None:
            return []
        self._stream = self._stream or _Stream(self._passage, self._rate)
        return self._stream.take(held, is_last=False)

    def end(self) -> list[Speech]:
        """The pieces of the last chunk."""
        held = self._held or Chunk(np.zeros(0, np.float32))
        if self._stream is None:
            return _whole(self._passage, held, self._rate)
        return self._stream.take(held, is_last=True)


def sounded(passage: Passage, chunks: Iterable[Chunk], rate: int) -> Iterator[list[Speech]]:
    """The passage's pieces, a step of the engine's at a time."""
    cutting = Cutting(passage, rate)
    for chunk in chunks:
        yield cutting.take(chunk)
    yield cutting.end()


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
        self._passage, self._rate = passage, rate
        self._position = 0  # in what is given out
        self._cut = 0  # samples of silence before the first that is
        letters = len(passage.spoken) + len(passage.words)
        count = round(letters * _LETTER_S / passage.manner.pace * rate)
        self._words = [part.text for part in parts(passage.written)]
        self._ends = self._ends_of(count)

    def take(self, chunk: Chunk, *, is_last: bool) -> list[Speech]:
        samples = chunk.samples
        first, last = _heard(samples, self._rate)
        begin = first if self._position == 0 else 0
        sound = samples[begin : last if is_last else len(samples)]
        if self._position == 0 and first == last:
            sound = samples[:0]
        if self._position == 0:
            self._cut += len(samples) - len(sound)
        if chunk.words and self._words:
            self._ends = self._ends_of(_FAR, chunk.words)[-len(self._words) :]
        if len(sound) == 0:
            words = self._rest() if is_last else ""
            return self._put(_unheard(words, self._rate, self._position)) if words else []
        frame = AudioFrame(sound, self._rate, self._position)
        found = []
        for piece in pieces(frame):
            count = sum(end <= piece.frame.end for end in self._ends)
            found.append(Speech(piece.frame, self._due(count)))
        if is_last and self._words:
            found[-1] = Speech(found[-1].frame, f"{found[-1].text} {self._rest()}".strip())
        return self._put(found)

    def _ends_of(self, count: int, spoken: Sequence[int] = ()) -> list[int]:
        """Where each part of what is written ends; those not known to have begun end far away."""
        if spoken:
            known = [start - self._cut for start in spoken]
            total = sum(len(word.spoken.split()) for word in self._passage.words)
            spoken = [*known, *[_FAR] * (total - len(known))]
        begin = starts(self._passage, count, spoken)
        return [*(word.sample for word in begin[1:]), count]

    def _put(self, found: list[Speech]) -> list[Speech]:
        self._position = found[-1].frame.end
        return found

    def _due(self, count: int) -> str:
        due, self._words = self._words[:count], self._words[count:]
        self._ends = self._ends[count:]
        return " ".join(due)

    def _rest(self) -> str:
        return self._due(len(self._words))
