"""Keys of a telephone on their way to the turn machine: how long the next one may take."""

from dataclasses import replace
from itertools import takewhile

from agent.core.events import Digit
from agent.core.protocols import Keys

KEYS = frozenset("0123456789*#ABCD")


def awaited(digit: Digit, entered: str, keys: Keys | None) -> Digit:
    """The key, with the time to wait for the next one, where several make an entry.

    Args:
        digit: what was pressed.
        entered: the caller's unanswered words; the keys of this entry stand at their end.
        keys: what the responder waits for; None: the turn machine knows best.
    """
    if keys is None or digit.pause_s is not None:
        return digit
    before = sum(1 for _ in takewhile(KEYS.__contains__, reversed(entered.split())))
    is_complete = digit.digit == keys.end or before + 1 >= keys.most
    return replace(digit, pause_s=0.0 if is_complete else keys.pause_s)
