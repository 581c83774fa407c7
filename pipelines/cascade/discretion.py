"""What must reach no trace, log or caption: the caller's words while they say something sensitive.

Each hidden word stays one word, so that a trace can be replayed. What a replay cannot know: whether
a hidden word was only a sign of listening, and that the recogniser changed its mind about one.
"""

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

    A segment that was sensitive stays so: its last words may come when the next question is out.

    Args:
        digit_pause_s: the turn machine's own; written to the trace beside a hidden key, which can
            no longer be told from a `#`.
    """

    def __init__(self, digit_pause_s: float) -> None:
        self.is_on = False
        self._digit_pause_s = digit_pause_s
        self._segments: dict[int, str] = {}  # to hide, each with its last word so far

    def shown(self, event: Event) -> Event:
        """The event as a trace may hold it. Must be asked of every event, in order."""
        match event:
            case SpeechStarted(segment) if self.is_on:
                self._segments.setdefault(segment, "")
            case Transcript(segment, stable, unstable) if self.is_on or segment in self._segments:
                self._segments[segment] = next(reversed(event.text.split()), "")
                return replace(event, stable=hidden(stable), unstable=hidden(unstable))
            case Digit() if self.is_on:
                pause_s = next_key_s(event, self._digit_pause_s)
                return replace(event, digit=HIDDEN, pause_s=pause_s)
            case Typed(text) if self.is_on:
                return Typed(hidden(text))
            case TurnEndPredicted(segment) if self.is_on or segment in self._segments:
                return replace(event, reason="")  # it may quote a word
            case _:
                pass
        return event

    def shown_action(self, action: Action) -> Action:
        """The action as a trace may hold it."""
        if isinstance(action, PrepareReply) and (self.is_on or self._is_late(action.text)):
            return replace(action, text=hidden(action.text))
        return action

    def _is_late(self, text: str) -> bool:
        """Whether words of a hidden segment may be among these: it leaves out too much at worst."""
        return not set(text.split()).isdisjoint(self._segments.values())
