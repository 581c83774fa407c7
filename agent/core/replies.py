"""The replies of a call: at most one lives, and each keeps its number for life."""

from dataclasses import dataclass, replace
from enum import Enum, auto

from agent.core.events import (
    Action,
    BeginWork,
    CancelReply,
    HoldReply,
    PrepareReply,
    Prompt,
    Reason,
)
from agent.core.words import Claim


class Work(Enum):
    """What a reply does beside speaking that cannot be undone."""

    NONE = auto()
    RUNNING = auto()
    UNTOLD = auto()  # it is done, and the caller has not heard of it yet


@dataclass(frozen=True, slots=True)
class LiveReply:
    """The one reply that may be named: its number, and the words it answers (a prompt: none).

    `protected`: nobody may interrupt it. `work`: as long as there is some, the reply is committed:
    it waits for a caller who speaks, and is not cancelled.
    """

    number: int
    text: str
    claim: Claim
    protected: bool = False
    work: Work = Work.NONE


class Replies:
    """Numbers the replies and holds the one that lives. Methods return what is to be done.

    Attributes:
        live: the reply being prepared, waiting or audible.
        speculations: replies begun in this pause, before it was decided.
    """

    __slots__ = ("_count", "live", "speculations")

    def __init__(self) -> None:
        self.live: LiveReply | None = None
        self.speculations = 0
        self._count = 0

    @property
    def number(self) -> int:
        """The living reply's number; there must be one."""
        return self._living().number

    @property
    def is_protected(self) -> bool:
        """Whether a reply lives that nobody may interrupt."""
        return self.live is not None and self.live.protected

    @property
    def is_committed(self) -> bool:
        """Whether a reply lives that must be heard, whatever else is said."""
        return self.live is not None and self.live.work is not Work.NONE

    @property
    def is_to_words(self) -> bool:
        """Whether a reply lives that answers the caller."""
        return self.live is not None and self.live.text != ""

    def fits(self, text: str) -> bool:
        """Whether the living reply answers exactly these words, or must be heard before them."""
        return self.live is not None and (self.is_committed or self.live.text == text)

    def is_stale(self, text: str) -> bool:
        """Whether a reply lives that answers other words, and has done nothing for them yet."""
        return self.live is not None and not self.fits(text)

    def begin_work(self, live: LiveReply) -> list[Action]:
        """The living reply changes the world, and answers its words by that."""
        self.live = replace(live, work=Work.RUNNING, claim=())
        return [BeginWork(live.number)]

    def end_work(self, live: LiveReply, *, is_heard: bool) -> None:
        """The living reply has changed the world; `is_heard`: it is audible and tells of it."""
        if live.work is Work.RUNNING:
            self.live = replace(live, work=Work.NONE if is_heard else Work.UNTOLD)

    def sounds(self) -> None:
        """The living reply is heard, and what it did with it. Its words are answered once: later it
        would undo answers."""
        live = self._living()
        work = Work.NONE if live.work is Work.UNTOLD else live.work
        self.live = replace(live, work=work, claim=())

    def speculate(self, text: str, claim: Claim, most: int) -> list[Action]:
        """Begin a reply to words that may not be all, if `most` were not begun in this pause."""
        if self.fits(text):
            return []
        if self.speculations >= most:
            return self.cancel()
        self.speculations += bool(text)
        return self.answer(text, claim)

    def settle(self, text: str, claim: Claim) -> list[Action]:
        """The turn is over: the living reply is wanted if it fits, else a new one to its words."""
        return [] if self.fits(text) else self.answer(text, claim)

    def answer(self, text: str, claim: Claim) -> list[Action]:
        """Begin a reply to the caller's words, if there are any; the one before is over."""
        actions = self.cancel()
        if not text:
            return actions
        self.live = LiveReply(self._next(), text, claim)
        return [*actions, PrepareReply(self.live.number, text)]

    def prompt(self, reason: Reason) -> list[Action]:
        """Begin a reply to no words; the one before is over."""
        actions = self.cancel()
        self.live = LiveReply(self._next(), "", ())
        return [*actions, Prompt(self.live.number, reason)]

    def hush(self) -> list[Action]:
        """The caller has the floor: a committed reply waits, any other is over."""
        return [HoldReply(self.number)] if self.is_committed else self.cancel()

    def cancel(self) -> list[Action]:
        """Silence the living reply, if there is one."""
        reply = self.end()
        return [] if reply is None else [CancelReply(reply.number)]

    def end_held(self) -> list[Action]:
        """A committed reply that is held had no sound left: nothing is to be done for it."""
        self.live = None if self.is_committed else self.live
        return []

    def end(self) -> LiveReply | None:
        """The living reply is over by itself."""
        reply, self.live = self.live, None
        return reply

    def _living(self) -> LiveReply:
        if self.live is None:
            raise AssertionError("no reply is live")
        return self.live

    def _next(self) -> int:
        self._count += 1
        return self._count
