"""Tells the caller what to say in the next frame, from what was heard until then. Pure."""

from dataclasses import dataclass, replace

import numpy as np

from agent.core.audio import Samples
from audio_io.ear import Ear
from floorbench.activity import Span
from floorbench.scenarios.plan import Cue, SessionPlan, Step, When
from floorbench.session import RATE, CallerEvent

CLAUSE_END_S = 0.08
"""A pause of the agent's that ends a clause: longer than the closure of a stop consonant."""

UNINTERRUPTED_S = 1.0
"""An agent still speaking so long after an interruption has not yielded, and is taken to answer."""

AFTERMATH_S = 2.2
"""The caller's wait after a disturbance: whether the agent resumes is judged within 2.0 s."""

ENDLESS_S = 60.0
"""An agent that speaks for so long without half a second of silence will not let the caller in."""

LONGEST_WAIT_S = 45.0
"""A caller who cannot get a word in speaks anyway: an agent that interrupts itself never pauses."""

_CLAUSE_WAIT_S = 3.0  # an agent without pauses gets the same sound inside a clause


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A step that was not taken, and why, in words."""

    step: str
    reason: str


class Prompter:
    """The plan of a session, played against what the caller hears.

    Attributes:
        ear: what is heard of the agent; told after each frame.
        left_out: steps that made no sense: the agent was not speaking.
    """

    def __init__(self, plan: SessionPlan) -> None:
        self._plan = plan
        self._next = 0
        self._saying: tuple[int, int] | None = None  # step and first sample
        self._events: list[CallerEvent] = []
        self._position = 0
        self._own: Step | None = None  # the last step
        self._began_s = self._free_s = 0.0  # when its sound began, and when it was over
        self.ear = Ear(RATE)
        self.left_out: list[LeftOut] = []

    def events(self) -> tuple[CallerEvent, ...]:
        """What happened, by time; what was cut short ends with the recording."""
        end_s = self._position / RATE
        kept = [_until(event, end_s) for event in self._events if event.t_on < end_s]
        return tuple(sorted(kept, key=lambda e: (e.t_on, e.id)))

    def not_reached(self) -> list[LeftOut]:
        """The steps that were not taken because the session was over before."""
        numbers = range(self._next, len(self._plan.steps))
        return [LeftOut(self._name(number), "the session was over") for number in numbers]

    @property
    def remaining(self) -> int:
        """Steps to go."""
        return len(self._plan.steps) - self._next

    def is_over(self) -> bool:
        """Whether the caller hangs up now."""
        if self._saying is not None or self.remaining:
            return False
        return self._is_cue(self._plan.ending) or self._is_patience_over(self._plan.ending)

    def is_answered(self) -> bool:
        """Whether everything was said, and the agent has spoken since."""
        if self._saying is not None or self.remaining:
            return False
        return self._has_answered(self._position / RATE)

    def is_shut_out(self) -> bool:
        """Whether the agent has spoken without end."""
        now_s, onset_s = self._position / RATE, self.ear.onset_s
        return onset_s is not None and self.ear.sounds(now_s) and now_s - onset_s > ENDLESS_S

    def frame(self, count: int) -> tuple[Samples, str]:
        """The caller's next samples, float32 [count], and a key to press before them, or none."""
        out, key = np.zeros(count, np.float32), ""
        if self._saying is None and (begun := self._begin()) is not None:
            self._saying = (begun, self._position)
            key = self._plan.steps[begun].key
        if self._saying is not None:
            number, start = self._saying
            sound = self._plan.steps[number].sound
            part = sound[self._position - start : self._position - start + count]
            out[: len(part)] = part
            if self._position + count >= start + len(sound):
                self._end(start, len(sound))
        self._position += count
        return out, key

    def pressed(self) -> None:
        """The line took the key that this frame began with: its tone is not sent."""
        if self._saying is not None:
            number, start = self._saying
            name = self._name(number)
            self._events = [replace(e, parts=()) if e.id == name else e for e in self._events]
            self._end(start, len(self._plan.steps[number].sound))

    def _name(self, number: int) -> str:
        return f"{self._plan.id}.{number + 1}"

    def _begin(self) -> int | None:
        """The number of the step that begins now, if one does."""
        while self.remaining:
            number, step = self._next, self._plan.steps[self._next]
            on_cue = self._is_cue(step.cue)
            if not on_cue and not self._is_patience_over(step.cue):
                return None
            self._next += 1
            name = self._name(number)
            if on_cue or not step.cue.needs_agent:
                start_s = self._position / RATE
                self._events += [m.at(name, start_s, on_cue=on_cue) for m in step.marks]
                self._own = step
                return number
            kind = step.marks[0].kind if step.marks else "step"
            self.left_out.append(LeftOut(name, f"{kind}: the agent was not speaking"))
        return None

    def _end(self, start: int, count: int) -> None:
        self._saying = None
        self._began_s, self._free_s = start / RATE, (start + count) / RATE

    # --- cues -------------------------------------------------------------------------------------

    def _is_cue(self, cue: Cue) -> bool:
        now_s = self._position / RATE
        match cue.when:
            case When.START:
                return now_s >= cue.after_s
            case When.AFTER_OWN:
                return now_s - self._free_s >= cue.after_s
            case When.BOTH_QUIET:
                return now_s - max(self._free_s, self.ear.loud_until_s) >= cue.after_s
            case When.AFTER_AGENT:
                return self._has_answered(now_s) and now_s - self.ear.loud_until_s >= cue.after_s
            case When.INTO_AGENT:
                return self._into_agent_s(now_s) >= cue.after_s
            case When.AT_CLAUSE_END:
                late_s = self._into_agent_s(now_s) - cue.after_s
                quiet_s = now_s - self.ear.loud_until_s
                return late_s >= 0 and (quiet_s >= CLAUSE_END_S or late_s > _CLAUSE_WAIT_S)

    def _into_agent_s(self, now_s: float) -> float:
        """Seconds since the agent's present sound began.

        -1 when it does not sound, and as long as the last disturbance is not judged.
        """
        if self.ear.onset_s is None or not self.ear.sounds(now_s):
            return -1.0
        if self._own is not None and not self._own.is_turn and self._is_aftermath(now_s):
            return -1.0
        return now_s - self.ear.onset_s

    def _has_answered(self, now_s: float) -> bool:
        """Whether the agent spoke since the last step, as that step means it."""
        if self.ear.onset_s is None:
            return False
        if self._own is None:
            return True  # the greeting
        if self._own.yields:
            late = self.ear.loud_until_s > self._free_s + UNINTERRUPTED_S
            return late or self.ear.onset_s > self._began_s
        if self._own.is_turn:
            return self.ear.loud_until_s > self._free_s
        return not self._is_aftermath(now_s)

    def _is_aftermath(self, now_s: float) -> bool:
        return now_s - self._free_s < AFTERMATH_S

    def _is_patience_over(self, cue: Cue) -> bool:
        """Whether the caller waits no longer for a cue."""
        now_s = self._position / RATE
        quiet_s = now_s - max(self._free_s, self.ear.loud_until_s)
        if not cue.needs_agent and now_s - self._free_s > LONGEST_WAIT_S:
            return True
        if cue.needs_agent and self._own is not None and self._has_spoken():
            return quiet_s >= min(cue.patience_s, AFTERMATH_S)  # its answer is over
        return quiet_s >= cue.patience_s

    def _has_spoken(self) -> bool:
        return self.ear.loud_until_s > self._free_s


def _until(event: CallerEvent, end_s: float) -> CallerEvent:
    """The event without what lies behind the end of the recording."""
    if event.t_off <= end_s:
        return event
    parts = tuple(
        Span(part.start_s, min(part.end_s, end_s)) for part in event.parts if part.start_s < end_s
    )
    params = {**event.params, "cut_short": True}
    return CallerEvent(event.id, event.kind, event.t_on, end_s, parts, event.expect,
                       event.needs_agent_talking, params)  # fmt: skip
