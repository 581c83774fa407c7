"""Who says something while the agent says goodbye is heard: whole calls in virtual time."""

from pytest import mark

from agent.core.protocols import Expectation, Role, ToolCall
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
@mark.parametrize("after_s", [-0.2, -0.05, 0.1, 0.3])
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
