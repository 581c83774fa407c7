"""Who holds the floor: told what happens and when, answers what follows.

The transition table is docs/turn_taking.md. The machine never waits, and after each call it is
complete: nothing is left to drain or to poll but `deadline()`, when `expire` must be called.
"""

from dataclasses import replace
from typing import assert_never

from agent.core.events import (
    Action,
    Aside,
    Backchannel,
    CallAnswered,
    CancelReply,
    Digit,
    DuckReply,
    Event,
    Happened,
    HoldReply,
    Reason,
    ReleaseReply,
    Replied,
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
    Typed,
    WorkDone,
    WorkDue,
)
from agent.core.floor import Floor
from agent.core.listening import Listening
from agent.core.overlap import Overlap, Verdict, is_murmur
from agent.core.replies import LiveReply, Replies
from agent.core.turn_config import TurnConfig
from agent.core.words import CallerWords, next_key_s

__all__ = ("Floor", "TurnConfig", "TurnMachine")


class TurnMachine:
    """Who holds the floor in one call.

    `handle` and `expire` return every consequence, in order. `now` is loop time in seconds and
    must not go back.
    """

    __slots__ = ("_deadline", "_listening", "_overlap", "_pause_s", "_prompts",
                 "_replies", "_since", "_words", "config", "floor")  # fmt: skip

    def __init__(self, config: TurnConfig) -> None:
        self.config = config
        self.floor = Floor.OPEN
        self._words = CallerWords()
        self._replies = Replies()
        self._since = 0.0  # when the silence began, or the reply was released
        self._overlap = Overlap(0.0)  # the present or last speech over the agent
        self._listening = Listening()
        self._deadline: float | None = None
        self._pause_s = 0.0  # silence that decides the present pause
        self._prompts = 0

    @property
    def live(self) -> LiveReply | None:
        """The reply being prepared, waiting or audible."""
        return self._replies.live

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

    def _told(self, event: Event, now: float) -> list[Action]:
        self._words.note(event)
        match event:
            case CallAnswered():
                return self._prompt(Reason.GREETING, now)
            case SpeechStarted():
                return self._speech_started(now)
            case SpeechEnded():
                return self._speech_ended(now)
            case Transcript():
                return self._words_changed(event.final, now)
            case TurnEndPredicted(segment, probability):
                return self._predicted(segment, probability, now)
            case SpeechJudged():
                return self._judged(event, now)
            case Digit() | Typed():
                return self._entered(event, now)
            case Happened(reason):
                return self._prompt(reason, now) if self.floor is Floor.OPEN else []
            case _:
                return self._replied(event, now)

    def _speech_started(self, now: float) -> list[Action]:
        match self.floor:
            case Floor.OPEN:
                self._listening.last = now
                return self._listen(now)
            case Floor.PAUSE:
                return self._listen(now)  # the reply is kept: it may have been a breath
            case Floor.PENDING:
                return self._replies.hush() + self._listen(now)
            case Floor.AGENT:
                return self._overlap_begins(now)
            case Floor.OVERLAP:
                # Counted from the first start: repeated noise may not hold the agent for ever.
                return self._weigh(now)
            case Floor.USER:
                return []
            case _:
                assert_never(self.floor)

    def _overlap_begins(self, now: float) -> list[Action]:
        if self._replies.is_protected:
            return []
        self._overlap = Overlap(now)
        self._enter(Floor.OVERLAP, now + self.config.hold_after_s)
        return [DuckReply(self._replies.number)]

    def _speech_ended(self, now: float) -> list[Action]:
        if self._words.speaking():
            return []
        if self.floor is Floor.USER:
            return self._pause(now, self.config.pause_s(self.config.prior))
        if self.floor is Floor.OVERLAP:
            self._overlap = replace(self._overlap, quiet=now)
            return self._weigh(now)
        return []

    def _judged(self, event: SpeechJudged, now: float) -> list[Action]:
        if event.caller < self.config.dismiss_below:
            return self._dismissed(now) if self._words.dismiss(event.segment) else []
        if self._words.admit(event.segment) and self.floor is not Floor.OVERLAP:
            return self._speech_started(now)
        if self.floor is not Floor.OVERLAP or not self._words.speaking():
            return []
        self._overlap = replace(self._overlap, caller=event.caller, floor=event.floor)
        return self._weigh(now)

    def _dismissed(self, now: float) -> list[Action]:
        """What sounded was not the caller: as if it had not been."""
        is_over = not self._words.speaking()
        if self.floor is Floor.OVERLAP and is_over:
            return self._resume(now)
        if self.floor is not Floor.PAUSE and not (self.floor is Floor.USER and is_over):
            return []
        if not self._words.text() and not self._replies.is_committed:
            return self._replies.cancel() + self._open(now)
        self._enter(Floor.PAUSE, max(now, self._since + self._pause_s))
        return self._speculate()

    def _words_changed(self, final: bool, now: float) -> list[Action]:
        text = self._words.text()
        match self.floor:
            case Floor.OPEN:
                return self._after_reply(now) if text else []
            case Floor.PAUSE:
                is_over = now >= self._since + self._pause_s and not self._words.waiting()
                return self._decide(now) if is_over else self._speculate()
            case Floor.PENDING:
                return self._decide(now) if final and self._replies.is_stale(text) else []
            case Floor.AGENT:
                return self._said_before(now) if final else []
            case Floor.OVERLAP:
                return self._weigh(now)
            case Floor.USER:
                return self._replies.cancel() if self._replies.is_stale(text) else []
            case _:
                assert_never(self.floor)

    def _predicted(self, segment: int, probability: float, now: float) -> list[Action]:
        if self.floor is not Floor.PAUSE or segment != self._words.current:
            return []
        self._pause_s = self.config.pause_s(probability)
        self._deadline = max(now, self._since + self._pause_s)  # decided now, not in the past
        if now < self._deadline:
            return self._listening.sign(probability, now, self.config)
        return self.expire(now)

    def _entered(self, event: Digit | Typed, now: float) -> list[Action]:
        pause_s = next_key_s(event, self.config.digit_pause_s)
        if self.floor is Floor.USER and pause_s > 0:
            return []  # a part of what they are saying
        if self.floor is Floor.AGENT and self._replies.is_protected:
            return []
        return self._replies.hush() + self._pause(now, pause_s)

    def _replied(self, event: Replied, now: float) -> list[Action]:
        live = self._replies.live
        if live is None or event.reply != live.number:
            return []
        match event:
            case ReplyReady(_, protected):
                self._replies.live = replace(live, protected=protected)
                return []
            case WorkDue():
                return self._work_due(live)
            case WorkDone():
                self._replies.end_work(live, is_heard=self.floor is Floor.AGENT)
                return []
            case ReplyDone() if self.floor in (Floor.PAUSE, Floor.USER):
                return self._replies.end_held()  # nothing else was released, or heard
            case ReplyAudible():
                return self._audible(live, now)
            case ReplyDone(_, asks):
                self._words.answer(live.claim)
                if asks:
                    self._words.reopen(now - self.config.answer_before_s)
                return self._after_reply(now)
            case ReplyFailed():
                return self._failed(now)
            case _:
                assert_never(event)

    def _work_due(self, live: LiveReply) -> list[Action]:
        if self.floor in (Floor.PAUSE, Floor.USER) and not self._replies.is_committed:
            return []  # nobody has decided yet that it is wanted
        self._words.answer(live.claim)
        return self._replies.begin_work(live)

    def _audible(self, live: LiveReply, now: float) -> list[Action]:
        if self.floor is Floor.PENDING:
            self._words.answer(live.claim)
            self._words.put_off(all_said=self._replies.is_committed)
            self._replies.sounds()
            self._overlap = Overlap(now)  # nothing was said over this reply yet
            self._enter(Floor.AGENT, now + self.config.agent_max_s)
        return []

    def _failed(self, now: float) -> list[Action]:
        reply = self._replies.end()
        if reply is None or self.floor in (Floor.PAUSE, Floor.USER):
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
                return self._late(now)
            case Floor.AGENT:
                return self._replies.cancel() + self._after_reply(now)
            case Floor.OVERLAP:
                return self._weigh(now)
            case _:
                assert_never(self.floor)

    def _late(self, now: float) -> list[Action]:
        """A released reply is not audible yet: say so once, then give it up."""
        patience = self._since + self.config.reply_wait_s
        if now < patience:
            self._deadline = patience
            return [Backchannel(Aside.LATE)]
        return [CancelReply(self._replies.number), *self._failed(now)]

    # --- what follows -------------------------------------------------------------------------

    def _enter(self, floor: Floor, deadline: float | None) -> None:
        self.floor, self._deadline = floor, deadline

    def _listen(self, now: float) -> list[Action]:
        self._enter(Floor.USER, now + self.config.user_max_s)
        return []

    def _pend(self, now: float) -> None:
        """A reply is released; words are owed a filler if it is late, a prompt is not."""
        wait_s = self.config.reply_wait_s
        if self._replies.is_to_words:
            wait_s = min(wait_s, self.config.filler_after_s)
            self._prompts = 0  # somebody is there
        self._since = now
        self._enter(Floor.PENDING, now + wait_s)

    def _pause(self, now: float, pause_s: float, since: float | None = None) -> list[Action]:
        """Wait for so long; `since` is when the silence began, if that was before now."""
        self._enter(Floor.PAUSE, now + pause_s)
        self._since = now if since is None else since
        self._pause_s = now + pause_s - self._since
        self._replies.speculations = 0
        return self._speculate()

    def _speculate(self) -> list[Action]:
        """Prepare a reply to the words so far, unless one is being prepared or enough were."""
        text, claim = self._words.text(), self._words.claim()
        return self._replies.speculate(text, claim, self.config.speculations_max)

    def _prompt(self, reason: Reason, now: float) -> list[Action]:
        actions = self._replies.prompt(reason)
        self._pend(now)
        return actions

    def _decide(self, now: float) -> list[Action]:
        """The turn is over: answer it, wait for its last words, or find that it had none."""
        if self.floor is Floor.PAUSE and self._words.waiting():
            patience = self._since + self._pause_s + self.config.final_wait_s
            if now < patience:
                self._deadline = patience
                return self._speculate()
        self._words.give_up_waiting()
        if self._replies.is_committed and is_murmur(self._words.text(), self.config):
            self._words.murmured(now)
        actions = self._replies.settle(self._words.text(), self._words.claim())
        if self._replies.live is None:
            return actions + self._open(now)
        self._pend(now)
        return [*actions, ReleaseReply(self._replies.number)]

    def _open(self, now: float) -> list[Action]:
        may_prompt = self._prompts < self.config.prompts_max
        self._enter(Floor.OPEN, now + self.config.silence_s if may_prompt else None)
        return []

    def _after_reply(self, now: float) -> list[Action]:
        """The agent is silent again; whose turn is it?"""
        self._replies.end()
        if self._words.speaking():
            return self._listen(now)
        return self._pause(now, self.config.pause_min_s) if self._words.text() else self._open(now)

    def _weigh(self, now: float) -> list[Action]:
        """The caller speaks, or spoke, over the agent: give way as far as it is worth."""
        verdict, self._deadline = self._overlap.look(self._words, now, self.config)
        return self._give_way(verdict, now)

    def _give_way(self, verdict: Verdict, now: float) -> list[Action]:
        match verdict:
            case Verdict.AS_IT_IS:
                return []
            case Verdict.DUCK | Verdict.HOLD:
                self._overlap = replace(self._overlap, hush=verdict)
                number = self._replies.number
                return [DuckReply(number) if verdict is Verdict.DUCK else HoldReply(number)]
            case Verdict.RESUME:
                return self._resume(now)
            case Verdict.YIELD:
                return self._yield(now)
            case _:
                assert_never(verdict)

    def _said_before(self, now: float) -> list[Action]:
        """Late words of something said over the agent, which has gone on speaking."""
        is_early = self._words.speaking() or self._words.waiting()
        if is_early or self._replies.is_protected or not self._words.over():
            return []
        verdict, due = self._overlap.look(self._words, now, self.config)
        if verdict is Verdict.RESUME:
            self._words.murmured(now)
            return []
        self._enter(Floor.OVERLAP, due)
        return self._give_way(verdict, now)

    def _resume(self, now: float) -> list[Action]:
        if not self._words.waiting():
            self._words.murmured(now)
        self._overlap = replace(self._overlap, hush=Verdict.DUCK)  # its last words may yet come
        self._replies.sounds()
        self._enter(Floor.AGENT, now + self.config.agent_max_s)
        return [ResumeReply(self._replies.number)]

    def _yield(self, now: float) -> list[Action]:
        if self._words.speaking():
            return self._replies.hush() + self._listen(now)
        if not self._words.text() and not self._replies.is_committed:
            return self._prompt(Reason.UNHEARD, now)
        since = max(self._overlap.since, self._overlap.quiet)
        return self._replies.hush() + self._pause(now, self.config.pause_min_s, since)
