"""Decoders lent out one by one."""

import asyncio
from collections import deque
from collections.abc import Callable

from pipelines.engines.sphinx_process import SphinxProcess


class SphinxPool:
    """At most `limit` decoders; who finds none free waits in line. Used from one loop at a time."""

    def __init__(self, make: Callable[[], SphinxProcess], limit: int) -> None:
        """Make the first decoder now, and others when they are needed."""
        self._make = make
        self._limit = limit
        self._idle = [make()]
        self._lent: list[SphinxProcess] = []
        self._line: deque[asyncio.Future[SphinxProcess]] = deque()

    async def take(self, grammar: str = "") -> SphinxProcess:
        """A decoder that nobody else uses until it is given back; one that knows the grammar, if
        such a one is idle, for it takes a while to be read."""
        if self._idle or len(self._lent) < self._limit:
            return self._lend(self._living(grammar) or self._make())
        turn: asyncio.Future[SphinxProcess] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it came in the same moment
                self.give(turn.result())
            elif turn in self._line:  # else a decoder that was given back found it cancelled
                self._line.remove(turn)
            raise

    def give(self, process: SphinxProcess) -> None:
        """Take a decoder back; a dead one is replaced when the next is needed."""
        self._lent.remove(process)
        while self._line and self._line[0].cancelled():  # in this very step of the loop
            self._line.popleft()
        if not process.is_alive:
            process.close()
        elif not self._line:
            self._idle.append(process)
        if self._line:
            next_one = process if process.is_alive else self._make()
            self._line.popleft().set_result(self._lend(next_one))

    def close(self) -> None:
        """End all decoders, lent ones too."""
        for process in (*self._idle, *self._lent):
            process.close()
        self._idle.clear()
        self._lent.clear()

    def _living(self, grammar: str) -> SphinxProcess | None:
        """An idle decoder; those that died of themselves are cleared away."""
        for dead in [process for process in self._idle if not process.is_alive]:
            self._idle.remove(dead)
            dead.close()
        if not self._idle:
            return None
        # Where none knows it, the one that has been idle longest: so grammars are spread.
        knows = (process for process in reversed(self._idle) if grammar in process.grammars)
        chosen = next(knows, self._idle[0])
        self._idle.remove(chosen)
        return chosen

    def _lend(self, process: SphinxProcess) -> SphinxProcess:
        self._lent.append(process)
        return process
