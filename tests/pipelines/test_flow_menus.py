"""Menus of the parcel service with more in them: ways that open later, intents that stand alone,
questions before an end, keys for yes and no."""

import copy

from pytest import mark

from agent.core.events import Reason
from agent.core.protocols import Keys, Message, Role
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.responder import FlowResponder, talk
from tests.pipelines.test_flow_dialogues import parcel_table

DESK = "What can I do for you?"
AGAIN = "Anything else?"


def parcel(change=lambda table: None):
    table = copy.deepcopy(parcel_table())
    change(table)
    return load_flow(table, "flows.md: [flow]")


def careful(table):
    table["intents"]["goodbye"]["alone"] = True
    table["states"]["goodbye"]["sure"] = "Shall I hang up?"
    table["yes"], table["no"] = "1", "2"


def test_a_no_ends_the_call_only_where_the_agent_asked_what_else_there_is():
    assert talk(parcel(), ["no"])[-1] == DESK
    assert talk(parcel(), ["what are your hours", "no"])[-1] == "Goodbye! <hang_up>"


def test_that_question_may_be_answered_late():
    assert talk(parcel(), ["what are your hours", "bla", "no"])[-1] == "Goodbye! <hang_up>"


@mark.parametrize("said", ["i said goodbye to my mother", "he never said goodbye to me"])
def test_a_goodbye_in_other_talk_is_none(said):
    flow = parcel(careful)
    assert talk(flow, [said])[-1] == f"Sorry, I didn't catch that. {DESK}"
    assert talk(flow, ["what are your hours", said])[-1].endswith(DESK)


@mark.parametrize("said", ["goodbye", "okay goodbye then", "yes thank you goodbye", "bye bye"])
def test_a_goodbye_alone_ends_the_call_once_something_was_done(said):
    assert talk(parcel(careful), ["what are your hours", said])[-1].endswith("Goodbye! <hang_up>")


@mark.parametrize("yes", ["yes", "okay", "goodbye", "1"])
def test_a_goodbye_before_anything_was_done_is_asked_about(yes):
    replies = talk(parcel(careful), ["goodbye", yes])
    assert replies[1:] == ["Shall I hang up?", "Goodbye! <hang_up>"]


@mark.parametrize(
    ("said", "reply"),
    [
        ("no", DESK),
        ("2", DESK),
        ("bla", "Sorry, I didn't catch that. Shall I hang up?"),
        (Reason.SILENCE, "Are you still there? Shall I hang up?"),
        ("a new delivery", "Of course. What are the four digits on your card?"),
    ],
)
def test_a_caller_who_stays_goes_on(said, reply):
    assert talk(parcel(careful), ["goodbye", said])[-1] == reply


@mark.parametrize(("key", "value"), [("1", "yes"), ("2", "no")])
def test_keys_answer_every_yes_or_no_question(key, value):
    said = ["a new delivery on friday", "1 2 3 4", "morning", key, "1"]
    assert f"neighbour={value}" in talk(parcel(careful), said)[-1]
    assert talk(parcel(careful), [*said[:-1], "2"])[-1] == "What should I change?"
    assert "transfer" in talk(parcel(careful), ["bla", "bla", "bla", "1"])[-1]


def expects(flow, *said):
    history = [Message(Role.EVENT, "greeting"), Message(Role.AGENT, "x")]
    for text in said:
        history += [Message(Role.CALLER, text), Message(Role.AGENT, "x " * 30)]
    return FlowResponder(flow).expects(history)


ONE = Keys(1, "", 0.0)


@mark.parametrize(
    ("said", "keys"),
    [
        ((), ONE),
        (("2",), Keys(4, "#", 3.0)),
        (("2", "1 2 3 4"), None),
        (("2", "1 2 3 4", "friday"), None),
        (("2", "1 2 3 4", "friday", "morning"), ONE),
        (("2", "1 2 3 4", "friday", "morning", "yes"), ONE),
    ],
)
def test_the_turn_machine_is_told_how_many_keys_make_an_entry(said, keys):
    assert expects(parcel(careful), *said).keys == keys


def test_only_a_form_with_a_secret_is_sensitive():
    def secret(table):
        table["slots"]["number"]["secret"] = True
        table["forms"]["delivery"]["confirm"] = "Is that right?"

    flow = parcel(secret)
    assert not expects(flow).sensitive
    assert expects(flow, "2").sensitive
    assert expects(flow, "2", "1 2 3 4").sensitive
    assert not expects(parcel(), "2").sensitive
