"""The bank of configs/ivr_bank.toml, by text: identity in three tries, amounts, transfer."""

import tomllib
from datetime import datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pytest import fixture, mark

from agent.core.events import Reason
from agent.core.protocols import Message, Role
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.fold import fold
from pipelines.cascade.flow.responder import talk
from pipelines.cascade.tools import pretend_bank
from pipelines.cascade.tools.runnable import in_words

CONFIG = Path(__file__).parents[2] / "configs" / "ivr_bank.toml"
OPEN = datetime(2026, 11, 17, 13, 0)  # a Tuesday
CLOSED = datetime(2026, 12, 25, 13, 0)
TABLE = tomllib.loads(CONFIG.read_text("utf-8"))["flow"]
KNOWN = ["account", "4 7 1 1 #", "1 2 3 4"]
ASK_ACCOUNT = "What is your account number? Say it, or type it and press hash."


@fixture(scope="module")
def flow():
    return load_flow(TABLE, "ivr_bank.toml: [flow]")


def run_tool(call):
    return in_words(vars(pretend_bank)[call.name](**call.arguments))


def spoken(flow, *said, now=OPEN, tools=run_tool):
    return talk(flow, said, now=now, tools=tools)


@mark.parametrize("wish", ["account", "what is my balance", "1", "i'd like to make a payment"])
@mark.parametrize("number", ["4 7 1 1", "4 7 1 1 #", "four seven one one", "4711", "* 4 7 1 1 #"])
def test_whoever_knows_their_pin_gets_to_their_account(flow, wish, number):
    replies = spoken(flow, wish, number, "1 2 3 4")
    assert replies[1] == ASK_ACCOUNT
    assert replies[2] == "Please type your PIN."
    assert replies[3].startswith("Thank you. Would you like your balance, or to make a payment?")


def test_the_pin_can_be_said_as_well(flow):
    assert spoken(flow, "1", "4711", "one two three four")[-1].startswith("Thank you.")


def test_the_third_wrong_pin_leads_to_a_colleague_and_not_to_a_fourth_try(flow):
    replies = spoken(flow, "1", "4711", "0000", "4711", "1111", "4711", "2222")
    assert [r for r in replies if r.startswith("That does not match.")][:2] == [
        f"That does not match. {ASK_ACCOUNT} <check_identity account=4711 pin={pin}>"
        for pin in ("0000", "1111")
    ]
    assert "I could not make sure that it is you." in replies[-1]
    assert "<transfer to=2000" in replies[-1]


def test_starting_over_gives_no_new_tries(flow):
    wrong = ["1", "4711", "0000"]
    replies = spoken(flow, *wrong, "start over", *wrong, "start over", *wrong, "start over", "1")
    assert "I could not make sure that it is you." in replies[-1]


def test_too_few_digits_are_no_try(flow):
    replies = spoken(flow, "1", "4711", "1 2", "1 2", "1 2", "1 2", "1 2 3 4")
    assert replies[3] == "A PIN has four digits. Please type your PIN."
    assert replies[-1].startswith("Thank you.")


def test_the_balance_is_what_the_bank_says(flow):
    assert spoken(flow, *KNOWN, "balance")[-1] == (
        "One moment. You have one thousand two hundred and fifty dollars and fifty cents on your "
        "account. Is there anything else I can do for you? <balance account=4711>"
    )


@mark.parametrize("yes", ["1", "yes"])
@mark.parametrize(
    "amount", ["1 2 * 5 0 #", "twelve dollars and fifty cents", "twelve fifty", "12.50"]
)
def test_an_amount_is_read_back_and_paid(flow, amount, yes):
    replies = spoken(flow, *KNOWN, "2", "2 0 2 5 0 8 1 5", amount, yes)
    assert replies[-2] == (
        "That is twelve dollars and fifty cents to account two zero two five zero eight one five. "
        "Shall I pay it, one for yes, two for no?"
    )
    assert replies[-1] == (
        "It is paid. Is there anything else I can do for you? "
        "<pay account=4711 receiver=20250815 amount=12.50>"
    )


def test_a_no_by_key_asks_what_to_change(flow):
    replies = spoken(flow, *KNOWN, "2", "20250815", "12.50", "2", "the amount", "5 #")
    assert replies[-3] == "What should I change?"
    assert replies[-2] == "How much?"
    assert "five dollars to account" in replies[-1]


@mark.parametrize(
    ("amount", "said"),
    [("9 0 0 0 #", "nine thousand dollars"), ("fifty cents", "fifty cents")],
)
def test_an_amount_out_of_bounds_is_refused(flow, amount, said):
    assert spoken(flow, *KNOWN, "2", "20250815", amount)[-1] == (
        f"I can pay from one to five thousand dollars, and you said {said}. How much?"
    )


def test_more_than_there_is_is_not_paid(flow):
    last = spoken(flow, *KNOWN, "2", "20250815", "four thousand", "yes")[-1]
    assert last.startswith("There is not enough on your account")
    assert "Is there anything else I can do for you?" in last


def test_a_bank_that_does_not_answer_leads_to_a_colleague(flow):
    last = spoken(flow, *KNOWN[:2], "1 2 3 4", tools=lambda call: "it did not answer in time")[-1]
    assert last.startswith("I'm sorry, I cannot reach our books at the moment.")
    assert "<transfer" in last


def test_the_colleague_is_told_the_account_and_the_last_words_but_no_pin(flow):
    last = spoken(flow, *KNOWN, "balance", "can i speak to somebody")[-1]
    summary = "summary=Account: 4711. The caller said: can i speak to somebody"
    assert last.endswith(f"<transfer to=2000 {summary}>")


def test_a_colleague_who_cannot_come_leaves_a_message(flow):
    replies = spoken(
        flow, "0", Reason.REFUSED, "1", "please call me back", "tomorrow at noon #", "1"
    )
    assert replies[2] == (
        "All my colleagues are busy. Would you like to leave a message, one for yes, two for no?"
    )
    assert replies[4] == ""  # it listens
    assert replies[5].startswith("You said: please call me back tomorrow at noon. Shall I pass it")
    assert "<take_message account= note=please call me back tomorrow at noon>" in replies[6]


def test_after_hours_nobody_is_transferred(flow):
    last = spoken(flow, "0", now=CLOSED)[-1]
    assert last == (
        "My colleagues are here from Monday to Friday, from eight in the morning. "
        "Please say your message now, and press hash when you are done."
    )
    assert "<transfer" in spoken(flow, "0", now=OPEN)[-1]


def test_spanish_is_another_agents_line(flow):
    assert spoken(flow, "9")[-1] == "Un momento, por favor. <transfer to=ivr-es>"


def test_nobody_reaches_an_account_without_a_pin(flow):
    for said in (["balance"], ["payment", "2 0 2 5 0 8 1 5"], ["pay nine dollars to 4711"]):
        replies = spoken(flow, *said)
        assert all("<balance" not in reply and "<pay" not in reply for reply in replies)


def test_while_somebody_identifies_themselves_nothing_they_say_is_kept_for_the_colleague(flow):
    history = [Message(Role.CALLER, "account"), Message(Role.AGENT, ASK_ACCOUNT)]
    at = fold(flow, [*history, Message(Role.CALLER, "four seven one one")])
    assert at.said == "account"


VOCABULARY = """account balance payment 1 2 0 9 # * 4711# 1234 4 7 yes no goodbye start over twelve
dollars fifty cents to spanish somebody speak lost card cancel it change the amount account repeat
that four seven one one two three bla""".split()
BANK = load_flow(TABLE, "ivr_bank.toml: [flow]")
SAID = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=6).map(" ".join)
TURNS = st.lists(SAID | st.sampled_from(list(Reason)), max_size=12)


@given(TURNS, st.booleans())
def test_whatever_is_said_only_who_is_known_gets_to_an_account_and_has_three_tries(said, is_known):
    asked = []

    def tools(call):
        asked.append(call.name)
        if call.name == "check_identity":
            return "true" if is_known else "false"
        assert is_known
        assert "check_identity" in asked
        return {"balance": "7.00", "pay": "paid"}[call.name]

    replies = talk(BANK, said, now=OPEN, tools=tools)
    assert len(replies) == len(said) + 1
    assert asked.count("check_identity") <= 3


def test_what_was_said_with_a_secret_is_in_no_summary(flow):
    words = "one two three four i want to speak to somebody"
    for is_private in (False, True):
        said = Message(Role.CALLER, words, private=is_private)
        at = fold(flow, [Message(Role.EVENT, Reason.GREETING), said])
        (call,) = at.calls
        assert call.name == "transfer"
        assert ("two three" in call.arguments["summary"]) is not is_private
