"""Amounts of money in words, figures and keys; business hours with holidays."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from pipelines.cascade.flow.hours import HoursTable, is_open, weekday_of
from pipelines.cascade.flow.keypad import entered
from pipelines.cascade.flow.money import amount, cents, money_at, spoken_amount, spoken_whole
from pipelines.cascade.flow.slot_table import Kind, SlotTable
from pipelines.cascade.flow.values import readings, result_value, spoken
from pipelines.cascade.flow.words import words

UNIT, CENT = ("euro", "euros"), ("cent", "cents")


def read(text):
    """The amount at the beginning of a text, how many words it took, and whether it is clear."""
    tokens = words(text)
    found = money_at(tokens, 0, UNIT, CENT)
    return found and (amount(found.cents), found.end, found.clear)


@mark.parametrize(
    ("text", "found"),
    [
        ("twelve", ("12.00", 1, False)),
        ("twelve euros", ("12.00", 2, True)),
        ("one euro", ("1.00", 2, True)),
        ("twelve fifty", ("12.50", 2, False)),
        ("twelve euros fifty", ("12.50", 3, True)),
        ("twelve euros and five cents", ("12.05", 5, True)),
        ("twelve point fifty", ("12.50", 3, False)),
        ("12.50", ("12.50", 2, False)),
        ("12.05", ("12.05", 2, False)),
        ("€12", ("12.00", 1, False)),
        ("fifty cents", ("0.50", 2, True)),
        ("two hundred and fifty euros and ten cents", ("250.10", 8, True)),
        ("one thousand two hundred and fifty", ("1250.00", 6, False)),
        ("nine hundred thousand", ("900000.00", 3, False)),
        ("five thousand", ("5000.00", 2, False)),
        ("1,250.50", ("1250.50", 3, False)),
        ("1250", ("1250.00", 1, False)),
        ("twelve five", ("12.00", 1, False)),
        ("two hundred cents", None),
        ("1234567890", None),
        ("euros", None),
        ("", None),
    ],
)
def test_an_amount_is_read_as_far_as_it_goes(text, found):
    assert read(text) == found


@given(st.integers(0, 99_999_999))
def test_an_amount_is_understood_as_it_is_spoken(value):
    said = spoken_amount(amount(value), UNIT, CENT)
    assert read(said) == (amount(value), len(words(said)), True)


@given(st.integers(0, 99_999_999))
def test_an_amount_is_written_and_read_back(value):
    assert cents(amount(value)) == value


@mark.parametrize("text", ["", ".", "12.", ".5", "1.234", "-3", "12,50", "twelve", "1e3", "²"])
def test_what_is_no_amount_is_none(text):
    assert cents(text) is None


@mark.parametrize(
    ("number", "said"),
    [(0, "zero"), (1000, "one thousand"), (1001, "one thousand and one"),
     (21_300, "twenty one thousand three hundred"), (999_999_999, "nine hundred and ninety nine "
      "million nine hundred and ninety nine thousand nine hundred and ninety nine"),
     (2_000_001, "two million and one"), (5_000_000_000, "five" + " zero" * 9)],
)  # fmt: skip
def test_large_numbers_are_spoken(number, said):
    assert spoken_whole(number) == said


SLOTS = {
    "digits": SlotTable(Kind.DIGITS, ("?",), least=4, most=8),
    "pin": SlotTable(Kind.DIGITS, ("?",), count=4, secret=True),
    "number": SlotTable(Kind.NUMBER, ("?",)),
    "amount": SlotTable(Kind.AMOUNT, ("?",)),
    "time": SlotTable(Kind.TIME, ("?",), earliest="12:00", latest="21:30"),
    "choice": SlotTable(Kind.CHOICE, ("?",), options=("north", "south"), keys={"1": "north"}),
    "day": SlotTable(Kind.DAY, ("?",), keys={"5": "friday"}),
    "yes_no": SlotTable(Kind.YES_NO, ("?",)),
    "message": SlotTable(Kind.MESSAGE, ("?",)),
}


@mark.parametrize(
    ("slot", "keys", "value"),
    [
        ("digits", "4711#", "4711"),
        ("digits", "99*4711", "4711"),
        ("digits", "#", None),
        ("number", "12", 12),
        ("amount", "12*50#", "12.50"),
        ("amount", "12", "12.00"),
        ("amount", "*5", None),
        ("amount", "1*2*3", None),
        ("time", "1930", "19:30"),
        ("time", "730", "19:30"),
        ("time", "7", "19:00"),
        ("time", "0730", "07:30"),
        ("time", "1261", None),
        ("time", "2500", None),
        ("choice", "1", "north"),
        ("choice", "2", None),
        ("day", "5", "friday"),
        ("yes_no", "1", None),
        ("message", "1", None),
    ],
)
def test_keys_enter_a_value(slot, keys, value):
    assert entered(SLOTS[slot], tuple(keys)) == value


@mark.parametrize(
    ("slot", "text", "value"),
    [
        ("digits", "4711", "4711"),
        ("digits", "x", None),
        ("number", "12", 12),
        ("number", "twelve", None),
        ("amount", "12.5", "12.50"),
        ("amount", "balance failed: KeyError", None),
        ("time", "19:30", "19:30"),
        ("time", "9:05", "09:05"),
        ("time", "later", None),
        ("time", "17.30", None),
        ("time", "5 pm.", None),
        ("choice", "north", "north"),
        ("choice", "east", None),
        ("day", "friday", "friday"),
        ("day", "someday", None),
        ("yes_no", "true", "yes"),
        ("yes_no", "no", "no"),
        ("yes_no", "perhaps", None),
        ("message", "all is well", "all is well"),
        ("message", " ", None),
    ],
)
def test_what_a_tool_returns_is_a_value_of_its_slot_or_a_failure(slot, text, value):
    assert result_value(SLOTS[slot], text) == value


@mark.parametrize(
    ("slot", "text", "said"),
    [("number", "5000", "five thousand"), ("number", "1" * 12, " ".join(["one"] * 12)),
     ("amount", "1250000.50", "one million two hundred and fifty thousand dollars and "
      "fifty cents")],
)  # fmt: skip
def test_however_much_a_tool_returns_can_be_said(slot, text, said):
    assert spoken(SLOTS[slot], result_value(SLOTS[slot], text)) == said


def test_digits_are_clear_without_a_question_unless_they_are_secret():
    tokens = words("four seven one one")
    assert [r.clear for r in readings(SLOTS["digits"], tokens, 0)] == [True]
    assert [r.clear for r in readings(SLOTS["pin"], tokens, 0)] == [False]


HOURS = HoursTable(
    monday=("09:00-12:30", "14:00-18:00"), friday=("20:00-24:00",), holidays=("12-25", "2026-11-16")
)


@mark.parametrize(
    ("now", "open_"),
    [
        ("2026-11-09 08:59", False),
        ("2026-11-09 09:00", True),
        ("2026-11-09 12:29", True),
        ("2026-11-09 12:30", False),
        ("2026-11-09 14:00", True),
        ("2026-11-10 10:00", False),  # a Tuesday
        ("2026-11-16 10:00", False),  # closed once
        ("2026-11-23 10:00", True),
        ("2026-11-13 23:59", True),
        ("2026-12-25 21:00", False),  # a Friday, and a holiday every year
    ],
)
def test_the_house_is_open_by_weekday_time_and_day(now, open_):
    assert is_open(HOURS, datetime.fromisoformat(now)) is open_


def test_the_weekday_is_the_clocks():
    assert weekday_of(datetime(2026, 11, 20)) == "friday"


@mark.parametrize(
    ("table", "words_"),
    [
        ({"monday": ("9-17",)}, "expected a time such as 19:30, found '9'"),
        ({"monday": ("09:00",)}, "expected a span such as 09:00-17:30, found '09:00'"),
        ({"monday": ("17:00-09:00",)}, "a span begins before it ends"),
        ({"monday": ("09:00-24:01",)}, "expected a time such as 19:30"),
        ({"holidays": ("25.12.",)}, "holidays: expected days such as 12-25"),
        ({"holidays": ("02-30",)}, "found '02-30'"),
    ],
)
def test_hours_that_are_none_are_refused(table, words_):
    with raises(ValueError) as caught:
        HoursTable(**table)
    assert words_ in str(caught.value)
