"""Who holds the floor: told what happens and when, answers what follows.

The transition table is docs/turn_taking.md. Everything that decides who may speak is in this file;
it never waits, and after each call the machine is complete: nothing is left to drain or to poll
but `deadline()`, the time at which `expire` must be called if nothing happens before.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from agent.core.backchannel import Overlap, judge
from agent.core.events import (
    Action,
    CallAnswered,
    CancelReply,
    Digit,
    DuckReply,
    Event,
    HoldReply,
    PrepareReply,
    Prompt,
    Reason,
    ReleaseReply,
    ReplyAudible,
    ReplyDone,
    ReplyFailed,
    ReplyReady,
    ResumeReply,
    SpeechEnded,
    SpeechJudged,
    SpeechStarted,
    Transcript,
    TurnEndPredicted,
)
from agent.core.turn_config import TurnConfig
from agent.core.words import CallerWords, Claim

__all__ = ("Floor", "LiveReply", "TurnConfig", "TurnMachine")


class Floor(StrEnum):
    """Who may speak now."""

    OPEN = "open"  # nobody speaks, nothing is owed
    USER = "user"  # the caller speaks
    PAUSE = "pause"  # the caller fell silent; is the turn over?
    PENDING = "pending"  # the agent has the turn and is not audible yet
    AGENT = "agent"  # the agent speaks
    OVERLAP = "overlap"  # the caller speaks over the agent; whose floor is it?


@dataclass(frozen=True, slots=True)
class LiveReply:
    """The one reply that may be named: its number, and the words it answers (a prompt: none)."""

    number: int
    text: str
    claim: Claim


class TurnMachine:
    """Who holds the floor in one call.

    `handle` and `expire` return every consequence, in order. `now` is loop time in seconds and
    must not go back.
    """

    __slots__ = ("_deadline", "_live", "_pause_s", "_prompts", "_replies", "_since",
                 "_speculations", "_wish", "_words", "config", "floor")  # fmt: skip

    def __init__(self, config: TurnConfig) -> None:
        self.config = config
        self.floor = Floor.OPEN
        self._words = CallerWords()
        self._live: LiveReply | None = None
        self._replies = 0
        self._since = 0.0  # when the silence or the overlap began
        self._wish: float | None = None  # since when words over the agent want the floor
        self._deadline: float | None = None
        self._pause_s = 0.0  # silence that decides the present pause
        self._speculations = 0
        self._prompts = 0

    @property
    def live(self) -> LiveReply | None:
        """The reply being prepared, waiting or audible."""
        return self._live

    @property
    def text(self) -> str:
        """The caller's words that no audible reply has answered."""
        return self._words.text()

    def deadline(self) -> float | None:
        """Loop time at which `expire` is due, or None while only an event can change anything."""
        return self._deadline

    def handle(self, event: Event, now: float) -> list[Action]:
        """What follows from an event."""
        return self.expire(now) + self._told(event, now)

    def expire(self, now: float) -> list[Action]:
        """What follows from time alone."""
        actions: list[Action] = []
        while self._deadline is not None and now >= self._deadline:
            due, self._deadline = self._deadline, None
            actions += self._expired(due)
        return actions

    # --- told ---------------------------------------------------------------------------------

    def _told(self, event: Event, now: float) -> list[Action]:
        match event:
            case CallAnswered():
                return self._prompt(Reason.GREETING, now)
            case SpeechStarted(segment):
                self._words.start(segment)
                return self._speech_started(now)
            case SpeechEnded(segment):
                self._words.end(segment)
                return self._speech_ended(now)
            case Transcript():
                self._words.hear(event)
                return self._words_changed(event.final, now)
            case TurnEndPredicted(segment, probability):
                return self._predicted(segment, probability, now)
            case SpeechJudged():
                return []
            case Digit(digit):
                self._words.press(digit)
                return self._pressed(digit, now)
            case ReplyReady() | ReplyAudible() | ReplyDone() | ReplyFailed():
                return self._replied(event, now)
            case _:
                assert_never(event)

    def _speech_started(self, now: float) -> list[Action]:
        match self.floor:
            case Floor.OPEN:
                return self._listen(now)
            case Floor.PAUSE | Floor.PENDING:
                return self._cancel() + self._listen(now)
            case Floor.AGENT:
                self._since, self._wish = now, None
                self._enter(Floor.OVERLAP, self._overlap_deadline(now))
                return [DuckReply(self._number())]
            case Floor.OVERLAP:
                # Counted from the first start: repeated noise may not hold the agent for ever.
                self._deadline = self._overlap_deadline(now)
                return []
            case Floor.USER:
                return []
            case _:
                assert_never(self.floor)

    def _speech_ended(self, now: float) -> list[Action]:
        if self._words.speaking():
            return []
        if self.floor is Floor.USER:
            return self._pause(now, self.config.pause_s(self.config.prior))
        if self.floor is Floor.OVERLAP:
            self._deadline = now + self.config.final_wait_s
            return self._overlapped(final=not self._words.waiting(), now=now)
        return []

    def _words_changed(self, final: bool, now: float) -> list[Action]:
        text = self._words.text()
        match self.floor:
            case Floor.OPEN:
                return self._after_reply(now) if text else []
            case Floor.PAUSE:
                is_over = now >= self._since + self._pause_s and not self._words.waiting()
                return self._decide(now) if is_over else self._speculate()
            case Floor.PENDING:
                is_stale = final and self._live is not None and self._live.text != text
                return self._decide(now) if is_stale else []
            case Floor.AGENT:
                return self._overlapped(final=True, now=now) if final else []
            case Floor.OVERLAP:
                return self._overlapped(
                    final=final and not self._words.speaking() and not self._words.waiting(),
                    now=now,
                )
            case Floor.USER:
                return []
            case _:
                assert_never(self.floor)

    def _predicted(self, segment: int, probability: float, now: float) -> list[Action]:
        if self.floor is not Floor.PAUSE or segment != self._words.current:
            return []
        self._pause_s = self.config.pause_s(probability)
        self._deadline = self._since + self._pause_s
        return self.expire(now)

    def _pressed(self, digit: str, now: float) -> list[Action]:
        if self.floor is Floor.USER:
            return []
        actions = self._cancel()
        return actions + self._pause(now, 0.0 if digit == "#" else self.config.digit_pause_s)

    def _replied(
        self, event: ReplyReady | ReplyAudible | ReplyDone | ReplyFailed, now: float
    ) -> list[Action]:
        if self._live is None or event.reply != self._live.number:
            return []
        match event:
            case ReplyReady():
                return []
            case ReplyDone() if self.floor is Floor.PAUSE:
                return []  # nothing was released, so nothing was heard
            case ReplyAudible():
                return self._audible(now)
            case ReplyDone():
                self._words.answer(self._live.claim)
                return self._after_reply(now)
            case ReplyFailed():
                return self._failed(now)
            case _:
                assert_never(event)

    def _audible(self, now: float) -> list[Action]:
        if self._live is not None and self.floor is Floor.PENDING:
            self._words.answer(self._live.claim)
            # Answered once: at the reply's end this claim would undo later answers.
            self._live = replace(self._live, claim=())
            self._enter(Floor.AGENT, now + self.config.agent_max_s)
        return []

    def _failed(self, now: float) -> list[Action]:
        reply, floor = self._live, self.floor
        self._live = None
        if reply is None or floor is Floor.PAUSE:
            return []  # a speculation: the decision will prepare it again
        self._words.answer(reply.claim)
        if not reply.text or self._words.speaking():
            return self._after_reply(now)
        return self._prompt(Reason.TROUBLE, now)

    # --- time ---------------------------------------------------------------------------------

    def _expired(self, now: float) -> list[Action]:
        match self.floor:
            case Floor.OPEN:
                self._prompts += 1
                return self._prompt(Reason.SILENCE, now)
            case Floor.USER | Floor.PAUSE:
                return self._decide(now)
            case Floor.PENDING:
                actions = [CancelReply(self._number())]
                return [*actions, *self._failed(now)]
            case Floor.AGENT:
                return self._cancel() + self._after_reply(now)
            case Floor.OVERLAP:
                return self._overlap_expired(now)
            case _:
                assert_never(self.floor)

    def _overlap_expired(self, now: float) -> list[Action]:
        if not self._words.speaking():
            return self._resume(now)
        if self._wish_stands(now) or now >= self._since + self.config.yield_after_s:
            return self._yield(now)
        self._deadline = self._overlap_deadline(now)
        return [HoldReply(self._number())]

    def _overlap_deadline(self, now: float) -> float:
        """When speech over the agent, if it goes on, is decided, stops it, or takes the floor."""
        points = [self._since + self.config.hold_after_s, self._since + self.config.yield_after_s]
        if self._wish is not None:
            points.append(self._wish + self.config.decide_after_s)
        return min((point for point in points if point > now), default=now)

    def _wish_stands(self, now: float) -> bool:
        return self._wish is not None and now >= self._wish + self.config.decide_after_s

    # --- what follows -------------------------------------------------------------------------

    def _enter(self, floor: Floor, deadline: float | None) -> None:
        self.floor, self._deadline = floor, deadline

    def _listen(self, now: float) -> list[Action]:
        self._enter(Floor.USER, now + self.config.user_max_s)
        return []

    def _pause(self, now: float, pause_s: float) -> list[Action]:
        self._enter(Floor.PAUSE, now + pause_s)
        self._since, self._pause_s, self._speculations = now, pause_s, 0
        return self._speculate()

    def _speculate(self) -> list[Action]:
        """Prepare a reply to the words so far, unless one is being prepared or enough were."""
        text = self._words.text()
        if self._live is not None and self._live.text == text:
            return []
        actions = self._cancel()
        if not text or self._speculations >= self.config.speculations_max:
            return actions
        self._speculations += 1
        return actions + self._prepare(text)

    def _prepare(self, text: str) -> list[Action]:
        self._replies += 1
        self._prompts = 0
        self._live = LiveReply(self._replies, text, self._words.claim())
        return [PrepareReply(self._replies, text)]

    def _prompt(self, reason: Reason, now: float) -> list[Action]:
        actions = self._cancel()
        self._replies += 1
        self._live = LiveReply(self._replies, "", ())
        self._enter(Floor.PENDING, now + self.config.reply_wait_s)
        return [*actions, Prompt(self._replies, reason)]

    def _decide(self, now: float) -> list[Action]:
        """The turn is over: answer it, wait for its last words, or find that it had none."""
        if self.floor is Floor.PAUSE and self._words.waiting():
            patience = self._since + self._pause_s + self.config.final_wait_s
            if now < patience:
                self._deadline = patience
                return self._speculate()
        self._words.give_up_waiting()
        text = self._words.text()
        actions: list[Action] = []
        if self._live is None or self._live.text != text:
            actions = self._cancel() + (self._prepare(text) if text else [])
        if not text:
            return actions + self._open(now)
        self._enter(Floor.PENDING, now + self.config.reply_wait_s)
        return [*actions, ReleaseReply(self._number())]

    def _open(self, now: float) -> list[Action]:
        may_prompt = self._prompts < self.config.prompts_max
        self._enter(Floor.OPEN, now + self.config.silence_s if may_prompt else None)
        return []

    def _after_reply(self, now: float) -> list[Action]:
        """The agent is silent again; whose turn is it?"""
        self._live = None
        if self._words.speaking():
            return self._listen(now)
        return self._pause(now, self.config.pause_min_s) if self._words.text() else self._open(now)

    def _overlapped(self, *, final: bool, now: float) -> list[Action]:
        """Words were said over the agent; act on what they mean, once that is certain.

        Guesses are noise: an "I see" passes through "but" and "but she". So words that may still
        change must want the floor for a while, without a break.
        """
        verdict = judge(self._words.text(), final=final, backchannels=self.config.backchannels)
        if final and verdict is Overlap.INTERRUPTION:
            return self._yield(now)
        if final:
            self._words.answer(self._words.claim())
            return self._resume(now) if self.floor is Floor.OVERLAP else []
        if self._words.speaking():
            wants = verdict is Overlap.INTERRUPTION
            self._wish = (now if self._wish is None else self._wish) if wants else None
            self._deadline = self._overlap_deadline(now)
        return []

    def _resume(self, now: float) -> list[Action]:
        self._enter(Floor.AGENT, now + self.config.agent_max_s)
        return [ResumeReply(self._number())]

    def _yield(self, now: float) -> list[Action]:
        return self._cancel() + self._after_reply(now)

    def _cancel(self) -> list[Action]:
        reply, self._live = self._live, None
        return [] if reply is None else [CancelReply(reply.number)]

    def _number(self) -> int:
        if self._live is None:
            raise AssertionError(f"no reply is live on floor {self.floor}")
        return self._live.number
