"""What the caller meant, on words alone.

The rule: everything that could be meant is looked for everywhere in the words. A slot value counts
one point a word, and so does an intent's phrase, less a cost for each foreign word inside it. A
value of the slot that was just asked for gets `ASKED` points more, so an answer beats an intent
elsewhere. The best one takes its words; then the best of what needs none of those; and so on. So
one sentence can fill three slots and ask for the address. What is said last of a slot counts.

A value that could be something else (a lone number) counts only where it was asked for, or inside
one of the slot's phrases.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.cascade.flow.builtin import ACKNOWLEDGE, NO, PHRASES, YES
from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.keypad import answer_of, asks_yes_or_no, entered
from pipelines.cascade.flow.match import search
from pipelines.cascade.flow.position import Position, Topic
from pipelines.cascade.flow.slot_table import Kind
from pipelines.cascade.flow.values import Reading, Value, readings
from pipelines.cascade.flow.words import FILLERS, Words, pressed, words

FOREIGN = 1
"""Words beside an intent that counts only alone: "okay goodbye then" ends a call, "I said goodbye
to my mother" does not."""

ASKED = 2.0
"""Points an answer gets ahead: as many as the words people leave out when they answer."""


@dataclass(frozen=True, slots=True)
class Intended:
    """An intent was recognised."""

    intent: str


@dataclass(frozen=True, slots=True)
class Given:
    """A value for a slot was recognised."""

    slot: str
    value: Value


@dataclass(frozen=True, slots=True)
class Named:
    """A slot was named without a value, as in "change the time"."""

    slot: str


Meaning = Intended | Given | Named


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that could be meant, and the places of the words it rests on."""

    meaning: Meaning
    used: tuple[int, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Understood:
    """What a turn means; empty when nothing was understood.

    Attributes:
        intents: in the order in which they were said.
        values: the last value of each slot, in the order of the slots.
        named: slots that were named without a value.
        keys: the last telephone key, when nothing else was understood or said.
    """

    intents: tuple[str, ...] = ()
    values: tuple[tuple[str, Value], ...] = ()
    named: tuple[str, ...] = ()
    keys: Words = ()


def understand(flow: Flow, at: Position, text: str) -> Understood:
    """What the caller meant by `text` in this place of the dialogue."""
    said = words(text)
    if pressed(said):
        return _entered(flow, at, said)
    tokens = tuple(word for word in said if word not in FILLERS)
    chosen = _choose([*_values(flow, at, tokens), *_names(flow, at, tokens)], flow, at, tokens)
    intents = tuple(c.intent for c in chosen if isinstance(c, Intended))
    values = {c.slot: c.value for c in chosen if isinstance(c, Given)}
    values |= _yes_or_no(flow, at, intents)
    named = tuple(c.slot for c in chosen if isinstance(c, Named))
    last = said[-1:] if not chosen or pressed(said) else ()
    return Understood(intents, tuple(values.items()), named, last if pressed(last) else ())


def _entered(flow: Flow, at: Position, said: Words) -> Understood:
    """What the keys mean: an answer where one was asked for, and a key of the menu."""
    values: dict[str, Value] = {}
    if asks_yes_or_no(flow, at) and (answer := answer_of(flow, said)):
        return Understood((answer,), tuple(_yes_or_no(flow, at, (answer,)).items()))
    if at.asked.topic is Topic.SLOT:
        slot = flow.table.slots[at.asked.slot]
        value = entered(slot, said)
        values = {} if value is None else {at.asked.slot: value}
        said = tuple(key for key in said if key != slot.end) or said
    return Understood((), tuple(values.items()), keys=said[-1:])


def _choose(candidates: list[Candidate], flow: Flow, at: Position, tokens: Words) -> list[Meaning]:
    """The best that do not share a word, in the order in which they were said."""
    candidates += _intents(flow, at, tokens)
    candidates.sort(key=lambda c: (-c.score, -len(c.used), c.used[0]))
    taken: set[int] = set()
    chosen = []
    for candidate in candidates:
        if taken.isdisjoint(candidate.used):
            taken.update(candidate.used)
            chosen.append(candidate)
    is_crowded = len(set(range(len(tokens))) - taken) > FOREIGN
    meanings = [c.meaning for c in sorted(chosen, key=lambda c: c.used)]
    return [m for m in meanings if not (is_crowded and _is_for_alone(flow, m))]


def _is_for_alone(flow: Flow, meaning: Meaning) -> bool:
    intent = flow.table.intents.get(meaning.intent) if isinstance(meaning, Intended) else None
    return intent is not None and intent.alone


def slots_here(flow: Flow, node: str) -> tuple[str, ...]:
    """The slots of this form, or of the forms that this state leads to."""
    form = flow.form(node)
    if form:
        return form.slots
    forms = [flow.form(target) for target in flow.routes(node).values()]
    return tuple(dict.fromkeys(slot for form in forms if form for slot in form.slots))


def intents_here(flow: Flow, node: str) -> tuple[str, ...]:
    """The intents that lead somewhere from here, and the small talk."""
    return tuple(dict.fromkeys([*flow.routes(node), *(name for name, _ in PHRASES)]))


def _values(flow: Flow, at: Position, tokens: Words) -> Iterator[Candidate]:
    def read(slot: str, tokens: Sequence[str], start: int) -> Iterator[Reading]:
        return readings(flow.table.slots[slot], tokens, start)

    for slot in slots_here(flow, at.node):
        asked = at.asked.topic is Topic.SLOT and at.asked.slot == slot
        if flow.table.slots[slot].secret and not asked:
            continue
        bonus = ASKED if asked else 0.0
        for start in range(len(tokens)):
            for found in read(slot, tokens, start):
                if found.clear or asked:
                    used = tuple(range(start, found.end))
                    yield Candidate(Given(slot, found.value), used, len(used) + bonus)
        for phrase in flow.slots[slot]:
            for match in search(phrase, tokens, read):
                own = [reading.value for name, reading in match.values if name == slot]
                yield Candidate(Given(slot, own[-1]), match.used, match.score + bonus)


def _names(flow: Flow, at: Position, tokens: Words) -> Iterator[Candidate]:
    form = flow.form(at.node)
    for slot in form.slots if form else ():
        for phrase in flow.called[slot]:
            for match in search(phrase, tokens, lambda *_: iter(())):
                yield Candidate(Named(slot), match.used, match.score)


def _intents(flow: Flow, at: Position, tokens: Words) -> Iterator[Candidate]:
    def read(slot: str, tokens: Sequence[str], start: int) -> Iterator[Reading]:
        return readings(flow.table.slots[slot], tokens, start)

    for intent in intents_here(flow, at.node):
        for phrase in flow.intents[intent]:
            for match in search(phrase, tokens, read):
                yield Candidate(Intended(intent), match.used, match.score)


def _yes_or_no(flow: Flow, at: Position, intents: tuple[str, ...]) -> dict[str, Value]:
    """The answer to a yes-or-no slot that was asked for; both at once are no answer."""
    if at.asked.topic is not Topic.SLOT or flow.table.slots[at.asked.slot].kind is not Kind.YES_NO:
        return {}
    yes = YES in intents or ACKNOWLEDGE in intents
    return {at.asked.slot: YES if yes else NO} if yes != (NO in intents) else {}
