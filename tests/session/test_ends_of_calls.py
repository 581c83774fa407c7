"""Who says something while the agent says goodbye is heard: whole calls in virtual time."""

from pytest import mark

from agent.core.protocols import Expectation, Role, ToolCall, ToolResult
from pipelines.cascade.speaker import DONE, INTERRUPTED, STAYED
from tests.support.lines import QUICK, Say, Scene, hold, responder_of

GOODBYE = "Thank you and goodbye then."
ENDS_S = 8.44  # when the agent has said so to a caller who was silent


class Model:
    """Says goodbye and hangs up, or answers a question."""

    def __init__(self, tool="hang_up"):
        self._tool = tool

    async def reply(self, messages, tools):
        last = messages[-1]
        if last.role is Role.EVENT:
            yield "Hello."
        elif "tomorrow" in last.text:
            yield "Tomorrow at nine."
        else:
            yield GOODBYE
            yield ToolCall(self._tool, {"to": "desk"})

    def expects(self, messages):
        return Expectation()


def call(*say, model=None, end_s=20.0):
    return hold(Scene(end_s, say=(Say(5, "that was all"), *say)), model or Model())


def words(acted):
    return [text for text, _ in acted.heard()[1:]]


def test_a_caller_who_is_silent_is_hung_up_on():
    acted = call()
    (over,) = acted.trace.named("over")
    assert over["who"] == "agent"
    assert ENDS_S < over["t"] < ENDS_S + 0.5


@mark.parametrize("tool", ["hang_up", "transfer"])
@mark.parametrize("after_s", [-0.1, 0.1, 0.3])
def test_a_caller_who_speaks_around_the_last_word_is_answered_instead(tool, after_s):
    question = Say(ENDS_S + after_s, "wait one more thing about tomorrow")
    acted = call(question, model=Model(tool))
    assert words(acted)[:2] == [GOODBYE, "Tomorrow at nine."]
    assert [line["name"] for line in acted.trace.named("left_off")] == [tool]
    assert [note for note in acted.call.told if note.kind == "tool"] == []
    assert acted.trace.named("over")[0]["who"] == "caller"


def test_a_cough_only_delays_the_end():
    acted = call(Say(ENDS_S + 0.1, "", 0.2))
    (over,) = acted.trace.named("over")
    assert over["who"] == "agent"
    assert over["t"] < ENDS_S + 3


def test_a_flow_answers_what_was_said_over_its_goodbye():
    def ended(*more):
        say = (Say(6, "goodbye"), Say(8.5, "yes"), *more)
        return hold(Scene(40.0, say=say, synthesizer=QUICK), responder_of("phone.toml"))

    (over,) = ended().trace.named("over")
    assert over["who"] == "agent"
    acted = ended(Say(over["t"] - 0.5, "what are your opening hours"))
    assert [line["name"] for line in acted.trace.named("left_off")] == ["hang_up"]
    assert words(acted)[2].startswith("From Tuesday to Thursday")


LONG = (
    "I have written down that Anna called. He will call you back tomorrow morning at nine. "
    "Is there anything else that I can do for you today please?"
)


class Clerk:
    """Promises to pass something on, and calls for it after the last word, as models do."""

    def __init__(self, *tools):
        self.given, self._tools = [], tools

    async def reply(self, messages, tools):
        self.given.append(tuple(messages))
        if messages[-1].role is Role.EVENT:
            yield "Hello."
        elif "question" in messages[-1].text:
            yield "Sure."
        else:
            for word in LONG.split():
                yield f"{word} "
            for tool in self._tools:
                yield ToolCall(tool, {"name": "Anna"})

    def expects(self, messages):
        return Expectation()


def results(given):
    return [(m.call.name, m.text) for m in given if isinstance(m, ToolResult)]


def test_a_message_is_taken_though_the_sentence_after_it_is_interrupted():
    clerk = Clerk("take_message", "hang_up")
    acted = call(Say(13.0, "yes one more question please"), model=clerk)
    assert acted.heard()[1][1] is True  # it was cut
    assert [line["name"] for line in acted.trace.named("tool")] == ["take_message"]
    asked = next(given for given in clerk.given if "question" in given[-1].text)
    assert results(asked) == [("take_message", DONE), ("hang_up", INTERRUPTED)]


def test_the_history_says_what_was_done_and_that_the_call_was_not_ended():
    tools = "take_message", "hold", "hang_up"
    (over,) = call(model=Clerk(*tools), end_s=30.0).trace.named("over")
    clerk = Clerk(*tools)
    call(Say(over["t"] - 0.3, "one more question please"), model=clerk, end_s=30.0)
    asked = next(given for given in clerk.given if "question" in given[-1].text)
    assert results(asked) == [("take_message", DONE), ("hold", DONE), ("hang_up", STAYED)]
    assert asked[-2].text == LONG
