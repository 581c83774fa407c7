"""The fold over the history: nothing is remembered, and what was not heard does not count."""

import asyncio
import tomllib
from datetime import datetime
from functools import reduce
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from agent.core.protocols import Message, Role, ToolCall, ToolResult
from pipelines.cascade.flow.begun import noted
from pipelines.cascade.flow.flow import load_flow
from pipelines.cascade.flow.fold import fold, step, turns
from pipelines.cascade.flow.responder import FlowResponder

CONFIG = Path(__file__).parents[2] / "configs" / "offline.toml"
FLOW = load_flow(tomllib.loads(CONFIG.read_text("utf-8"))["flow"], "offline.toml: [flow]")
BOOKED = "a table for four on friday at seven"
HOURS = "what are your opening hours"

VOCABULARY = sorted(
    """yes no uh-huh okay um a table for four five people on friday monday at seven half past
    noon stop wait sorry repeat that what are your opening hours where is there parking the time
    cancel goodbye thank you person speak to 0 1 2 3 # * bla double zero change i'd like start
    over go twenty hundred quarter""".split()
)
SAID = st.lists(st.sampled_from(VOCABULARY), max_size=12).map(" ".join) | st.text(max_size=30)
MESSAGES = st.lists(
    st.builds(Message, st.just(Role.CALLER), SAID)
    | st.builds(Message, st.just(Role.AGENT), SAID, st.booleans())
    | st.builds(
        Message, st.just(Role.EVENT), st.sampled_from(["greeting", "silence", "trouble", "other"])
    ),
    max_size=8,
)


def caller(text):
    return Message(Role.CALLER, text)


def agent(text="", cut=False):
    return Message(Role.AGENT, text, cut)


def event(text):
    return Message(Role.EVENT, text)


def said(*messages):
    """The agent's reply to a history."""
    at = fold(FLOW, messages)
    return " ".join([at.text, *(f"<{call.name}>" for call in at.calls)])


def reply(messages, responder=None):
    async def collect():
        return [p async for p in (responder or FlowResponder(FLOW)).reply(messages, ())]

    return asyncio.run(collect())


def test_a_no_said_before_the_question_was_heard_does_not_end_the_call():
    half = agent("From Tuesday to Thursday we are open from noon until", cut=True)
    assert "Goodbye" not in said(caller(HOURS), half, caller("no no that's it"))
    whole = agent(said(caller(HOURS)))
    assert "Goodbye" in said(caller(HOURS), whole, caller("no that's it"))


def test_a_reply_that_was_thrown_away_leaves_nothing_behind():
    whole = said(caller("i'd like a table for four people on friday"))
    responder = FlowResponder(FLOW)

    async def speculate():
        async for _ in responder.reply([caller("i'd like a table for")], ()):
            break
        return [
            p
            async for p in responder.reply(
                [caller("i'd like a table for"), caller("four people on friday")], ()
            )
        ]

    assert "".join(asyncio.run(speculate())) == whole


def test_what_the_caller_said_in_a_row_is_one_turn():
    merged = list(turns([caller("a table for"), caller("four"), agent("x"), caller("friday")]))
    assert [m.text for m in merged] == ["a table for four", "x", "friday"]


def test_keys_and_words_are_turns_of_their_own():
    assert [m.text for m in turns([caller("hello"), caller("1"), caller("2")])] == ["hello", "1 2"]


def test_a_turn_whose_reply_failed_is_undone_and_asked_again():
    history = [caller(BOOKED), agent("x " * 30), caller("yes"), event("trouble")]
    assert said(*history).startswith("I'm sorry, something went wrong")
    assert said(*history).endswith("Shall I book it?")
    assert said(*history, agent("x " * 30), caller("yes")).endswith("<book_table>")


def test_trouble_after_something_was_heard_keeps_what_was_done():
    history = [caller(BOOKED), agent("x " * 30), caller("yes"), agent("Your"), event("trouble")]
    assert said(*history).endswith("anything else I can do for you?")


def test_nobody_agrees_to_what_they_did_not_hear():
    early = agent("That is a table", cut=True)
    assert said(caller(BOOKED), early, caller("yes")).endswith("Shall I book it?")
    late = agent("That is a table for four, Friday at seven o'clock. Shall", cut=True)
    assert said(caller(BOOKED), late, caller("yes")).endswith("<book_table>")


def test_a_correction_counts_however_little_was_heard():
    early = agent("That is", cut=True)
    assert "for five" in said(caller(BOOKED), early, caller("no five people"))


@mark.parametrize("go_on", ["uh-huh", "okay", "go on"])
def test_a_sign_of_listening_that_cut_the_agent_gets_the_rest(go_on):
    cut = agent("From Tuesday to Thursday we are open from noon until ten in the", cut=True)
    rest = said(caller(HOURS), cut, caller(go_on))
    assert rest.startswith("From Tuesday to Thursday")
    cut = agent(f"{fold(FLOW, [caller(HOURS)]).lines[0]} On Friday and", cut=True)
    assert said(caller(HOURS), cut, caller(go_on)).startswith("On Friday and Saturday")


def test_a_sign_of_listening_after_the_end_gets_the_question():
    heard = agent(said(caller(HOURS)))
    assert (
        said(caller(HOURS), heard, caller("uh-huh")) == "Is there anything else I can do for you?"
    )


def test_an_interruption_with_a_request_is_answered():
    cut = agent("We are at twelve Mill Street", cut=True)
    reply = said(caller("where are you"), cut, caller("wait is there parking"))
    assert reply.startswith("Yes, you can park")


def test_the_greeting_starts_anew():
    assert said(event("greeting")) == FLOW.table.greeting
    assert said(caller(BOOKED), agent("x"), event("greeting")) == FLOW.table.greeting


def test_a_telephone_number_where_a_small_number_is_asked_for_is_refused():
    typed = caller(" ".join("4711081547110815"))
    reply = said(caller("a table please"), agent("For how many people?"), typed)
    assert reply.startswith("For four seven one one")
    assert reply.endswith("For how many people?")


def test_silence_twice_and_then_goodbye():
    silence = event("silence")
    assert said(silence).startswith("Are you still there?")
    assert said(silence, agent("x"), silence).startswith("I can't hear you.")
    assert said(silence, agent("x"), silence, agent("x"), silence).endswith("<hang_up>")


def test_a_reply_is_clauses_and_then_tool_calls():
    pieces = reply([caller(BOOKED), agent("x " * 30), caller("yes")])
    assert "".join(pieces[:-1]) == "Your table is booked. Is there anything else I can do for you?"
    assert pieces[-1] == ToolCall("book_table", {"people": 4, "day": "friday", "time": "19:00"})
    assert len(reply([caller(HOURS)])) > 3


@mark.parametrize("messages", [[], [agent("hello")], [event("greeting"), agent("hello")]])
def test_a_history_that_asks_for_no_reply_still_gets_one(messages):
    assert "".join(reply(messages))


SUNDAY, MONDAY = datetime(2026, 11, 15, 23, 59), datetime(2026, 11, 16, 0, 1)


def test_the_day_on_which_a_call_began_is_noted_once_and_counts_for_all_of_it():
    now = SUNDAY
    responder = FlowResponder(FLOW, lambda: now)
    history = [caller("a table for two tomorrow at seven")]
    note, *words = reply(history, responder)
    assert note == noted(SUNDAY)
    assert "closed on Mondays" in "".join(words)
    now = MONDAY
    history += [note, agent("".join(words)), caller("tomorrow")]
    assert "closed on Mondays" in "".join(reply(history, responder))
    assert "Shall I book it?" in responder.position(history[:1]).text


def test_a_flow_without_a_clock_notes_nothing():
    assert not any(isinstance(piece, ToolResult) for piece in reply([caller("a table")]))


@given(MESSAGES, MESSAGES)
def test_only_the_first_note_counts_and_nobody_has_said_it(before, after):
    at = fold(FLOW, [*before, *after], now=SUNDAY)
    assert fold(FLOW, [*before, noted(SUNDAY), *after, noted(MONDAY)], now=MONDAY) == at


@given(MESSAGES)
def test_there_is_always_something_to_say(messages):
    pieces = reply([*messages, caller("a table")])
    assert "".join(piece for piece in pieces if isinstance(piece, str)).strip()
    assert FlowResponder(FLOW).position(messages).lines


@given(MESSAGES)
def test_the_same_history_gives_the_same_position(messages):
    assert fold(FLOW, messages) == fold(FLOW, list(messages))


@given(MESSAGES, MESSAGES)
def test_a_history_can_be_cut_between_any_two_replies(before, after):
    """Folding in two parts is folding in one, so a position depends on nothing but the history."""
    first = fold(FLOW, [*before, agent("x")])
    whole = fold(FLOW, [*before, agent("x"), *after])
    assert reduce(lambda at, message: step(FLOW, at, message), turns(after), first) == whole


@given(st.lists(SAID, min_size=1, max_size=6))
def test_only_a_confirmed_booking_books(lines):
    history = []
    for line in lines:
        asked = fold(FLOW, history).asked.topic.value if history else "open"
        history.append(caller(line))
        at = fold(FLOW, history)
        if any(call.name == "book_table" for call in at.calls):
            assert asked == "confirm"
        history.append(agent(at.text))
