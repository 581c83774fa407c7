"""What all voices share: clauses to passages, one engine thread, pauses, and a memory.

An adapter only gives sound for a text. The words that its pieces carry are those of the responder;
numbers spelt out and tags obeyed are in the sound alone.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, closing
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from agent.core.audio import AudioFrame, silence
from agent.core.errors import EngineError, EngineFailed, EngineUnavailable
from agent.core.protocols import Speech
from pipelines.engine_thread import EngineThread
from pipelines.engines.espeak_cut import CLAUSE_PAUSE_S, pause_s, pieces
from pipelines.engines.voice_cache import SpokenBefore
from pipelines.engines.voice_cut import Chunk, sounded
from pipelines.engines.voice_markup import Manner, Markup, rest
from pipelines.engines.voice_text import Passage, passages, passages_of

MEMORY_S = 120.0
"""Seconds of sound a voice remembers: 11.5 MB at 24 kHz."""


class Sounding(Protocol):
    """An engine that makes sound of a text. Called in a thread of its own."""

    @property
    def name(self) -> str:
        """The adapter's name, as in the configuration."""

    @property
    def rate(self) -> int:
        """Samples per second of its sound, in Hz."""

    @property
    def language(self) -> str:
        """What it speaks, such as en-us."""

    def say(self, text: str, manner: Manner) -> Generator[Chunk, None, None]:
        """Sound as it is made. Closing the generator stops the work; louder and softer is not
        its business."""

    def close(self) -> None:
        """Give everything back."""


class Source(Protocol):
    """Where a voice's sound comes from."""

    @property
    def rate(self) -> int:
        """Samples per second of its sound, in Hz."""

    @property
    def language(self) -> str:
        """What it speaks, such as en-us."""

    def sound(self, passage: Passage) -> AsyncGenerator[list[Speech], None]:
        """The pieces of a passage from sample 0 on, those of a step of work at a time."""

    def close(self) -> None:
        """Give everything back."""


class Threaded:
    """A Source: one engine in one thread. Replies take turns, a chunk at a time."""

    def __init__(self, engine: Sounding) -> None:
        self._engine = engine
        self._thread = EngineThread(engine.name)
        self.rate, self.language = engine.rate, engine.language

    def sound(self, passage: Passage) -> AsyncGenerator[list[Speech], None]:
        """Raises EngineFailed: the engine reported an error."""
        return self._thread.steps(partial(self._steps, passage))

    def close(self) -> None:
        """End the thread after the step in progress, then the engine."""
        self._thread.close()
        self._engine.close()

    def _steps(self, passage: Passage) -> Iterator[list[Speech]]:
        try:
            with closing(self._engine.say(passage.spoken, passage.manner)) as chunks:
                yield from sounded(passage, chunks, self.rate)
        except EngineError:
            raise
        except Exception as fault:
            raise EngineFailed(self._engine.name, f"{passage.spoken!r}: {fault}") from fault


class Voice:
    """A synthesizer for any number of replies at once."""

    def __init__(self, source: Source, memory_s: float = MEMORY_S) -> None:
        self._source = source
        self._memory = SpokenBefore(memory_s)
        self.rate = source.rate

    async def speak(self, clauses: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Sound in pieces of at most 0.2 s, without silence at its beginning or its end.

        Closing the iterator stops the engine after the chunk in progress.

        Raises:
            EngineFailed: the engine reported an error.
        """
        start, wait_s = 0, 0.0
        async with aclosing(self._passages(clauses)) as found:
            async for passage in found:
                wait_s = max(wait_s, passage.pause_s)
                if not passage.words:
                    continue
                if start:  # a silence before the first word would only be a slower answer
                    for hush in pieces(silence(round(wait_s * self.rate), self.rate, start)):
                        start = hush.frame.end
                        yield hush
                async with aclosing(self._sound(passage)) as sound:
                    async for piece in sound:
                        frame = AudioFrame(piece.frame.samples, self.rate, start)
                        start = frame.end
                        yield Speech(frame, piece.text)
                wait_s = pause_s(passage.written)

    def close(self) -> None:
        """Give everything back."""
        self._source.close()

    async def _passages(self, clauses: AsyncIterator[str]) -> AsyncGenerator[Passage, None]:
        markup, language = Markup(), self._source.language
        async for clause in clauses:
            found, markup = passages(clause, markup, language)
            for passage in found:
                yield passage
            yield Passage(pause_s=CLAUSE_PAUSE_S)
        for passage in passages_of(rest(markup), language):
            yield passage

    async def _sound(self, passage: Passage) -> AsyncGenerator[Speech, None]:
        """Its pieces from sample 0 on, remembered or made."""
        made = list[Speech](self._memory.find(passage))
        if not made and not any(c.isalnum() for c in passage.spoken):
            (made,) = sounded(passage, (), self.rate)
        if made:
            for piece in made:
                yield piece
            return
        async with aclosing(self._source.sound(passage)) as steps:
            async for step in steps:
                made += step
                for piece in step:
                    yield piece
        self._memory.keep(passage, made)


def needed(engine: str, package: str, install: str) -> None:
    """Raises EngineUnavailable, with what to do, unless a package can be imported."""
    if find_spec(package) is None:
        raise EngineUnavailable(
            engine, f"the package {package} is missing. Install it: pip install '{install}'"
        )


def file_of(engine: str, key: str, path: str, mend: str) -> Path:
    """The user's own file; nothing is ever downloaded.

    Raises:
        EngineUnavailable: there is none, with the command that brings it.
    """
    if not path or not Path(path).is_file():
        found = f"nothing at {path}" if path else "no path"
        raise EngineUnavailable(engine, f"{key}: expected a file, found {found}. {mend}")
    return Path(path)
