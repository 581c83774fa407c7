"""What the trace and the far side are told of a conversation, without what is sensitive."""

from collections.abc import Collection
from typing import Any

from agent.core.calls import Call, Note, Trace
from agent.core.events import Action, Event, Transcript
from agent.core.protocols import ToolCall
from agent.core.record import to_fields
from pipelines.cascade.discretion import Discretion


class Telling:
    """Told by one conversation what goes on; tells its trace and its far side."""

    def __init__(self, call: Call, trace: Trace, discretion: Discretion) -> None:
        self._call, self._trace, self._discretion = call, trace, discretion

    def sensitive(self, on: bool) -> None:
        """Whether what the caller says now is sensitive; told where it changes."""
        if on is not self._discretion.is_on:
            self._discretion.is_on = on
            self._trace("sensitive", on=on)
            self.note("sensitive", on=on)

    def told(self, event: Event, now: float) -> None:
        """The turn machine is told something."""
        shown = self._discretion.shown(event)
        self._trace("told", now=now, **to_fields(shown))
        if isinstance(shown, Transcript):
            self.note("caption", who="caller", segment=shown.segment, text=shown.text,
                      final=shown.final)  # fmt: skip

    def asked(self, action: Action, segments: Collection[int]) -> None:
        """The turn machine asks for something; `segments` are those that a reply would answer."""
        self._trace("asked", **to_fields(self._discretion.shown_action(action, segments)))

    def hides(self, segments: Collection[int]) -> bool:
        """Whether one of these segments was sensitive."""
        return self._discretion.hides(segments)

    def saying(self, reply: int, text: str) -> None:
        """A reply begins to sound; `text` is what is written of it."""
        self.note("caption", who="agent", reply=reply, text=text, final=False)

    def heard(self, reply: int, text: str, whole: str, *, cut: bool) -> None:
        """A reply is over."""
        self._trace("heard", reply=reply, text=text, cut=cut)
        self.note("caption", who="agent", reply=reply, text=text, final=True, cut=cut,
                  whole=whole)  # fmt: skip

    def wasted(self, reply: int, text: str) -> None:
        """A reply is over that nobody heard; `text` is what was written of it."""
        self._trace("wasted", reply=reply, words=len(text.split()))

    def floor(self, floor: str) -> None:
        """The floor changed hands."""
        self._trace("floor", floor=floor)
        self.note("floor", floor=floor)

    def tool(self, reply: int, tool: ToolCall) -> None:
        """A tool is called: done by the far side, or by the call itself."""
        self._trace("tool", reply=reply, name=tool.name, arguments=tool.arguments)
        self.note("tool", name=tool.name, arguments=tool.arguments)

    def note(self, kind: str, **data: Any) -> None:
        """Something for the far side alone."""
        self._call.tell(Note(kind, data))
