"""Is the turn over? As the pause head of Kyutai's recogniser thinks."""

import math

from agent.core.duplex import DuplexPrompt
from agent.core.errors import EngineFailed
from agent.core.protocols import Pause, Prediction
from pipelines.engines.kyutai_batch import NAME
from pipelines.engines.kyutai_stt import RATE, KyutaiStt, Stream

LOOK_S = 3.0
"""The last seconds of a pause's sound that it hears: 38 frames, a tenth of a second of work where a
step takes 3 ms. It follows the pause with the words before it, and not the whole turn."""


class KyutaiPause:
    """A TurnPredictor on the recogniser's own model: one stream more in its batch."""

    def __init__(self, recognizer: KyutaiStt) -> None:
        self._model = recognizer.model

    async def predict(self, pause: Pause) -> Prediction:
        """What the head says at the end of the sound.

        Raises:
            EngineError: the sound has another rate, no slot is free, or the model has no such head.
        """
        if pause.audio.rate != RATE:
            raise EngineFailed(NAME, f"expected sound at {RATE} Hz, found {pause.audio.rate}")
        slot = await self._model.open(DuplexPrompt())
        try:
            opinion = None
            samples = pause.audio.samples[-round(LOOK_S * RATE) :]
            for frame in Stream(self._model, slot).frames(samples):
                opinion = (await self._model.step(slot, frame)).turn_end
        finally:
            await self._model.close(slot)
        if opinion is None or not math.isfinite(opinion):
            raise EngineFailed(NAME, "expected an opinion of the model's pause head, found none")
        return Prediction(opinion, f"pause head {opinion:.2f}")
