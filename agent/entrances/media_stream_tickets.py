"""Tickets for streams: one for every answer, good once. Pure, but for the dice."""

import secrets
from collections import OrderedDict

TICKET = "ticket"
"""The parameter that holds it."""

_GOOD_S = 60.0  # from the answer to the start of the stream; providers need a second or two
_TICKETS = 4096  # of callers who were answered and whose streams have not begun


class Tickets:
    """Those that were given out and not used. Times are loop time in seconds."""

    def __init__(self) -> None:
        self._good_until: OrderedDict[str, float] = OrderedDict()

    def issue(self, now: float) -> str:
        """A new one; the oldest goes when too many are out."""
        ticket = secrets.token_hex(16)
        self._good_until[ticket] = now + _GOOD_S
        while len(self._good_until) > _TICKETS:
            self._good_until.popitem(last=False)
        return ticket

    def use(self, ticket: str, now: float) -> bool:
        """Whether it is good; never again after this."""
        return now <= self._good_until.pop(ticket, -1.0)
