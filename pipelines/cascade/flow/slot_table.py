"""One thing to find out, as a flow's TOML has it: what kind it is, and what is allowed."""

from dataclasses import dataclass, field
from enum import StrEnum

from pipelines.cascade.flow.clock import minutes
from pipelines.cascade.flow.hours import WEEKDAYS
from pipelines.cascade.flow.money import MOST
from pipelines.cascade.flow.words import KEYS


class Kind(StrEnum):
    """What a slot holds."""

    NUMBER = "number"
    DAY = "day"
    TIME = "time"
    CHOICE = "choice"
    DIGITS = "digits"
    YES_NO = "yes_no"
    AMOUNT = "amount"
    MESSAGE = "message"


DAYS = (*WEEKDAYS, "today", "tomorrow")

DIGITS_MOST = 40
"""Digits in one entry at most: an IBAN has 34 characters, a card number 19."""


@dataclass(frozen=True, slots=True)
class SlotTable:
    """One thing to find out.

    Attributes:
        ask: the question, then other wordings of it for when it was not understood.
        phrases: how the value (`{}`) is said when nobody asked for it.
        called: what callers call it, as in "change the day"; patterns.
        refuse: said when the value is not allowed; `{value}` stands for it.
        at_least: the smallest number or amount allowed.
        at_most: the largest number or amount allowed.
        closed: days that are not allowed.
        earliest: the first time allowed, as HH:MM on a 24 hour clock.
        latest: the last time allowed.
        options: for a choice, what may be chosen.
        count: for digits, how many.
        least: for digits that may be more or fewer, the fewest; with `most` instead of `count`.
        most: the most; for a message, words after which it ends.
        end: the key that ends an entry before that.
        pause_s: and so does a pause of this length after a key.
        keys: keypad key to value, for a day, a choice, or yes and no.
        unit: for an amount, the singular and the plural of what it is in.
        cent: and of a hundredth of that.
        secret: it is never said, and reaches no disk, trace or log.
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
    least: int = 0
    most: int = 0
    end: str = "#"
    pause_s: float = 3.0
    keys: dict[str, str] = field(default_factory=dict)
    unit: tuple[str, ...] = ("dollar", "dollars")
    cent: tuple[str, ...] = ("cent", "cents")
    secret: bool = False

    @property
    def fewest(self) -> int:
        """Digits of the shortest entry."""
        return self.least or self.most or self.count

    @property
    def longest(self) -> int:
        """Digits of the longest entry."""
        return self.most or max(self.count, self.least)

    def allowed_minutes(self) -> tuple[int, int]:
        """The first and the last minute of the day that is allowed."""
        return minutes(self.earliest), minutes(self.latest)

    def __post_init__(self) -> None:
        if not self.ask:
            raise ValueError("ask needs at least one question, found an empty list")
        if self.kind is Kind.CHOICE and not self.options:
            raise ValueError("a choice needs options, found none")
        top = MOST if self.kind is Kind.AMOUNT else 999
        if not 0 <= self.at_least <= self.at_most <= top:
            raise ValueError(
                f"at_least and at_most lie within 0–{top}, found {self.at_least}–{self.at_most}"
            )
        if self.count < 1:
            raise ValueError(f"count is at least 1, found {self.count}")
        self._check_entry()
        if self.kind is Kind.TIME and minutes(self.earliest) > minutes(self.latest):
            raise ValueError(f"earliest is before latest, found {self.earliest}–{self.latest}")

    def _check_entry(self) -> None:
        """What is entered with keys."""
        if self.kind is Kind.DIGITS and not 1 <= self.fewest <= self.longest <= DIGITS_MOST:
            raise ValueError(
                f"digits are 1 to {DIGITS_MOST}, the fewest not above the most, found "
                f"count {self.count}, least {self.least}, most {self.most}"
            )
        if self.end not in ("", "#", "*"):
            raise ValueError(f"end is # or * or empty, found {self.end!r}")
        if not 0.5 <= self.pause_s <= 30:
            raise ValueError(f"pause_s is 0.5 to 30 seconds, found {self.pause_s:g}")
        if self.secret and self.kind not in (Kind.DIGITS, Kind.NUMBER):
            raise ValueError(f"digits and numbers can be secret, found a {self.kind.value}")
        if not (len(self.unit) == len(self.cent) == 2):
            raise ValueError("unit and cent are a singular and a plural each")
        self._check_keys()

    def _check_keys(self) -> None:
        values = {Kind.YES_NO: ("yes", "no"), Kind.CHOICE: self.options, Kind.DAY: DAYS}
        if self.keys and self.kind not in values:
            raise ValueError(f"keys are for a day, a choice or yes and no, not {self.kind.value}")
        for key, value in self.keys.items():
            if key not in KEYS or value not in values[self.kind]:
                raise ValueError(
                    f"keys: expected a key and one of {', '.join(values[self.kind])}, "
                    f"found {key} = {value!r}"
                )
