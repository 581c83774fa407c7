"""The reply of a call that lives: it is made, let out, hushed, cut off, and remembered as heard."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from agent.core.calls import Call
from agent.core.conversation import Conversation
from agent.core.protocols import Message, Role, ToolCall, ToolResult
from pipelines.cascade.control import CALL_CONTROL, ENDS, Control
from pipelines.cascade.speaker import DONE, INTERRUPTED, STAYED, Reply, Speaker
from pipelines.cascade.telling import Telling
from pipelines.unspaced import joined

Start = Callable[[Coroutine[None, None, None], str], asyncio.Task[None]]


class Replying:
    """Does to the living reply what the turn machine asks for. Methods never wait.

    Args:
        call: where it is heard.
        speaker: makes it, and puts it into the playout.
        conversation: the history that it enters when it is audible.
        telling: told what is said and called.
        control: carries out what it calls for, once it was heard.
        start: begins a task of the call, by name.
    """

    def __init__(
        self, call: Call, speaker: Speaker, conversation: Conversation, telling: Telling,
        control: Control, start: Start,
    ) -> None:  # fmt: skip
        self._call, self._speaker, self._playout = call, speaker, speaker.playout
        self._conversation, self._telling = conversation, telling
        self._control, self._start = control, start
        self._reply = Reply(0)
        self._making: asyncio.Task[None] | None = None

    @property
    def number(self) -> int:
        """The newest reply's."""
        return self._reply.number

    @property
    def has_effects(self) -> bool:
        """Whether something that changes the world was begun for the newest reply."""
        return self._reply.has_effects

    # --- asked for ----------------------------------------------------------------------------

    def prepare(self, number: int, messages: Sequence[Message]) -> None:
        """Make a reply to these messages behind a closed door."""
        self._reply = Reply(number)
        self._playout.open(number)
        self._making = self._start(self._speaker.speak(self._reply, messages), f"reply-{number}")

    def release(self, number: int) -> None:
        """Open the door: what it calls for may be done."""
        self._playout.release(number)
        self._reply.released.set()

    def duck(self, number: int) -> None:
        """Go on more quietly."""
        self._playout.duck(number)
        self._take_back()

    def hold(self, number: int) -> None:
        """Stop at this sample; what changes the world is not begun meanwhile."""
        self._playout.hold(number)
        self._reply.released.clear()
        self._take_back()

    def resume(self, number: int) -> None:
        """Go on at the same sample."""
        self._playout.resume(number)
        self._reply.released.set()

    def begin_work(self) -> None:
        """The tool that waits may change the world."""
        self._reply.may_work.set()

    def cancel(self, number: int) -> None:
        """Silence first, clean up after; no await in between."""
        if self._reply.has_effects:  # it belongs to the history even if nothing of it was heard
            self._conversation.audible(number)
        is_audible = self._conversation.is_open(number)
        if is_audible:
            self._cut(number)
        else:
            self._telling.wasted(number, " ".join(self._reply.said))
        flushes = self._call.traits.flushes
        self._playout.cancel(number, fade=not flushes)
        if is_audible and flushes:
            self._call.flush()
        if self._making is not None:
            self._making.cancel()

    # --- told ---------------------------------------------------------------------------------

    def audible(self, number: int) -> None:
        """It begins to be heard."""
        self._conversation.audible(number)
        self._reply.written.go_ahead()
        self.goes_on()

    def done(self, number: int) -> None:
        """It was heard to its end."""
        self._conversation.audible(number)
        self.goes_on()
        due, self._reply.tools = self._reply.tools, []
        for tool in due:
            self._remember(tool, STAYED if tool.name in ENDS else DONE)
        self._heard(number, self._playout.position, cut=False)
        if due:
            self._start(self._control.carry_out(number, due), "control")

    def failed(self, number: int, *, was_asked_for: bool) -> None:
        """An engine broke; `was_asked_for`: it was not only prepared."""
        if was_asked_for or self._reply.has_effects:
            self._conversation.audible(number)
            self._cut(number)
        self._playout.cancel(number)

    def goes_on(self) -> None:
        """More of it may be written: the caption of an audible reply grows with that, and what it
        calls for is done, but for what is to follow its last word."""
        reply = self._reply
        if not self._conversation.is_open(reply.number):
            return
        if len(reply.said) > reply.captioned:
            reply.captioned = len(reply.said)
            self._telling.saying(reply.number, " ".join(reply.said))
        for tool in [tool for tool in reply.tools if tool.name not in CALL_CONTROL]:
            reply.tools.remove(tool)
            self._telling.tool(reply.number, tool)
            self._remember(tool, DONE)

    # --- inside -------------------------------------------------------------------------------

    def _cut(self, number: int) -> None:
        self.goes_on()
        for tool in self._reply.tools:
            self._remember(tool, INTERRUPTED)
        self._heard(number, self._call.played(), cut=True)

    def _remember(self, tool: ToolCall, text: str) -> None:
        self._reply.results.append(ToolResult(Role.EVENT, text, call=tool))

    def _heard(self, number: int, played: int, *, cut: bool) -> None:
        text = joined(self._playout.heard(number, played))
        self._conversation.heard(number, text, cut=cut, results=self._reply.results)
        self._telling.heard(number, text, " ".join(self._reply.said), cut=cut)

    def _take_back(self) -> None:
        """What is on its way to the caller obeys too, where it can be handed over again."""
        if self._call.traits.rewinds:
            played = self._call.played()
            self._call.flush()
            self._playout.take_back(played)
