"""Positions of histories that were folded before, so that a reply costs what is new in its history.

Only time is saved: what comes out depends on the history alone, as it does without. A history that
was cut or rewritten shares fewer of its turns with one that is known, and goes on from those.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from functools import reduce

from agent.core.protocols import Message, Role, ToolResult
from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.fold import beginning, step, turns
from pipelines.cascade.flow.position import Position

MOST = 256
"""Positions kept. A call comes back to its last two or three, and adds one with each guess at what
the caller will have said: enough for fifty calls at once. One takes a few kilobytes."""

Kept = tuple[Role, str, bool, bool, str | None]
"""All of a turn that a position depends on: the last is the tool whose result it is."""

Place = tuple[str, bool, tuple[Kept, ...]]
"""And all that a position depends on: the day, whether nobody is there, the turns."""


class KnownPositions:
    """Of one flow, in all its calls. The one that was not asked for longest is forgotten first."""

    def __init__(self, flow: Flow, most: int = MOST) -> None:
        self._flow = flow
        self._most = most
        self._known: OrderedDict[Place, Position] = OrderedDict()

    def fold(
        self, messages: Sequence[Message], today: str = "", now: datetime | None = None
    ) -> Position:
        """As `fold.fold`, from the longest part of the history that is known."""
        begin = beginning(self._flow, messages, today, now)
        history = list(turns(messages))
        kept = tuple(map(_kept, history))
        count, at = self._longest(begin, kept)
        at = reduce(lambda at, message: step(self._flow, at, message), history[count:], at)
        if not any(turn.private for turn in history):  # secrets end with their call
            self._keep((begin.today, begin.closed, kept), at)
        return at

    def _longest(self, begin: Position, kept: tuple[Kept, ...]) -> tuple[int, Position]:
        """How many turns need not be gone through again, and the position after them."""
        for count in range(len(kept), 0, -1):
            place = begin.today, begin.closed, kept[:count]
            if place in self._known:
                self._known.move_to_end(place)
                return count, self._known[place]
        return 0, begin

    def _keep(self, place: Place, at: Position) -> None:
        self._known[place] = at
        if len(self._known) > self._most:
            self._known.popitem(last=False)


def _kept(turn: Message) -> Kept:
    tool = turn.call.name if isinstance(turn, ToolResult) else None
    return turn.role, turn.text, turn.cut, turn.private, tool
