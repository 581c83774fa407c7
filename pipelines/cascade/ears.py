"""The caller's sound on its way in: voice activity on every step, segments to the recogniser."""

import math
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from agent.core.audio import AudioFrame, Samples, join
from agent.core.calls import Trace
from agent.core.events import SpeechEnded, SpeechJudged, SpeechStarted
from agent.core.protocols import SpeechDetector
from pipelines.cascade.hearing import Hearing
from pipelines.cascade.judging import Judging
from pipelines.cascade.listener import Listener, ListenerConfig

State = TypeVar("State")

MEMORY_S = 8.0
"""Sound kept for the turn predictor, as much as the common acoustic models look at.
Source: Smart Turn v3 takes 8 s."""


JUDGED_FROM_S = 1.0
"""Sound before a segment that its judge is given: enough to know the background."""


def probabilities(detector: SpeechDetector[State]) -> Callable[[Samples], float]:
    """A detector with its state inside: samples [step_samples] in, probability out."""
    state = detector.open()

    def step(samples: Samples) -> float:
        nonlocal state
        state, probability = detector.step(state, samples)
        return probability

    return step


class Ears:
    """One call's sound, cut into detector steps."""

    def __init__(
        self,
        detector: SpeechDetector[Any],
        judging: Judging | None,
        config: ListenerConfig,
        hearing: Hearing,
        tell: Callable[[SpeechStarted | SpeechEnded | SpeechJudged], None],
        trace: Trace,
    ) -> None:
        """`tell` hears of segments as they begin and end, and what they are by their sound."""
        self.rate = detector.rate
        self._step = detector.step_samples
        self._probability = probabilities(detector)
        self._listener = Listener(config, self.rate)
        self.alert = False  # the agent is speaking
        self._judging = judging
        self._hearing = hearing
        self._tell = tell
        self._trace = trace
        self._rest: Samples = np.zeros(0, np.float32)
        self._position = 0
        self._memory: deque[AudioFrame] = deque(maxlen=math.ceil(MEMORY_S * self.rate / self._step))
        self._pause = 0
        self._fed_to = 0  # the recogniser has had everything before this position

    @property
    def segment(self) -> int:
        """The present or last segment."""
        return self._listener.segment

    @property
    def silence_s(self) -> float:
        """How long the caller has been silent, counted from their last sample of speech."""
        return (self._position - self._listener.speech_end) / self.rate

    @property
    def pause_s(self) -> float:
        """The silence before the present or last segment; 0 before the second one."""
        return self._pause / self.rate

    def take(self, frame: AudioFrame) -> None:
        """The next sound of the call, of any length."""
        sound = np.concatenate((self._rest, frame.samples))
        whole = len(sound) - len(sound) % self._step
        for start in range(0, whole, self._step):
            self._take_step(sound[start : start + self._step])
        self._rest = sound[whole:]

    def recent(self) -> AudioFrame:
        """The last seconds of sound, for the turn predictor."""
        if not self._memory:
            return AudioFrame(np.zeros(0, np.float32), self.rate, 0)
        return join(self._memory)

    def _take_step(self, samples: Samples) -> None:
        frame = AudioFrame(samples, self.rate, self._position)
        self._position = frame.end
        self._memory.append(frame)
        silent_since = self._listener.speech_end
        speech = self._probability(samples)
        event = self._listener.step(speech, frame.start, frame.end, alert=self.alert)
        match event:
            case SpeechStarted(segment):
                self._pause = self._listener.speech_start - silent_since if segment > 1 else 0
                self._tell(event)
                self._hearing.begin(segment)
                self._feed_since(self._listener.speech_start - self._pre_roll())
                if self._judging:
                    self._judging.begin(segment, self._before(), self.pause_s)
            case SpeechEnded(segment):
                self._feed(frame)
                self._hearing.end(segment)
                self._trace_speech(segment)
                self._tell(event)
            case None if self._listener.is_speaking:
                self._feed(frame)
                if self._judging and (judged := self._judging.step(samples, speech)):
                    self._tell(judged)

    def _feed_since(self, position: int) -> None:
        """Feed the sound from `position` on, but nothing that an earlier segment already had."""
        for frame in self._memory:
            if frame.start >= self._fed_to and frame.end > position:
                self._feed(frame)

    def _feed(self, frame: AudioFrame) -> None:
        self._hearing.feed(frame)
        self._fed_to = frame.end

    def _before(self) -> Samples:
        """The last second, the beginning of the present segment included."""
        steps = math.ceil(JUDGED_FROM_S * self.rate / self._step)
        return np.concatenate([frame.samples for frame in list(self._memory)[-steps:]])

    def _pre_roll(self) -> int:
        return int(self._listener.config.pre_roll_s * self.rate)

    def _trace_speech(self, segment: int) -> None:
        start, end = self._listener.speech_start, self._listener.speech_end
        self._trace("speech", segment=segment, start_s=start / self.rate, end_s=end / self.rate)
