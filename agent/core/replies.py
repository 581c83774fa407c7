"""The replies of a call: at most one lives, and each keeps its number for life."""

from dataclasses import dataclass

from agent.core.events import Action, CancelReply, PrepareReply, Prompt, Reason
from agent.core.words import Claim


@dataclass(frozen=True, slots=True)
class LiveReply:
    """The one reply that may be named: its number, and the words it answers (a prompt: none).

    `protected`: nobody may interrupt it.
    """

    number: int
    text: str
    claim: Claim
    protected: bool = False


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
        if self.live is None:
            raise AssertionError("no reply is live")
        return self.live.number

    @property
    def is_protected(self) -> bool:
        """Whether a reply lives that nobody may interrupt."""
        return self.live is not None and self.live.protected

    def fits(self, text: str) -> bool:
        """Whether the living reply answers exactly these words."""
        return self.live is not None and self.live.text == text

    def is_stale(self, text: str) -> bool:
        """Whether a reply lives that answers other words."""
        return self.live is not None and self.live.text != text

    def speculate(self, text: str, claim: Claim, most: int) -> list[Action]:
        """Begin a reply to words that may not be all, if `most` were not begun in this pause."""
        if self.fits(text):
            return []
        if self.speculations >= most:
            return self.cancel()
        self.speculations += bool(text)
        return self.answer(text, claim)

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

    def cancel(self) -> list[Action]:
        """Silence the living reply, if there is one."""
        reply = self.end()
        return [] if reply is None else [CancelReply(reply.number)]

    def end(self) -> LiveReply | None:
        """The living reply is over by itself."""
        reply, self.live = self.live, None
        return reply

    def _next(self) -> int:
        self._count += 1
        return self._count
