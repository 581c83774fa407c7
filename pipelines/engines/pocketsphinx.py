"""Speech recognition by PocketSphinx: the model is inside the package, nothing to download.

Every decoder lives in a process of its own, because PocketSphinx 5.1.1 holds the interpreter lock
while it works. Measured with a thread that wanted to wake every millisecond (2 shared cores,
2026-11-20): beside dictation it woke late by 1.7 ms (median), 18 ms (99 %) and 0.9 s at the end of
31 s of speech; beside loading by 0.57 s; beside nothing by 0.1, 0.6 and 2 ms.

What is expected next is searched for as a JSGF grammar, and beside it runs free dictation; see
`sphinx_search`. How well it understands people is in docs/recognition.md.
"""

import json
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.errors import EngineFailed, EngineUnavailable
from agent.core.events import Transcript
from agent.core.protocols import Expectation
from pipelines.engines.narrow_band import UpperHalf
from pipelines.engines.sphinx_pipe import Letter
from pipelines.engines.sphinx_pool import SphinxPool
from pipelines.engines.sphinx_process import NAME, ForkServer, SphinxProcess
from pipelines.engines.sphinx_text import grammar_of

_RATE = 16_000


@dataclass(frozen=True, slots=True)
class PocketSphinxSettings:
    """How it listens.

    Attributes:
        decoders: segments recognised at the same time, up to 64; further ones wait. Each is a
            process of 20 MB, and about 20 MB for each grammar, beside the model, which they share;
            forked when first needed. 0: two for each core, four at least; with more, all would be
            late where some have to wait (docs/benchmarks/2026-11-29.md, calls at once).
        tolerance: how different, 0..1, what dictation hears may sound from the grammar's words for
            these to be believed; 0 believes dictation alone, 1 the grammar. On a telephone line,
            where dictation hears less, 0.05 more.
        acoustic_model: a folder; empty for the US English one of the package, as for the others.
        language_model: a file.
        dictionary: a file.
    """

    decoders: int = 0
    tolerance: float = 0.55
    acoustic_model: str = ""
    language_model: str = ""
    dictionary: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not 0 <= self.decoders <= 64:
            raise ValueError(f"decoders: expected 0..64, found {self.decoders}")
        if not 0 <= self.tolerance <= 1:
            raise ValueError(f"tolerance: expected 0..1, found {self.tolerance}")

    @property
    def at_once(self) -> int:
        """How many decoders there may be."""
        return self.decoders or min(64, max(4, 2 * (os.cpu_count() or 1)))

    @property
    def model(self) -> dict[str, str]:
        """The files that were chosen, by PocketSphinx's names for them."""
        files = {
            "hmm": self.acoustic_model,
            "lm": self.language_model,
            "dict": self.dictionary,
        }
        return {option: path for option, path in files.items() if path}


class PocketSphinx:
    """A recogniser for any number of calls."""

    rate = _RATE

    def __init__(self, settings: PocketSphinxSettings) -> None:
        self._settings = settings
        self._servers: list[ForkServer] = []
        self._pool = SphinxPool(self._decoder, settings.at_once)

    @classmethod
    def load(cls, settings: PocketSphinxSettings) -> "PocketSphinx":
        """Start the first decoder; it goes on loading, for about a second, by itself.

        Raises:
            EngineUnavailable: the package or a file is missing.
        """
        if find_spec("pocketsphinx") is None:
            raise EngineUnavailable(
                NAME, "the package is not installed. Run: pip install 'parley[offline]'"
            )
        for option, path in settings.model.items():
            if not Path(path).exists():
                raise EngineUnavailable(NAME, f"expected its {option} at {path}, found nothing")
        return cls(settings)

    async def open(self, segment: int, expected: Expectation) -> "SphinxRecognition":
        """Begin a segment, once a decoder is free and loaded.

        Raises:
            EngineFailed: the grammar cannot be used, or the decoder has died.
        """
        grammar = expected.grammar or grammar_of(expected.phrases)
        process = await self._pool.take(grammar)
        try:
            await process.use(grammar)
        except BaseException:
            self._pool.give(process)
            raise
        return SphinxRecognition(segment, process, self._pool)

    def close(self) -> None:
        """End all processes."""
        self._pool.close()
        for server in self._servers:
            server.close()

    def _decoder(self) -> SphinxProcess:
        """One more; from a new fork server where the last one has died, or can make no more."""
        if not (self._servers and self._servers[-1].is_usable):
            self._servers.append(ForkServer(self._settings.model, self._settings.tolerance))
        return self._servers[-1].make()


class SphinxRecognition:
    """One segment. It has a decoder to itself until it is closed."""

    def __init__(self, segment: int, process: SphinxProcess, pool: SphinxPool) -> None:
        self._segment = segment
        self._process: SphinxProcess | None = process
        self._pool = pool
        self._upper_half = UpperHalf()

    async def feed(self, frame: AudioFrame) -> list[Transcript]:
        """Take the next sound, mono at 16 kHz; a partial for each 100 ms that changed the words.

        Raises:
            EngineFailed: another rate, or the decoder has died.
        """
        if frame.rate != _RATE:
            raise EngineFailed(NAME, f"expected sound at {_RATE} Hz, found {frame.rate} Hz")
        was_narrow = self._upper_half.is_made
        samples = self._upper_half.add(frame)
        if self._upper_half.is_made and not was_narrow:
            await self._open().ask(Letter.NARROW)
        pcm = (np.clip(samples, -1, 1) * 32767).round().astype("<i2")
        changes = json.loads(await self._open().ask(Letter.FEED, pcm.tobytes()))
        return [Transcript(self._segment, stable, unstable) for stable, unstable in changes]

    async def finish(self) -> Transcript:
        """The final words, about 20 ms after the last sound was fed.

        Raises:
            EngineFailed: the decoder has died.
        """
        words = json.loads(await self._open().ask(Letter.FINISH))
        return Transcript(self._segment, words, final=True)

    async def close(self) -> None:
        """Give the decoder back; it forgets an unfinished segment when it begins another."""
        process, self._process = self._process, None
        if process is not None:
            self._pool.give(process)

    def _open(self) -> SphinxProcess:
        if self._process is None:
            raise EngineFailed(NAME, "expected an open recognition, found one that was closed")
        return self._process
