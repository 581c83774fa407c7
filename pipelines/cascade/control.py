"""Call control: what a reply called for is done to the call itself, once the reply was heard."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from agent.core.calls import Call, Hold, Json, Order, SendDigits, Trace, Transfer
from agent.core.errors import CallClosed, OrderRefused
from agent.core.events import Reason
from agent.core.protocols import ToolCall
from pipelines.cascade.telling import Telling

LAST_WORD_S = 0.4
"""Sound still played after the last reply, so that its last word leaves every buffer."""

HANG_UP = "hang_up"
TRANSFER = "transfer"
SEND_DIGITS = "send_digits"
HOLD = "hold"
ENDS = frozenset({HANG_UP, TRANSFER})
CALL_CONTROL = ENDS | {SEND_DIGITS, HOLD}
"""Tools that are about the call: done once the reply was heard, all others when it begins."""


class Control:
    """Carries out the call control of one call.

    A transport that knows an order is given it. One that does not was told by the `tool` note, and
    whoever is there does it: so after a transfer the call ends, and the dialplan or the client goes
    on with it. What a transport knows and refuses is in the trace, and the agent says so.

    Nobody is hung up on while they speak: what ends the call waits until they are silent, and is
    left off if they said something that is answered.

    Args:
        call: whose.
        trace: where it is written.
        telling: told what is done.
        happened: told of an order that was refused.
        over: told who ended the call, and why.
        quiet: returns when nobody speaks, or may yet be found to have spoken.
    """

    def __init__(
        self,
        call: Call,
        trace: Trace,
        telling: Telling,
        happened: Callable[[Reason], None],
        over: Callable[[str, str], None],
        quiet: Callable[[], Awaitable[None]],
    ) -> None:
        self._call, self._trace, self._telling = call, trace, telling
        self._happened, self._over, self._quiet = happened, over, quiet
        self._due: list[ToolCall] = []

    async def carry_out(self, reply: int, tools: Sequence[ToolCall]) -> None:
        """Do what a reply called for, in order, after its last word; what ends the call last."""
        self._due = sorted([*self._due, *tools], key=lambda tool: tool.name in ENDS)
        await asyncio.sleep(LAST_WORD_S)
        while self._due:
            if self._due[0].name in ENDS:
                await self._quiet()
            if self._due:
                tool = self._due.pop(0)
                self._telling.tool(reply, tool)
                await self._do(tool)

    def leave_off(self) -> None:
        """The caller said something: the call does not end before it was answered."""
        for tool in [tool for tool in self._due if tool.name in ENDS]:
            self._due.remove(tool)
            self._trace("left_off", name=tool.name)

    async def _do(self, tool: ToolCall) -> None:
        if tool.name == HANG_UP:
            self._over("agent", str(tool.arguments.get("reason", "")))
        else:
            await self._order(tool)

    async def _order(self, tool: ToolCall) -> None:
        order = order_of(tool.name, tool.arguments)
        is_known = type(order) in self._call.traits.orders
        try:
            if is_known:
                await self._call.order(order)
        except OrderRefused as fault:
            self._trace("refused", order=tool.name, message=str(fault))
            self._happened(Reason.REFUSED)
        except CallClosed:
            self._over("caller", "")
        else:
            if isinstance(order, Transfer):
                self._over("agent", "transferred" if is_known else "left to the far side")


def order_of(name: str, arguments: Mapping[str, Json]) -> Order:
    """A tool of call control as an order. A model may write anything: it is taken as text."""
    match name:
        case "send_digits":
            return SendDigits(str(arguments.get("digits", "")))
        case "hold":
            return Hold(str(arguments.get("on", True)).lower() not in ("false", "no", "off"))
        case _:
            return Transfer(str(arguments.get("to", "")), str(arguments.get("summary", "")))
