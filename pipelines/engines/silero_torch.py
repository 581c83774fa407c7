"""Voice activity by Silero's own package, `silero-vad`, where torch is installed anyway.

The same kind of network and the same contract as `silero`, which needs no torch; a step takes
several times as long. One thread: a step is too small to share.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import EngineFailed, EngineUnavailable

_NAME = "silero-torch"
_RATE = 16_000
_STEP = 512
_CONTEXT = 64  # samples of the step before that the network wants to see again


@dataclass(frozen=True, slots=True, eq=False)
class SileroTorchState:
    """What the network remembers of one stream: its recurrent state, and float32 [64] of sound."""

    memory: Any
    context: Samples


class SileroTorch:
    """One network for any number of streams; each stream's state is a value."""

    rate = _RATE
    step_samples = _STEP

    def __init__(self, torch: Any, network: Any) -> None:
        self._torch = torch
        self._network = network

    @classmethod
    def load(cls) -> "SileroTorch":
        """Load the weights that lie inside the package.

        Raises:
            EngineUnavailable: torch or silero-vad is missing.
        """
        try:
            import torch  # noqa: PLC0415
            from silero_vad import load_silero_vad  # noqa: PLC0415
        except ImportError as fault:
            raise EngineUnavailable(
                _NAME,
                f"expected the packages torch and silero-vad, found no {fault.name}. "
                "Run: pip install 'parley[silero]', or choose the detector silero, which needs "
                "neither",
            ) from fault
        torch.set_num_threads(1)
        # The whole package keeps the state of one stream inside; the network within is pure.
        return cls(torch, load_silero_vad()._model)

    def open(self) -> SileroTorchState:
        """The state before the first sample: all zero."""
        return SileroTorchState(self._torch.zeros(0), np.zeros(_CONTEXT, np.float32))

    def step(self, state: SileroTorchState, samples: Samples) -> tuple[SileroTorchState, float]:
        """Probability 0..1 that these samples, float32 [512] at 16 kHz, hold speech.

        Raises:
            EngineFailed: another number of samples, or the network refused them.
        """
        if samples.shape != (_STEP,):
            raise EngineFailed(_NAME, f"expected {_STEP} samples, found shape {samples.shape}")
        heard = np.concatenate([state.context, samples], dtype=np.float32)
        try:
            with self._torch.inference_mode():
                sound = self._torch.from_numpy(heard)[None]
                probability, memory = self._network(sound, state.memory)
        except RuntimeError as fault:
            raise EngineFailed(_NAME, f"the network refused a step: {fault}") from fault
        return SileroTorchState(memory, heard[-_CONTEXT:]), float(probability)

    def close(self) -> None:
        """Nothing runs between steps, so there is nothing to end. May be called twice."""
