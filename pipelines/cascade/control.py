"""Call control: what a reply called for is done to the call itself, once the reply was heard."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from agent.core.calls import Call, Hold, Json, Order, SendDigits, Trace, Transfer
from agent.core.errors import CallClosed, OrderRefused
from agent.core.events import Reason
from agent.core.protocols import ToolCall

LAST_WORD_S = 0.4
"""Sound still played after the last reply, so that its last word leaves every buffer."""

HANG_UP = "hang_up"
TRANSFER = "transfer"
SEND_DIGITS = "send_digits"
HOLD = "hold"
CALL_CONTROL = frozenset({HANG_UP, TRANSFER, SEND_DIGITS, HOLD})
"""Tools that are about the call: done once the reply was heard, all others when it begins."""


class Control:
    """Carries out the call control of one call.

    A transport that knows an order is given it. One that does not was told by the `tool` note, and
    whoever is there does it: so after a transfer the call ends, and the dialplan or the client goes
    on with it. What a transport knows and refuses is in the trace, and the agent says so.

    Args:
        call: whose.
        trace: where it is written.
        happened: told of an order that was refused.
        over: told who ended the call, and why.
    """

    def __init__(
        self,
        call: Call,
        trace: Trace,
        happened: Callable[[Reason], None],
        over: Callable[[str, str], None],
    ) -> None:
        self._call, self._trace, self._happened, self._over = call, trace, happened, over

    async def carry_out(self, tools: Sequence[ToolCall]) -> None:
        """Do them, in order, after the last word; what ends the call comes last."""
        await asyncio.sleep(LAST_WORD_S)
        for tool in sorted(tools, key=lambda tool: tool.name in (TRANSFER, HANG_UP)):
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
