"""Taking a message: all that is said belongs to it, until a key, a silence or its limit ends it."""

from dataclasses import replace

from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.moves import ask
from pipelines.cascade.flow.position import Position, Topic, with_value
from pipelines.cascade.flow.slot_table import Kind, SlotTable
from pipelines.cascade.flow.words import pressed, words

WORDS = 200
"""Words of a message where the flow sets no limit: a minute and a half of talk."""


def dictated(flow: Flow, at: Position, text: str) -> Position | None:
    """More of the message that is being taken, or None where none is."""
    slot = _taking(flow, at)
    if slot is None:
        return None
    said = words(text)
    at = replace(at, silences=0, misses=0)
    if pressed(said[-1:]) and said[-1] == slot.end:
        kept = text.rstrip().removesuffix(slot.end).strip()
        return taken(flow, replace(at, message=f"{at.message} {kept}".strip()))
    at = replace(at, message=f"{at.message} {text}".strip())
    is_full = len(at.message.split()) >= (slot.most or WORDS)
    return taken(flow, at) if is_full else replace(at, quiet=True)


def taken(flow: Flow, at: Position) -> Position | None:
    """The message is over; None where none is being taken, or nothing was said yet."""
    if _taking(flow, at) is None or not at.message:
        return None
    return ask(flow, replace(with_value(at, at.asked.slot, at.message), message=""))


def _taking(flow: Flow, at: Position) -> SlotTable | None:
    if at.asked.topic is not Topic.SLOT:
        return None
    slot = flow.table.slots[at.asked.slot]
    return slot if slot.kind is Kind.MESSAGE else None
