"""That a call is recorded is said first, until it was heard."""

import asyncio
import tomllib
from pathlib import Path

from pytest import mark

from agent.config import Config
from agent.core.events import Reason
from agent.core.protocols import Expectation, HearsSound, Message, ReadsAhead, Role
from agent.wiring import announcing
from pipelines.cascade.announcing import Announcing
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.responder import FlowResponder

CONFIGS = Path(__file__).parents[2] / "configs"
TEXT = "This call is recorded."
GREETED = f"{TEXT} Hello, how can I help?"


class Behind:
    """Says how many messages it was given, and keeps them."""

    def __init__(self):
        self.given = []

    async def reply(self, messages, tools):
        self.given = list(messages)
        yield f"Reply to {len(self.given)}."

    def expects(self, messages):
        return Expectation(tuple(message.text for message in messages))


class Able(Behind):
    """Takes sound, and reads ahead."""

    sound_s, reads_ahead = 20.0, True

    async def read_ahead(self, messages, tools):
        self.given = list(messages)


def said(messages, behind=None, text=TEXT):
    async def pieces():
        return [piece async for piece in Announcing(behind or Behind(), text).reply(messages, ())]

    return "".join(asyncio.run(pieces()))


def agent(text, *, cut=False):
    return Message(Role.AGENT, text, cut)


CALLER = Message(Role.CALLER, "a table please")


def test_the_first_reply_begins_with_it():
    assert said([]) == f"{TEXT} Reply to 0."


@mark.parametrize("heard", [GREETED, f"{TEXT} Hello", TEXT])
def test_what_was_heard_to_its_end_is_not_said_again(heard):
    assert said([agent(heard, cut=heard != GREETED), CALLER]).startswith("Reply to")


def test_what_was_cut_is_said_again():
    assert said([agent("This call", cut=True), CALLER]) == f"{TEXT} Reply to 1."


def test_whoever_answers_behind_it_does_not_know_of_it():
    behind = Behind()
    said([agent(GREETED), CALLER, agent("At what time?"), CALLER], behind)
    assert [m.text for m in behind.given] == [
        "Hello, how can I help?",
        "a table please",
        "At what time?",
        "a table please",
    ]
    assert Announcing(behind, TEXT).expects([agent(GREETED)]).phrases == ("Hello, how can I help?",)


SPELLINGS = {
    "This call\nis recorded.": "This call is recorded.",
    "  This  call is recorded.\t": "This call is recorded.",
    "This call is recorded. <break time='1s'/> Hold\nthe line.": (
        "This call is recorded. Hold the line."
    ),
    "<emphasis>This</emphasis> call is recorded by A&amp;B.": "This call is recorded by A&B.",
    "この通話は録音されます。ご了承ください。": "この通話は録音されます。 ご了承ください。",
}


@mark.parametrize(("text", "heard"), SPELLINGS.items())
def test_spaces_lines_and_tags_do_not_make_it_be_said_again(text, heard):
    behind = Behind()
    history = [agent(f"{heard} Hello, how can I help?"), CALLER]
    assert said(history, behind, text) == "Reply to 2."
    assert [m.text for m in behind.given] == ["Hello, how can I help?", "a table please"]


@mark.parametrize(("text", "heard"), SPELLINGS.items())
def test_a_cut_one_is_said_again_however_it_is_written(text, heard):
    behind = Behind()
    half = heard[: len(heard) // 2]
    assert said([agent(half, cut=True), CALLER], behind, text).endswith("Reply to 1.")


def test_a_voice_that_keeps_the_tags_has_said_it_too():
    text = "This call is <b>recorded</b>. "
    assert said([agent(f"{text}Hello"), CALLER], text=text) == "Reply to 2."


def test_its_lines_are_those_of_the_file():
    assert said([], text="This call\nis recorded.").startswith("This call is recorded. Reply")


def test_who_hears_sound_and_reads_ahead_does_so_behind_it_too():
    behind = Able()
    announced = Announcing(behind, TEXT)
    assert isinstance(announced, HearsSound)
    assert isinstance(announced, ReadsAhead)
    assert (announced.sound_s, announced.reads_ahead) == (20.0, True)
    asyncio.run(announced.read_ahead([agent(GREETED), CALLER], ()))
    assert [m.text for m in behind.given] == ["Hello, how can I help?", "a table please"]


def test_who_does_neither_does_neither_behind_it():
    announced = Announcing(Behind(), TEXT)
    assert (announced.sound_s, announced.reads_ahead) == (0.0, False)
    asyncio.run(announced.read_ahead([CALLER], ()))


def test_the_configuration_says_whether_it_is_said():
    behind = Behind()
    silent = Config("a.toml", "a", {})
    announced = Config("a.toml", "a", {"recording": {"announce": TEXT}})
    assert announcing(silent, behind) is behind
    assert isinstance(announcing(announced, behind), Announcing)


def test_the_restaurants_dialogue_is_the_same_after_it():
    table = tomllib.loads((CONFIGS / "phone.toml").read_text("utf-8"))["flow"]
    flow = FlowResponder(load_flow(table, "flow"))
    greeting = said([Message(Role.EVENT, Reason.GREETING)], flow)
    wish = Message(Role.CALLER, "a table for four people on friday")
    history = [Message(Role.EVENT, Reason.GREETING), agent(greeting), wish]
    assert greeting.startswith(f"{TEXT} The Olive Tree, hello.")
    assert said(history, flow) == "With pleasure. At what time?"
