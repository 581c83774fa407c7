"""The history of a call holds what was heard, no more and no less."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core.conversation import Conversation
from agent.core.protocols import Message, Role, ToolCall, ToolResult


def test_a_speculation_leaves_no_trace():
    talk = Conversation()
    given_to_responder = talk.draft(1, Message(Role.CALLER, "hello"))
    assert given_to_responder == (Message(Role.CALLER, "hello"),)
    assert talk.messages == ()
    assert not talk.is_open(1)


def test_an_audible_reply_brings_its_question_into_the_history():
    talk = Conversation()
    talk.draft(1, Message(Role.CALLER, "hello"))
    talk.audible(1)
    assert talk.messages == (Message(Role.CALLER, "hello"), Message(Role.AGENT, ""))
    assert talk.is_open(1)


def test_the_history_holds_what_was_heard_and_where_it_was_cut():
    talk = Conversation()
    talk.draft(1, Message(Role.CALLER, "hello"))
    talk.audible(1)
    talk.heard(1, "good", cut=True)
    assert talk.messages[-1] == Message(Role.AGENT, "good", cut=True)
    assert not talk.is_open(1)


def test_a_reply_heard_to_its_end_is_not_cut():
    talk = Conversation()
    talk.draft(1, Message(Role.EVENT, "greeting"))
    talk.audible(1)
    talk.heard(1, "good morning", cut=False)
    assert talk.messages == (
        Message(Role.EVENT, "greeting"),
        Message(Role.AGENT, "good morning"),
    )


def test_what_came_of_a_tool_stands_before_the_reply_that_told_it():
    talk = Conversation()
    talk.draft(1, Message(Role.CALLER, "a table for four"))
    talk.audible(1)
    booked = ToolResult(Role.EVENT, "booked", call=ToolCall("book"))
    talk.heard(1, "Your table is", cut=True, results=(booked,))
    question, result, answer = talk.messages
    assert (question.text, result, answer.text) == ("a table for four", booked, "Your table is")
    assert not talk.is_open(1)


def test_a_new_draft_takes_the_place_of_the_one_before():
    talk = Conversation()
    talk.draft(1, Message(Role.CALLER, "a table"))
    talk.draft(2, Message(Role.CALLER, "a table for four"))
    talk.audible(1)
    assert talk.messages == ()
    talk.audible(2)
    assert talk.messages[0] == Message(Role.CALLER, "a table for four")


def test_the_responder_is_given_the_history_before_the_new_question():
    talk = Conversation()
    talk.draft(1, Message(Role.CALLER, "hello"))
    talk.audible(1)
    talk.heard(1, "good morning", cut=False)
    assert talk.draft(2, Message(Role.CALLER, "a table")) == (
        Message(Role.CALLER, "hello"),
        Message(Role.AGENT, "good morning"),
        Message(Role.CALLER, "a table"),
    )


def test_a_reply_is_audible_once():
    talk = Conversation()
    talk.draft(1, Message(Role.CALLER, "hello"))
    talk.audible(1)
    talk.audible(1)
    assert len(talk.messages) == 2


def test_what_was_heard_of_a_reply_that_is_not_open_changes_nothing():
    talk = Conversation()
    talk.heard(7, "nobody said this", cut=True)
    talk.draft(1, Message(Role.CALLER, "hello"))
    talk.audible(1)
    talk.heard(1, "good morning", cut=False)
    talk.heard(1, "good", cut=True)
    assert talk.messages[-1] == Message(Role.AGENT, "good morning")


def test_a_history_that_was_handed_out_does_not_change():
    talk = Conversation()
    talk.draft(1, Message(Role.CALLER, "hello"))
    talk.audible(1)
    before = talk.messages
    talk.heard(1, "good morning", cut=False)
    assert before[-1] == Message(Role.AGENT, "")


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12))
def test_questions_and_answers_alternate_whatever_becomes_audible(replies):
    talk = Conversation()
    heard = 0
    for number, (is_audible, cut) in enumerate(replies, 1):
        talk.draft(number, Message(Role.CALLER, f"question {number}"))
        if is_audible:
            talk.audible(number)
            talk.heard(number, f"answer {number}", cut=cut)
            heard += 1
    roles = [message.role for message in talk.messages]
    assert roles == [Role.CALLER, Role.AGENT] * heard
    for question, answer in zip(talk.messages[::2], talk.messages[1::2], strict=True):
        assert question.text.split()[1] == answer.text.split()[1]
