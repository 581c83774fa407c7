"""A duplex model that follows a script: for tests, loopback calls and machines without torch.

It answers with tones and words when the caller has been silent for a moment, and stops when they
speak over it. What a slot says follows from what it heard, and from nothing else.
"""

import asyncio
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from agent.core.audio import AudioFrame, Samples, level_db
from agent.core.duplex import DuplexOutput, DuplexPrompt, Seats
from agent.core.errors import EngineBusy, EngineFailed

LOUD_DB = -45.0
"""Sound above this level is speech: good in a quiet room or for scripted sound."""

YIELDS = 3
"""Loud frames in a row at which it stops: a quarter of a second, longer than a murmur."""


@dataclass(frozen=True, slots=True)
class ScriptedDuplexSettings:
    """What it says, and what that costs.

    Attributes:
        replies: said in turn after each turn of the caller's; then from the start again.
        greeting: said first of all; empty: it waits.
        answer_after_s: silence after which a turn is over.
        word_frames: frames of sound to a word.
        slots: calls at once.
        fixed_s: what a step costs.
        stream_s: and for each stream in it.
        echo: share of the caller's sound in its own, 0..1.
        tone_hz: what its words sound like.
        level_db: RMS level of them, in dBFS.
        rate: in Hz.
        frame_samples: samples of a frame; the defaults are those of Moshi.
    """

    replies: tuple[str, ...] = ("I see, please go on.", "That is good to know.")
    greeting: str = "Hello, I am listening."
    answer_after_s: float = 0.24
    word_frames: int = 3
    slots: int = 8
    fixed_s: float = 0.01
    stream_s: float = 0.001
    echo: float = 0.0
    tone_hz: float = 220.0
    level_db: float = -20.0
    rate: int = 24_000
    frame_samples: int = 1920

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not self.replies or any(not reply.split() for reply in self.replies):
            raise ValueError("replies: expected at least one, each with words")
        if self.word_frames < 2 or self.slots < 1 or self.rate < 1 or self.frame_samples < 1:
            raise ValueError(
                "expected at least 2 word_frames, 1 slot, 1 Hz and 1 sample, found "
                f"{self.word_frames}, {self.slots}, {self.rate}, {self.frame_samples}"
            )
        if min(self.fixed_s, self.stream_s, self.answer_after_s) < 0 or not 0 <= self.echo <= 1:
            raise ValueError("expected times of 0 or more and an echo of 0 to 1")


@dataclass(slots=True)
class ScriptedSlot:
    """One call's stream."""

    number: int
    position: int = 0
    said: int = 0  # replies begun
    loud: int = 0  # loud frames in a row
    quiet: int = 0  # quiet ones
    heard: bool = False  # the caller said something that was not answered
    saying: deque[str | None] = field(default_factory=deque)  # a piece of text or none, per frame


class ScriptedDuplex:
    """The model; used from the event loop only."""

    def __init__(self, settings: ScriptedDuplexSettings) -> None:
        self._settings = settings
        self._open: dict[int, ScriptedSlot] = {}
        self._opened = 0
        self.rate = settings.rate
        self.frame_samples = settings.frame_samples
        self._frame_s = settings.frame_samples / settings.rate

    @classmethod
    def load(cls, settings: ScriptedDuplexSettings) -> "ScriptedDuplex":
        """Ready at once."""
        return cls(settings)

    def seats(self) -> Seats:
        """Slots in use, and slots."""
        return Seats(len(self._open), self._settings.slots)

    async def open(self, prompt: DuplexPrompt) -> ScriptedSlot:
        """A clean slot; a script takes no prompt.

        Raises:
            EngineBusy: all are taken.
        """
        del prompt
        if len(self._open) >= self._settings.slots:
            raise EngineBusy("scripted", f"expected a free slot, found all {len(self._open)} taken")
        self._opened += 1
        slot = ScriptedSlot(self._opened)
        slot.saying.extend(_frames(self._settings.greeting, self._settings.word_frames))
        self._open[slot.number] = slot
        return slot

    async def step(self, slot: ScriptedSlot, frame: AudioFrame) -> DuplexOutput:
        """Hear 80 ms and say 80 ms; the very first step only hears, as a model with a delay does.

        Raises:
            EngineFailed: the slot was given back, or the frame has another length.
        """
        if slot.number not in self._open:
            raise EngineFailed("scripted", "expected an open slot, found one that was given back")
        if len(frame.samples) != self.frame_samples:
            raise EngineFailed(
                "scripted",
                f"expected {self.frame_samples} samples, found {len(frame.samples)}",
            )
        batch = len(self._open)
        took_s = self._settings.fixed_s + self._settings.stream_s * batch
        await asyncio.sleep(took_s)
        self._listen(slot, frame.samples)
        if frame.start == 0:
            return DuplexOutput(None, "", step_s=took_s, batch=batch)
        sound, text = self._speak(slot, frame.samples)
        answer = AudioFrame(sound, self.rate, slot.position)
        slot.position = answer.end
        return DuplexOutput(answer, text, (len(text),), took_s, batch)

    async def close(self, slot: ScriptedSlot) -> None:
        """Give the slot back."""
        self._open.pop(slot.number, None)

    def _listen(self, slot: ScriptedSlot, samples: Samples) -> None:
        """Count loud and quiet frames: begin to answer, or stop."""
        if level_db(samples) > LOUD_DB:
            slot.loud, slot.quiet, slot.heard = slot.loud + 1, 0, True
            if slot.loud >= YIELDS:
                slot.saying.clear()
            return
        slot.loud, slot.quiet = 0, slot.quiet + 1
        is_over = slot.quiet * self._frame_s >= self._settings.answer_after_s
        if slot.heard and is_over and not slot.saying:
            reply = self._settings.replies[slot.said % len(self._settings.replies)]
            slot.saying.extend(_frames(reply, self._settings.word_frames))
            slot.said, slot.heard = slot.said + 1, False

    def _speak(self, slot: ScriptedSlot, heard: Samples) -> tuple[Samples, str]:
        sound = heard * np.float32(self._settings.echo)
        if not slot.saying:
            return sound, ""
        piece = slot.saying.popleft()
        if piece is None:
            return sound, ""
        at = np.arange(slot.position, slot.position + self.frame_samples)
        peak = math.sqrt(2) * 10 ** (self._settings.level_db / 20)
        tone = peak * np.sin(2 * np.pi * self._settings.tone_hz / self.rate * at)
        return (sound + tone).astype(np.float32), piece

    def unload(self) -> None:
        """Nothing to give back."""


def _frames(text: str, word_frames: int) -> Iterator[str | None]:
    """A frame each: the pieces of the words, "" while a word goes on, None between sentences."""
    for word in text.split():
        head, tail = word[:4], word[4:]
        yield f" {head}"
        yield tail
        yield from [""] * (word_frames - 2)
        if word.endswith((".", "!", "?")):
            yield None
