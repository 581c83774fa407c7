"""Engines that follow a script, for tests and benchmarks; and a detector that needs no model.

Every delay is an `asyncio.sleep`, so on a virtual loop they cost no time and are always the same.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np

from agent.core.audio import AudioFrame, Samples, level_db
from agent.core.events import Transcript
from agent.core.protocols import Expectation, Message, Role, Speech, Tool, ToolCall

_CHUNK_S = 0.2  # the longest piece of sound a synthesizer may hand out


def _not_negative(**values: float) -> None:
    for name, value in values.items():
        if value < 0:
            raise ValueError(f"{name}: expected 0 or more, found {value}")


# --- recognition --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScriptedWords:
    """Words and where in the caller's stream they are said, in seconds from its first sample."""

    start_s: float
    end_s: float
    text: str

    def __post_init__(self) -> None:
        """Refuse words that end before they start."""
        if not 0 <= self.start_s < self.end_s:
            raise ValueError(
                f"words: expected 0 <= start_s < end_s, found {self.start_s} and {self.end_s}"
            )


@dataclass(frozen=True, slots=True)
class ScriptedRecognizerSettings:
    """What will be understood, and when.

    Attributes:
        words: the script, in order.
        partial_delay_s: how much more sound must arrive after a word before it is reported.
        final_delay_s: how long `finish` takes.
        rate: in Hz.
    """

    words: tuple[ScriptedWords, ...] = ()
    partial_delay_s: float = 0.2
    final_delay_s: float = 0.05
    rate: int = 16_000

    def __post_init__(self) -> None:
        """Refuse negative delays and rates."""
        _not_negative(partial_delay_s=self.partial_delay_s, final_delay_s=self.final_delay_s)
        if self.rate <= 0:
            raise ValueError(f"rate: expected a rate in Hz above 0, found {self.rate}")


class ScriptedRecognizer:
    """Understands what the script says at each place of the stream, whatever the sound is."""

    def __init__(self, settings: ScriptedRecognizerSettings) -> None:
        self._settings = settings
        self.rate = settings.rate

    @classmethod
    def load(cls, settings: ScriptedRecognizerSettings) -> "ScriptedRecognizer":
        """Ready at once."""
        return cls(settings)

    async def open(self, segment: int, expected: Expectation) -> "ScriptedRecognition":
        """One segment; what is expected makes no difference."""
        return ScriptedRecognition(segment, self._settings)

    def close(self) -> None:
        """Nothing to give back."""


class ScriptedRecognition:
    """The script, read between the first and the last sample it was fed."""

    def __init__(self, segment: int, settings: ScriptedRecognizerSettings) -> None:
        self._segment = segment
        self._settings = settings
        self._start: int | None = None
        self._end = 0
        self._reported = 0

    async def feed(self, frame: AudioFrame) -> list[Transcript]:
        """One partial for each word this frame completes; a word is stable once another follows."""
        self._start = frame.start if self._start is None else self._start
        self._end = frame.end
        due = self._end - self._position(self._settings.partial_delay_s)
        words = [w.text for w in self._said() if self._position(w.end_s) <= due]
        news = range(self._reported + 1, len(words) + 1)
        self._reported = max(self._reported, len(words))
        return [self._partial(words[:count]) for count in news]

    async def finish(self) -> Transcript:
        """All words of which at least half was in the sound, after `final_delay_s`."""
        await asyncio.sleep(self._settings.final_delay_s)
        return Transcript(self._segment, " ".join(w.text for w in self._said()), final=True)

    async def close(self) -> None:
        """Nothing to give back."""

    def _said(self) -> list[ScriptedWords]:
        start, end = self._start or 0, self._end
        middles = [(self._position((w.start_s + w.end_s) / 2), w) for w in self._settings.words]
        return [word for middle, word in middles if start <= middle < end]

    def _position(self, time_s: float) -> int:
        return round(time_s * self._settings.rate)

    def _partial(self, words: list[str]) -> Transcript:
        return Transcript(self._segment, " ".join(words[:-1]), words[-1])


# --- replies ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScriptedResponderSettings:
    """What will be said, and how fast the words come.

    Attributes:
        replies: said in turn, then from the start again.
        first_token_s: wait before the first word.
        token_s: wait before each word after it.
        phrases: what it claims to expect from the caller.
    """

    replies: tuple[str, ...] = ("Hello.",)
    first_token_s: float = 0.2
    token_s: float = 0.02
    phrases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty script and negative delays."""
        if not self.replies:
            raise ValueError("replies: expected at least one reply, found none")
        _not_negative(first_token_s=self.first_token_s, token_s=self.token_s)


class ScriptedResponder:
    """Says its replies in order; which is next follows from the replies in the history alone."""

    def __init__(self, settings: ScriptedResponderSettings) -> None:
        self._settings = settings

    @classmethod
    def load(cls, settings: ScriptedResponderSettings) -> "ScriptedResponder":
        """Ready at once."""
        return cls(settings)

    async def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool],
    ) -> AsyncGenerator[str | ToolCall, None]:
        """The next reply, word by word, each but the first with a space before it."""
        said = sum(message.role is Role.AGENT for message in messages)
        text = self._settings.replies[said % len(self._settings.replies)]
        for place, word in enumerate(text.split()):
            await asyncio.sleep(self._settings.token_s if place else self._settings.first_token_s)
            yield f" {word}" if place else word

    def expects(self, messages: Sequence[Message]) -> Expectation:
        """The phrases of the settings, always."""
        return Expectation(self._settings.phrases)

    def close(self) -> None:
        """Nothing to give back."""


# --- synthesis ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScriptedSynthesizerSettings:
    """How long the sound is, and how fast it comes.

    Attributes:
        rate: in Hz.
        first_audio_s: wait before the first sound of a reply.
        char_s: seconds of sound for each character; 0.07 is ordinary English speech.
        work_s: wait for each second of sound, after the first wait; above 1 it cannot keep up.
        tone_hz: what it sounds like.
        level_db: RMS level in dBFS.
    """

    rate: int = 16_000
    first_audio_s: float = 0.1
    char_s: float = 0.07
    work_s: float = 0.0
    tone_hz: float = 220.0
    level_db: float = -20.0

    def __post_init__(self) -> None:
        """Refuse what has no sound."""
        _not_negative(first_audio_s=self.first_audio_s, work_s=self.work_s)
        if self.rate <= 0 or self.char_s <= 0:
            raise ValueError(
                f"expected rate and char_s above 0, found rate {self.rate}, char_s {self.char_s}"
            )
        if self.level_db > -3.0103:
            raise ValueError(
                f"level_db: expected at most -3.01, a full-scale tone, found {self.level_db}"
            )


class ScriptedSynthesizer:
    """A tone as long as the words; each piece carries the words that end in it."""

    def __init__(self, settings: ScriptedSynthesizerSettings) -> None:
        self._settings = settings
        self.rate = settings.rate

    @classmethod
    def load(cls, settings: ScriptedSynthesizerSettings) -> "ScriptedSynthesizer":
        """Ready at once."""
        return cls(settings)

    async def speak(self, clauses: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Sound in pieces of at most 0.2 s; a long word is carried by the last of its pieces."""
        start = 0
        async for clause in clauses:
            for word in clause.split():
                if start == 0:
                    await asyncio.sleep(self._settings.first_audio_s)
                for speech in self._sound(word, start):
                    await asyncio.sleep(self._settings.work_s * speech.frame.duration_s)
                    start = speech.frame.end
                    yield speech

    def close(self) -> None:
        """Nothing to give back."""

    def _sound(self, word: str, start: int) -> list[Speech]:
        count = max(1, round((len(word) + 1) * self._settings.char_s * self.rate))
        pieces = math.ceil(count / (_CHUNK_S * self.rate))
        tone = np.array_split(self._tone(start, count), pieces)
        starts = np.cumsum([start, *(len(piece) for piece in tone)])
        return [
            Speech(AudioFrame(piece, self.rate, int(at)), word if n == pieces else "")
            for n, (piece, at) in enumerate(zip(tone, starts, strict=False), 1)
        ]

    def _tone(self, start: int, count: int) -> Samples:
        peak = math.sqrt(2) * 10 ** (self._settings.level_db / 20)
        turns = np.arange(start, start + count) * (self._settings.tone_hz / self.rate)
        tone: Samples = (peak * np.sin(2 * np.pi * turns)).astype(np.float32)
        return tone


# --- voice activity -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EnergySettings:
    """When sound counts as speech.

    Attributes:
        threshold_db: RMS level in dBFS at which the probability is one half.
        slope_db: how many dB above it make the odds 2.7 times higher.
        rate: in Hz.
        step_s: length of a step.
    """

    threshold_db: float = -45.0
    slope_db: float = 2.0
    rate: int = 16_000
    step_s: float = 0.02

    def __post_init__(self) -> None:
        """Refuse a threshold that no sound can cross, and steps without samples."""
        if not -120 < self.threshold_db < 0:
            raise ValueError(
                f"threshold_db: expected between -120 and 0 dBFS, found {self.threshold_db}"
            )
        if self.slope_db <= 0 or self.rate <= 0 or self.step_s * self.rate < 1:
            raise ValueError(
                "expected slope_db and rate above 0 and a step of at least one sample, found "
                f"slope_db {self.slope_db}, rate {self.rate}, step_s {self.step_s}"
            )


class EnergyDetector:
    """Loud is speech. Good in a quiet room or for scripted sound; it has no state."""

    def __init__(self, settings: EnergySettings) -> None:
        self._settings = settings
        self.rate = settings.rate
        self.step_samples = round(settings.step_s * settings.rate)

    @classmethod
    def load(cls, settings: EnergySettings) -> "EnergyDetector":
        """Ready at once."""
        return cls(settings)

    def open(self) -> None:
        """There is nothing to remember."""

    def step(self, state: None, samples: Samples) -> tuple[None, float]:
        """Probability 0..1 that these samples, float32 [step_samples], hold speech."""
        above = (level_db(samples) - self._settings.threshold_db) / self._settings.slope_db
        return state, 1 / (1 + math.exp(-above))

    def close(self) -> None:
        """Nothing to give back."""
