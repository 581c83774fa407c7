"""A scripted call: who says what when, through the real pipeline with scripted engines.

On a virtual loop a minute takes milliseconds and comes out the same each time, so a scene is how
behaviour in time is tested, and how what parley itself costs is measured.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.calls import CallTraits, Incoming, Json, Note, Order
from agent.core.events import Digit
from agent.core.protocols import Pause, Prediction, SpeechDetector
from agent.core.turns import TurnConfig
from agent.session import Ended, run_call
from agent.trace import TraceList
from audio_io.circuit import Circuit
from audio_io.framing import frame_samples
from audio_io.orders import refusal
from audio_io.wav_file import StereoWriter
from pipelines.cascade.listener import ListenerConfig
from pipelines.cascade.pipeline import CascadeConfig, CascadePipeline, Engines
from pipelines.engines.scripted import (
    EnergyDetector,
    EnergySettings,
    ScriptedRecognizer,
    ScriptedRecognizerSettings,
    ScriptedResponder,
    ScriptedResponderSettings,
    ScriptedSynthesizer,
    ScriptedSynthesizerSettings,
    ScriptedWords,
)

RATE = 16_000
WORD_S = 0.3  # an ordinary word, with the gap after it
TONE_HZ = 300.0
TONE_LEVEL = 0.2


@dataclass(frozen=True, slots=True)
class Say:
    """The caller speaks.

    Attributes:
        at_s: when, in seconds from the start of the call.
        text: what the recogniser will understand; empty for noise.
        for_s: how long it sounds; by default 0.3 s a word.
    """

    at_s: float
    text: str
    for_s: float = 0.0

    @property
    def end_s(self) -> float:
        """When the voice ends."""
        return self.at_s + (self.for_s or WORD_S * max(1, len(self.text.split())))


@dataclass(frozen=True, slots=True)
class Press:
    """The caller presses a key."""

    at_s: float
    digit: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole call.

    Attributes:
        end_s: when the caller hangs up.
        say: what the caller says, in order.
        press: which keys, in order.
        responder: what the agent says, the greeting first, and how slowly it thinks.
        synthesizer: how slowly it speaks.
        partial_delay_s: how much later than a word the recogniser shows it.
        final_delay_s: how long it takes to finish.
        probability: what the turn predictor says of every pause.
        turns: policy.
        listener: voice activity.
    """

    end_s: float
    say: tuple[Say, ...] = ()
    press: tuple[Press, ...] = ()
    responder: ScriptedResponderSettings = field(default_factory=ScriptedResponderSettings)
    synthesizer: ScriptedSynthesizerSettings = field(default_factory=ScriptedSynthesizerSettings)
    partial_delay_s: float = 0.2
    final_delay_s: float = 0.05
    probability: float = 0.8
    turns: TurnConfig = field(default_factory=TurnConfig)
    listener: ListenerConfig = field(default_factory=ListenerConfig)


class SceneCall:
    """The caller of a scene: tones where they speak, silence elsewhere; made as it is heard."""

    def __init__(self, scene: Scene, recording: StereoWriter | None = None) -> None:
        self._scene = scene
        self._lines, self._keys = deque(scene.say), deque(scene.press)
        self.circuit = Circuit(RATE, scene.synthesizer.rate, recording)
        self.heard: list[Samples] = []  # the agent's sound, kept by those who ask for it
        self.keeps_sound = False

    @property
    def rate(self) -> int:
        """16 kHz."""
        return self.circuit.rate

    @property
    def play_rate(self) -> int:
        """The scripted voice's rate."""
        return self.circuit.play_rate

    @property
    def frame_samples(self) -> int:
        """20 ms."""
        return self.circuit.frame_samples

    @property
    def traits(self) -> CallTraits:
        """Our clock, exact flushes."""
        return CallTraits(rewinds=True)

    async def frames(self) -> AsyncIterator[Incoming]:
        """The scene, until the caller hangs up."""
        position, count = 0, frame_samples(RATE)
        while (heard := await self.circuit.beat()) is not None:
            if self.keeps_sound:
                self.heard.append(heard)
            while self._keys and self._keys[0].at_s * RATE < position + count:
                yield Digit(self._keys.popleft().digit)
            yield self.circuit.said(AudioFrame(self._sound(position, count), RATE, position))
            position += count
            if position >= self._scene.end_s * RATE:
                break
        self.circuit.close()

    def _sound(self, position: int, count: int) -> Samples:
        """A tone where a line is being said; lines are said in order."""
        while self._lines and self._lines[0].end_s * RATE <= position:
            self._lines.popleft()
        end = position + count
        if not self._lines or self._lines[0].at_s * RATE >= end:
            return np.zeros(count, np.float32)
        at = np.arange(position, end)
        voiced = np.zeros(count, bool)
        for line in self._lines:
            if line.at_s * RATE >= end:
                break
            voiced |= (at >= line.at_s * RATE) & (at < line.end_s * RATE)
        tone = TONE_LEVEL * np.sin(2 * np.pi * TONE_HZ / RATE * at)
        return np.where(voiced, tone, 0.0).astype(np.float32)

    async def play(self, frame: AudioFrame) -> None:
        """The agent's next 20 ms."""
        await self.circuit.play(frame)

    def flush(self) -> None:
        """Take back what was not heard yet."""
        self.circuit.flush()

    def played(self) -> int:
        """Samples heard or flushed."""
        return self.circuit.played()

    def tell(self, note: Note) -> None:
        """Keep the note among the newest."""
        self.circuit.notes.append(note)

    async def order(self, order: Order) -> None:
        """None is carried out."""
        raise refusal(order, "a scripted call")

    async def close(self) -> None:
        """Hang up."""
        self.circuit.close()


@dataclass(frozen=True, slots=True)
class _SteadyPredictor:
    """Always of the same opinion."""

    chance: float

    async def predict(self, pause: Pause) -> Prediction:
        """The same, whatever was said."""
        return Prediction(self.chance)


def words_of(scene: Scene) -> tuple[ScriptedWords, ...]:
    """Every word of the scene and where it sounds."""
    words = []
    for line in scene.say:
        spoken = line.text.split()
        length = (line.end_s - line.at_s) / max(1, len(spoken))
        for place, word in enumerate(spoken):
            start = line.at_s + place * length
            words.append(ScriptedWords(start, start + length, word))
    return tuple(words)


def pipeline_of(scene: Scene, detector: SpeechDetector[object] | None = None) -> CascadePipeline:
    """The cascade with the scene's engines."""
    recognizer = ScriptedRecognizerSettings(
        words_of(scene), scene.partial_delay_s, scene.final_delay_s
    )
    engines = Engines(
        detector or EnergyDetector(EnergySettings()),
        ScriptedRecognizer(recognizer),
        _SteadyPredictor(scene.probability),
        ScriptedResponder(scene.responder),
        ScriptedSynthesizer(scene.synthesizer),
    )
    return CascadePipeline(engines, CascadeConfig(scene.turns, scene.listener))


@dataclass(frozen=True, slots=True)
class Acted:
    """What came of a scene."""

    ended: Ended
    trace: TraceList
    call: SceneCall

    def asked(self, what: str) -> list[dict[str, Json]]:
        """The actions of one kind, in order."""
        return [line for line in self.trace.named("asked") if line["what"] == what]

    def told(self, what: str) -> list[dict[str, Json]]:
        """The events of one kind, in order."""
        return [line for line in self.trace.named("told") if line["what"] == what]

    def heard(self) -> list[tuple[str, bool]]:
        """What the caller heard of each reply, and whether it was cut."""
        return [(str(h["text"]), bool(h["cut"])) for h in self.trace.named("heard")]


async def act(scene: Scene, detector: SpeechDetector[object] | None = None) -> Acted:
    """Play a scene on the running loop, virtual or real."""
    call = SceneCall(scene)
    call.keeps_sound = True
    trace = TraceList(asyncio.get_running_loop().time)
    turns = scene.turns
    trace("call", version=1, turns={n: getattr(turns, n) for n in turns.__slots__})
    ended = await run_call(call, pipeline_of(scene, detector), trace)
    return Acted(ended, trace, call)
