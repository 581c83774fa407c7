"""Speech by espeak-ng in this process: nothing to download, 0.6 ms of work per second of sound.

A clause is one step of the engine's thread. Its sound is then cut between words, so that each
piece carries exactly the words it ends, and its pauses are set here: espeak adds none at the end
of a text, and the caller must not mistake a pause for the end of the turn.
"""

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import numpy as np

from agent.core.audio import AudioFrame, silence
from agent.core.protocols import Speech
from pipelines.engine_thread import EngineThread
from pipelines.engines.espeak_cut import (
    CLAUSE_PAUSE_S,
    UNHEARD_S,
    cut,
    moved,
    pause_s,
    pieces,
    spoken,
    steps,
    trim,
    written,
)
from pipelines.engines.espeak_native import Library, Voice
from pipelines.engines.voice_marks import unmarked
from pipelines.engines.voice_markup import Markup, plain, rest
from pipelines.engines.voice_words import Word


@dataclass(frozen=True, slots=True)
class EspeakSettings:
    """How it speaks.

    Attributes:
        voice: a voice or language of espeak-ng, with a variant if wanted: en-gb, en-us, en-us+f3.
            The plain voices tremble by a generator whose state one utterance leaves to the next,
            so that no text sounds twice the same; the default's variant is steady.
        words_per_minute: 80..450.
        pitch: 0..100; 50 is the voice's own.
        gain_db: added to espeak's level, −40..12; peaks above full scale are clipped.
    """

    voice: str = "en-us+Storm"
    words_per_minute: int = 160
    pitch: int = 50
    gain_db: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what espeak-ng would silently change."""
        if not self.voice:
            raise ValueError("voice: expected a voice of espeak-ng such as en-us, found nothing")
        if not 80 <= self.words_per_minute <= 450:
            raise ValueError(f"words_per_minute: expected 80..450, found {self.words_per_minute}")
        if not 0 <= self.pitch <= 100:
            raise ValueError(f"pitch: expected 0..100, found {self.pitch}")
        if not -40 <= self.gain_db <= 12:
            raise ValueError(f"gain_db: expected -40..12, found {self.gain_db}")


class Espeak:
    """A voice for any number of replies at once; they take turns, a clause at a time."""

    def __init__(self, library: Library, settings: EspeakSettings) -> None:
        self._library = library
        self._voice = Voice(settings.voice, settings.words_per_minute, settings.pitch)
        self._gain = np.float32(10 ** (settings.gain_db / 20))
        self._thread = EngineThread("espeak")
        self.rate = library.rate

    @classmethod
    def load(cls, settings: EspeakSettings) -> "Espeak":
        """Open the library and find the voice; about 40 ms.

        Raises:
            EngineUnavailable: the package or the voice is missing.
        """
        library = Library.load()
        library.check(Voice(settings.voice, settings.words_per_minute, settings.pitch))
        return cls(library, settings)

    async def speak(self, clauses: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Sound at 22050 Hz in pieces of at most 0.2 s, without a pause at the end.

        Closing the iterator stops a synthesis under way at its next 60 ms of sound.

        Raises:
            EngineFailed: espeak-ng reported an error.
        """
        abandoned = threading.Event()
        start, wait_s = 0, 0.0
        try:
            async with aclosing(_read(clauses)) as found:
                async for clause in found:
                    for words in steps(clause):
                        for speech in await self._thread.run(
                            partial(self._say, words, start, wait_s, abandoned)
                        ):
                            start = speech.frame.end
                            yield speech
                        wait_s = pause_s(written(words))
                    wait_s = max(wait_s, CLAUSE_PAUSE_S)
        finally:
            abandoned.set()

    def close(self) -> None:
        """End the thread after the step in progress."""
        self._thread.close()

    def _say(
        self, words: Sequence[Word], start: int, wait_s: float, abandoned: threading.Event
    ) -> list[Speech]:
        """One step: the pause before these words, unless they are the first, and their sound."""
        raw, starts = self._library.speak(spoken(words), self._voice, abandoned)
        sound, starts = trim(np.clip(raw * self._gain, -1, 1), moved(words, starts), self.rate)
        if len(sound) == 0:  # marks alone, which are kept all the same
            sound = np.zeros(round(UNHEARD_S * self.rate), np.float32)
        pause = silence(round(wait_s * self.rate) if start else 0, self.rate, start)
        frame = AudioFrame(sound, self.rate, pause.end)
        return [*pieces(pause), *cut(written(words), frame, starts)]


async def _read(clauses: AsyncIterator[str]) -> AsyncGenerator[list[Word], None]:
    """The words of each clause without its tags; a tag that never ended was text."""
    markup = Markup()
    async for clause in clauses:
        text, markup = plain(clause, markup)
        yield unmarked(text)
    yield unmarked("".join(span.text for span in rest(markup)))
