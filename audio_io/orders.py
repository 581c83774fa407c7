"""What a call says that cannot do what it was told to."""

from agent.core.calls import Hold, Order, SendDigits, Transfer
from agent.core.errors import OrderRefused


def refusal(order: Order, call: str) -> OrderRefused:
    """The error of a transport that lacks an order; `call` says what it is: "a WAV file"."""
    return OrderRefused(f"expected a call that {_can(order)}, found {call}")


def _can(order: Order) -> str:
    match order:
        case Transfer():
            return "can be transferred"
        case SendDigits():
            return "takes digits"
        case Hold():
            return "can be held"
