"""What the caller said, segment by segment, and which of it has been answered.

Words may come late, or change while they are unstable. A word counts as answered only once a reply
to it was audible; until then every question about the turn is asked of `text()`. That is the whole
reason why nothing is lost: there is no moment at which words are taken away before they are heard.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto

from agent.core.events import Digit, Event, SpeechEnded, SpeechStarted, Transcript, Typed

SEGMENTS_KEPT = 32
"""Answered segments remembered, so that a late transcript still finds what was answered of it."""

Claim = tuple[tuple[int, str], ...]
"""Segments and their text at the moment a reply was made for them."""


class Voice(Enum):
    """The sound of a segment."""

    SPEAKING = auto()
    SILENT = auto()
    DISMISSED = auto()  # not the caller, or not meant for the agent: its words do not count


@dataclass(slots=True)
class _Segment:
    """One stretch of speech: where it is, what is known, and what was answered."""

    text: str = ""
    answered: str = ""
    before: str = ""  # what the audible reply is not about, and the next one is
    voice: Voice = Voice.SILENT
    is_final: bool = False


def next_key_s(entry: Digit | Typed, default_s: float) -> float:
    """How long to wait for the next key; a line that was typed is never half a turn."""
    match entry:
        case Digit(_, pause_s) if pause_s is not None:
            return pause_s
        case Digit("#") | Typed():
            return 0.0
        case _:
            return default_s


def unanswered(text: str, answered: str) -> str:
    """What is left of `text` once the words `answered` were replied to.

    A text that begins with the answered words leaves the rest; one that lost words at its end
    leaves nothing; one that changed at its beginning was misheard, and all of it is new.
    """
    words, done = text.split(), answered.split()
    if words == done[: len(words)]:
        return ""
    rest = words[len(done) :] if words[: len(done)] == done else words
    return " ".join(rest)


class CallerWords:
    """The caller's words of one call, by segment."""

    __slots__ = ("_entered", "_murmur", "_segments", "current")

    def __init__(self) -> None:
        self._segments: dict[int, _Segment] = {}
        self._entered = 0
        self._murmur = (0, -math.inf)
        self.current = 0

    def note(self, event: Event) -> None:
        """What an event says of the caller's voice and words; a verdict on them is not among it."""
        match event:
            case SpeechStarted(segment):
                self.start(segment)
            case SpeechEnded(segment):
                self.end(segment)
            case Transcript():
                self.hear(event)
            case Digit(entered) | Typed(entered):
                self.enter(entered)
            case _:
                pass

    def start(self, segment: int) -> None:
        """The caller began to speak."""
        self.current = segment
        self._segment(segment).voice = Voice.SPEAKING

    def end(self, segment: int) -> None:
        """The caller fell silent."""
        known = self._segment(segment)
        known.voice = Voice.SILENT if known.voice is Voice.SPEAKING else known.voice

    def dismiss(self, segment: int) -> bool:
        """Somebody else speaks, or nobody: the segment counts as silence. Whether that is news."""
        return self._turn(segment, Voice.SPEAKING, Voice.DISMISSED)

    def admit(self, segment: int) -> bool:
        """It is the caller after all, and they still speak. Whether that is news."""
        return self._turn(segment, Voice.DISMISSED, Voice.SPEAKING)

    def put_off(self, *, all_said: bool) -> None:
        """A reply becomes audible; with `all_said` it is not about what is unanswered now, which
        must neither interrupt it nor be lost."""
        for known in self._segments.values():
            owed = all_said and unanswered(known.text, known.answered)
            known.before = known.text if owed else ""

    def over(self) -> str:
        """The unanswered words that were said over the audible reply."""
        parts = (unanswered(s.text, s.before or s.answered) for _, s in self._counted())
        return " ".join(part for part in parts if part)

    def murmured(self, now: float) -> None:
        """All that was said over the reply was a sign of listening, known at `now`."""
        self._murmur = (self.current, now)
        self.answer(tuple((n, s.text) for n, s in self._counted() if not s.before))

    def reopen(self, since: float) -> None:
        """The last sign of listening, if it came at `since` or later, was an answer."""
        segment, when = self._murmur
        if when >= since and segment in self._segments:
            self._segments[segment].answered = ""

    def hear(self, transcript: Transcript) -> None:
        """The recogniser has more of a segment, whenever it comes."""
        known = self._segment(transcript.segment)
        known.text = transcript.text
        known.is_final = transcript.final

    def enter(self, text: str) -> None:
        """A key is a word of its own, in a segment that no sound has: they count down from −1."""
        self._entered -= 1
        self.current = self._entered
        entry = self._segment(self._entered)
        entry.text, entry.is_final = text, True

    def speaking(self) -> bool:
        """Whether the caller is speaking now."""
        return any(s.voice is Voice.SPEAKING for s in self._segments.values())

    def waiting(self) -> bool:
        """Whether the recogniser still owes the end of something said."""
        return any(s.voice is Voice.SILENT and not s.is_final for s in self._segments.values())

    def text(self) -> str:
        """All words that no audible reply has answered, in the order they were said."""
        parts = (unanswered(s.text, s.answered) for _, s in self._counted())
        return " ".join(part for part in parts if part)

    def claim(self) -> Claim:
        """What a reply made now would answer: the segments with unanswered words."""
        return tuple((n, s.text) for n, s in self._counted() if unanswered(s.text, s.answered))

    def answer(self, claim: Claim) -> None:
        """A reply made for `claim` was heard; an old claim takes nothing back, and revives nothing.

        The same claim may come again when its reply ends. Meanwhile more of a segment may have
        been answered, or the segment be forgotten.
        """
        for number, text in claim:
            known = self._segments.get(number)
            if known is not None and unanswered(text, known.answered):
                known.answered = text
        self._forget()

    def give_up_waiting(self) -> None:
        """The recogniser took too long: what it has is taken as the end; more may still come."""
        for known in self._segments.values():
            known.is_final = known.is_final or known.voice is not Voice.SPEAKING

    def _segment(self, number: int) -> _Segment:
        return self._segments.setdefault(number, _Segment())

    def _counted(self) -> list[tuple[int, _Segment]]:
        return [(n, s) for n, s in self._segments.items() if s.voice is not Voice.DISMISSED]

    def _turn(self, segment: int, before: Voice, after: Voice) -> bool:
        known = self._segments.get(segment)
        if known is None or known.voice is not before:
            return False
        known.voice = after
        return True

    def _forget(self) -> None:
        known = self._segments.items()
        old = [n for n, s in known
               if s.voice is Voice.DISMISSED
               or (s.voice is Voice.SILENT and not unanswered(s.text, s.answered))]  # fmt: skip
        for number in old[: max(0, len(old) - SEGMENTS_KEPT)]:
            del self._segments[number]
