"""What may be written in a flow's TOML, as frozen dataclasses; `docs/flows.md` explains it."""

from dataclasses import dataclass, field

from pipelines.cascade.flow.hours import HoursTable
from pipelines.cascade.flow.slot_table import SlotTable
from pipelines.cascade.flow.words import KEYS


@dataclass(frozen=True, slots=True)
class IntentTable:
    """Something callers want, and the phrases they say it with.

    `alone`: it counts only where hardly anything else was said.
    """

    phrases: tuple[str, ...]
    alone: bool = False

    def __post_init__(self) -> None:
        if not self.phrases:
            raise ValueError("phrases needs at least one phrase, found an empty list")


@dataclass(frozen=True, slots=True)
class StateTable:
    """A place in the dialogue.

    Attributes:
        say: said on arrival.
        ask: the question asked here, then other wordings of it.
        again: asked instead of `ask` when the dialogue comes back here.
        on: intent to the state or form it leads to.
        on_again: the same, but only once `again` was asked.
        keys: keypad key to the state or form it leads to.
        call: a tool to call on arrival.
        arguments: what the tool is given; `{slot}` and `{said}` stand for values.
        result: the slot that what came of the tool fills.
        then: its value to the state or form it leads to; others go to `to`.
        fail: where to go when the tool failed; empty: the caller is told, and asked again.
        refused: where to go when the call would not be transferred; empty: the caller is told.
        closed: where to go instead outside the business hours.
        sure: asked before coming here unless something was done in this call; a no stays.
        to: go on to this state or form at once; `back` returns to where the caller was.
        forget: drop all slot values on arrival.
        must_hear: the reply that says this cannot be interrupted.
    """

    say: str = ""
    ask: tuple[str, ...] = ()
    again: str = ""
    on: dict[str, str] = field(default_factory=dict)
    on_again: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    call: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    result: str = ""
    then: dict[str, str] = field(default_factory=dict)
    fail: str = ""
    refused: str = ""
    closed: str = ""
    sure: str = ""
    to: str = ""
    forget: bool = False
    must_hear: bool = False

    def __post_init__(self) -> None:
        if not (self.say or self.ask):
            raise ValueError("a state says or asks something; give it say or ask")
        if self.on_again and not self.again:
            raise ValueError("on_again needs again, the question after which it counts")
        if self.result and not self.call:
            raise ValueError("result needs call, the tool whose result it is")
        if (self.then or self.fail) and not self.result:
            raise ValueError("then and fail need result, the slot that the tool fills")
        if self.result and not (self.to or self.then):
            raise ValueError("a state with a result leads on; give it to or then")
        if self.refused and self.call != "transfer":
            raise ValueError('refused is for states with call = "transfer"')


@dataclass(frozen=True, slots=True)
class FormTable:
    """Slots to fill in any order.

    Attributes:
        slots: asked for in this order while they are missing.
        say: said on arrival.
        confirm: the values read back, ending in a yes-or-no question; empty asks nothing.
        change: asked when the caller says no to `confirm`.
        call: a tool to call when all is confirmed; it is given the slots by name.
        arguments: what else it is given; `{slot}` and `{said}` stand for values.
        done: said then.
        to: where to go then.
        result: the slot that what came of the tool fills.
        then: its value to the state or form it leads to; others go to `to`.
        fail: where to go when the tool failed; empty: the caller is told, and asked again.
        keep: slots that stay filled afterwards.
        tries: how often in a call it may be finished; 0: as often as one likes.
        too_many: the state to go to instead after that.
        on: intent to the state or form it leads to.
        keys: keypad key to the state or form it leads to.
    """

    slots: tuple[str, ...]
    to: str
    say: str = ""
    confirm: str = ""
    change: str = "What should I change?"
    call: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    done: str = ""
    result: str = ""
    then: dict[str, str] = field(default_factory=dict)
    fail: str = ""
    keep: tuple[str, ...] = ()
    tries: int = 0
    too_many: str = ""
    on: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.slots:
            raise ValueError("slots needs at least one slot, found an empty list")
        if self.result and not self.call:
            raise ValueError("result needs call, the tool whose result it is")
        if (self.then or self.fail) and not self.result:
            raise ValueError("then and fail need result, the slot that the tool fills")
        if not 0 <= self.tries <= 99 or bool(self.tries) is not bool(self.too_many):
            raise ValueError(
                "tries, 1 to 99, and too_many, the state after them, belong together; "
                f"found {self.tries} and {self.too_many!r}"
            )
        if unknown := set(self.keep) - set(self.slots):
            raise ValueError(f"keep: expected slots of the form, found {sorted(unknown)[0]!r}")


@dataclass(frozen=True, slots=True)
class FlowTable:
    """A whole dialogue.

    Attributes:
        start: the state it begins in.
        greeting: said when the call is answered.
        anywhere: intent to the state or form it leads to, from everywhere.
        silence: said after the first, second, … silence in a row.
        after_silence: where to go when `silence` is used up; empty stays.
        trouble: said when an answer could not be given for technical reasons.
        sorry: said before the question when the caller was not understood.
        offer: a yes-or-no question asked the third time; yes goes to `person`.
        person: the state that hands over to a person.
        tools: tools the flow may call beside hang_up and transfer, with a description.
        hours: when somebody is there.
        closed_greeting: said instead of the greeting outside these hours.
        yes: the key for yes at a yes-or-no question; empty: none.
        no: the key for no.
        refused: said when the call would not be transferred.
        limit: said when the call must end soon.
        after_beep: the state to go to when an answering machine took the call and records.
    """

    start: str
    greeting: str
    states: dict[str, StateTable]
    intents: dict[str, IntentTable] = field(default_factory=dict)
    slots: dict[str, SlotTable] = field(default_factory=dict)
    forms: dict[str, FormTable] = field(default_factory=dict)
    anywhere: dict[str, str] = field(default_factory=dict)
    silence: tuple[str, ...] = ("Are you still there?",)
    after_silence: str = ""
    trouble: str = "I'm sorry, something went wrong on my side."
    sorry: str = "Sorry, I didn't catch that."
    offer: str = ""
    person: str = ""
    tools: dict[str, str] = field(default_factory=dict)
    hours: HoursTable | None = None
    closed_greeting: str = ""
    yes: str = ""
    no: str = ""
    refused: str = "I'm sorry, I could not put you through."
    limit: str = "We have to come to an end soon."
    after_beep: str = ""

    def __post_init__(self) -> None:
        if self.closed_greeting and not self.hours:
            raise ValueError("closed_greeting needs hours, which say when it is said")
        if bool(self.yes) is not bool(self.no) or (self.yes and self.yes == self.no):
            raise ValueError(f"yes and no are two different keys, found {self.yes!r}, {self.no!r}")
        if not {self.yes, self.no} <= {"", *KEYS}:
            raise ValueError(f"yes and no are keys, found {self.yes!r} and {self.no!r}")
