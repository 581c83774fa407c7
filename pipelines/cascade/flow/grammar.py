"""What the caller may say as a JSGF grammar for a grammar recogniser.

    [opener] an intent [closer]
    one or two signs of listening
    [opener] [an intent that leads to a form] up to as many slot values as there are [closer]
    some digits in a row
    what a listener says: "no no, i see", "that's great"

Values come in any order, so that one sentence can answer three questions, and corrections ("no,
for five people") need no rule of their own. People pause anywhere, and a recogniser may be given
only the first or the last half of a sentence: phrases may end early, and values stand alone.

The phrases share their beginnings in a tree, and nothing repeats without end. PocketSphinx turns
options, groups and rules into empty transitions, and a loop over all of them joins each end to each
beginning: the restaurant of configs/offline.toml as one loop gave 170,000 transitions and ran 40
times slower than real time.

Hesitations are not in it: they may come between any two words, which is for the recogniser to know.

Source: W3C note "JSpeech Grammar Format", 2000.
"""

from collections.abc import Iterable, Iterator, Mapping

from agent.core.backchannel import AGREEMENTS, PRAISE
from pipelines.cascade.flow.builtin import ACKNOWLEDGE, HELLO
from pipelines.cascade.flow.clock import NAMED
from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.numbers import TENS, UNITS, spoken_number
from pipelines.cascade.flow.pattern import expand
from pipelines.cascade.flow.slot_table import DAYS, Kind, SlotTable
from pipelines.cascade.flow.understand import intents_here, slots_here
from pipelines.cascade.flow.words import words

SPARE_NUMBERS = 4
"""Numbers above what is allowed that are still understood, so that they can be refused."""

ROWS = 200
"""Rows of words one phrase may stand for; a phrase with more options is cut short."""

MOST_VALUES = 4
"""Slot values in one sentence; people do not say more in one breath."""

OPENERS = (
    *("okay", "hello", "yes", "yes but", "no", "no make it", "make it"),
    *("stop", "wait", "hold on", "sorry"),
)
CLOSERS = ("please", "thanks", "thank you", "goodbye")
APART = (ACKNOWLEDGE, HELLO)
"""Small talk too short to stand behind an opener: noise after a "no" would be heard as a "hi"."""

DICTATED = (3, 10)
"""Digits in a row, fewest and most. Callers dictate numbers that nobody asked for, and where there
is no number to find, a recogniser makes "seven tonight at four" of it. Two may be "for four"."""

LISTENING = (
    *(" ".join(agreement) for agreement in AGREEMENTS),
    *(f"{it} {praise}" for it in ("that's", "sounds") for praise in sorted(PRAISE)),
)
"""What callers say over the agent without wanting anything: to be told from what they do want, it
has to be among what can be heard."""

OPEN_ENDS = ("for", "at", "on")
"""Where people stop to think after saying what they want."""

HOURS = " | ".join(UNITS[1:13])
PERIODS = "a.m. | p.m. | tonight | in the (morning | afternoon | evening)"

Tree = dict[str, "Tree"]
"""Word to what may follow it; the empty word says that a row may end here."""


def grammar(flow: Flow, node: str, asked: str) -> str:
    """A JSGF grammar.

    Args:
        flow: whose phrases.
        node: the state or form the caller is in.
        asked: the slot that was asked for, whose bare value is an answer; empty: none.
    """
    intents = [name for name in intents_here(flow, node) if name not in APART]
    slots = slots_here(flow, node)
    leads = {name for name in intents if flow.form(flow.routes(node).get(name, ""))}
    names = [row for slot in slots for row in name_rows(flow, slot)]
    rows = [row for slot in slots for row in slot_rows(flow, slot, asked=slot == asked)]
    alone = [row for name in intents if name not in leads for row in intent_rows(flow, name)]
    leading = [row for name in leads for row in intent_rows(flow, name)]
    ends = [f"{row} {end}" for row in leading for end in OPEN_ENDS]
    parts = [_written(_tree([*names, *alone, *leading, *ends]))]
    if rows:
        given = _up_to("<given>", min(len(slots), MOST_VALUES))
        parts.append(f"[{_written(_tree(leading))}] {given}" if leading else given)
    apart = _written(_tree(row for name in APART for row in intent_rows(flow, name)))
    said = [
        f"[<opener>] ({_any(parts)}) [<closer>]",
        f"({apart}) [{apart}]",
        "<dictated>",
        "<listening>",
    ]
    rules = {
        "opener": _any(OPENERS),
        "closer": _any(CLOSERS),
        "dictated": dictated(),
        "listening": _any(LISTENING),
    }
    if rows:
        rules["given"] = _written(_tree(rows))
    written = "".join([*said, *rules.values()])
    rules |= {f"value_{n}": values(t) for n, t in flow.table.slots.items() if _rule(n) in written}
    rules |= {f"clear_{n}": clear_times() for n in slots if f"<clear_{n}>" in written}
    lines = [f"public <flow> = {_any(said)};", *(f"<{n}> = {text};" for n, text in rules.items())]
    return "\n".join(["#JSGF V1.0;", "grammar flow;", *lines, ""])


def intent_rows(
    flow: Flow, intent: str, held: Mapping[str, tuple[str, ...]] | None = None
) -> Iterator[str]:
    """An intent's phrases as rows of words, contractions also in full.

    Args:
        flow: whose phrases.
        intent: its name.
        held: what stands for each slot's value; None: the slot's rule in the grammar.
    """
    held = {slot: (_rule(slot),) for slot in flow.table.slots} if held is None else held
    for phrase in flow.intents[intent]:
        for row in expand(phrase.pattern, held, ROWS):
            yield row
            yield " ".join(" ".join(words(w)) if "'" in w else w for w in row.split())


def slot_rows(flow: Flow, slot: str, *, asked: bool) -> Iterator[str]:
    """A slot's phrases, and its bare value where it was asked for or is clear."""
    table = flow.table.slots[slot]
    if table.kind in (Kind.YES_NO, Kind.MESSAGE) or (table.secret and not asked):
        return  # yes and no are intents, a message is free speech
    for phrase in flow.slots[slot]:
        yield from expand(phrase.pattern, {slot: (_rule(slot),)}, ROWS)
    if asked or table.kind in (Kind.DAY, Kind.CHOICE):
        yield _rule(slot)
    elif table.kind is Kind.TIME:
        yield f"<clear_{slot}>"


def name_rows(flow: Flow, slot: str) -> Iterator[str]:
    """What a slot is called, for changing it."""
    for phrase in flow.called[slot]:
        yield from expand(phrase.pattern, {}, ROWS)


def values(slot: SlotTable) -> str:
    """The right-hand side of a slot's rule."""
    match slot.kind:
        case Kind.NUMBER:
            return _any(map(spoken_number, range(slot.at_least, most_number(slot) + 1)))
        case Kind.DAY:
            return _any([*DAYS, "tonight"])
        case Kind.TIME:
            return f"{HOURS} | {clear_times()}"
        case Kind.CHOICE:
            return _any(option.lower() for option in slot.options)
        case Kind.DIGITS:
            return _up_to(f"({_any([*UNITS[:10], 'oh', 'double'])})", slot.longest)
        case Kind.AMOUNT:
            return amounts(slot)
        case Kind.YES_NO | Kind.MESSAGE:
            return "yes | no"


def amounts(slot: SlotTable) -> str:
    """Amounts of money: thousands, hundreds, and what is left of a hundred."""
    small = _any([*UNITS[1:], *TENS[2:], *(f"{ten} ({_any(UNITS[1:10])})" for ten in TENS[2:])])
    hundreds = f"({_any(UNITS[1:10])}) hundred [[and] ({small})] | {small}"
    whole = hundreds if slot.at_most < 1000 else f"[({hundreds}) thousand [and]] ({hundreds})"
    whole = f"({whole})" if slot.at_most < 1000 else f"({whole} | ({hundreds}) thousand)"
    return f"{whole} [{_any(slot.unit)}] [[and] ({small}) [{_any(slot.cent)}]]"


def dictated() -> str:
    """A number that nobody asked for, digit by digit."""
    digit = f"({_any([*UNITS[:10], 'oh'])})"
    least, most = DICTATED
    return " ".join([digit] * (least - 1) + [_up_to(digit, most - least + 1)])


def most_number(slot: SlotTable) -> int:
    """The largest number that is still understood."""
    return min(slot.at_most + SPARE_NUMBERS, 999)


def clear_times() -> str:
    """Times that cannot be another number."""
    minutes = _any(["o'clock", "fifteen", "thirty", "forty five", *TENS[1:6], "oh five"])
    past = "half past | quarter past | quarter to | (five | ten | twenty | twenty five) (past | to)"
    rows = f"({HOURS}) ({minutes} | {PERIODS}) | ({past}) ({HOURS}) | ({HOURS}) o'clock ({PERIODS})"
    return f"{rows} | {_any(NAMED)}"


def _tree(rows: Iterable[str]) -> Tree:
    root: Tree = {}
    for row in rows:
        here = root
        for word in row.split():
            here = here.setdefault(word, {})
        here[""] = {}
    return root


def _written(tree: Tree) -> str:
    """The tree in JSGF: a word, then in brackets what follows; words with one sequel joined."""
    joined: dict[str, list[str]] = {}
    for word, after in tree.items():
        if word:
            rest = _written(after)
            sequel = f" [{rest}]" if "" in after else f" ({rest})"
            joined.setdefault(sequel if rest else "", []).append(word)
    return _any(
        f"({_any(heads)}){sequel}" if sequel and heads[1:] else _any(h + sequel for h in heads)
        for sequel, heads in joined.items()
    )


def _any(options: Iterable[str]) -> str:
    return " | ".join(options)


def _up_to(item: str, most: int) -> str:
    return item + (f" [{_up_to(item, most - 1)}]" if most > 1 else "")


def _rule(slot: str) -> str:
    return f"<value_{slot}>"
