"""Faults in what menus, entries and call control add to a flow: a sentence with its place each."""

import copy
import tomllib

from pytest import mark, raises

from agent.core.errors import ConfigError, EngineFailed
from agent.core.protocols import Message, Role, Tool, ToolResult, ToolStart
from agent.virtual_loop import run_virtual
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.fold import fold
from pipelines.cascade.flow.responder import FlowResponder
from pipelines.cascade.tools.runnable import Runnable
from tests.pipelines.test_flow_dialogues import DOCS, parcel_table
from tests.pipelines.test_flow_loading import put, refused


def slot(**keys):
    return put("slots", "extra", {"ask": ["?"], **keys})


def state(**keys):
    return put("states", "extra", {"say": "x", **keys})


def form(**keys):
    return put("forms", "delivery", {"slots": ["number", "day"], "to": "desk", **keys})


TOOL = {"call": "redeliver", "result": "neighbour", "fail": "desk"}


@mark.parametrize(
    ("change", "words"),
    [
        (slot(kind="digits", least=5, most=4), "digits are 1 to 40"),
        (slot(kind="digits", most=99), "the fewest not above the most, found count 4"),
        (slot(kind="digits", end="x"), "end is # or * or empty, found 'x'"),
        (slot(kind="digits", pause_s=0.1), "pause_s is 0.5 to 30 seconds, found 0.1"),
        (slot(kind="day", secret=True), "digits and numbers can be secret, found a day"),
        (slot(kind="number", keys={"1": "1"}), "keys are for a day, a choice or yes and no"),
        (slot(kind="day", keys={"1": "mnday"}), "found 1 = 'mnday'"),
        (slot(kind="day", keys={"11": "monday"}), "expected a key and one of monday"),
        (slot(kind="amount", at_most=10**7), "lie within 0–999999"),
        (slot(kind="number", at_most=10**4), "lie within 0–999,"),
        (slot(kind="amount", unit=["euro"]), "a singular and a plural each"),
        (state(on_again={"no": "goodbye"}), "on_again needs again"),
        (state(ask=["?"], again="?", on_again={"no": "hme"}), "on_again.no: expected a state"),
        (state(ask=["?"], again="?", on_again={"nay": "desk"}), "on_again: expected an intent"),
        (state(result="number"), "result needs call"),
        (state(call="redeliver", then={"yes": "desk"}), "then and fail need result"),
        (state(call="redeliver", result="neighbour"), "give it to or then"),
        (state(**TOOL | {"fail": ""}, to="desk"), "fail: expected where to go"),
        (state(**TOOL | {"result": "nmber"}, to="desk"), "result: expected a slot, found 'nmber'"),
        (state(**TOOL | {"call": "hang_up"}, to="desk"), "expected a tool with a result"),
        (state(**TOOL, then={"perhaps": "desk"}), "expected a value of the slot neighbour"),
        (state(**TOOL, then={"yes": "dsk", "no": "desk"}), "then.yes: expected a state or form"),
        (state(**TOOL, then={"yes": "desk"}), "or a place in then for 'no', found neither"),
        (state(refused="desk"), 'refused is for states with call = "transfer"'),
        (state(call="transfer", refused="delivery"), "refused: expected a state"),
        (state(closed="desk"), "closed: expected a table [flow.hours], found none"),
        (state(closed="nowhere"), "closed: expected a state, found 'nowhere'"),
        (state(sure="{dya}?"), "expected a slot in brackets, found 'dya'"),
        (state(call="transfer", arguments={"to": "{nobody}"}), "arguments.to: expected a slot"),
        (form(keep=["part"]), "keep: expected slots of the form, found 'part'"),
        (form(tries=3), "tries, 1 to 99, and too_many"),
        (form(too_many="desk"), "belong together; found 0 and 'desk'"),
        (form(tries=3, too_many="delivery"), "too_many: expected a state, found 'delivery'"),
        (form(result="neighbour"), "result needs call"),
        (form(call="redeliver", fail="desk"), "then and fail need result"),
        (form(call="redeliver", arguments={"x": "{dya}"}), "arguments.x: expected a slot"),
        (put("closed_greeting", "x"), "closed_greeting needs hours"),
        (put("yes", "1"), "two different keys, found '1', ''"),
        (put("hours", {"monday": ["9-5"]}), "19:30"),
        (put("hours", {"mnday": []}), "unknown key mnday; did you mean monday?"),
        (put("after_beep", "bep"), "after_beep: expected a state, found 'bep'"),
    ],
)
def test_a_fault_is_a_sentence_with_its_place(change, words):
    message = refused(change)
    assert message.startswith("flows.md: [flow]")
    assert words in message


def test_yes_and_no_are_keys():
    def change(table):
        table["yes"], table["no"] = "y", "n"

    assert "yes and no are keys, found 'y' and 'n'" in refused(change)


def secret(table):
    table["slots"]["number"]["secret"] = True


def test_a_secret_is_said_nowhere():
    assert "expected a slot in brackets, found 'number'" in refused(secret)

    def kept(table):
        secret(table)
        table["forms"]["delivery"] |= {"confirm": "Right?", "keep": ["number"]}

    assert "keep: the slot number is secret" in refused(kept)


def test_the_other_examples_of_the_page_load_with_what_they_name():
    first, *others = DOCS.read_text("utf-8").split("```toml")[1:]
    table = tomllib.loads(first.split("```")[0])["flow"]
    for name in ("message", "busy", "broken"):
        table["states"][name] = {"say": "x", "to": "back"}
    account = {"kind": "digits", "ask": ["?"]}
    table["slots"]["account"] = account
    for text in others:
        for key, part in tomllib.loads(text.split("```")[0])["flow"].items():
            table[key] = {**table.get(key, {}), **part}
    assert load_flow(table, "flows.md").table.hours.friday == ("20:00-24:00",)


def test_ways_that_closed_states_take_may_not_go_in_a_circle():
    def circle(table):
        table["hours"] = {}
        table["states"]["a"] = {"say": "a", "closed": "b"}
        table["states"]["b"] = {"say": "b", "to": "a"}

    assert "goes in a circle" in refused(circle)


def test_a_form_that_is_used_up_may_not_lead_back_to_a_form():
    def circle(table):
        table["states"]["a"] = {"say": "a", "to": "delivery"}
        table["forms"]["delivery"] |= {"tries": 1, "too_many": "a"}

    assert "too_many: expected a way to a state, found one to 'delivery'" in refused(circle)


# --- tools with a result ------------------------------------------------------------------------


def asking(**changes):
    """The parcel service whose hours come from a tool."""
    table = copy.deepcopy(parcel_table())
    table["tools"]["look"] = "Looks."
    table["slots"]["left"] = {"kind": "number", "ask": ["?"], "at_least": 0}
    table["states"]["hours"] = {"say": "One moment.", "call": "look", "result": "left",
                                "to": "tell", "fail": "broken", **changes}  # fmt: skip
    table["states"]["tell"] = {"say": "There are {left}.", "to": "back"}
    table["states"]["broken"] = {"say": "I can't see it.", "to": "back"}
    return load_flow(table, "x")


def look(text, effects=False):
    async def run(arguments):
        if not text:
            raise RuntimeError("no books")
        return text

    return Runnable(Tool("look", "Looks.", effects), 1.0, run)


def pieces(responder, *said):
    async def collect():
        history = [Message(Role.CALLER, text) for text in said]
        return [piece async for piece in responder.reply(history, ())]

    return run_virtual(collect())


def spoken(found):
    return " ".join("".join(p for p in found if isinstance(p, str)).split())


def test_a_reply_goes_on_with_what_the_tool_returned():
    found = pieces(FlowResponder(asking(), runnables=[look("7")]), "1")
    assert spoken(found) == "One moment. There are seven. Anything else?"
    kinds = [type(p) for p in found if not isinstance(p, str)]
    assert kinds == [ToolStart, ToolResult]


def test_a_tool_that_fails_leads_where_the_flow_says():
    for text in ("", "a lot", "trouble"):
        found = pieces(FlowResponder(asking(), runnables=[look(text)]), "1")
        assert spoken(found) == "One moment. I can't see it. Anything else?"


def test_a_tool_whose_result_nobody_needs_is_run_all_the_same():
    table = copy.deepcopy(parcel_table())
    table["tools"]["look"] = "Looks."
    table["states"]["hours"]["call"] = "look"
    found = pieces(FlowResponder(load_flow(table, "x"), runnables=[look("7")]), "1")
    assert [p.text for p in found if isinstance(p, ToolResult)] == ["7"]
    assert spoken(found).endswith("every day but Sunday. Anything else?")


def test_a_flow_that_asks_for_tools_in_a_circle_is_stopped():
    responder = FlowResponder(asking(to="hours"), runnables=[look("7")])
    with raises(EngineFailed, match="expected at most 8 tools in a reply"):
        pieces(responder, "1")


def test_a_flow_without_its_tool_is_refused():
    with raises(ConfigError, match=r"hours: result: expected a table \[tools.look\]"):
        FlowResponder(asking())


def test_a_caller_who_speaks_before_the_result_is_answered_where_they_were():
    flow = asking()
    history = [Message(Role.CALLER, "1"), Message(Role.AGENT, "One", cut=True)]
    at = fold(flow, [*history, Message(Role.CALLER, "a new delivery")])
    assert at.text.startswith("Of course.")
    assert fold(flow, [*history, Message(Role.CALLER, "bla")]).text.endswith(
        "What can I do for you?"
    )
