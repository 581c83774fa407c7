"""A language model reads the caller's words while they still speak.

What was read need not be read again, so the prompt of the turn itself is shorter by that.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from agent.core.calls import Trace
from agent.core.errors import EngineError
from agent.core.events import Transcript
from agent.core.protocols import Message, ReadsAhead

NEW_WORDS = 3
"""New words that are worth a step: each time the end of the prompt's template, some ten tokens, is
computed for nothing, about as many as three words have."""

MOST = 16
"""How often a turn is read ahead: a minute of speech in steps of NEW_WORDS and more; who speaks
longer pays the rest at the end of the turn."""

Start = Callable[[Coroutine[None, None, None]], asyncio.Task[None]]


class ReadingAhead:
    """What one call has read ahead of its turn. At most one step is under way.

    Args:
        model: reads.
        start: begins a task of the call.
        drafted: the history, and these words of the caller's.
        trace: told of each step.
    """

    def __init__(
        self,
        model: ReadsAhead,
        start: Start,
        drafted: Callable[[str], Sequence[Message]],
        trace: Trace,
    ) -> None:
        self._model, self._start, self._drafted, self._trace = model, start, drafted, trace
        self._read: list[str] = []
        self._left = MOST
        self._step: asyncio.Task[None] | None = None

    def heard(self, transcript: Transcript, turn: str) -> None:
        """The caller speaks, and has said `turn` by now, the transcript's words at its end.

        Only words that stay are read. Where they change all the same, as final words may, what was
        read of them is given up.
        """
        words = turn.removesuffix(transcript.unstable).split()
        if words[: len(self._read)] != self._read:
            self.stop()
            self._read = []
        if self._step is not None and not self._step.done():
            return  # the next transcript brings these words again
        if self._left and len(words) - len(self._read) >= NEW_WORDS:
            self._left -= 1
            self._read = words
            self._step = self._start(self._reads(" ".join(words)))

    def stop(self) -> None:
        """A reply reads the rest, or nobody will."""
        if self._step is not None:
            self._step.cancel()

    def begin_turn(self) -> None:
        """What was said has been answered."""
        self.stop()
        self._read, self._left = [], MOST

    async def _reads(self, text: str) -> None:
        self._trace("read_ahead", words=len(text.split()))
        try:
            await self._model.read_ahead(self._drafted(text), ())
        except EngineError as fault:
            self._left = 0
            self._trace("error", message=str(fault), fallback="the reply reads all of it")
