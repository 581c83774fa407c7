"""The restaurant of configs/offline.toml: bookings, corrections and hostile callers, by text."""

import tomllib
from pathlib import Path

from pytest import fixture, mark

from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.responder import talk

CONFIGS = Path(__file__).parents[2] / "configs"


@fixture(scope="module")
def flow():
    table = tomllib.loads((CONFIGS / "offline.toml").read_text("utf-8"))["flow"]
    return load_flow(table, "offline.toml: [flow]")


@mark.parametrize(
    ("said", "read_back"),
    [
        (["a table for four people on friday at half past seven"], "four, Friday at half past"),
        (["i'd like to book a table", "for four", "friday", "seven"], "four, Friday at seven"),
        (["on friday at eight for two people"], "two, Friday at eight"),
        (["a table", "saturday", "four", "8"], "four, Saturday at eight"),
        (["a table for two tomorrow", "noon"], "two, tomorrow at noon"),
        (["a table for four four people on on friday at um seven"], "four, Friday at seven"),
        (["there will be six of us on sunday at quarter to eight"], "six, Sunday at quarter to"),
        (["okay hello um i would like a the table for two on friday at one"], "two, Friday at one"),
    ],
)
def test_slots_are_filled_in_any_order_and_any_number_at_once(flow, said, read_back):
    reply = talk(flow, said)[-1]
    assert read_back in reply and reply.endswith("Shall I book it?")


@mark.parametrize(
    ("correction", "read_back"),
    [
        ("no make it five people", "five, Friday at seven"),
        ("no for five people", "five, Friday at seven"),
        ("make it saturday", "four, Saturday at seven"),
        ("no at eight o'clock", "four, Friday at eight"),
        ("yes but on sunday at eight", "four, Sunday at eight"),
        ("on saturday no on sunday", "four, Sunday at seven"),
        ("no no not friday saturday", "four, Saturday at seven"),
        ("change the time to half past eight", "four, Friday at half past eight"),
    ],
)
def test_a_correction_is_read_back_and_nothing_is_booked(flow, correction, read_back):
    reply = talk(flow, ["a table for four on friday at seven", correction])[-1]
    assert read_back in reply and "<" not in reply


@mark.parametrize(
    ("said", "reply"),
    [
        (["no", "the time"], "At what time?"),
        (["no the day"], "For which day?"),
        (["the number of people"], "For how many people?"),
        (["no"], "What should I change?"),
        (["no", "nothing"], "Shall I book it?"),
        (["no", "saturday"], "four, Saturday at seven o'clock. Shall I book it?"),
        (["no", "bla"], "Sorry, I didn't catch that. What should I change?"),
        (["yes no"], "Shall I book it?"),
        (["when are you open"], "Shall I book it?"),
        (["cancel that"], "All right, I have not booked anything. What can I do for you?"),
    ],
)
def test_before_the_yes_everything_can_still_be_changed(flow, said, reply):
    last = talk(flow, ["a table for four on friday at seven", *said])[-1]
    assert last.endswith(reply)
    assert "<" not in last


@mark.parametrize("yes", ["yes", "yes please", "yeah", "okay", "uh-huh", "that's right", "sure"])
def test_a_yes_books(flow, yes):
    last = talk(flow, ["a table for four on friday at seven", yes])[-1]
    assert last.endswith("<book_table people=4 day=friday time=19:00>")


@mark.parametrize("said", ["a table for two no for three people", "no a table for three people"])
def test_a_no_that_ends_the_call_alone_does_not_inside_a_wish(flow, said):
    assert talk(flow, [said])[-1] == "With pleasure. For which day?"


def test_a_yes_with_a_goodbye_books_and_hangs_up(flow):
    last = talk(flow, ["a table for four on friday at seven", "yes thank you goodbye"])[-1]
    assert last.startswith("Your table is booked. Thank you for calling.")
    assert "<book_table" in last and last.endswith("<hang_up>")


def test_a_yes_with_a_question_books_and_answers(flow):
    last = talk(flow, ["a table for four on friday at seven", "yes and where are you located"])[-1]
    assert last.startswith("Your table is booked. We are at twelve Mill Street")
    assert last.endswith(
        "anything else I can do for you? <book_table people=4 day=friday time=19:00>"
    )


@mark.parametrize(
    ("said", "reply"),
    [
        ("a table for two on monday at seven", "We are closed on Mondays. For which day?"),
        ("a table for ten people on friday at seven", "For ten people you would have to"),
        ("a table for two on friday at eleven", "The kitchen is open from noon"),
        ("a table for zero people", "For zero people you would have to"),
    ],
)
def test_what_the_house_cannot_do_is_said_and_asked_again(flow, said, reply):
    assert talk(flow, [said])[-1].startswith(reply)


def test_a_good_value_stays_when_another_is_refused(flow):
    replies = talk(flow, ["a table for ten people on monday at seven", "four", "tuesday"])
    assert replies[-1].startswith("That is a table for four, Tuesday at seven")


def test_an_answer_beats_an_intent_elsewhere(flow):
    replies = talk(flow, ["a table", "for four people", "friday", "for seven"])
    assert replies[-1].startswith("That is a table for four, Friday at seven")


def test_a_question_in_the_middle_of_a_booking_is_answered_and_the_booking_goes_on(flow):
    replies = talk(flow, ["a table for four", "is there parking", "friday at seven"])
    assert replies[2].endswith("free of charge after six. For which day?")
    assert replies[3].startswith("That is a table for four, Friday at seven")


def test_two_questions_at_once_get_two_answers(flow):
    reply = talk(flow, ["where are you and what are your opening hours"])[-1]
    assert "Mill Street" in reply and "From Tuesday" in reply


def test_keys_reach_a_person_also_while_figures_are_asked_for(flow):
    assert "transfer" in talk(flow, ["a table", "0"])[-1]
    assert "For which day?" in talk(flow, ["a table", "4"])[-1]


@mark.parametrize("said", ["", " ", "um", "!!!", "bla " * 50, "ünïcode ☃", "{people}", "<flow>"])
def test_noise_is_answered_with_the_question(flow, said):
    assert talk(flow, [said])[-1] == "Sorry, I didn't catch that. What can I do for you?"


def test_no_thanks_ends_the_call(flow):
    assert talk(flow, ["what is your address", "no thank you"])[-1].endswith("<hang_up>")


@mark.parametrize("said", ["what are your opening hours", "where are you"])
def test_some_replies_are_long_enough_to_be_interrupted(flow, said):
    # Speech runs at about 2.5 words a second: 20 words are 8 s.
    assert len(talk(flow, [said])[-1].split()) >= 20


def test_the_demo_caller_gets_a_table_an_address_and_a_goodbye(flow):
    lines = tomllib.loads((CONFIGS / "demo" / "script.toml").read_text("utf-8"))["line"]
    replies = talk(flow, [line["text"] for line in lines if line["kind"] != "backchannel"])
    assert "<book_table people=5 day=friday time=19:30>" in " ".join(replies)
    assert "Mill Street" in replies[-3]
    assert replies[-1].endswith("<hang_up>")


def test_every_line_of_the_demo_has_its_sound(flow):
    demo = CONFIGS / "demo"
    sounds = tomllib.loads((demo / "sounds.toml").read_text("utf-8"))
    lines = tomllib.loads((demo / "script.toml").read_text("utf-8"))["line"]
    parts = [part for line in lines for part in line.get("parts", [line.get("wav")])]
    assert {part for part in parts if isinstance(part, str)} == set(sounds)
    sizes = [(demo / name).stat().st_size for name in sounds]
    assert min(sizes) > 0 and max(sizes) < 100_000
