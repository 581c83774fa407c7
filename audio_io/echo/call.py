"""Echo cancellation around a call whose far side is a loudspeaker."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np

from agent.core.around import CallAround
from agent.core.audio import AudioFrame, Samples
from agent.core.calls import Call, Incoming, Trace
from audio_io.circuit import Loudspeaker
from audio_io.echo.delay import DelayFinder
from audio_io.echo.gate import Gate, Path
from audio_io.echo.linear import LinearCanceller
from audio_io.framing import Reframer
from audio_io.pacing import position
from audio_io.resample import Resampler, at_rates

_BLOCK_S = 0.01
_FILTER_BLOCKS = 32  # 0.32 s: what comes later is 30 dB down where it echoes for 0.6 s
_LONGEST_S = 0.6  # the longest delay that is looked for: a Bluetooth loudspeaker, with a network
_LEAD_S = 0.02  # the echo's first peak lies so far into the filter: rooms begin before it
_DEEPEST_S = 0.1  # and at most so far, or the end of the room is cut off
_SAME_S = 0.002  # a delay that differs by less is the same one
_SHUT = 0.001  # −60 dB: a detector still hears a voice that is 40 dB under full level
_REPORT_S = 5.0  # of the agent's speech between two lines of the trace
_HIGHEST_RATE = 16_000
_WAITING_S = 2.0
_DRIFT = 5e-4  # the caller's clock may be this much off ours


@dataclass(frozen=True, slots=True)
class EchoReport:
    """What is known of the echo.

    Attributes:
        delay_s: from playing to hearing it, as we count; None until it was found.
        return_loss_db: how much quieter than the voice played it comes back, at least.
        erle_db: how much of it the linear filter took away, while nobody else spoke.
    """

    delay_s: float | None
    return_loss_db: float
    erle_db: float


class EchoCanceller:
    """Removes from a microphone what a loudspeaker plays. Pure.

    Attributes:
        block: samples of a step.
    """

    def __init__(self, rate: int) -> None:
        self.block = round(_BLOCK_S * rate)
        self._rate = rate
        self._filter = LinearCanceller(self.block, _FILTER_BLOCKS)
        self._gate = Gate(rate, self.block)
        self._finder = DelayFinder(rate, _LONGEST_S)
        self._bulk = 0  # samples by which the reference is read late
        self._delay: int | None = None
        self._aimed: int | None = None  # the delay to which the filter's taps belong
        reach = round(_LONGEST_S * rate) + (_FILTER_BLOCKS + 2) * self.block
        self._played: Samples = np.zeros(reach, np.float32)
        self._gain = 1.0
        self._heard = self._left = 0.0  # energy of the echo, and of what the filter left of it

    @property
    def speaks(self) -> bool:
        """The agent's voice may be in the room."""
        return self._gate.is_far

    def step(self, reference: Samples, microphone: Samples) -> Samples:
        """The next block of both, float32 [block]; the microphone without the reference."""
        self._played = np.concatenate((self._played[len(reference) :], reference))
        found = self._finder.step(reference, microphone)
        if found is not None:
            self._aim(found)
        late = self._late(self.block)
        echo = self._filter.step(late, microphone)
        is_open = self._gate.step(late, microphone, echo)
        if not is_open and self._gate.path is Path.KNOWN:
            self._heard += float(np.dot(microphone, microphone))
            self._left += float(np.dot(microphone - echo, microphone - echo))
        out = microphone - echo if self._gate.helps else microphone
        return self._faded(out, 1.0 if is_open else _SHUT)

    def report(self) -> EchoReport:
        """What is known now; the loss of the echo since the last report."""
        erle_db = 10 * math.log10((self._heard + 1e-9) / (self._left + 1e-9))
        self._heard = self._left = 0.0
        delay_s = None if self._delay is None else self._delay / self._rate
        return EchoReport(delay_s, -10 * math.log10(self._gate.coupling), erle_db)

    def _late(self, count: int) -> Samples:
        """The newest `count` samples of the reference, as late as the echo."""
        end = len(self._played) - self._bulk
        return self._played[end - count : end]

    def _aim(self, delay: int) -> None:
        """Read the reference so late that the echo lies at the filter's beginning."""
        self._delay = delay
        known = self._gate.path is Path.KNOWN
        moved = 0 if self._aimed is None else delay - self._aimed
        inside = self._bulk <= delay <= self._bulk + _DEEPEST_S * self._rate
        if inside and (known or abs(moved) <= _SAME_S * self._rate):
            self._aimed = delay if abs(moved) <= _SAME_S * self._rate else self._aimed
            return
        ideal = self._bulk + moved  # the room's taps stay as they are: only their place changes
        lead = min(max(delay - ideal, 0), round(_LEAD_S * self._rate))
        self._aimed, self._bulk = delay, max(0, delay - lead)
        before = self._late((_FILTER_BLOCKS + 2) * self.block)[: -self.block]
        self._filter.realign(before, self._bulk - ideal)

    def _faded(self, samples: Samples, gain: float) -> Samples:
        before, self._gain = self._gain, gain
        if before == gain == 1.0:
            return samples
        ramp = np.linspace(before, gain, len(samples), dtype=np.float32)
        return np.asarray(samples * ramp, np.float32)


def echo_free(call: Call, trace: Trace) -> Call:
    """The same call, without the agent's own voice in what the caller says.

    For far sides with an open loudspeaker and a microphone that does not cancel by itself. The
    caller's sound is 10 ms late at most, at 16 kHz at most. It takes 5 to 10 % of a slow core.
    """
    if call.rate > _HIGHEST_RATE:
        call = at_rates(call, _HIGHEST_RATE, call.play_rate)
    return _EchoFreeCall(call, trace)


class _EchoFreeCall(CallAround):
    def __init__(self, call: Call, trace: Trace) -> None:
        super().__init__(call)
        self._trace = trace
        self._canceller = EchoCanceller(call.rate)
        self._microphone = Reframer(self._canceller.block, call.rate)
        self._reference = _Reference(call.play_rate, call.rate)
        self._spoken = 0  # samples of the agent's speech since the last report

    async def frames(self) -> AsyncIterator[Incoming]:
        async for item in self.call.frames():
            if not isinstance(item, AudioFrame):
                yield item
                continue
            self._reference.heard(item, _now())
            blocks = self._microphone.push(item.samples)
            if blocks:
                cleaned = [self._cleaned(block) for block in blocks]
                yield AudioFrame(np.concatenate(cleaned), self.rate, blocks[0].start)

    async def play(self, frame: AudioFrame) -> None:
        self._reference.play(frame.samples, _now())
        await self.call.play(frame)

    def flush(self) -> None:
        if self.traits.flushes:
            self._reference.flush(_now())
        self.call.flush()

    def _cleaned(self, block: AudioFrame) -> Samples:
        out = self._canceller.step(self._reference.read(len(block.samples)), block.samples)
        self._spoken += len(out) if self._canceller.speaks else 0
        if self._spoken >= _REPORT_S * self.rate:
            self._spoken = 0
            self._tell_trace(self._canceller.report())
        return out

    def _tell_trace(self, known: EchoReport) -> None:
        self._trace(
            "echo",
            delay_s=None if known.delay_s is None else round(known.delay_s, 4),
            return_loss_db=round(known.return_loss_db, 1),
            erle_db=round(known.erle_db, 1),
        )


class _Reference:
    """What the far side's loudspeaker plays, on the time line of its microphone.

    As if sound were heard the moment it is handed over, and then without a gap; all delays are
    left for the canceller to find. Where no frame of the microphone's has come for 2 s, what is
    played is not kept.
    """

    def __init__(self, play_rate: int, rate: int) -> None:
        self._play_rate = play_rate
        self._speaker = Loudspeaker()
        self._resampler = Resampler(play_rate, rate)
        # As many as the resampler holds back, so that there is always a block to read.
        self._ready: Samples = np.zeros(math.ceil(self._resampler.delay_s * rate) + 2, np.float32)
        self._zero: float | None = None  # loop time of the microphone's first sample, at most
        self._end_s = 0.0

    def play(self, samples: Samples, now: float) -> None:
        """The agent's next sound, float32 [n], handed over at loop time `now`."""
        at = self._at(now)
        if at - position(self._end_s, self._play_rate) < _WAITING_S * self._play_rate:
            self._speaker.put(samples, at)

    def flush(self, now: float) -> None:
        """What was handed over and not heard yet never will be."""
        self._speaker.flush(self._at(now))

    def heard(self, frame: AudioFrame, now: float) -> None:
        """The microphone's next frame is here: what sounded up to its end."""
        end_s = frame.end / frame.rate
        zero = now - end_s
        if self._zero is not None:
            zero = min(zero, self._zero + _DRIFT * (end_s - self._end_s))
        self._zero, self._end_s = zero, end_s
        sounded = self._speaker.render(position(end_s, self._play_rate))
        self._ready = np.concatenate((self._ready, self._resampler.push(sounded)))

    def read(self, count: int) -> Samples:
        """The next `count` samples at the microphone's rate."""
        out, self._ready = self._ready[:count], self._ready[count:]
        return np.concatenate((out, np.zeros(count - len(out), np.float32)))

    def _at(self, now: float) -> int:
        """Loop time as a position on the loudspeaker's time line."""
        elapsed_s = 0.0 if self._zero is None else now - self._zero
        return position(max(elapsed_s, self._end_s), self._play_rate)


def _now() -> float:
    return asyncio.get_running_loop().time()
