"""A flow that is wrong is refused with file, key and what is allowed."""

import copy

from pytest import mark, raises

from agent.core.errors import ConfigError
from pipelines.cascade.flow.flow import load_flow
from tests.pipelines.test_flow_dialogues import parcel_table


def refused(change):
    """The message for the parcel service with one thing changed."""
    table = copy.deepcopy(parcel_table())
    change(table)
    with raises(ConfigError) as caught:
        load_flow(table, "flows.md: [flow]")
    return str(caught.value)


def put(*path):
    """A change: the value at a path of keys."""
    *keys, last, value = path

    def change(table):
        for key in keys:
            table = table[key]
        table[last] = value

    return change


@mark.parametrize(
    ("change", "words"),
    [
        (put("greting", "hello"), "unknown key greting; did you mean greeting?"),
        (put("states", "desk", "sya", ""), "[flow] states.desk: unknown key sya"),
        (put("start", "nowhere"), "start: expected a state, found 'nowhere'"),
        (put("start", "delivery"), "start: expected a state, found 'delivery'"),
        (put("person", "nobody"), "person: expected a state"),
        (put("person", ""), "offer needs person"),
        (put("anywhere", "hours", "desc"), "anywhere.hours: expected a state or form"),
        (put("anywhere", "ours", "desk"), "anywhere: expected an intent, found 'ours'"),
        (put("states", "desk", "keys", {"11": "hours"}), "desk keys: expected a key"),
        (put("states", "desk", "keys", {"1": "ours"}), "desk keys.1: expected a state or form"),
        (put("states", "hours", "to", "bakc"), "hours to: expected a state or form"),
        (put("forms", "delivery", "to", "back"), "delivery to: expected a state or form"),
        (put("forms", "delivery", "call", "deliver"), "expected a tool of [flow.tools]"),
        (put("forms", "delivery", "slots", ["nmber"]), "slots: expected a slot, found 'nmber'"),
        (put("forms", "delivery", "slots", []), "slots needs at least one slot"),
        (put("forms", "delivery", "confirm", "{dya}?"), "expected a slot in brackets, found 'dya'"),
        (put("forms", "delivery", "confirm", "{day:>9}"), "found a format"),
        (put("forms", "delivery", "confirm", "{day"), "in '{day'"),
        (put("slots", "day", "refuse", "No {day}."), "expected a slot in brackets, found 'day'"),
        (put("slots", "day", "phrases", ["on friday"]), "expected {} for the value"),
        (put("slots", "day", "phrases", ["on [{}"]), "is not closed"),
        (put("slots", "day", "ask", []), "ask needs at least one question"),
        (put("slots", "day", "kind", "week"), "expected one of number, day, time"),
        (put("slots", "part", "options", []), "a choice needs options"),
        (put("slots", "number", "count", 0), "count is at least 1"),
        (put("intents", "hours", "phrases", ["on {dya}"]), "uses the slot 'dya'"),
        (put("intents", "hours", "phrases", []), "phrases needs at least one phrase"),
        (put("intents", "hours", "phrases", ["[please]"]), "no word that must be said"),
        (put("states", "delivery", {"say": "x"}), "both a state and a form"),
        (put("states", "hours", {}), "give it say or ask"),
        (put("slots", "time", {"kind": "time", "ask": ["?"], "earliest": "25:00"}), "19:30"),
        (
            put("slots", "n", {"kind": "number", "ask": ["?"], "at_least": 9, "at_most": 2}),
            "at_least and at_most",
        ),
        (
            put("slots", "t", {"kind": "time", "ask": ["?"], "earliest": "9:00", "latest": "8:00"}),
            "earliest is before latest",
        ),
    ],
)
def test_a_fault_is_a_sentence_with_its_place(change, words):
    message = refused(change)
    assert message.startswith("flows.md: [flow]")
    assert words in message


def test_states_that_only_speak_may_not_go_in_a_circle():
    def circle(table):
        table["states"]["a"] = {"say": "a", "to": "b"}
        table["states"]["b"] = {"say": "b", "to": "a"}

    assert "a -> b -> a goes in a circle" in refused(circle)


def test_the_flow_says_which_tools_it_calls():
    (tool,) = load_flow(parcel_table(), "x").tools
    assert (tool.name, tool.effects) == ("redeliver", True)
