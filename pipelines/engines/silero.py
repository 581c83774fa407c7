"""Voice activity by Silero's small recurrent network, on ONNX Runtime, without torch.

The weights are those inside the faster-whisper wheel (Silero VAD v6, 16 kHz, MIT licence); that
package is located, never imported. One step takes about 55 µs, so it runs on the event loop.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import EngineFailed
from pipelines.engines.packed_network import Packed, network, weights

_NAME = "silero"
_RATE = 16_000
_STEP = 512
_CONTEXT = 64  # samples of the step before that the network wants to see again
_MEMORY = (1, 1, 128)  # shape of each of the two recurrent states
_INPUTS = ["input", "h", "c"]
_PACKED = Packed(
    "faster_whisper",
    "faster-whisper",
    "assets/silero_vad_v6.onnx",
    "Run: pip install faster-whisper",
    "Run: pip install --force-reinstall 'faster-whisper>=1.2,<2'",
)


@dataclass(frozen=True, slots=True)
class SileroSettings:
    """Which weights to load.

    Attributes:
        weights: an ONNX file with inputs `input`, `h` and `c`; empty for those of faster-whisper.
    """

    weights: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SileroState:
    """What the network remembers of one stream.

    Attributes:
        hidden: float32 [1, 1, 128].
        cell: float32 [1, 1, 128].
        context: float32 [64], the last samples of the step before.
    """

    hidden: Samples
    cell: Samples
    context: Samples


class Silero:
    """One network for any number of streams; each stream's state is a value."""

    rate = _RATE
    step_samples = _STEP

    def __init__(self, session: Any) -> None:
        self._session = session

    @classmethod
    def load(cls, settings: SileroSettings) -> "Silero":
        """Read the weights.

        Raises:
            EngineUnavailable: ONNX Runtime or the weights are missing, or they are of another kind.
        """
        path = weights(_NAME, settings.weights, _PACKED)
        return cls(network(_NAME, path, _INPUTS, "Use the Silero v6 file inside faster-whisper."))

    def open(self) -> SileroState:
        """The state before the first sample: all zero."""
        zero = np.zeros(_MEMORY, np.float32)
        return SileroState(zero, zero, np.zeros(_CONTEXT, np.float32))

    def step(self, state: SileroState, samples: Samples) -> tuple[SileroState, float]:
        """Probability 0..1 that these samples, float32 [512] at 16 kHz, hold speech.

        Raises:
            EngineFailed: another number of samples, or the network refused them.
        """
        if samples.shape != (_STEP,):
            raise EngineFailed(_NAME, f"expected {_STEP} samples, found shape {samples.shape}")
        heard = np.concatenate([state.context, samples], dtype=np.float32)
        feed = {"input": heard[np.newaxis], "h": state.hidden, "c": state.cell}
        try:
            probability, hidden, cell = self._session.run(None, feed)
        except Exception as fault:  # ONNX Runtime has no error class of its own to name
            raise EngineFailed(_NAME, f"the network refused a step: {fault}") from fault
        return SileroState(hidden, cell, heard[-_CONTEXT:]), float(probability.reshape(-1)[0])

    def close(self) -> None:
        """Nothing runs between steps, so there is nothing to end. May be called twice."""
