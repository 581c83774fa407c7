"""Whole calls by keys and voice in virtual time: the shipped menus, through the real pipeline."""

import asyncio
from datetime import datetime, timedelta

from pytest import approx, mark

from agent.core.calls import Hold, SendDigits, Transfer
from agent.core.protocols import Expectation, Keys, Role, ToolCall
from pipelines.cascade.asides import Manners
from tests.support.lines import QUICK, Press, Say, Scene, hold, keys, responder_of

REFUSED = "I'm sorry, I could not put you through."


def heard(acted):
    return " ".join(text for text, _ in acted.heard())


def at(lines, n=-1):
    return float(lines[n]["t"])


def phone(*press, say=(), end_s=60.0, **rest):
    scene = Scene(end_s, say=say, press=tuple(press), synthesizer=QUICK)
    return hold(scene, responder_of("phone.toml"), **rest)


def test_a_table_is_booked_with_keys_alone():
    acted = phone(*keys(5, "3 4 5", 4), *keys(17, "1930"), *keys(22, "1"), end_s=30.0)
    (tool,) = acted.trace.named("tool")
    assert tool["arguments"] == {"people": 4, "day": "friday", "time": "19:30"}
    assert "Your table is booked." in heard(acted)


def test_a_table_is_booked_by_voice_and_keys():
    say = (Say(8, "a table for four on friday"), Say(18, "yes please"))
    acted = phone(*keys(13, "730#"), say=say, end_s=25.0)
    (tool,) = acted.trace.named("tool")
    assert tool["arguments"] == {"people": 4, "day": "friday", "time": "19:30"}


def test_a_key_interrupts_the_menu_at_once():
    acted = phone(Press(1.0, "1"), end_s=10.0)
    (text, cut), *_ = acted.heard()
    assert cut
    assert text.startswith("The Olive Tree")
    cancelled = at(acted.asked("CancelReply"), 0)
    assert cancelled == approx(1.0, abs=0.03)
    released = at(acted.asked("ReleaseReply"), 0)
    assert released == approx(cancelled, abs=0.01)  # the menu has no longer entries to wait for
    assert "From Tuesday to Thursday" in heard(acted)


def test_an_entry_of_several_keys_is_waited_for_as_long_as_the_flow_says():
    acted = phone(*keys(5, "3 4 5", 4), Press(17, "7"), Press(19.5, "3"), Press(22, "0"),
                  end_s=30.0)  # fmt: skip
    assert "Friday at half past seven" in heard(acted)
    released = at(acted.asked("ReleaseReply"))
    assert released == approx(22 + 3.0, abs=0.05)


def test_the_last_key_of_an_entry_ends_it_at_once():
    acted = phone(*keys(5, "3 4 5", 4), *keys(17, "1930"), end_s=20.0)
    assert at(acted.asked("ReleaseReply")) == approx(17.9, abs=0.05)


def test_a_call_that_cannot_be_transferred_by_us_ends_after_the_note():
    acted = phone(Press(5, "0"), end_s=30.0)
    (tool,) = acted.trace.named("tool")
    assert tool["name"] == "transfer"
    assert [note.data["name"] for note in acted.call.told if note.kind == "tool"] == ["transfer"]
    (over,) = acted.trace.named("over")
    assert (over["who"], over["why"]) == ("agent", "left to the far side")
    assert float(over["t"]) < 29


def test_a_transfer_is_ordered_with_a_summary_after_the_last_word():
    acted = phone(Press(5, "3"), Press(9, "4"), say=(Say(13, "can i talk to somebody"),),
                  orders=[Transfer])  # fmt: skip
    ((when, order),) = acted.call.given
    assert order == Transfer("100", "people 4. They said: can i talk to somebody")
    assert when >= at(acted.told("ReplyDone")) + 0.4 - 1e-6
    (over,) = acted.trace.named("over")
    assert over["why"] == "transferred"


def test_a_refused_transfer_is_said_and_the_call_goes_on():
    acted = phone(Press(5, "0"), Press(14, "2"), Press(18, "1"), end_s=30.0,
                  orders=[Transfer], refuses=[Transfer])  # fmt: skip
    (refused,) = acted.trace.named("refused")
    assert "486" in str(refused["message"])
    words = heard(acted)
    assert "Nobody can come now. Would you like to leave a message" in words
    assert "From Tuesday to Thursday" in words  # the menu again, and key 1 in it
    (over,) = acted.trace.named("over")
    assert over["who"] == "caller"


def test_closing_time_during_a_call_changes_nothing_that_was_said_before_it():
    late = datetime(2026, 11, 17, 17, 59, 50)  # the bank closes at 18:00

    def now():
        return late + timedelta(seconds=asyncio.get_running_loop().time())

    scene = Scene(40.0, press=(Press(5, "0"), Press(16, "1")), synthesizer=QUICK)
    acted = hold(scene, responder_of("ivr_bank.toml", now), orders=[Transfer], refuses=[Transfer])
    busy, message = acted.heard()[2:4]
    assert "All my colleagues are busy" in busy[0]
    assert message == ("Please say your message now, and press hash when you are done.", False)
    results = acted.trace.named("tool_result")
    assert [(line["name"], line["text"]) for line in results] == [
        ("call began", "2026-11-17T17:59")
    ]


def test_the_agent_hangs_up_and_the_trace_says_why():
    acted = phone(say=(Say(6, "where are you"), Say(20, "thank you goodbye")), end_s=40.0)
    (over,) = acted.trace.named("over")
    assert (over["who"], over["why"]) == ("agent", "goodbye")


def test_a_caller_who_hangs_up_is_named_in_the_trace():
    (over,) = phone(end_s=3.0).trace.named("over")
    assert (over["who"], over["why"]) == ("caller", "")


def test_the_longest_call_is_announced_and_then_ended():
    acted = phone(end_s=60.0, manners=Manners(limit_s=20, warn_s=8))
    assert "We have half a minute left." in heard(acted)
    (over,) = acted.trace.named("over")
    assert (over["why"], float(over["t"])) == ("limit", approx(20, abs=0.05))


def test_a_warning_waits_until_nobody_speaks():
    say = (Say(9, "where are you"),)
    acted = phone(say=say, end_s=60.0, manners=Manners(limit_s=20, warn_s=10))
    texts = [text for text, _ in acted.heard()]
    assert texts[1].startswith("We are at twelve Mill Street")
    assert texts[2].startswith("We have half a minute left.")


def test_silence_is_asked_about_twice_and_then_ends_the_call():
    turns = {"prompts_max": 3}
    scene = Scene(90.0, synthesizer=QUICK)
    scene = type(scene)(90.0, synthesizer=QUICK, turns=type(scene.turns)(**turns))
    acted = hold(scene, responder_of("phone.toml"))
    (over,) = acted.trace.named("over")
    assert (over["who"], over["why"]) == ("agent", "silence")


class Caller:
    """A responder whose one reply calls for call control."""

    def __init__(self, *tools):
        self.tools = tools

    async def reply(self, messages, tools):
        if messages[-1].role is Role.EVENT:
            yield f"Event {messages[-1].text}."
        else:
            yield "All right."
            for tool in self.tools:
                yield tool

    def expects(self, messages):
        return Expectation(keys=Keys(1, "", 0.0))


@mark.parametrize(
    ("tool", "order"),
    [
        (ToolCall("send_digits", {"digits": "12#"}), SendDigits("12#")),
        (ToolCall("hold", {"on": True}), Hold(True)),
        (ToolCall("hold", {"on": "false"}), Hold(False)),
        (ToolCall("hold"), Hold(True)),
    ],
)
def test_digits_and_hold_are_orders_that_do_not_end_the_call(tool, order):
    scene = Scene(10.0, press=(Press(3, "1"),))
    acted = hold(scene, Caller(tool), orders=[SendDigits, Hold])
    assert [given for _, given in acted.call.given] == [order]
    assert acted.trace.named("over")[0]["who"] == "caller"


def test_an_order_that_the_call_does_not_know_is_left_to_the_far_side():
    scene = Scene(10.0, press=(Press(3, "1"),))
    acted = hold(scene, Caller(ToolCall("send_digits", {"digits": "1"})))
    assert acted.call.given == []
    assert [note.kind for note in acted.call.told].count("tool") == 1
    assert acted.trace.named("refused") == []
    assert acted.trace.named("over")[0]["who"] == "caller"


def test_a_refusal_while_the_caller_speaks_is_told_when_they_are_done():
    scene = Scene(20.0, press=(Press(3, "1"),), say=(Say(5.0, "and one more thing for you"),))
    acted = hold(scene, Caller(ToolCall("transfer", {"to": "1"})), orders=[Transfer],
                 refuses=[Transfer])  # fmt: skip
    texts = [text for text, _ in acted.heard()]
    assert "Event refused." in texts[2:]


def test_the_last_thing_done_is_the_one_that_ends_the_call():
    scene = Scene(10.0, press=(Press(3, "1"),))
    tools = (ToolCall("hang_up", {"reason": "done"}), ToolCall("send_digits", {"digits": "1"}))
    acted = hold(scene, Caller(*tools), orders=[SendDigits])
    assert [given for _, given in acted.call.given] == [SendDigits("1")]
    assert acted.trace.named("over")[0]["why"] == "done"
