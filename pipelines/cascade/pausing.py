"""A pause of the caller's: what the turn predictor is told of it again and again."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from agent.core.calls import Trace
from agent.core.errors import EngineError
from agent.core.events import TurnEndPredicted
from agent.core.protocols import Expectation, Pause, Prediction, TurnPredictor
from pipelines.cascade.ears import Ears

PREDICT_EVERY_S = 0.05
"""How often the turn predictor is asked through a pause: a third of the shortest pause that decides
a turn, so that asking in steps costs at most a few tens of milliseconds."""

PREDICTION_STEP = 0.02
"""A change of probability below this is not told: it moves the decision by under 20 ms."""

OWN_PAUSES = 16
"""Pauses of the caller's that the turn predictor is told: enough for a median, few enough that a
caller who begins to read out a number is understood within a sentence."""


@dataclass(frozen=True, slots=True)
class Words:
    """What there is of the turn: its words so far, and what the responder waits for."""

    text: str
    expected: Expectation


class Pausing:
    """Asks while a pause lasts, and remembers the caller's pauses inside their turns.

    Args:
        predictor: asked.
        ears: the caller's sound.
        words: those of the turn, when it is asked.
        prior: the probability where the predictor has none.
        put: told each new opinion.
    """

    def __init__(
        self,
        predictor: TurnPredictor,
        ears: Ears,
        words: Callable[[], Words],
        prior: float,
        put: Callable[[TurnEndPredicted], object],
    ) -> None:
        self._predictor, self._ears, self._words = predictor, ears, words
        self._prior, self._put = prior, put
        self._lasts = asyncio.Event()
        self._own: deque[float] = deque(maxlen=OWN_PAUSES)

    def begin(self) -> None:
        """A pause has begun."""
        self._lasts.set()

    def end(self, *, went_on: bool) -> None:
        """It is over; `went_on`: the caller went on with their turn."""
        self._lasts.clear()
        if went_on:
            self._own.append(self._ears.pause_s)

    async def run(self, trace: Trace) -> None:
        """Ask until cancelled."""
        last = (0, -1.0)
        while True:
            await self._lasts.wait()
            segment, opinion = self._ears.segment, await self._opinion(trace)
            if segment != last[0] or abs(opinion.probability - last[1]) > PREDICTION_STEP:
                last = (segment, opinion.probability)
                self._put(TurnEndPredicted(segment, opinion.probability, opinion.reason))
            await asyncio.sleep(PREDICT_EVERY_S)

    async def _opinion(self, trace: Trace) -> Prediction:
        """The predictor's opinion; the prior, and a line in the trace, if it has none."""
        ears, words = self._ears, self._words()
        pause = Pause(ears.recent(), ears.silence_s, words.text, words.expected, tuple(self._own))
        try:
            return await self._predictor.predict(pause)
        except EngineError as fault:
            trace("error", message=str(fault), fallback="prior")
            return Prediction(self._prior, "prior")
