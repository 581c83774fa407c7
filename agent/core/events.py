"""What the turn machine can be told, and what it can ask for. Closed unions of frozen values.

Segments number stretches of the caller's speech, replies number what the agent says; both count
up from 1 within a call. A reply keeps its number for life: whatever carries an old one is dropped.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why the agent speaks without having been spoken to."""

    GREETING = "greeting"
    SILENCE = "silence"
    TROUBLE = "trouble"
    UNHEARD = "unheard"  # the caller interrupted, and no word of it was recognised
    REFUSED = "refused"  # the call was told to do something, and would not
    LIMIT = "limit"  # the call must end soon
    MACHINE = "machine"  # an answering machine took the call, and records now


class Aside(StrEnum):
    """What a small sound of the agent's is for."""

    LISTENING = "listening"  # "mm-hm" in a pause of the caller's
    LATE = "late"  # "one moment" while a reply is being made


# --- told ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The line is open; the agent may greet."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller began to speak: voice activity, not words."""

    segment: int


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The caller fell silent, as the voice activity detector reports it after its hang-over."""

    segment: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """What the recogniser has of one segment so far.

    Attributes:
        stable: words that will not change; only ever grows within a segment.
        unstable: words that may still change, after the stable ones.
        final: nothing more will come for this segment; `unstable` is empty.
    """

    segment: int
    stable: str
    unstable: str = ""
    final: bool = False

    @property
    def text(self) -> str:
        """Stable and unstable words together."""
        return f"{self.stable} {self.unstable}".strip()


@dataclass(frozen=True, slots=True)
class TurnEndPredicted:
    """How likely it is, 0..1, that the turn is over, asked during the pause after `segment`."""

    segment: int
    probability: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SpeechJudged:
    """What the caller's segment is by its sound, while it lasts.

    Attributes:
        caller: 0..1, that the caller speaks, and to the agent: no bystander, no noise.
        floor: 0..1, that whoever speaks wants the floor, and does not only show that they listen.
        reason: why, in a few words.
    """

    segment: int
    caller: float
    floor: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReplyReady:
    """The first sound of a prepared reply waits behind the door.

    `protected`: it must be heard to its end, whoever speaks (a legal notice).
    """

    reply: int
    protected: bool = False


@dataclass(frozen=True, slots=True)
class ReplyAudible:
    """The first sample of a reply since it was released was handed to the call."""

    reply: int


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """The last sample of a reply was handed to the call, or the reply had none.

    `asks`: it ended in a question.
    """

    reply: int
    asks: bool = False


@dataclass(frozen=True, slots=True)
class ReplyFailed:
    """An engine broke while it made this reply."""

    reply: int


@dataclass(frozen=True, slots=True)
class WorkDue:
    """This reply was released, and now wants to run a tool that changes the world."""

    reply: int


@dataclass(frozen=True, slots=True)
class WorkDone:
    """No such tool runs for this reply any more; what came of it is yet to be told."""

    reply: int


@dataclass(frozen=True, slots=True)
class Digit:
    """The caller pressed a key: one of 0-9 * # A-D.

    `pause_s`: how long to wait for the next one, 0 after the last; None: as the turn machine's
    configuration says.
    """

    digit: str
    pause_s: float | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """The caller wrote words instead of saying them: a whole turn, whoever has the floor."""

    text: str


@dataclass(frozen=True, slots=True)
class Happened:
    """Something beside the talk that the agent should speak of, once the floor is open."""

    reason: Reason


Replied = ReplyReady | ReplyAudible | ReplyDone | ReplyFailed | WorkDue | WorkDone

Event = (
    CallAnswered
    | SpeechStarted
    | SpeechEnded
    | Transcript
    | TurnEndPredicted
    | SpeechJudged
    | ReplyReady
    | ReplyAudible
    | ReplyDone
    | ReplyFailed
    | WorkDue
    | WorkDone
    | Digit
    | Typed
    | Happened
)


# --- asked for ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PrepareReply:
    """Make a reply to the caller's words; keep its sound behind the door."""

    reply: int
    text: str


@dataclass(frozen=True, slots=True)
class ReleaseReply:
    """Open the door: the turn is the agent's."""

    reply: int


@dataclass(frozen=True, slots=True)
class DuckReply:
    """Go on more quietly: the caller may be interrupting."""

    reply: int


@dataclass(frozen=True, slots=True)
class HoldReply:
    """Stop at this sample and keep the rest."""

    reply: int


@dataclass(frozen=True, slots=True)
class ResumeReply:
    """Come back at the same sample, at full level."""

    reply: int


@dataclass(frozen=True, slots=True)
class BeginWork:
    """Run the tool: this reply has the floor, and will be heard."""

    reply: int


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Silence this reply, and forget what was not heard of it."""

    reply: int


@dataclass(frozen=True, slots=True)
class Backchannel:
    """Make a small sound that never enters the history."""

    kind: Aside


@dataclass(frozen=True, slots=True)
class Prompt:
    """Prepare and release a reply to no words: a greeting, a question after silence, an apology."""

    reply: int
    reason: Reason


Action = (
    PrepareReply
    | ReleaseReply
    | DuckReply
    | HoldReply
    | ResumeReply
    | BeginWork
    | CancelReply
    | Backchannel
    | Prompt
)
