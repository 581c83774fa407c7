"""Is the turn over, by its sound: Smart Turn v3.2 on ONNX Runtime, without the framework.

The weights are those inside the pipecat-ai wheel (BSD-2); that package is located, never imported.
One opinion takes about 50 ms of one core, so it is made in a thread of its own.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import EngineFailed, EngineTooSlow
from agent.core.protocols import Pause, Prediction
from pipelines.engine_thread import EngineThread
from pipelines.engines.log_mel import RATE, log_mel
from pipelines.engines.packed_network import Packed, network, weights

WINDOW_S = 8
"""What the network looks at: the last 8 s, with silence before them. Source: its authors."""

_NAME = "smart-turn"
_INPUT = "input_features"
_FILE = "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"
_REMEDY = "Run: pip install --no-deps pipecat-ai==1.14.0"
_PACKED = Packed("pipecat", "pipecat-ai", _FILE, _REMEDY, _REMEDY)


@dataclass(frozen=True, slots=True)
class SmartTurnSettings:
    """Which weights to load, and how long an opinion may take.

    Attributes:
        weights: an ONNX file with the input `input_features`, float32 [1, 80, 800]; empty for
            those of pipecat-ai.
        deadline_s: after it there is no opinion: the pause goes on without.
    """

    weights: str = ""
    deadline_s: float = 0.1

    def __post_init__(self) -> None:
        """Raises ValueError for a deadline that no opinion can meet, or that is none."""
        if not 0 < self.deadline_s <= 10:
            raise ValueError(f"deadline_s: expected 0 to 10 seconds, found {self.deadline_s}")


class SmartTurn:
    """A TurnPredictor that listens. One network for all calls; it remembers nothing."""

    def __init__(self, session: Any, settings: SmartTurnSettings) -> None:
        self._session = session
        self._settings = settings
        self._mel = log_mel()
        self._thread = EngineThread(_NAME)

    @classmethod
    def load(cls, settings: SmartTurnSettings) -> "SmartTurn":
        """Read the weights.

        Raises:
            EngineUnavailable: ONNX Runtime or the weights are missing, or they are of another kind.
        """
        path = weights(_NAME, settings.weights, _PACKED)
        advice = "Use the Smart Turn v3.2 file inside pipecat-ai."
        return cls(network(_NAME, path, [_INPUT], advice), settings)

    async def predict(self, pause: Pause) -> Prediction:
        """How complete the turn sounds, by its last 8 s with this silence.

        Raises:
            EngineTooSlow: it took longer than the deadline.
            EngineFailed: another rate than 16 kHz, or the network refused the sound.
        """
        deadline_s = self._settings.deadline_s
        sound = pause.audio
        if sound.rate != RATE:
            raise EngineFailed(_NAME, f"expected sound at {RATE} Hz, found {sound.rate} Hz")
        try:
            async with asyncio.timeout(deadline_s):
                probability = await self._thread.run(lambda: self.judge(sound.samples))
        except TimeoutError as fault:
            raise EngineTooSlow(_NAME, f"no opinion within {deadline_s:g} s") from fault
        return Prediction(probability, f"sounds complete: {probability:.0%}")

    def judge(self, samples: Samples) -> float:
        """How likely, 0..1, that the turn is over after these samples, float32 [n] at 16 kHz.

        Blocks for about 50 ms.

        Raises:
            EngineFailed: the network refused them.
        """
        heard = np.zeros(WINDOW_S * RATE, np.float32)
        last = samples[-len(heard) :]
        heard[len(heard) - len(last) :] = last
        try:
            (answer, *_) = self._session.run(None, {_INPUT: self._mel.features(heard)[np.newaxis]})
        except Exception as fault:  # ONNX Runtime has no error class of its own to name
            raise EngineFailed(_NAME, f"the network refused the sound: {fault}") from fault
        return float(np.asarray(answer).reshape(-1)[0])

    def close(self) -> None:
        """End the thread. May be called twice."""
        self._thread.close()
