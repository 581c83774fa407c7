"""Where a dialogue stands: one frozen value, made anew from the history for every reply."""

import re
from dataclasses import dataclass, replace
from enum import Enum

from agent.core.protocols import ToolCall
from pipelines.cascade.flow.values import Value
from pipelines.cascade.flow.words import words

_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")


class Topic(Enum):
    """What the agent's last question was about."""

    OPEN = "open"
    SLOT = "slot"
    CONFIRM = "confirm"
    CHANGE = "change"
    OFFER = "offer"
    SURE = "sure"


@dataclass(frozen=True, slots=True)
class Question:
    """The question that waits for an answer; `slot` with Topic.SLOT, the state with Topic.SURE."""

    topic: Topic = Topic.OPEN
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a dialogue stands.

    Attributes:
        node: the state or form it is in.
        today: today's weekday, or empty when it is not known.
        asked: the question that waits for an answer.
        values: slot and value, in the order in which they were given.
        misses: how often in a row the caller was not understood.
        silences: how often in a row the caller said nothing.
        lines: the sentences of the reply made by the last step.
        calls: the tools it calls.
        protected: it cannot be interrupted.
        before: the sentences of the reply before that.
        heard: words of the last reply that reached the caller.
        closed: nobody is there at this hour.
        done: something was done or answered in this call.
        again: the dialogue came back to its state, and asked what else there is.
        tries: how often each form with a limit was finished.
        waits: the state or form whose tool's result is awaited.
        left: where the caller was when they were transferred.
        message: what was said so far of a message.
        said: the caller's last words, as far as they may be shown.
        quiet: the agent says nothing, and goes on listening.
    """

    node: str
    today: str = ""
    asked: Question = Question()
    values: tuple[tuple[str, Value], ...] = ()
    misses: int = 0
    silences: int = 0
    lines: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    protected: bool = False
    before: tuple[str, ...] = ()
    heard: int = 0
    closed: bool = False
    done: bool = False
    again: bool = False
    tries: tuple[tuple[str, int], ...] = ()
    waits: str = ""
    left: str = ""
    message: str = ""
    said: str = ""
    quiet: bool = False

    @property
    def text(self) -> str:
        """The reply as one string."""
        return " ".join(self.lines)

    def value(self, slot: str) -> Value | None:
        """What is known of a slot."""
        return dict(self.values).get(slot)


def say(at: Position, *lines: str) -> Position:
    """The reply with these lines added, sentence by sentence."""
    sentences = (part for line in lines for part in _SENTENCE_END.split(line.strip()))
    return replace(at, lines=at.lines + tuple(part for part in sentences if part))


def with_value(at: Position, slot: str, value: Value | None) -> Position:
    """The slot filled anew, or emptied by None."""
    kept = tuple((name, old) for name, old in at.values if name != slot)
    return replace(at, values=kept if value is None else (*kept, (slot, value)))


def restarted(at: Position, start: str) -> Position:
    """The dialogue from its beginning; what limits it stays."""
    return Position(start, at.today, closed=at.closed, tries=at.tries, done=at.done)


def word_count(lines: tuple[str, ...]) -> int:
    """Words in these sentences."""
    return sum(len(words(line)) for line in lines)


def unheard(lines: tuple[str, ...], heard: int) -> tuple[str, ...]:
    """The sentences that did not reach the caller whole, `heard` words into them."""
    for index in range(len(lines)):
        if word_count(lines[: index + 1]) > heard:
            return lines[index:]
    return ()
