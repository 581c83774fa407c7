"""A caller who carries out one plan on a line, on a clock of their own: real time or virtual."""

import asyncio
import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from agent.core.audio import AudioFrame, Samples
from agent.core.calls import Json
from agent.core.errors import CallClosed, CallError, ProtocolError
from audio_io.circuit import Loudspeaker, sleep_until
from audio_io.pacing import position
from audio_io.resample import Resampler
from floorbench.link import LossyLink
from floorbench.recording import Recording
from floorbench.scenarios.microphone import Microphone
from floorbench.scenarios.plan import SessionPlan
from floorbench.scenarios.prompter import ENDLESS_S, LeftOut, Prompter
from floorbench.session import RATE, Flushed, Line, Session, Target, TracedLine
from floorbench.stimuli.library import seeded

FRAME = 320
"""Samples the caller sends at a time: 20 ms."""

CONNECT_S = 20.0
"""Longest wait for the line to open; loading a model on the first call takes seconds."""

_REHEARSAL_S = 1.0
_STUCK_S = 10.0  # a line that takes no frame for so long is dead
_UP, _DOWN = 1, 2  # what chance is for, in a seed


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A session that was held, and what is no part of the score.

    Attributes:
        session: what is scored.
        left_out: steps that were not taken, and why.
        microphone: what was sent, float32 [n] at `RATE`, where it is not the clean voice.
        line_lost: share of packets that the simulated network lost, both ways.
        trace: what an agent of ours was told and decided; nothing of others.
    """

    session: Session
    left_out: tuple[LeftOut, ...] = ()
    microphone: Samples | None = None
    line_lost: float = 0.0
    trace: Sequence[Mapping[str, Json]] = ()


async def hold(target: Target, plan: SessionPlan) -> Held:
    """Call, carry out the plan, hang up. A fault of the far side ends up in the session."""
    try:
        for _ in range(plan.rehearsals):
            await _rehearse(target)
        line = await _connected(target)
    except CallError as fault:
        nothing = np.zeros(0, np.float32)
        sentence = f"the agent refused the call: {fault}"
        refused = Session(plan.id, plan.scenario, Recording(nothing, nothing, RATE), (),
                          fault=sentence)  # fmt: skip
        return Held(refused)
    caller = _Caller(plan, line)
    try:
        fault_text = await caller.run()
    finally:
        goodbye = await _hung_up(line)
    return caller.held(fault_text or goodbye)


async def _connected(target: Target) -> Line:
    try:
        async with asyncio.timeout(CONNECT_S):
            return await target.connect()
    except TimeoutError as fault:
        raise CallError(f"no answer within {CONNECT_S:.0f} s; is it running?") from fault


async def _rehearse(target: Target) -> None:
    """A call that is hung up again, unheard."""
    line = await _connected(target)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REHEARSAL_S):
                async for _ in line.sound():
                    pass
    finally:
        await _hung_up(line)


async def _hung_up(line: Line) -> str:
    """End the call; what went wrong with that, or nothing. Who does not let go is left alone."""
    try:
        async with asyncio.timeout(_STUCK_S):
            await line.hang_up()
    except TimeoutError:
        return f"the line could not be closed within {_STUCK_S:.0f} s"
    except CallError as fault:
        return f"hanging up: {fault}"
    return ""


class _Far(Enum):
    """The far end of the line."""

    THERE = auto()
    GONE = auto()


class _Caller:
    """One session in progress."""

    def __init__(self, plan: SessionPlan, line: Line) -> None:
        self._plan, self._line = plan, line
        self._prompter = Prompter(plan)
        self._microphone = Microphone(plan.surroundings)
        self._speaker = _Speaker(plan.cushion_s)
        self._up, self._down = (_link(plan, way) for way in (_UP, _DOWN))
        self._far = _Far.THERE
        self._gone_because = ""
        self._started = 0.0
        self._late_s: list[float] = []
        self._said: list[Samples] = []
        self._sent: list[Samples] = []
        self._heard: list[Samples] = []

    async def run(self) -> str:
        """Until the plan is over or the line is; why it ended early, or nothing."""
        self._started = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen())
            fault = await self._talk()
            listening.cancel()
        return fault or self._silence_fault()

    def held(self, fault: str) -> Held:
        """The session as it was recorded."""
        plan = self._plan
        recording = Recording(_joined(self._said), _joined(self._heard), RATE)
        session = Session(plan.id, plan.scenario, recording, self._prompter.events(),
                          _percentile(self._late_s, 0.99), fault)  # fmt: skip
        sent = None if self._microphone.is_clean and self._up is None else _joined(self._sent)
        links = [link for link in (self._up, self._down) if link is not None]
        packets = sum(link.losses.sent for link in links)
        lost = sum(link.losses.lost for link in links) / packets if packets else 0.0
        left_out = (*self._prompter.left_out, *self._prompter.not_reached())
        trace = self._line.trace if isinstance(self._line, TracedLine) else ()
        return Held(session, left_out, sent, lost, trace)

    # --- the two directions -----------------------------------------------------------------------

    async def _talk(self) -> str:
        """Frame after frame; why the session ended early, or nothing."""
        while True:
            due_s = (len(self._said) + 1) * FRAME / RATE  # a frame is there at its end
            await sleep_until(self._started + due_s)
            if (ending := self._ending()) is not None:
                return ending
            self._late_s.append(self._now_s() - due_s)
            try:
                await self._beat(due_s)
            except CallClosed:
                self._hung_up("")  # what is left of its last words, and its reason, still come
            except CallError as fault:
                self._hung_up(str(fault))

    async def _beat(self, due_s: float) -> None:
        """One frame in both directions, of the 20 ms that end now."""
        if self._down is not None:
            self._place(self._down.due(due_s))
        played = self._speaker.render(len(self._heard) * FRAME + FRAME)
        voice, key = self._prompter.frame(FRAME)
        if key and await self._press(key):
            voice = np.zeros(FRAME, np.float32)
        sent = self._microphone.hear(voice, played)
        self._said.append(voice)
        self._heard.append(played)
        self._prompter.ear.hear(played)
        for packet in self._through(sent, due_s):
            start = len(self._sent) * FRAME
            self._sent.append(packet)
            if self._far is _Far.THERE:
                await self._speak(AudioFrame(packet, RATE, start))

    async def _speak(self, frame: AudioFrame) -> None:
        try:
            async with asyncio.timeout(_STUCK_S):
                await self._line.speak(frame)
        except TimeoutError as fault:
            raise CallError(f"the line took no sound for {_STUCK_S:.0f} s") from fault

    def _through(self, sent: Samples, now_s: float) -> list[Samples]:
        """What leaves the network towards the agent now."""
        if self._up is None:
            return [sent]
        self._up.send(sent, now_s)
        return [packet for packet in self._up.due(now_s) if not isinstance(packet, Flushed)]

    async def _press(self, key: str) -> bool:
        """Whether the line has keys and took this one; otherwise its tone is sent."""
        try:
            await self._line.press(key)
        except ProtocolError:
            return False
        self._prompter.pressed()
        return True

    async def _listen(self) -> None:
        """What arrives, on its way to the loudspeaker, until the agent hangs up."""
        try:
            async for item in self._line.sound():
                heard = self._speaker.at_rate(item)
                if self._down is None:
                    self._place([heard])
                else:
                    self._down.send(heard, self._now_s())
        except CallError as fault:
            self._hung_up(str(fault))
        else:
            self._hung_up("")

    def _place(self, items: Sequence[Samples | Flushed]) -> None:
        now = position(self._now_s(), RATE)
        for item in items:
            self._speaker.place(item, now)

    # --- how it ends ------------------------------------------------------------------------------

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time() - self._started

    def _hung_up(self, why: str) -> None:
        self._gone_because = self._gone_because or why
        self._far = _Far.GONE

    def _ending(self) -> str | None:
        """None to go on, nothing when the plan is over, otherwise why the session ends early."""
        at_s = len(self._said) * FRAME / RATE
        to_go = f"with {self._prompter.remaining} of {len(self._plan.steps)} steps to go"
        if self._far is _Far.GONE and not self._speaker.waits(len(self._said) * FRAME):
            if self._prompter.is_answered() and not self._gone_because:
                return ""
            because = f" ({self._gone_because})" if self._gone_because else ""
            return f"the agent hung up after {at_s:.1f} s, {to_go}{because}"
        if self._prompter.is_shut_out():
            return f"the agent spoke for more than {ENDLESS_S:.0f} s without a pause, {to_go}"
        if at_s > self._plan.limit_s:
            return f"the session reached its limit of {self._plan.limit_s:.0f} s, {to_go}"
        return "" if self._prompter.is_over() else None

    def _silence_fault(self) -> str:
        at_s = len(self._said) * FRAME / RATE
        if self._plan.is_answered and self._prompter.ear.onset_s is None:
            return f"the agent made no sound in {at_s:.1f} s"
        return ""


class _Speaker:
    """The caller's loudspeaker: any rate in, with a cushion after each silence of the line."""

    def __init__(self, cushion_s: float) -> None:
        self._cushion = round(cushion_s * RATE)
        self._line = Loudspeaker()
        self._resampler: Resampler | None = None
        self._rate = 0
        self._rendered = 0

    def at_rate(self, frame: AudioFrame | Flushed) -> Samples | Flushed:
        """The frame at `RATE`; frames of one rate are one stream until a flush."""
        if isinstance(frame, Flushed):
            self._resampler = None
            return frame
        if self._resampler is None or frame.rate != self._rate:
            self._rate = frame.rate
            self._resampler = Resampler(frame.rate, RATE)
        return self._resampler.push(frame.samples)

    def place(self, item: Samples | Flushed, now: int) -> None:
        """Let sound be heard after what waits; or drop what was not heard yet."""
        now = max(now, self._rendered)
        if isinstance(item, Flushed):
            self._line.flush(now)
        elif len(item):
            self._line.put(item, now if self._line.end > now else now + self._cushion)

    def render(self, until: int) -> Samples:
        """What was heard since the last time, up to a position."""
        out = self._line.render(until)
        self._rendered = until
        return out

    def waits(self, now: int) -> bool:
        """Whether there is sound that was not heard yet."""
        return self._line.end > now


def _link(plan: SessionPlan, way: int) -> LossyLink | None:
    return None if plan.network is None else LossyLink(plan.network, seeded(*plan.seed, way))


def _joined(parts: Sequence[Samples]) -> Samples:
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed; 0 of none."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
