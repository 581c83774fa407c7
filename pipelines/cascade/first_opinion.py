"""A predictor that may fail, with one behind it that does not."""

from dataclasses import dataclass

from agent.core.errors import EngineError
from agent.core.protocols import Pause, Prediction, TurnPredictor


@dataclass(frozen=True, slots=True)
class FirstOpinion:
    """A TurnPredictor: the first one's opinion; where it has none, the other's, which says why."""

    first: TurnPredictor
    otherwise: TurnPredictor

    async def predict(self, pause: Pause) -> Prediction:
        """The first opinion that there is. Raises EngineError where the other has none either."""
        try:
            return await self.first.predict(pause)
        except EngineError as fault:
            opinion = await self.otherwise.predict(pause)
            return Prediction(opinion.probability, f"{fault}: {opinion.reason}")
