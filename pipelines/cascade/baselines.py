"""The rules that most agents end a turn by, as predictors, so that any agent can be run with them.

Neither has an opinion of its own on words, and each keeps what it says through the whole pause:
the turn machine, which turns a probability into a silence, is left as it is.
"""

from collections import OrderedDict
from dataclasses import dataclass

from agent.core.audio import AudioFrame
from agent.core.errors import ConfigError
from agent.core.protocols import Pause, Prediction, TurnPredictor
from agent.core.turn_config import TurnConfig

DETECTED_S = 0.1
"""Silence that has passed when a pause begins for the turn machine: `listener.end_s`."""

ASK_AFTER_S = 0.2
PATIENCE_S = 3.0
COMPLETE = 0.5
"""Asked once after 0.2 s of silence, complete above 0.5, otherwise 3 s of silence.
Source: Pipecat 1.14, the defaults of its Smart Turn strategy."""

_KEPT = 256  # pauses whose verdict is remembered, of all calls together
_SLACK_S = 1e-9  # 0.8 - 0.1 is more than 0.7
_NAMED = 0.05  # seconds of sound that tell one pause from another


@dataclass(frozen=True, slots=True)
class SilenceSettings:
    """How much silence ends a turn, whatever was said.

    Attributes:
        silence_s: from the caller's last sound.
    """

    silence_s: float = 0.8


class FixedSilence:
    """A TurnPredictor with the one probability that makes every pause equally long."""

    def __init__(self, settings: SilenceSettings, turns: TurnConfig) -> None:
        """Find the probability.

        Raises:
            ConfigError: the turn machine's shortest and longest pauses leave no room for it.
        """
        wanted_s = settings.silence_s - DETECTED_S
        low_s, high_s = turns.pause_min_s, turns.pause_max_s
        if not low_s - _SLACK_S <= wanted_s <= high_s + _SLACK_S:
            raise ConfigError(
                f"predictor.silence_s: expected {low_s + DETECTED_S:g} to {high_s + DETECTED_S:g} "
                f"seconds, found {settings.silence_s:g}; change turns.pause_min_s or .pause_max_s"
            )
        span_s = high_s - low_s
        likely = (high_s - wanted_s) / span_s if span_s else 0.5
        self._opinion = Prediction(likely, f"{settings.silence_s:g} s of silence, whatever is said")

    async def predict(self, pause: Pause) -> Prediction:
        """The same for every pause."""
        del pause
        return self._opinion


class AskedOnce:
    """A TurnPredictor that hears another one out once in a pause, and keeps to that.

    Complete is a turn that is over now; anything else is the longest pause. It wants
    `turns.pause_min_s = 0`, `turns.pause_max_s = 2.9` and `turns.prior = 0`.
    """

    def __init__(self, other: TurnPredictor) -> None:
        self._other = other
        self._said: OrderedDict[bytes, Prediction] = OrderedDict()

    async def predict(self, pause: Pause) -> Prediction:
        """Nothing before 0.2 s of silence; then its one verdict. Raises EngineError."""
        if pause.silence_s < ASK_AFTER_S:
            return Prediction(0.0, "not asked yet")
        heard = _until(pause, ASK_AFTER_S)
        name = _name(heard)
        if name not in self._said:
            self._said[name] = await self._verdict(pause, heard)
            while len(self._said) > _KEPT:
                self._said.popitem(last=False)
        return self._said[name]

    async def _verdict(self, pause: Pause, heard: AudioFrame) -> Prediction:
        asked = Pause(heard, ASK_AFTER_S, pause.text, pause.expected, pause.own_pauses_s)
        opinion = await self._other.predict(asked)
        return Prediction(float(opinion.probability > COMPLETE), opinion.reason)


def _until(pause: Pause, silence_s: float) -> AudioFrame:
    """The sound up to so much silence."""
    audio = pause.audio
    count = len(audio.samples) - round((pause.silence_s - silence_s) * audio.rate)
    return AudioFrame(audio.samples[: max(0, count)], audio.rate, audio.start)


def _name(heard: AudioFrame) -> bytes:
    """What tells a pause from all others: the caller's last sound before it, and its place."""
    silence = round(ASK_AFTER_S * heard.rate)
    last = heard.samples[-silence - round(_NAMED * heard.rate) : -silence]
    return last.tobytes() + heard.end.to_bytes(8, "little", signed=True)
