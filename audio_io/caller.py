"""A caller who follows a script, listens, and says each line on its cue."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.calls import CallTraits, Incoming, Note, Order
from audio_io.circuit import Circuit
from audio_io.ear import Ear
from audio_io.framing import frame_samples
from audio_io.orders import refusal
from audio_io.script import LineKind, ScriptLine, SpokenScript
from audio_io.wav_file import StereoWriter

_DEFAULT_AFTER_S = 0.5
_LONGEST_WAIT_S = 60.0  # an agent that never stops speaking must not hold the caller for ever


@dataclass(frozen=True, slots=True)
class Said:
    """What the caller really said, and when.

    Attributes:
        line: the line of the script.
        start: first sample of it, in the caller's stream.
        end: the sample after the last.
        on_cue: the cue came; otherwise the caller's patience ran out.
    """

    line: ScriptLine
    start: int
    end: int
    on_cue: bool


class ScriptedCaller:
    """A call from somebody who says the lines of a script.

    Frames of 20 ms are paced by loop time: real time on a usual loop, no time on a virtual one. A
    line begins with the frame after its cue, judged by what the agent sounded like until then.

    Attributes:
        circuit: the clock, the loudspeaker and the notes of this call; `circuit.pacer` counts how
            late the caller's frames were.
        ear: what the caller hears of the agent.
    """

    def __init__(
        self, script: SpokenScript, play_rate: int, recording: StereoWriter | None = None
    ) -> None:
        """A caller with a script.

        Args:
            script: what to say; its rate is the call's.
            play_rate: rate of the agent's sound in Hz.
            recording: both sides, as they were heard; closed by whoever opened it.
        """
        self._script = script
        self._said: list[Said] = []
        self._saying: _Saying | None = None
        self._position = 0
        self._free_s = 0.0  # since when the caller waits for the next cue
        self._attends_s = 0.0  # only what the agent says after this can be a cue
        self.circuit = Circuit(script.rate, play_rate, recording)
        self.ear = Ear(play_rate)

    @property
    def rate(self) -> int:
        """The script's rate, in Hz."""
        return self.circuit.rate

    @property
    def play_rate(self) -> int:
        """Rate of the agent's sound, in Hz."""
        return self.circuit.play_rate

    @property
    def frame_samples(self) -> int:
        """Samples in 20 ms at `play_rate`."""
        return self.circuit.frame_samples

    @property
    def traits(self) -> CallTraits:
        """Our clock, exact flushes."""
        return CallTraits(rewinds=True)

    @property
    def said(self) -> tuple[Said, ...]:
        """What was said so far; the last may be going on."""
        now = [self._saying.said(self._position)] if self._saying else []
        return (*self._said, *now)

    async def frames(self) -> AsyncIterator[Incoming]:
        """The caller's sound, silence between the lines, then the end. May be called once."""
        while not self._is_over() and (heard := await self.circuit.beat()) is not None:
            frame = AudioFrame(self._speak(), self.rate, self._position)
            self._position = frame.end
            self.ear.hear(heard)
            yield self.circuit.said(frame)
        self.circuit.close()

    async def play(self, frame: AudioFrame) -> None:
        """The agent's next 20 ms; returns when at most 40 ms wait to be heard."""
        await self.circuit.play(frame)

    def flush(self) -> None:
        """Take back what was not heard yet."""
        self.circuit.flush()

    def played(self) -> int:
        """Samples heard or flushed."""
        return self.circuit.played()

    def tell(self, note: Note) -> None:
        """Keep the note among the newest of the circuit."""
        self.circuit.notes.append(note)

    async def order(self, order: Order) -> None:
        """None is carried out."""
        raise refusal(order, "a recorded caller")

    async def close(self) -> None:
        """Hang up."""
        self.circuit.close()

    def _speak(self) -> Samples:
        """The next frame's samples, decided on what was heard before its first."""
        samples = np.zeros(frame_samples(self.rate), np.float32)
        self._saying = self._saying or self._next()
        if self._saying is None:
            return samples
        part = self._saying.part(self._position, len(samples))
        samples[: len(part)] = part
        if self._position + len(samples) >= self._saying.end:
            self._finish(self._saying)
        return samples

    def _finish(self, saying: "_Saying") -> None:
        self._said.append(saying.said(saying.end))
        self._free_s = saying.end / self.rate
        # A reply goes on through a backchannel, and its end is the next cue.
        murmur = saying.line.kind is LineKind.BACKCHANNEL
        self._attends_s = saying.start / self.rate if murmur else self._free_s
        self._saying = None

    def _next(self) -> "_Saying | None":
        """The next line, if it is time for it."""
        number = len(self._said)
        if number == len(self._script.script.line):
            return None
        line = self._script.script.line[number]
        on_cue = self._is_cue(line)
        if not on_cue and self._waits(line.patience_s):
            return None
        return _Saying(line, self._script.sounds[number], self._position, on_cue)

    def _is_cue(self, line: ScriptLine) -> bool:
        now_s = self._position / self.rate
        onset_s = self.ear.onset_s
        if onset_s is None:
            return False
        if line.into_agent_s is not None:
            return self.ear.sounds(now_s) and now_s - onset_s >= line.into_agent_s
        after_s = _DEFAULT_AFTER_S if line.after_agent_s is None else line.after_agent_s
        return self._has_answered() and now_s - self.ear.loud_until_s >= after_s

    def _has_answered(self) -> bool:
        """Whether the agent spoke since the last line, not counting what that line cut short."""
        last = self._said[-1] if self._said else None
        if last and last.line.kind is LineKind.INTERRUPTION and self.ear.onset_s is not None:
            return self.ear.onset_s > last.start / self.rate
        return self.ear.loud_until_s > self._attends_s

    def _waits(self, patience_s: float) -> bool:
        """Whether it is too early to give up: somebody spoke within `patience_s`."""
        now_s = self._position / self.rate
        quiet_s = now_s - max(self._free_s, self.ear.loud_until_s)
        return quiet_s < patience_s and now_s - self._free_s < _LONGEST_WAIT_S

    def _is_over(self) -> bool:
        script = self._script.script
        return len(self._said) == len(script.line) and not self._waits(script.linger_s)


@dataclass(frozen=True, slots=True, eq=False)
class _Saying:
    """A line being said."""

    line: ScriptLine
    sound: Samples
    start: int
    on_cue: bool

    @property
    def end(self) -> int:
        return self.start + len(self.sound)

    def part(self, position: int, count: int) -> Samples:
        at = position - self.start
        return self.sound[at : at + count]

    def said(self, end: int) -> Said:
        return Said(self.line, self.start, end, self.on_cue)
