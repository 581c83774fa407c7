"""The restaurant of configs/phone.toml, by text: a booking without a word, hours, a message."""

import tomllib
from datetime import datetime
from pathlib import Path

from pytest import fixture, mark

from agent.core.events import Reason
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.responder import talk

CONFIG = Path(__file__).parents[2] / "configs" / "phone.toml"
OPEN = datetime(2026, 11, 17, 13, 0)  # a Tuesday
MONDAY = datetime(2026, 11, 16, 13, 0)
BOOKED = "<book_table people=4 day=friday time=19:30>"


@fixture(scope="module")
def flow():
    return load_flow(tomllib.loads(CONFIG.read_text("utf-8"))["flow"], "phone.toml: [flow]")


def test_a_table_is_booked_with_keys_alone(flow):
    replies = talk(flow, ["3", "4", "5", "1 9 3 0", "1"], now=OPEN)
    assert replies[1:4] == [
        "With pleasure. For how many people?",
        "For which day?",
        "At what time?",
    ]
    assert replies[5] == f"Your table is booked. Is there anything else I can do for you? {BOOKED}"


@mark.parametrize("time", ["1 9 3 0", "7 3 0", "7 3 0 #", "half past seven", "* 1 9 3 0"])
@mark.parametrize("day", ["5", "friday"])
@mark.parametrize("yes", ["1", "yes please"])
def test_keys_and_words_mix(flow, day, time, yes):
    assert talk(flow, ["3", "4", day, time, yes], now=OPEN)[-1].endswith(BOOKED)


@mark.parametrize(
    ("keys", "reply"),
    [
        (["3", "9"], "For nine people you would have to speak to my colleague"),
        (["3", "4", "1"], "We are closed on Mondays. For which day?"),
        (["3", "4", "9"], "Sorry, I didn't catch that. For which day?"),
        (["3", "4", "5", "9 9 9 9"], "Sorry, I didn't catch that. At what time?"),
        (["3", "4", "5", "2 3 0 0"], "The kitchen is open from noon"),
        (["3", "4", "5", "1 9 3 0", "2"], "What should I change?"),
        (["8"], "Sorry, I didn't catch that. What can I do for you?"),
    ],
)
def test_wrong_keys_are_answered_in_words(flow, keys, reply):
    last = talk(flow, keys, now=OPEN)[-1]
    assert last.startswith(reply)
    assert "<" not in last


def test_a_star_begins_the_entry_anew(flow):
    assert talk(flow, ["3", "4", "5", "2 1 * 1 9 3 0", "1"], now=OPEN)[-1].endswith(BOOKED)


def test_the_greeting_knows_whether_the_house_is_open(flow):
    assert "closed" not in talk(flow, [], now=OPEN)[0]
    assert "The house is closed now" in talk(flow, [], now=MONDAY)[0]
    assert "closed" not in talk(flow, [])[0]


def test_today_is_the_day_that_the_clock_has(flow):
    assert talk(flow, ["3", "4", "0"], now=OPEN)[-1] == "At what time?"
    assert talk(flow, ["3", "4", "0"], now=MONDAY)[-1].startswith("We are closed on Mondays.")


def test_whoever_takes_the_call_is_told_what_it_is_about(flow):
    last = talk(flow, ["a table for four", "can i talk to somebody"], now=OPEN)[-1]
    assert last.endswith("<transfer to=100 summary=people 4. They said: can i talk to somebody>")


@mark.parametrize("now", [OPEN, MONDAY])
def test_where_nobody_comes_a_message_is_taken(flow, now):
    said = ["can i talk to somebody"] + (["yes"] if now is OPEN else [])
    history = [*said[:1], *([Reason.REFUSED] if now is OPEN else []), *said[1:]]
    asked = talk(flow, history, now=now)[-1]
    assert asked.endswith("Please say your message now, and press hash when you are done.")
    last = talk(flow, [*history, "we come later", Reason.SILENCE, "yes"], now=now)
    assert last[-2] == "You said: we come later. Shall I pass it on, one for yes, two for no?"
    assert "<take_message note=we come later>" in last[-1]


def test_silence_is_asked_about_and_then_ends_the_call(flow):
    replies = talk(flow, [Reason.SILENCE] * 3, now=OPEN)
    assert replies[1].startswith("Are you still there?")
    assert replies[3].endswith("<hang_up reason=silence>")


def test_the_end_of_the_call_is_announced_with_the_question_that_waits(flow):
    assert talk(flow, ["3", Reason.LIMIT], now=OPEN)[-1] == (
        "We have half a minute left. For how many people?"
    )
