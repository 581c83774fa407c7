"""What the caller is likely to say next, from where the dialogue stands."""

from collections.abc import Iterator

from agent.core.protocols import Expectation
from pipelines.cascade.flow.clock import NAMED
from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.grammar import PERIODS, ROWS, grammar, intent_rows, most_number
from pipelines.cascade.flow.keypad import keys_here
from pipelines.cascade.flow.numbers import UNITS, spoken_number
from pipelines.cascade.flow.pattern import expand, parse
from pipelines.cascade.flow.position import Position, Topic
from pipelines.cascade.flow.slot_table import DAYS, Kind, SlotTable
from pipelines.cascade.flow.understand import intents_here, slots_here

AMOUNTS = (*range(1, 100), *range(100, 1000, 50))
"""Round amounts, enough of them to know what a whole one looks like."""

PHRASES = 2000
"""Phrases at most: enough for a form of several slots, and still searched in under 2 ms."""


def expectation(flow: Flow, at: Position) -> Expectation:
    """What may be said here: phrases, the likeliest first, a grammar, and keys."""
    asked = at.asked.slot if at.asked.topic is Topic.SLOT else ""
    keys, private = keys_here(flow, at), flow.is_private(at.node)
    if asked and flow.table.slots[asked].kind is Kind.MESSAGE:
        return Expectation(keys=keys, sensitive=private)  # whatever comes to their mind
    phrases = dict.fromkeys(_phrases(flow, at.node, asked))
    known = tuple(phrases)[:PHRASES]
    return Expectation(known, grammar(flow, at.node, asked), keys, private)


def _phrases(flow: Flow, node: str, asked: str) -> Iterator[str]:
    held = {slot: tuple(examples(table)) for slot, table in flow.table.slots.items()}
    if asked:
        yield from held[asked]
    for intent in intents_here(flow, node):
        yield from intent_rows(flow, intent, held)
    for slot in slots_here(flow, node):
        if flow.table.slots[slot].kind in (Kind.DAY, Kind.CHOICE):
            yield from held[slot]
        for phrase in flow.slots[slot]:
            yield from expand(phrase.pattern, held, 3 * ROWS)
        for phrase in flow.called[slot]:
            yield from expand(phrase.pattern, held, ROWS)


def examples(slot: SlotTable) -> Iterator[str]:
    """Values of a slot as they are said: all of them, or one of the right length for digits."""
    match slot.kind:
        case Kind.NUMBER:
            yield from map(spoken_number, range(slot.at_least, most_number(slot) + 1))
        case Kind.DAY:
            yield from (*DAYS, "tonight")
        case Kind.TIME:
            yield from _times()
        case Kind.CHOICE:
            yield from (option.lower() for option in slot.options)
        case Kind.DIGITS:
            for count in range(slot.fewest, slot.longest + 1):
                yield " ".join(UNITS[1 + n % 9] for n in range(count))
        case Kind.AMOUNT:
            yield from (f"{spoken_number(n)} {slot.unit[-1]}" for n in AMOUNTS if n <= slot.at_most)
        case Kind.YES_NO | Kind.MESSAGE:
            return  # yes and no are intents, a message is free speech


def _times() -> Iterator[str]:
    for hour in UNITS[1:13]:
        yield from (f"half past {hour}", f"quarter past {hour}", f"quarter to {hour}")
        yield from (hour, f"{hour} o'clock", f"{hour} fifteen", f"{hour} thirty")
        yield f"{hour} forty five"
        yield from expand(parse(f"{hour} [o'clock] ({PERIODS})"), {}, ROWS)
    yield from NAMED
