"""What must reach no trace, log or caption: the caller's words while they say something sensitive.

Each hidden word stays one word, so that a trace can be replayed. What a replay cannot know: whether
a hidden word was only a sign of listening, and that the recogniser changed its mind about one.
"""

from collections.abc import Collection
from dataclasses import replace

from agent.core.events import (
    Action,
    Digit,
    Event,
    PrepareReply,
    SpeechStarted,
    Transcript,
    TurnEndPredicted,
    Typed,
)
from agent.core.words import next_key_s

HIDDEN = "•••"


def hidden(text: str) -> str:
    """As many words, and none of them."""
    return " ".join(HIDDEN for _ in text.split())


class Discretion:
    """Hides the words of one call while it is told to.

    A segment that was sensitive stays so: its last words may come when the next question is out,
    and be answered later still, together with others.

    Args:
        digit_pause_s: the turn machine's own; written to the trace beside a hidden key, which can
            no longer be told from a `#`.
    """

    def __init__(self, digit_pause_s: float) -> None:
        self.is_on = False
        self._digit_pause_s = digit_pause_s
        self._segments: set[int] = set()  # to hide
        self._entered = 0  # keys have segments too: they count down from -1, as in CallerWords

    def shown(self, event: Event) -> Event:
        """The event as a trace may hold it. Must be asked of every event, in order."""
        match event:
            case SpeechStarted(segment) if self.is_on:
                self._segments.add(segment)
            case Transcript(segment, stable, unstable) if self.is_on or segment in self._segments:
                self._segments.add(segment)
                return replace(event, stable=hidden(stable), unstable=hidden(unstable))
            case Digit() | Typed():
                return self._entry(event)
            case TurnEndPredicted(segment) if self.is_on or segment in self._segments:
                return replace(event, reason="")  # it may quote a word
            case _:
                pass
        return event

    def shown_action(self, action: Action, segments: Collection[int]) -> Action:
        """The action as a trace may hold it; `segments` are those of the words it is about."""
        if isinstance(action, PrepareReply) and (self.is_on or self.hides(segments)):
            return replace(action, text=hidden(action.text))
        return action

    def hides(self, segments: Collection[int]) -> bool:
        """Whether one of these segments is hidden."""
        return not self._segments.isdisjoint(segments)

    def _entry(self, event: Digit | Typed) -> Event:
        self._entered -= 1
        if not self.is_on:
            return event
        self._segments.add(self._entered)
        if isinstance(event, Typed):
            return Typed(hidden(event.text))
        return replace(event, digit=HIDDEN, pause_s=next_key_s(event, self._digit_pause_s))
