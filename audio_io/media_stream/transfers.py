"""Where calls go once their media streams have ended. Pure."""

from collections import OrderedDict
from typing import TypeVar

from agent.core.calls import Transfer

_TRANSFERS = 256  # a provider asks within a second what to do; what it never asks for goes


T = TypeVar("T")


class Transfers:
    """Where calls are to go once their streams have ended: their providers ask for it then."""

    def __init__(self) -> None:
        self._orders: OrderedDict[str, Transfer] = OrderedDict()
        self._summaries: OrderedDict[str, str] = OrderedDict()

    def put(self, call: str, order: Transfer) -> None:
        """The call, by its provider's name, is to go there; the oldest goes when too many wait."""
        _keep(self._orders, call, order)

    def take(self, call: str) -> Transfer | None:
        """Where it is to go, once; None: nowhere."""
        order = self._orders.pop(call, None)
        if order and order.summary:
            _keep(self._summaries, call, order.summary)
        return order

    def summary(self, call: str) -> str:
        """What whoever takes the call is told of it, once; empty: nothing."""
        return self._summaries.pop(call, "")


def _keep(table: OrderedDict[str, T], call: str, value: T) -> None:
    table[call] = value
    while len(table) > _TRANSFERS:
        table.popitem(last=False)
