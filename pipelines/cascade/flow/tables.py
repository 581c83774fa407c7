"""What may be written in a flow's TOML, as frozen dataclasses; `docs/flows.md` explains it."""

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a slot holds."""

    NUMBER = "number"
    DAY = "day"
    TIME = "time"
    CHOICE = "choice"
    DIGITS = "digits"
    YES_NO = "yes_no"


@dataclass(frozen=True, slots=True)
class SlotTable:
    """One thing to find out.

    Attributes:
        ask: the question, then other wordings of it for when it was not understood.
        phrases: how the value (`{}`) is said when nobody asked for it.
        called: what callers call it, as in "change the day"; patterns.
        refuse: said when the value is not allowed; `{value}` stands for it.
        at_least: the smallest number allowed.
        at_most: the largest number allowed.
        closed: days that are not allowed.
        earliest: the first time allowed, as HH:MM on a 24 hour clock.
        latest: the last time allowed.
        options: for a choice, what may be chosen.
        count: for digits, how many.
    """

    kind: Kind
    ask: tuple[str, ...]
    phrases: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    refuse: str = "Sorry, {value} is not possible."
    at_least: int = 1
    at_most: int = 99
    closed: tuple[str, ...] = ()
    earliest: str = "00:00"
    latest: str = "23:59"
    options: tuple[str, ...] = ()
    count: int = 4

    def __post_init__(self) -> None:
        if not self.ask:
            raise ValueError("ask needs at least one question, found an empty list")
        if self.kind is Kind.CHOICE and not self.options:
            raise ValueError("a choice needs options, found none")
        if not 0 <= self.at_least <= self.at_most <= 999:
            raise ValueError(
                f"at_least and at_most lie within 0–999, found {self.at_least}–{self.at_most}"
            )
        if self.count < 1:
            raise ValueError(f"count is at least 1, found {self.count}")
        if self.kind is Kind.TIME and minutes(self.earliest) > minutes(self.latest):
            raise ValueError(f"earliest is before latest, found {self.earliest}–{self.latest}")


@dataclass(frozen=True, slots=True)
class IntentTable:
    """Something callers want, and the phrases they say it with."""

    phrases: tuple[str, ...]

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
        keys: keypad key to the state or form it leads to.
        call: a tool to call on arrival.
        arguments: what the tool is given.
        to: go on to this state or form at once; `back` returns to where the caller was.
        forget: drop all slot values on arrival.
        must_hear: the reply that says this cannot be interrupted.
    """

    say: str = ""
    ask: tuple[str, ...] = ()
    again: str = ""
    on: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    call: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    to: str = ""
    forget: bool = False
    must_hear: bool = False

    def __post_init__(self) -> None:
        if not (self.say or self.ask):
            raise ValueError("a state says or asks something; give it say or ask")


@dataclass(frozen=True, slots=True)
class FormTable:
    """Slots to fill in any order.

    Attributes:
        slots: asked for in this order while they are missing.
        say: said on arrival.
        confirm: the values read back, ending in a yes-or-no question; empty asks nothing.
        change: asked when the caller says no to `confirm`.
        call: a tool to call when all is confirmed; it is given the slots by name.
        done: said then.
        to: where to go then.
        on: intent to the state or form it leads to.
        keys: keypad key to the state or form it leads to.
    """

    slots: tuple[str, ...]
    to: str
    say: str = ""
    confirm: str = ""
    change: str = "What should I change?"
    call: str = ""
    done: str = ""
    on: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.slots:
            raise ValueError("slots needs at least one slot, found an empty list")


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


def minutes(clock: str) -> int:
    """Minutes since midnight of HH:MM.

    Raises:
        ValueError: it is not a time of day.
    """
    hour, _, minute = clock.partition(":")
    if not (hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60):
        raise ValueError(f"expected a time such as 19:30, found {clock!r}")
    return int(hour) * 60 + int(minute)
