"""A small recurrent network that hears whether somebody wants the floor.

Its weights were trained by `tools/floor_wish/train.py` on sounds rendered there.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.core.audio import Samples
from agent.core.errors import EngineFailed, EngineUnavailable
from pipelines.cascade.floor_wish.features import HOP, RATE, STEP, Ear, ear, heard, relative

_NAME = "floor wish"
_WEIGHTS = Path(__file__).with_name("weights.npz")
_TENSORS = ("into", "into_bias", "gates", "gates_bias", "again", "again_bias", "out", "out_bias")
_LONG = 40  # steps, 1.3 s: a stretch that lasts longer is only called long
_SILENT = -30.0  # log of power below anything that is heard


@dataclass(frozen=True, slots=True, eq=False)
class WishState:
    """What is remembered of one stretch of speech.

    Attributes:
        hidden: float32 [units].
        before: float32 [HOP], the last samples heard.
        loudest: log of the greatest power in any band so far.
        steps: since the stretch began.
    """

    hidden: Samples
    before: Samples
    loudest: float
    steps: int


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A dense layer, a gated recurrent unit and a dense output; see `FloorWish._advance`.

    Attributes:
        into: float32 [WIDTH + 2, inner], into_bias: float32 [inner].
        gates: float32 [inner, 3 * units], gates_bias: float32 [3 * units].
        again: float32 [units, 3 * units], again_bias: float32 [3 * units].
        out: float32 [units], out_bias: float32 [].
    """

    into: Samples
    into_bias: Samples
    gates: Samples
    gates_bias: Samples
    again: Samples
    again_bias: Samples
    out: Samples
    out_bias: Samples


class FloorWish:
    """One network for any number of calls; what it remembers of each is a value."""

    rate = RATE
    step_samples = STEP

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._ear: Ear = ear()

    @classmethod
    def load(cls, path: Path = _WEIGHTS) -> "FloorWish":
        """Read the weights.

        Raises:
            EngineUnavailable: the file is missing or holds something else.
        """
        try:
            with np.load(path) as file:
                return cls(Weights(*(file[name].astype(np.float32) for name in _TENSORS)))
        except (OSError, KeyError, ValueError) as error:
            message = f"expected weights in {path}; train them with tools/floor_wish/train.py"
            raise EngineUnavailable(_NAME, message) from error

    def begin(self, before: Samples) -> WishState:
        """A stretch of speech begins.

        Args:
            before: float32 [n] at 16 kHz, up to now, the first samples of the stretch included;
                half a second is enough, and nothing is allowed.
        """
        sound = _sane(before)
        count = (len(sound) - HOP) // STEP
        hidden = np.zeros(len(self._weights.out), np.float32)
        if count <= 0:
            rest = np.concatenate((np.zeros(HOP, np.float32), sound))[-HOP:]
            return WishState(hidden, rest, _SILENT, 0)
        steps, levels = heard(self._ear, sound[len(sound) - HOP - count * STEP :])
        loudest = np.maximum.accumulate(levels)
        for features in relative(steps, loudest):
            hidden = self._advance(hidden, features, 0)
        return WishState(hidden, sound[-HOP:], float(loudest[-1]), 0)

    def step(self, state: WishState, samples: Samples) -> tuple[WishState, float]:
        """The stretch goes on: how likely it is, 0..1, that whoever speaks wants the floor.

        Args:
            state: after what was heard so far.
            samples: float32 [512] at 16 kHz.

        Raises:
            EngineFailed: another number of samples.
        """
        if samples.shape != (STEP,):
            raise EngineFailed(_NAME, f"expected {STEP} samples, found {samples.shape}")
        sound = np.concatenate((state.before, _sane(samples)))
        steps, levels = heard(self._ear, sound)
        loudest = max(state.loudest, float(levels[0]))
        features = relative(steps, np.array([loudest], np.float32))[0]
        count = state.steps + 1
        hidden = self._advance(state.hidden, features, count)
        wish = float(hidden @ self._weights.out + self._weights.out_bias)
        return WishState(hidden, sound[-HOP:], loudest, count), _sigmoid(wish)

    def _advance(self, hidden: Samples, features: Samples, count: int) -> Samples:
        """One step of the recurrent unit. Source: Cho et al. 2014, in the form of cuDNN."""
        w = self._weights
        clock = np.array([count > 0, min(count, _LONG) / _LONG], np.float32)
        inner = np.tanh(np.concatenate((features, clock)) @ w.into + w.into_bias)
        new = inner @ w.gates + w.gates_bias
        old = hidden @ w.again + w.again_bias
        units = len(hidden)
        reset, keep = 0.5 + 0.5 * np.tanh(0.5 * (new + old)[: 2 * units]).reshape(2, units)
        fresh = np.tanh(new[2 * units :] + reset * old[2 * units :])
        out: Samples = fresh + keep * (hidden - fresh)
        return out


def _sane(samples: Samples) -> Samples:
    """Within full scale; what is no number is silence."""
    clean = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    sane: Samples = np.clip(clean, -1.0, 1.0, dtype=np.float32)
    return sane


def _sigmoid(value: float) -> float:
    return float(0.5 + 0.5 * np.tanh(0.5 * value))
