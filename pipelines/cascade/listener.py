"""From speech probabilities to segments: when the caller began and ceased to speak."""

from dataclasses import dataclass
from enum import Enum, auto

from agent.core.events import SpeechEnded, SpeechStarted


@dataclass(frozen=True, slots=True)
class ListenerConfig:
    """Hysteresis of the voice activity.

    Attributes:
        start_probability: speech at or above it,
        end_probability: silence below it; what lies between changes nothing. The gap of 0.15 is
            the detector authors' own (Source: silero-vad, utils_vad.py).
        alert_probability: start_probability while the agent speaks, when a false start only turns
            it down for a moment: "stop" begins with 0.1 s of hiss, which the detector gives 0.2 to
            0.4, and of the benchmark's noises only doors and music come to more.
        start_s: speech that makes a segment. A false start costs a duck of the agent's voice, a
            late one costs the caller patience: two steps of 32 ms.
        alert_s: start_s while the agent speaks, when a late start is heard as being talked over:
            one step.
        end_s: silence that ends one. Every pause is at least this long, so it is kept as short as
            the stops inside words allow (the closure of "t" or "k" lasts up to about 80 ms).
        pre_roll_s: sound before the start that belongs to the segment, or the first word is lost.
    """

    start_probability: float = 0.5
    alert_probability: float = 0.2
    end_probability: float = 0.35
    start_s: float = 0.06
    alert_s: float = 0.03
    end_s: float = 0.1
    pre_roll_s: float = 0.3

    def __post_init__(self) -> None:
        """Raises ValueError where the thresholds contradict each other."""
        if not 0 <= self.end_probability <= self.start_probability <= 1:
            raise ValueError("expected 0 <= end_probability <= start_probability <= 1")
        if not 0 < self.alert_probability <= self.start_probability:
            raise ValueError("expected 0 < alert_probability <= start_probability")
        durations = (self.start_s, self.alert_s, self.end_s, self.pre_roll_s)
        if min(durations) < 0 or self.pre_roll_s > 2:
            raise ValueError("expected start_s, alert_s, end_s of 0 or more, pre_roll_s of 0 to 2")


class _Voice(Enum):
    SILENT = auto()
    SPEAKING = auto()


class Listener:
    """Voice activity of one call. Pure: positions come in, events go out."""

    __slots__ = ("_alert", "_changed", "_end", "_rate", "_start", "_voice", "config", "segment",
                 "speech_end", "speech_start")  # fmt: skip

    def __init__(self, config: ListenerConfig, rate: int) -> None:
        self.config = config
        self.segment = 0
        self.speech_start = 0  # position of the first sample of the present or last segment
        self.speech_end = 0  # position after its last sample of speech so far
        self._rate = rate
        self._start = int(config.start_s * rate)
        self._alert = int(config.alert_s * rate)
        self._end = int(config.end_s * rate)
        self._voice = _Voice.SILENT
        self._changed: int | None = None  # where a change of voice began that is not yet certain

    def step(
        self, probability: float, start: int, end: int, *, alert: bool = False
    ) -> SpeechStarted | SpeechEnded | None:
        """What follows from the probability of speech in the samples `start` to `end`.

        `alert`: the agent is speaking.
        """
        if self._voice is _Voice.SILENT:
            return self._silent(probability, start, end, alert=alert)
        return self._speaking(probability, start, end)

    @property
    def is_speaking(self) -> bool:
        """Whether a segment is open."""
        return self._voice is _Voice.SPEAKING

    def _silent(
        self, probability: float, start: int, end: int, *, alert: bool
    ) -> SpeechStarted | None:
        config, needed = self.config, self._alert if alert else self._start
        least = config.alert_probability if alert else config.start_probability
        if not probability >= least:  # so that NaN is silence
            self._changed = None
            return None
        self._changed = start if self._changed is None else self._changed
        if end - self._changed < needed:
            return None
        self.segment += 1
        self.speech_start, self.speech_end = self._changed, end
        self._voice, self._changed = _Voice.SPEAKING, None
        return SpeechStarted(self.segment)

    def _speaking(self, probability: float, start: int, end: int) -> SpeechEnded | None:
        if probability >= self.config.end_probability:
            self._changed = None
            self.speech_end = end
            return None
        self._changed = start if self._changed is None else self._changed
        if end - self._changed < self._end:
            return None
        self._voice, self._changed = _Voice.SILENT, None
        return SpeechEnded(self.segment)
