"""The seams: what a pipeline, and each kind of engine in a cascade, must offer. Structural."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeVar, runtime_checkable

from agent.core.audio import AudioFrame, Samples
from agent.core.calls import Call, Json, Trace
from agent.core.events import Transcript


class Pipeline(Protocol):
    """Sound to sound."""

    @property
    def rate(self) -> int:
        """Samples per second it wants to hear, in Hz."""

    @property
    def play_rate(self) -> int:
        """Samples per second of what it plays, in Hz."""

    async def converse(self, call: Call, trace: Trace) -> None:
        """Hold the conversation; returns when it is over."""


# --- engines ------------------------------------------------------------------------------------

State = TypeVar("State")


class SpeechDetector(Protocol[State]):
    """Is somebody speaking? One model for all calls: state is a value handed back and forth."""

    @property
    def rate(self) -> int: ...

    @property
    def step_samples(self) -> int:
        """`step` takes exactly this many samples."""

    def open(self) -> State:
        """The state before the first sample."""

    def step(self, state: State, samples: Samples) -> tuple[State, float]:
        """Probability 0..1 that these samples, float32 [step_samples], hold speech."""


@dataclass(frozen=True, slots=True)
class Keys:
    """An entry of several keys.

    Attributes:
        most: it is complete with this many.
        end: this key completes it before that, and is no part of it; empty: none does.
        pause_s: and so does a pause of this length.
    """

    most: int
    end: str = "#"
    pause_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the responder expects to hear next; engines use what they can of it.

    Attributes:
        phrases: whole things the caller may say, lower case, without punctuation.
        grammar: the same as a JSGF grammar, or empty.
        keys: the keys the caller may press now, where several make one entry.
        sensitive: what they say or press now must reach no disk, trace or log (a card's number).
    """

    phrases: tuple[str, ...] = ()
    grammar: str = ""
    keys: Keys | None = None
    sensitive: bool = False


class Recognition(Protocol):
    """One segment being recognised."""

    async def feed(self, frame: AudioFrame) -> list[Transcript]:
        """Take the next sound; what changed, oldest first."""

    async def finish(self) -> Transcript:
        """No more sound is coming: the final transcript."""

    async def close(self) -> None:
        """Give everything back, finished or not. May be called twice."""


class Recognizer(Protocol):
    """Sound to words."""

    @property
    def rate(self) -> int: ...

    async def open(self, segment: int, expected: Expectation) -> Recognition: ...


@dataclass(frozen=True, slots=True)
class Pause:
    """The caller fell silent: what is known at the moment when the turn predictor is asked.

    Attributes:
        audio: the last seconds of their sound up to now, this silence included.
        silence_s: how long they have been silent, by the voice activity; its end lies
            `silence_s` before the end of `audio`.
        text: the turn's words so far, lower case, without punctuation; may be empty.
        expected: what the responder waits for.
        own_pauses_s: the pauses that this caller made inside their turns, oldest first.
    """

    audio: AudioFrame
    silence_s: float
    text: str
    expected: Expectation
    own_pauses_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """How likely it is, 0..1, that the turn is over, and why in a few words for the trace."""

    probability: float
    reason: str = ""


class TurnPredictor(Protocol):
    """Asked again and again through the pause: is the turn over?"""

    async def predict(self, pause: Pause) -> Prediction:
        """The opinion on this pause; soon, or not at all.

        Raises:
            EngineError: it has none; the cascade goes on with its prior.
        """


@dataclass(frozen=True, slots=True)
class Judged:
    """What a stretch of speech is, as far as it has been heard.

    Attributes:
        caller: 0..1, that it is the caller who speaks, and to the agent: no bystander, no
            television, no noise.
        floor: 0..1, that whoever speaks wants the floor, and does not only show that they listen.
        reason: why, in a few words for the trace.
    """

    caller: float
    floor: float
    reason: str = ""


class SpeechJudge(Protocol[State]):
    """Who speaks, and what for, by sound alone. Quick: asked at every step of the detector.

    The state is a value: of one call, its caller's voice included.
    """

    def open(self) -> State:
        """The state of a call in which nobody spoke yet."""

    def begin(self, state: State, before: Samples, pause_s: float) -> State:
        """A stretch of speech begins, so long after the last; `before`, float32 [n], is the sound
        up to now, its own first samples included."""

    def step(self, state: State, samples: Samples, speech: float) -> tuple[State, Judged]:
        """The stretch goes on: a detector step, float32 [step_samples], and its probability."""

    def learn(self, state: State) -> State:
        """The last stretch was the caller's, speaking to the agent: this is how they sound."""


class Role(StrEnum):
    """Whose message it is; EVENT is something that happened, such as silence."""

    CALLER = "caller"
    AGENT = "agent"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the history. `cut` says that the caller stopped the agent here; `sound` is what
    the words were heard in: only of the newest, and for a responder that `HearsSound`. `private`:
    some words were said while something `sensitive` was expected: nobody may be told of them."""

    role: Role
    text: str
    cut: bool = False
    sound: AudioFrame | None = None
    private: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a responder may call.

    Attributes:
        effects: it changes the world.
        parameters: which arguments it takes, as a JSON schema of an object; empty: none.
    """

    name: str
    description: str
    effects: bool = True
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The responder wants this done once its reply is released."""

    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolStart:
    """A tool is about to run. With `effects` its responder must not be asked for its next piece
    before the reply was released: what follows changes the world."""

    call: ToolCall
    effects: bool


@dataclass(frozen=True, slots=True)
class ToolResult(Message):
    """A tool was run: an event of the history, whose text is what came of it, in words."""

    call: ToolCall = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Protect:
    """Said before a reply's first words: nobody may interrupt it (a legal notice)."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something for the trace that nobody says: a retry, messages left out."""

    text: str


Piece = str | ToolCall | ToolStart | ToolResult | Protect | Remark
"""What a responder hands out: text to say, and what goes with it."""


class Responder(Protocol):
    """Words to words. Must not remember: the history is all it is given."""

    def reply(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> AsyncGenerator[Piece, None]:
        """The reply in pieces, as they come. Closing the generator stops the work."""

    def expects(self, messages: Sequence[Message]) -> Expectation:
        """What the caller is likely to say next. Quick and pure."""


@runtime_checkable
class HearsSound(Protocol):
    """A responder that takes the sound of the caller's turn, beside its words."""

    @property
    def sound_s(self) -> float:
        """The longest sound it takes, in seconds; 0: it wants the words alone."""


@runtime_checkable
class ReadsAhead(Protocol):
    """A responder that can begin with a prompt before its last words are known."""

    @property
    def reads_ahead(self) -> bool:
        """Whether it does: one that stands around another says it of that one."""

    async def read_ahead(self, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        """Work on what a reply to these messages, and perhaps a few words more, would begin with.

        Cancelling it stops the work soon; what was done by then is of use all the same.

        Raises:
            EngineError: it could not.
        """


@dataclass(frozen=True, slots=True)
class Speech:
    """Synthesised sound and the words it covers."""

    frame: AudioFrame
    text: str


class Synthesizer(Protocol):
    """Words to sound."""

    @property
    def rate(self) -> int: ...

    def speak(self, clauses: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Sound in pieces of at most about 0.2 s. Closing the generator stops the work."""
