"""The parcel service of docs/flows.md: every part of the flow language, talked to by text."""

import tomllib
from pathlib import Path

from pytest import fixture

from agent.core.protocols import Message, Role
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.fold import fold
from pipelines.cascade.flow.responder import talk

DOCS = Path(__file__).parents[2] / "docs" / "flows.md"


def parcel_table():
    """The example as the documentation shows it."""
    return tomllib.loads(DOCS.read_text("utf-8").split("```toml")[1].split("```")[0])["flow"]


@fixture(scope="module")
def flow():
    return load_flow(parcel_table(), "flows.md: [flow]")


def test_the_greeting_comes_first(flow):
    assert talk(flow, []) == ["Parcel service, hello. What can I do for you?"]


def test_a_form_asks_for_one_thing_after_the_other(flow):
    replies = talk(
        flow, ["a new delivery please", "four two oh seven", "friday", "morning", "okay", "yes"]
    )
    assert replies[1:] == [
        "Of course. What are the four digits on your card?",
        "On which day should we come?",
        "In the morning, or in the afternoon?",
        "May we leave it with a neighbour?",
        "Parcel four two zero seven, Friday, in the morning. Is that right?",
        "We will be there. Anything else?"
        " <redeliver number=4207 day=friday part=morning neighbour=yes>",
    ]


def test_digits_may_be_typed_and_are_not_menu_keys(flow):
    assert talk(flow, ["2", "1 0 0 2"])[1:] == [
        "Of course. What are the four digits on your card?",
        "On which day should we come?",
    ]


def test_too_few_digits_are_refused_and_asked_for_again(flow):
    assert talk(flow, ["2", "0 1"])[-1] == (
        "That is not four digits. What are the four digits on your card?"
    )


def test_keys_choose_from_the_menu(flow):
    replies = talk(flow, ["1", "0"])
    assert replies[1] == "We are here from eight to six, every day but Sunday. Anything else?"
    assert replies[2] == "One moment please. <transfer to=front desk>"


def test_a_key_that_leads_nowhere_is_not_understood(flow):
    assert talk(flow, ["7"])[-1] == "Sorry, I didn't catch that. What can I do for you?"


def test_a_key_after_garbage_is_still_a_key(flow):
    assert "transfer" in talk(flow, ["hm 0"])[-1]


def test_a_no_fills_a_yes_or_no_slot_and_is_not_a_goodbye(flow):
    said = ["a new delivery on friday", "1 2 3 4", "in the afternoon", "no", "yes"]
    assert "neighbour=no" in talk(flow, said)[-1]


def test_yes_and_no_at_once_are_no_answer(flow):
    said = ["a new delivery on friday", "1 2 3 4", "in the afternoon", "yes no"]
    assert talk(flow, said)[-1] == "May we leave it with a neighbour?"


def test_an_intent_in_the_middle_of_a_form_is_answered_and_the_form_goes_on(flow):
    assert talk(flow, ["a new delivery", "when do you open"])[-1] == (
        "We are here from eight to six, every day but Sunday. "
        "What are the four digits on your card?"
    )


def test_an_answer_and_an_intent_in_one_sentence_both_count(flow):
    assert talk(flow, ["a new delivery", "one two three four and what are your hours"])[-1] == (
        "We are here from eight to six, every day but Sunday. On which day should we come?"
    )


def test_a_value_inside_an_intent_is_not_an_answer(flow):
    said = ["a new delivery on friday", "when are you open on monday", "1 2 3 4", "morning"]
    assert talk(flow, [*said, "yes", "yes"])[-1].count("day=friday") == 1


def test_wording_changes_with_every_miss_and_the_third_offers_a_person(flow):
    assert talk(flow, ["bla", "bla", "bla", "yes"])[1:] == [
        "Sorry, I didn't catch that. What can I do for you?",
        "Sorry, I didn't catch that. You can ask for our hours or for a new delivery.",
        "I'm sorry. Shall I put you through to a colleague?",
        "One moment please. <transfer to=front desk>",
    ]


def test_a_no_to_the_person_comes_back_to_the_question(flow):
    assert talk(flow, ["2", "bla", "bla", "bla", "no"])[-1] == (
        "What are the four digits on your card?"
    )


def test_a_real_answer_to_the_offer_is_an_answer(flow):
    assert talk(flow, ["2", "bla", "bla", "bla", "one two three four"])[-1] == (
        "On which day should we come?"
    )


def test_misses_are_counted_in_a_row(flow):
    replies = talk(flow, ["bla", "bla", "1", "bla"])
    assert replies[-1] == "Sorry, I didn't catch that. What can I do for you?"


def test_small_talk_is_understood_without_being_written(flow):
    said = ["2", "hello", "thank you", "stop", "wait a moment", "say that again", "start over"]
    question = "What are the four digits on your card?"
    assert talk(flow, said)[2:] == [
        f"Hello. {question}",
        f"You're welcome. {question}",
        f"All right. {question}",
        "Of course, take your time.",
        "Of course, take your time.",
        "All right, from the beginning. What can I do for you?",
    ]


def test_repeat_says_the_whole_last_reply_again(flow):
    replies = talk(flow, ["what are your hours", "sorry"])
    assert replies[2] == replies[1]


def test_repeating_does_not_call_the_tool_again(flow):
    said = ["a new delivery on friday", "1 2 3 4", "morning", "yes", "yes", "pardon"]
    replies = talk(flow, said)
    assert "<redeliver" in replies[-2]
    assert replies[-1] == "We will be there. Anything else?"


def test_starting_over_forgets_the_values(flow):
    said = ["a new delivery on friday", "start over", "a new delivery", "1 2 3 4"]
    assert talk(flow, said)[-1] == "On which day should we come?"


def test_a_form_that_is_done_begins_empty_the_next_time(flow):
    said = ["a new delivery on friday", "1 2 3 4", "morning", "yes", "yes", "another delivery"]
    assert talk(flow, said)[-1] == "Of course. What are the four digits on your card?"


def test_a_refused_value_is_named(flow):
    assert talk(flow, ["a new delivery", "1 2 3 4", "sunday"])[-1] == (
        "We do not deliver on Sunday. On which day should we come?"
    )


def test_tomorrow_is_refused_when_today_says_so(flow):
    said = ["a new delivery", "1 2 3 4", "tomorrow"]
    assert "do not deliver" in talk(flow, said, today="saturday")[-1]
    assert "do not deliver" not in talk(flow, said, today="monday")[-1]


def test_the_end_of_the_line_says_its_sentence_again(flow):
    assert talk(flow, ["goodbye", "bla bla"])[-1].endswith("Goodbye! <hang_up>")


def test_silence_asks_and_then_hangs_up(flow):
    silence = Message(Role.EVENT, "silence")
    assert fold(flow, [silence]).text == "Are you still there? What can I do for you?"
    assert fold(flow, [silence, silence]).calls[0].name == "hang_up"
    assert not fold(flow, [silence, Message(Role.CALLER, "hello"), silence]).calls
