"""Words, numbers and times: what is read from what people say."""

from pytest import mark

from pipelines.cascade.flow.clock import clock_at, placed, spoken_clock
from pipelines.cascade.flow.numbers import digits_at, number_at, spoken_digits, spoken_number
from pipelines.cascade.flow.slot_table import Kind, SlotTable
from pipelines.cascade.flow.values import allowed, readings, spoken, weekday
from pipelines.cascade.flow.words import clauses, pressed, words


def slot(kind, **given):
    return SlotTable(Kind(kind), ("?",), **given)


@mark.parametrize(
    ("text", "heard"),
    [
        ("I'd like 7:30pm.", "i would like 7 30 pm"),
        ("What's that, please?", "what is that please"),
        ("half past seven p.m.", "half past seven pm"),
        ("seven o’clock", "seven o'clock"),
        ("Uh-huh, mm-hmm", "uh-huh mhm"),
        ("twenty-five", "twenty five"),
        ("can't won't don't let's", "can not will not do not let us"),
        ("1 # *", "1 # *"),
        ("¡… —!", ""),
        ("", ""),
    ],
)
def test_words_have_one_spelling(text, heard):
    assert " ".join(words(text)) == heard


def test_only_keys_are_keys():
    assert pressed(("1", "#"))
    assert not pressed(("1", "people"))
    assert not pressed(("12",))
    assert not pressed(())


@mark.parametrize(
    "text", ["Yes. That is a table for four, Friday at seven. Shall I book it?", "", "...", "No"]
)
def test_clauses_joined_are_the_text(text):
    assert "".join(clauses(text)) == text


def test_a_clause_is_never_a_lonely_word():
    assert clauses("Yes. That is a table, for you. All right?")[0] == "Yes. That is a table, "


@mark.parametrize("number", [0, 1, 9, 10, 19, 20, 21, 99, 100, 101, 120, 345, 999])
def test_a_number_is_read_as_it_is_spoken(number):
    tokens = words(spoken_number(number))
    assert number_at(tokens, 0) == (number, len(tokens))


def test_a_number_ends_where_it_ends():
    assert number_at(["twenty", "people"], 0) == (20, 1)
    assert number_at(["one", "hundred", "and", "then"], 0) == (100, 2)
    assert number_at(["12", "people"], 0) == (12, 1)
    assert number_at(["people"], 0) is None
    assert number_at([], 0) is None


def test_digits_are_joined_over_fillers_and_doubled():
    assert digits_at("one two um double four oh".split(), 0) == ("12440", 6)
    assert digits_at("one two and three".split(), 0) == ("12", 2)
    assert digits_at(["hello"], 0) == ("", 0)
    assert spoken_digits("420") == "four two zero"


@mark.parametrize(
    ("text", "minutes"),
    [
        ("seven", "19:00"),
        ("seven thirty", "19:30"),
        ("half past seven", "19:30"),
        ("half seven", "19:30"),
        ("quarter to eight", "19:45"),
        ("a quarter past one", "13:15"),
        ("twenty five past six", "18:25"),
        ("ten minutes to nine", "20:50"),
        ("eight o'clock", "20:00"),
        ("seven oh five", "19:05"),
        ("noon", "12:00"),
        ("twelve", "12:00"),
        ("twelve thirty", "12:30"),
        ("midnight", "00:00"),
        ("nine in the morning", "09:00"),
        ("7 30 pm", "19:30"),
        ("19 30", "19:30"),
        ("8 00 pm", "20:00"),
        ("eleven", "23:00"),
        ("one tonight", "13:00"),
    ],
)
def test_a_time_falls_where_it_is_allowed_else_after_noon(text, minutes):
    said = clock_at(text.split(), 0)
    assert said is not None and said.end == len(text.split())
    total = placed(said, 12 * 60, 21 * 60 + 30)
    assert f"{total // 60:02}:{total % 60:02}" == minutes


@mark.parametrize("text", ["people", "", "past seven", "half past", "forty"])
def test_what_is_no_time_is_no_time(text):
    assert clock_at(text.split(), 0) is None


def test_a_lone_number_is_not_clearly_a_time():
    assert not clock_at(["seven"], 0).clear
    assert clock_at(["seven", "thirty"], 0).clear


@mark.parametrize("minute", range(0, 24 * 60, 5))
def test_every_time_is_read_as_it_is_spoken(minute):
    said = clock_at(words(spoken_clock(minute)), 0)
    assert said is not None and said.minutes % 720 == minute % 720


def test_the_half_of_the_day_is_spoken_only_where_both_are_allowed():
    assert spoken(slot("time"), "07:30") == "half past seven in the morning"
    assert spoken(slot("time", earliest="12:00"), "19:30") == "half past seven"
    assert spoken(slot("time"), "12:00") == "noon"


def test_days_are_weekdays_today_and_tomorrow():
    found = [r.value for r in readings(slot("day"), "next friday".split(), 0)]
    assert found == ["friday"]
    assert [r.value for r in readings(slot("day"), ["tonight"], 0)] == ["today"]
    assert not list(readings(slot("day"), ["someday"], 0))
    assert spoken(slot("day"), "friday") == "Friday"
    assert spoken(slot("day"), "tomorrow") == "tomorrow"


def test_tomorrow_is_closed_when_today_is_the_day_before():
    closed = slot("day", closed=("monday",))
    assert not allowed(closed, "tomorrow", today="sunday")
    assert allowed(closed, "tomorrow", today="monday")
    assert not allowed(closed, "today", today="monday")
    assert allowed(closed, "today")
    assert not allowed(closed, "monday")
    assert weekday("tomorrow", "sunday") == "monday"


def test_limits_are_inclusive():
    people = slot("number", at_least=2, at_most=8)
    assert [allowed(people, n) for n in (1, 2, 8, 9)] == [False, True, True, False]
    time = slot("time", earliest="12:00", latest="21:30")
    given = ("11:59", "12:00", "21:30", "21:31")
    assert [allowed(time, clock) for clock in given] == [False, True, True, False]
    assert [allowed(slot("digits", count=2), run) for run in ("1", "12", "123")] == [
        False,
        True,
        False,
    ]
