"""The dialogue as a pure fold over the history: a position, one message, the next position.

Nothing is remembered between replies, so a reply that was prepared and thrown away leaves nothing
behind, and the same history always gives the same reply.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce

from agent.core.events import Reason
from agent.core.protocols import Message, Role
from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.moves import arrive, ask
from pipelines.cascade.flow.position import Position, say, word_count
from pipelines.cascade.flow.rules import answer, ask_again
from pipelines.cascade.flow.words import pressed, words


def fold(flow: Flow, messages: Sequence[Message], today: str = "") -> Position:
    """Where the dialogue stands after these messages, with the reply to the last of them.

    Args:
        flow: the dialogue.
        messages: the history, oldest first.
        today: today's weekday in lower case; empty: days cannot be checked against tomorrow.
    """
    begin = Position(flow.table.start, today)
    return reduce(lambda at, message: step(flow, at, message), turns(messages), begin)


def turns(messages: Sequence[Message]) -> Iterator[Message]:
    """The history with what the caller said in a row as one turn.

    What the caller said before a reply that was never heard belongs to what they said next; keys
    and words are kept apart. A turn whose reply failed before anything was heard is undone: the
    caller will be asked again.
    """
    turn: Message | None = None
    for message in messages:
        if turn and message.role is Role.CALLER and _same_means(turn.text, message.text):
            turn = Message(Role.CALLER, f"{turn.text} {message.text}")
            continue
        failed = message.role is Role.EVENT and message.text == Reason.TROUBLE
        if turn and not failed:
            yield turn
        turn = message if message.role is Role.CALLER else None
        if turn is None:
            yield message
    if turn:
        yield turn


def _same_means(before: str, after: str) -> bool:
    return pressed(words(before)) == pressed(words(after))


def step(flow: Flow, at: Position, message: Message) -> Position:
    """The position after one more message."""
    if message.role is Role.AGENT:
        heard = len(words(message.text)) if message.cut else word_count(at.lines)
        return replace(at, heard=heard)
    fresh = replace(at, lines=(), calls=(), protected=False, before=at.lines)
    if message.role is Role.EVENT:
        after = _event(flow, fresh, message.text)
    else:
        after = answer(flow, replace(fresh, silences=0), message.text)
    return replace(after, heard=0)


def _event(flow: Flow, at: Position, reason: str) -> Position:
    if reason == Reason.GREETING:
        return say(Position(flow.table.start, at.today), flow.table.greeting)
    if reason == Reason.TROUBLE:
        return ask(flow, say(at, flow.table.trouble))
    if reason == Reason.UNHEARD:
        return ask_again(flow, say(at, flow.table.sorry))
    count = at.silences + 1
    at = replace(at, silences=count)
    if count > len(flow.table.silence) and flow.table.after_silence:
        return arrive(flow, at, flow.table.after_silence)
    lines = flow.table.silence[min(count, len(flow.table.silence)) - 1 :][:1]
    return ask_again(flow, say(at, *lines))
