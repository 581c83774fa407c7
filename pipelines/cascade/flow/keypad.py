"""Keys of a telephone: what they mean where the dialogue stands, and how many make an entry."""

from agent.core.protocols import Keys
from pipelines.cascade.flow.builtin import NO, YES
from pipelines.cascade.flow.clock import HALF_DAY
from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.money import amount, cents
from pipelines.cascade.flow.position import Position, Topic
from pipelines.cascade.flow.slot_table import Kind, SlotTable
from pipelines.cascade.flow.values import Value
from pipelines.cascade.flow.words import Words

ONE = Keys(1, "", 0.0)
"""One key says it all."""


def keys_here(flow: Flow, at: Position) -> Keys | None:
    """How many keys make one entry here; None where no key means anything."""
    if asks_yes_or_no(flow, at) and flow.table.yes:
        return ONE
    if at.asked.topic is Topic.SLOT:
        slot = flow.table.slots[at.asked.slot]
        if most := most_keys(slot):
            return ONE if most == 1 else Keys(most, slot.end, slot.pause_s)
    return ONE if flow.node(at.node).keys else None


def asks_yes_or_no(flow: Flow, at: Position) -> bool:
    """Whether yes and no are the answers to the question that waits."""
    if at.asked.topic is Topic.SLOT:
        return flow.table.slots[at.asked.slot].kind is Kind.YES_NO
    return at.asked.topic in (Topic.CONFIRM, Topic.OFFER, Topic.SURE)


def most_keys(slot: SlotTable) -> int:
    """The keys of the longest entry; 0: the slot is not for keys."""
    match slot.kind:
        case Kind.DIGITS:
            return slot.longest
        case Kind.NUMBER:
            return len(str(slot.at_most))
        case Kind.AMOUNT:
            return len(str(slot.at_most)) + 3  # a star for the point, and two decimals
        case Kind.TIME:
            return 4
        case Kind.MESSAGE:
            return 1
        case Kind.DAY | Kind.CHOICE | Kind.YES_NO:
            return 1 if slot.keys else 0


def entered(slot: SlotTable, keys: Words) -> Value | None:
    """The value that these keys enter, allowed or not; None where they are none.

    A star begins anew, and in an amount it is the decimal point.
    """
    pressed = "".join(key for key in keys if key != slot.end)
    if slot.kind is Kind.AMOUNT:
        value = cents(pressed.replace("*", "."))
        return None if value is None else amount(value)
    figures = pressed.rpartition("*")[2]
    if slot.keys:
        return slot.keys.get(figures[-1:])
    if not figures.isdigit():
        return None
    match slot.kind:
        case Kind.DIGITS:
            return figures
        case Kind.NUMBER:
            return int(figures)
        case Kind.TIME:
            return _time(figures, slot)
        case _:
            return None


def answer_of(flow: Flow, keys: Words) -> str:
    """The intent, yes or no, that the last key stands for at a yes-or-no question; or empty."""
    return {flow.table.yes: YES, flow.table.no: NO}.get(keys[-1], "")


def _time(figures: str, slot: SlotTable) -> str | None:
    """`1930`, `730`, `19`: an hour before noon falls after it where that alone is allowed."""
    hour, minute = (figures[:-2], figures[-2:]) if len(figures) > 2 else (figures, "0")
    if int(hour) > 23 or int(minute) > 59:
        return None
    whole = int(hour) * 60 + int(minute)
    later = whole + HALF_DAY
    first, last = slot.allowed_minutes()
    if not first <= whole <= last and len(figures) < 4 and first <= later <= last:
        whole = later
    return f"{whole // 60:02}:{whole % 60:02}"
