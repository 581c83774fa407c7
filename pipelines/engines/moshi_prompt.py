"""What a model hears and says in the frames before a call: a voice, then words. Pure.

Source: the order (voice, a short silence, words, a short silence) is that of PersonaPlex, whose
model was trained on it. Its tone on the caller's side is silence here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

PAUSE_FRAMES = 6
"""Half a second of silence after each part."""


@dataclass(frozen=True, slots=True)
class Forced:
    """One frame that a model is told.

    Attributes:
        text: its text token.
        said: codes of its own sound, one per codebook.
        heard: codes of the caller's sound.
    """

    text: int
    said: tuple[int, ...]
    heard: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Silences:
    """How a checkpoint writes nothing.

    Attributes:
        text: its padding token.
        said: codes of silence on the agent's side.
        heard: the same on the caller's.
    """

    text: int
    said: tuple[int, ...]
    heard: tuple[int, ...]


def prompt_frames(
    voice: Sequence[Sequence[int]], words: Sequence[int], silences: Silences
) -> list[Forced]:
    """The frames of a prompt, without the delays between codebooks.

    Args:
        voice: codes of the voice's sound by frame; may be empty.
        words: text tokens; may be empty.
        silences: what fills the rest.
    """
    rest = [Forced(silences.text, silences.said, silences.heard)] * PAUSE_FRAMES
    speaking = [Forced(silences.text, tuple(codes), silences.heard) for codes in voice]
    reading = [Forced(token, silences.said, silences.heard) for token in words]
    return [*speaking, *(rest if voice else []), *reading, *(rest if words else [])]


def delayed(frames: Sequence[Forced], delays: Sequence[int], silences: Silences) -> list[Forced]:
    """What the model is told step by step: later codebooks of its own sound come `delays` later.

    Delays of the caller's side are the generator's own work.
    """
    return [
        Forced(
            frame.text,
            tuple(
                (frames[step - delay].said if step >= delay else silences.said)[book]
                for book, delay in enumerate(delays)
            ),
            frame.heard,
        )
        for step, frame in enumerate(frames)
    ]
