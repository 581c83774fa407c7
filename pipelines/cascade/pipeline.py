"""The cascade: voice activity, recognition, responder and voice, joined by the turn machine.

Where a sound goes: `_listen` gives each frame to the ears, which find segments and feed them to the
recogniser. What they find out is an event in the mailbox. `_decide` hands events to the turn
machine, the only place where it is decided who may speak, and does what it asks for: one call on
the playout, and a task per reply. `_play` asks the playout for the next 20 ms, again and again.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, assert_never

from agent.core.audio import AudioFrame
from agent.core.calls import Call, Trace
from agent.core.conversation import Conversation
from agent.core.errors import CallClosed, EngineError
from agent.core.events import (
    Action,
    Backchannel,
    BeginWork,
    CallAnswered,
    CancelReply,
    Digit,
    DuckReply,
    Event,
    Happened,
    HoldReply,
    PrepareReply,
    Prompt,
    Reason,
    ReleaseReply,
    ReplyAudible,
    ReplyDone,
    ReplyFailed,
    ResumeReply,
    SpeechStarted,
    Transcript,
    WorkDue,
)
from agent.core.playout import Playout
from agent.core.protocols import (
    Expectation,
    Message,
    Recognizer,
    Responder,
    Role,
    SpeechDetector,
    SpeechJudge,
    Synthesizer,
    TurnPredictor,
)
from agent.core.replies import LiveReply
from agent.core.turns import Floor, TurnConfig, TurnMachine
from pipelines.cascade import time_limit
from pipelines.cascade.asides import Asides, Manners
from pipelines.cascade.control import Control
from pipelines.cascade.discretion import Discretion
from pipelines.cascade.ears import Ears
from pipelines.cascade.hearing import Hearing
from pipelines.cascade.judging import Judging
from pipelines.cascade.keypad import awaited
from pipelines.cascade.listener import ListenerConfig
from pipelines.cascade.pausing import Pausing, Words
from pipelines.cascade.reading_ahead import ReadingAhead
from pipelines.cascade.replying import Replying
from pipelines.cascade.screening import Screening
from pipelines.cascade.speaker import Speaker
from pipelines.cascade.telling import Telling
from pipelines.cascade.turn_sound import TurnSound
from pipelines.cascade.voicemail import VoicemailSettings
from pipelines.mailbox import Mailbox
from pipelines.responders import longest_sound_s, reader


@dataclass(frozen=True, slots=True)
class Engines:
    """The models of a cascade, shared by all its calls."""

    detector: SpeechDetector[Any]  # its state is its own affair
    recognizer: Recognizer
    predictor: TurnPredictor
    responder: Responder
    synthesizer: Synthesizer
    judge: SpeechJudge[Any] | None = None


@dataclass(frozen=True, slots=True)
class CascadeConfig:
    """How the cascade listens, takes turns and behaves; `voicemail` is for calls that we place."""

    turns: TurnConfig = field(default_factory=TurnConfig)
    listener: ListenerConfig = field(default_factory=ListenerConfig)
    manners: Manners = field(default_factory=Manners)
    voicemail: VoicemailSettings | None = None


@dataclass(frozen=True, slots=True)
class CascadePipeline:
    """Engines and their configuration; one for all calls."""

    engines: Engines
    config: CascadeConfig = field(default_factory=CascadeConfig)
    asides: Asides = field(init=False)

    def __post_init__(self) -> None:
        """The small sounds are spoken once for all calls."""
        object.__setattr__(self, "asides", Asides(self.engines.synthesizer, self.config.manners))

    @property
    def rate(self) -> int:
        """What the voice activity detector and the recogniser hear, in Hz."""
        return self.engines.detector.rate

    @property
    def play_rate(self) -> int:
        """What the voice speaks, in Hz."""
        return self.engines.synthesizer.rate

    async def converse(self, call: Call, trace: Trace) -> None:
        """Hold one conversation; returns when the caller or the agent hangs up."""
        await _Talk(self, call, trace).run()


class _Talk:
    """One conversation in progress."""

    def __init__(self, pipeline: CascadePipeline, call: Call, trace: Trace) -> None:
        engines, config = pipeline.engines, pipeline.config
        self._engines, self._call, self._trace = engines, call, trace
        self._asides, self._asides_made = pipeline.asides, 0
        self._mail: Mailbox[Event] = Mailbox()
        self._machine = TurnMachine(config.turns)
        self._playout = Playout(call.play_rate)
        self._conversation = Conversation()
        responder = engines.responder
        self._sound = TurnSound(longest_sound_s(responder))
        self._hearing = Hearing(engines.recognizer, self._expected, self._mail.put, self._sound,
                                trace)  # fmt: skip
        self._judging = Judging(engines.judge) if engines.judge else None
        self._ears = Ears(engines.detector, self._judging, config.listener, self._hearing,
                          self._mail.put, trace)  # fmt: skip
        self._room = asyncio.Event()
        speaker = Speaker(engines.responder, engines.synthesizer, self._playout, self._room,
                          self._mail.put, trace, config.manners.trouble)  # fmt: skip
        self._pausing = Pausing(engines.predictor, self._ears, self._words, config.turns.prior,
                                self._mail.put)  # fmt: skip
        self._telling = Telling(call, trace, Discretion(config.turns.digit_pause_s))
        self._moved = asyncio.Event()  # set whenever the floor changed hands
        self._control = Control(call, trace, self._telling, self._happened, self._end, self._quiet)
        self._replying = Replying(call, speaker, self._conversation, self._telling, self._control,
                                  self._start)  # fmt: skip
        self._screening = config.voicemail and Screening(
            config.voicemail, call.rate, self._mail.put, self._happened, trace)  # fmt: skip
        self._owed: deque[Happened] = deque()  # to be told when the floor is open
        self._over = asyncio.Event()
        self._group = asyncio.TaskGroup()
        start = partial(self._start, name="read ahead")
        ahead = reader(responder)
        self._ahead = ahead and ReadingAhead(ahead, start, self._drafted, trace)

    async def run(self) -> None:
        """Until somebody hangs up."""
        async with asyncio.TaskGroup() as outer:
            everything = outer.create_task(self._everything())
            await self._over.wait()
            everything.cancel()

    async def _everything(self) -> None:
        async with self._group as group:
            self._mail.put(CallAnswered())
            group.create_task(self._decide(), name="decide")
            group.create_task(self._play(), name="play")
            group.create_task(self._hearing.run(), name="recognise")
            group.create_task(self._pausing.run(self._trace), name="predict")
            group.create_task(self._listen(), name="listen")
            limit = time_limit.watch(self._asides.manners, self._happened, self._end)
            group.create_task(limit, name="limit")

    def _end(self, who: str, why: str = "") -> None:
        """The call is over; only the first end counts."""
        if not self._over.is_set():
            self._trace("over", who=who, why=why)
            self._over.set()

    # --- the tasks ----------------------------------------------------------------------------

    async def _listen(self) -> None:
        async for item in self._call.frames():
            if isinstance(item, AudioFrame):
                screening = self._screening
                self._ears.take(screening.heard(item, self._ears.segment) if screening else item)
            else:
                self._mail.put(item)
        self._end("caller")

    async def _play(self) -> None:
        try:
            while True:
                count = self._call.frame_samples
                played = self._playout.next(count)
                self._room.set()
                for event in played.events:
                    self._mail.put(event)
                if played.missing:
                    self._trace("underrun", samples=played.missing, reply=self._replying.number)
                self._replying.goes_on()
                start = self._playout.position - count
                await self._call.play(AudioFrame(played.samples, self._call.play_rate, start))
        except CallClosed:
            self._end("caller")

    def _words(self) -> Words:
        return Words(self._machine.text, self._expected())

    async def _decide(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            event = await self._mail.take(self._machine.deadline())
            now, floor = loop.time(), self._machine.floor
            if isinstance(event, Happened) and floor is not Floor.OPEN:
                self._owed.append(event)
                continue
            if event is None:
                self._trace("expired", now=now)
                actions = self._machine.expire(now)
            else:
                if isinstance(event, Digit):
                    event = awaited(event, self._machine.text, self._expected().keys)
                self._telling.told(event, now)
                self._learn(event)
                actions = self._machine.handle(event, now)
            for action in actions:
                self._telling.asked(action, self._claimed())
                self._do(action)
            self._telling.sensitive(self._expected().sensitive)
            if self._ahead and isinstance(event, Transcript) and self._machine.floor is Floor.USER:
                self._ahead.heard(event, self._machine.text)
            if self._playout.is_about_to_sound:
                self._drop_silence()
            if self._machine.floor is not floor:
                self._floor_changed(floor)
            if self._owed and self._machine.floor is Floor.OPEN:
                self._mail.put(self._owed.popleft())

    def _start(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        return self._group.create_task(work, name=name)

    def _happened(self, reason: Reason) -> None:
        self._mail.put(Happened(reason))

    async def _prepare_asides(self) -> None:
        try:
            await self._asides.make()
        except EngineError as fault:
            self._trace("error", message=str(fault), fallback="no asides")

    # --- what was told ------------------------------------------------------------------------

    def _learn(self, event: Event) -> None:
        """What an event means for the history and the captions, before the machine acts on it."""
        live = self._machine.live
        match event:
            case SpeechStarted():
                self._playout.hush()
            case ReplyAudible(number) if live and number == live.number:
                self._answered(live)
                if live.text and self._judging:
                    self._judging.learn()
                if not live.text:  # a greeting comes first, and the voice has time after it
                    self._group.create_task(self._prepare_asides(), name="asides")
                self._replying.audible(number)
            case WorkDue(number) if live and number == live.number:
                self._answered(live)
            case ReplyDone(number) if live and number == live.number:
                self._replying.done(number)
            case ReplyFailed(number) if live and number == live.number:
                self._failed(number)
            case _:
                pass

    def _answered(self, live: LiveReply) -> None:
        self._sound.forget([segment for segment, _ in live.claim])
        if self._ahead:
            self._ahead.begin_turn()

    def _failed(self, number: int) -> None:
        is_asked_for = self._machine.floor not in (Floor.PAUSE, Floor.USER)
        self._replying.failed(number, was_asked_for=is_asked_for)
        if not is_asked_for and self._replying.has_effects:
            self._happened(Reason.TROUBLE)  # once they have spoken: what was done is to be told

    async def _quiet(self) -> None:
        while self._machine.floor in (Floor.USER, Floor.PAUSE, Floor.OVERLAP):
            self._moved.clear()
            await self._moved.wait()

    def _floor_changed(self, before: Floor) -> None:
        floor = self._machine.floor
        self._moved.set()
        self._ears.alert = floor is Floor.AGENT
        self._telling.floor(floor.value)
        if floor is Floor.PAUSE:
            self._pausing.begin()
        else:
            was_waiting = before in (Floor.PAUSE, Floor.PENDING)
            self._pausing.end(went_on=was_waiting and floor is Floor.USER)

    # --- what is asked for --------------------------------------------------------------------

    def _do(self, action: Action) -> None:
        match action:
            case PrepareReply(number, text):
                self._prepare(number, Role.CALLER, text)
            case Prompt(number, reason):
                self._prepare(number, Role.EVENT, reason.value)
                self._replying.release(number)
            case ReleaseReply(number):
                self._control.leave_off()
                self._replying.release(number)
            case DuckReply(number):
                self._replying.duck(number)
            case HoldReply(number):
                self._replying.hold(number)
            case ResumeReply(number):
                self._replying.resume(number)
            case BeginWork():
                self._replying.begin_work()
            case CancelReply(number):
                self._replying.cancel(number)
            case Backchannel(kind):
                self._asides_made += 1
                self._playout.aside(self._asides.sound(kind, self._asides_made))
            case _:
                assert_never(action)

    def _drop_silence(self) -> None:
        """The silence on its way to the caller need not be heard out before a reply begins."""
        is_silent = self._call.played() >= self._playout.sounded_to
        if is_silent and self._call.traits.flushes:
            self._call.flush()

    def _prepare(self, number: int, role: Role, text: str) -> None:
        if self._ahead:
            self._ahead.stop()
        segments = self._claimed()
        message = Message(role, text, private=self._telling.hides(segments))
        messages = self._conversation.draft(number, message, self._sound.of(segments))
        self._replying.prepare(number, messages)

    def _claimed(self) -> list[int]:
        """The segments of the words that the living reply answers."""
        live = self._machine.live
        return [segment for segment, _ in live.claim] if live else []

    def _drafted(self, text: str) -> tuple[Message, ...]:
        return (*self._conversation.messages, Message(Role.CALLER, text))

    def _expected(self) -> Expectation:
        return self._engines.responder.expects(self._conversation.messages)
