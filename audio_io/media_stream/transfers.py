"""Where calls go once their media streams have ended. Pure."""

from collections import OrderedDict

from agent.core.calls import Transfer

_TRANSFERS = 256  # a provider asks within a second what to do; what it never asks for goes


class Transfers:
    """Where calls are to go once their streams have ended: their providers ask for it then."""

    def __init__(self) -> None:
        self._orders: OrderedDict[str, Transfer] = OrderedDict()

    def put(self, call: str, order: Transfer) -> None:
        """The call, by its provider's name, is to go there; the oldest goes when too many wait."""
        self._orders[call] = order
        while len(self._orders) > _TRANSFERS:
            self._orders.popitem(last=False)

    def take(self, call: str) -> Transfer | None:
        """Where it is to go, once; None: nowhere."""
        return self._orders.pop(call, None)
