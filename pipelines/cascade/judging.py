"""What one call's segments are by their sound, told when it changes."""

from typing import Any

from agent.core.audio import Samples
from agent.core.events import SpeechJudged
from agent.core.protocols import Judged, SpeechJudge

WORTH_TELLING = 0.05
"""A change of either probability below this is not told: the trace is read by people."""

SURELY_CALLER = 0.5
"""A segment likelier the caller's than not teaches how they sound."""


class Judging:
    """A judge with its state inside, for the call's present segment."""

    def __init__(self, judge: SpeechJudge[Any]) -> None:
        self._judge = judge
        self._state = judge.open()
        self._segment = 0
        self._told: Judged | None = None

    def begin(self, segment: int, before: Samples, pause_s: float) -> None:
        """A segment begins `pause_s` after the last; `before`, float32 [n], is the last second."""
        self._segment, self._told = segment, None
        self._state = self._judge.begin(self._state, before, pause_s)

    def step(self, samples: Samples, speech: float) -> SpeechJudged | None:
        """The segment goes on, float32 [step_samples]; what is to be told of it, if anything."""
        self._state, judged = self._judge.step(self._state, samples, speech)
        if self._told and not _differ(self._told, judged):
            return None
        self._told = judged
        return SpeechJudged(self._segment, judged.caller, judged.floor, judged.reason)

    def learn(self) -> None:
        """The caller is being answered: the last segment was theirs, if it sounded like it."""
        if self._told and self._told.caller >= SURELY_CALLER:
            self._state = self._judge.learn(self._state)


def _differ(one: Judged, other: Judged) -> bool:
    changes = (abs(one.caller - other.caller), abs(one.floor - other.floor))
    return max(changes) >= WORTH_TELLING
