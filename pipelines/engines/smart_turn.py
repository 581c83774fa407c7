"""Is the turn over, by its sound: Smart Turn v3.2 on ONNX Runtime, without the framework.

The weights are those inside the pipecat-ai wheel (BSD-2); that package is located, never imported.
One opinion takes about 50 ms of one core, so it is made in a thread of its own.
"""

import asyncio
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import EngineFailed, EngineTooSlow, EngineUnavailable
from agent.core.protocols import Pause, Prediction
from pipelines.engine_thread import EngineThread
from pipelines.engines.log_mel import RATE, log_mel

WINDOW_S = 8
"""What the network looks at: the last 8 s, with silence before them. Source: its authors."""

_NAME = "smart-turn"
_INPUT = "input_features"
_FILE = Path("audio", "turn", "smart_turn", "data", "smart-turn-v3.2-cpu.onnx")
_REMEDY = "Run: pip install --no-deps pipecat-ai==1.14.0"


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
        return cls(_session(_weights(settings)), settings)

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


def _weights(settings: SmartTurnSettings) -> Path:
    if settings.weights:
        path, remedy = Path(settings.weights), "Correct the path in `weights`, or leave it empty."
    else:
        spec = find_spec("pipecat")
        if spec is None or spec.origin is None:
            raise EngineUnavailable(
                _NAME, f"the weights come with pipecat-ai, which is not installed. {_REMEDY}"
            )
        path, remedy = Path(spec.origin).parent / _FILE, _REMEDY
    if not path.is_file():
        raise EngineUnavailable(_NAME, f"expected weights at {path}, found no file. {remedy}")
    return path


def _session(path: Path) -> Any:
    try:
        import onnxruntime  # noqa: PLC0415  # slow to import, and may be missing
    except ImportError as fault:
        raise EngineUnavailable(
            _NAME, "ONNX Runtime is not installed. Run: pip install onnxruntime"
        ) from fault
    options = onnxruntime.SessionOptions()
    # One opinion at a time; more threads would take cores from the calls.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as fault:  # as above: the library's own classes are private
        raise EngineUnavailable(_NAME, f"{path} is not a network it can read: {fault}") from fault
    found = [i.name for i in session.get_inputs()]
    if found != [_INPUT]:
        raise EngineUnavailable(
            _NAME,
            f"{path}: expected the input {_INPUT}, found {', '.join(found)}. "
            "Use the Smart Turn v3.2 file inside pipecat-ai.",
        )
    return session
