"""The seam of duplex models: what one must offer. Structural."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

from agent.core.audio import AudioFrame

Slot = TypeVar("Slot")


@dataclass(frozen=True, slots=True)
class DuplexPrompt:
    """What a duplex model is told before its first frame, where its checkpoint takes it.

    Attributes:
        text: who it is and what it shall do; empty: nothing.
        voice: name of a voice prompt, as the model's settings list them; empty: its own voice.
    """

    text: str = ""
    voice: str = ""


@dataclass(frozen=True, slots=True)
class DuplexOutput:
    """One step of a duplex model: a frame to play, or none yet, and the words that came with it.

    Attributes:
        frame: float32 [frame_samples] at the model's rate; None while its delay fills. Its `start`
            counts the frames this slot has given out; without gaps.
        text: the text of this step as it comes; a piece that begins a word begins with a space.
            Mostly empty: padding is no text.
        tokens: text tokens of this step, padding included, where the model has them.
        step_s: how long the step took the model, 0 where it does not say.
        batch: how many streams that step computed together: what its cost depends on.
        turn_end: 0..1, that the speaker is done, where the model says so.
    """

    frame: AudioFrame | None
    text: str
    tokens: tuple[int, ...] = ()
    step_s: float = 0.0
    batch: int = 1
    turn_end: float | None = None


@dataclass(frozen=True, slots=True)
class Seats:
    """How many calls a duplex model holds, whoever's they are, and how many it can hold.

    Attributes:
        taken: slots in use.
        total: slots there are; 0 while the model cannot be reached.
        next_batch: streams computed together once one more call is in, where the batch grows in
            steps or not at all; 0: `taken` + 1.
    """

    taken: int
    total: int
    next_batch: int = 0


class DuplexModel(Protocol[Slot]):
    """Sound to sound in lock step: one frame in, one frame out.

    One slot is one call's stream; slots know nothing of each other. At most one step of a slot is
    under way at a time. After an error, or a step that was cancelled, only `close` may follow.
    """

    @property
    def rate(self) -> int: ...

    @property
    def frame_samples(self) -> int: ...

    def seats(self) -> Seats:
        """What is known now. Never waits, never raises."""

    async def open(self, prompt: DuplexPrompt) -> Slot:
        """A clean slot, its prompts taken in.

        Raises:
            EngineUnavailable: the model cannot be reached or loaded.
            EngineBusy: all slots are taken.
            EngineFailed: the model has no such voice, or takes no text.
        """

    async def step(self, slot: Slot, frame: AudioFrame) -> DuplexOutput:
        """The model hears `frame_samples` and answers; the caller keeps the beat and the limit.

        Raises:
            EngineFailed: the model broke or is gone; at once, also for steps under way.
            EngineTooSlow: it cannot keep up.
        """

    async def close(self, slot: Slot) -> None:
        """Give the slot back; soon, and never an error. May be called twice."""
