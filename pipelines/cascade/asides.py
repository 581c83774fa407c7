"""Small sounds of the agent's that are no replies: "mm-hm", "one moment"."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from agent.core.audio import Samples
from agent.core.events import Aside
from agent.core.protocols import Synthesizer
from pipelines.cascade.spoken import spoken

LISTENING_GAIN = 10 ** (-6 / 20)
"""A sign of listening is softer than speech; 6 dB, so that it does not take the floor."""


@dataclass(frozen=True, slots=True)
class Manners:
    """The table [manners]: what the agent says beside its replies; several wordings take turns.

    Attributes:
        late: while a reply is being made that is late.
        listening: in a pause of a caller who tells something long.
        trouble: the apology of a responder that has failed and finds no word for that; empty: none.
        limit_s: the agent ends a call that lasts longer; 0: it never does.
        warn_s: so long before that it says so.
    """

    late: tuple[str, ...] = ("One moment.",)
    listening: tuple[str, ...] = ("Mm-hm.",)
    trouble: str = "I am sorry, something went wrong. Please say that again."
    limit_s: float = 0.0
    warn_s: float = 30.0

    def __post_init__(self) -> None:
        """Raises ValueError for a limit that leaves no time to speak of it."""
        if self.limit_s and not 0 < self.warn_s < self.limit_s:
            raise ValueError(
                f"warn_s: expected more than 0 and less than limit_s, {self.limit_s:g}, "
                f"found {self.warn_s:g}"
            )


class Asides:
    """The sounds, spoken once for all calls."""

    def __init__(self, synthesizer: Synthesizer, manners: Manners) -> None:
        self.manners = manners
        self._synthesizer = synthesizer
        self._texts = {Aside.LATE: manners.late, Aside.LISTENING: manners.listening}
        self._sounds: Mapping[Aside, Sequence[Samples]] = {}
        self._made = asyncio.Lock()

    async def make(self) -> None:
        """Speak them all, unless that was done.

        Raises:
            EngineError: the voice cannot; the agent does without.
        """
        async with self._made:
            if not self._sounds:
                self._sounds = {
                    kind: [await self._spoken(text, kind) for text in texts]
                    for kind, texts in self._texts.items()
                }

    def sound(self, kind: Aside, turn: int) -> Samples:
        """The sound for the `turn`-th time, float32 [n]; nothing where none was made."""
        sounds = self._sounds.get(kind, ())
        return sounds[turn % len(sounds)] if sounds else np.zeros(0, np.float32)

    async def _spoken(self, text: str, kind: Aside) -> Samples:
        async with aclosing(spoken(self._synthesizer, _only(text))) as speech:
            pieces = [piece.frame.samples async for piece in speech]
        gain = LISTENING_GAIN if kind is Aside.LISTENING else 1.0
        return np.concatenate([np.zeros(0, np.float32), *pieces]) * np.float32(gain)


async def _only(text: str) -> AsyncIterator[str]:
    yield text
