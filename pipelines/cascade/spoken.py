"""A voice's speech, checked as it comes.

A broken voice is a failure of its reply, which is apologised for. Unchecked it would be silence
that nobody notices, or numbers that are no sound in the caller's ear.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import numpy as np

from agent.core.audio import AudioFrame
from agent.core.errors import EngineFailed
from agent.core.protocols import Speech, Synthesizer

NAME = "synthesizer"


async def spoken(voice: Synthesizer, clauses: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
    """What a voice makes of the clauses.

    Raises:
        EngineFailed: it is no sound at the voice's rate, or of all the words came none at all.
    """
    given, samples = list[str](), 0
    async with (
        aclosing(_noted(clauses, given)) as noted,
        aclosing(voice.speak(noted)) as sound,
    ):
        async for speech in sound:
            _check(speech.frame, voice.rate)
            samples += len(speech.frame.samples)
            yield speech
    # What has neither letter nor digit, such as three dots, may well be silent.
    if not samples and any(map(str.isalnum, "".join(given))):
        raise EngineFailed(
            NAME, f"expected sound for {' '.join(given)!r:.80}, found none; try another voice"
        )


async def _noted(clauses: AsyncIterator[str], given: list[str]) -> AsyncGenerator[str, None]:
    async for clause in clauses:
        given.append(clause)
        yield clause


def _check(frame: AudioFrame, rate: int) -> None:
    if frame.rate != rate:
        raise EngineFailed(NAME, f"expected sound at {rate} Hz, found {frame.rate} Hz")
    if not np.isfinite(frame.samples).all():
        raise EngineFailed(NAME, "expected sound, found numbers that are not finite")
