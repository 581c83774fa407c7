"""The dialogue as a pure fold over the history: a position, one message, the next position.

It depends on nothing else, so a reply that was prepared and thrown away leaves nothing behind, and
the same history always gives the same reply. `known` remembers positions to save time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce

from agent.core.events import Reason
from agent.core.protocols import Message, Role, ToolResult
from pipelines.cascade.flow.begun import began, is_note
from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.hours import is_open, weekday_of
from pipelines.cascade.flow.messages import taken
from pipelines.cascade.flow.moves import arrive, ask
from pipelines.cascade.flow.position import Position, Question, restarted, say, word_count
from pipelines.cascade.flow.results import resume
from pipelines.cascade.flow.rules import answer, ask_again
from pipelines.cascade.flow.words import pressed, words


def fold(
    flow: Flow, messages: Sequence[Message], today: str = "", now: datetime | None = None
) -> Position:
    """Where the dialogue stands after these messages, with the reply to the last of them.

    Args:
        flow: the dialogue.
        messages: the history, oldest first.
        today: today's weekday in lower case; empty: as `now` has it, and where that is not known
            either, days cannot be checked against tomorrow.
        now: the house's own time, for its business hours, where the history does not note when the
            call began; None: it counts as open.
    """
    begin = beginning(flow, messages, today, now)
    return reduce(lambda at, message: step(flow, at, message), turns(messages), begin)


def beginning(
    flow: Flow, messages: Sequence[Message], today: str = "", now: datetime | None = None
) -> Position:
    """The position before the first of these messages; `today` and `now` as for `fold`."""
    now = began(messages) or now
    closed = bool(now and flow.table.hours and not is_open(flow.table.hours, now))
    return Position(flow.table.start, today or (weekday_of(now) if now else ""), closed=closed)


def turns(messages: Sequence[Message]) -> Iterator[Message]:
    """The history with what the caller said in a row as one turn.

    What the caller said before a reply that was never heard belongs to what they said next; keys
    and words are kept apart. A turn whose reply failed before anything was heard is undone: the
    caller will be asked again.
    """
    turn: Message | None = None
    for message in messages:
        if is_note(message):
            continue
        if turn and message.role is Role.CALLER and _same_means(turn.text, message.text):
            both, private = f"{turn.text} {message.text}", turn.private or message.private
            turn = Message(Role.CALLER, both, private=private)
            continue
        is_result = isinstance(message, ToolResult)  # whose text may be any
        failed = message.role is Role.EVENT and message.text == Reason.TROUBLE and not is_result
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
    if isinstance(message, ToolResult):
        return resume(flow, at, message.call.name, message.text)
    fresh = replace(
        at, lines=(), calls=(), protected=False, before=at.lines or at.before, waits="", quiet=False
    )
    if message.role is Role.EVENT:
        after = _event(flow, fresh, message.text)
    else:
        spoken_to = replace(fresh, silences=0)
        after = answer(flow, spoken_to, message.text, is_private=message.private)
    return replace(after, heard=0)


def _event(flow: Flow, at: Position, reason: str) -> Position:
    if reason == Reason.GREETING:
        greeting = flow.table.closed_greeting if at.closed else ""
        return say(restarted(at, flow.table.start), greeting or flow.table.greeting)
    if reason == Reason.TROUBLE:
        return ask(flow, say(at, flow.table.trouble))
    if reason == Reason.UNHEARD:
        return ask_again(flow, say(at, flow.table.sorry))
    if reason == Reason.REFUSED:
        return _refused(flow, at)
    if reason == Reason.LIMIT:
        return ask_again(flow, say(at, flow.table.limit))
    if reason == Reason.MACHINE and flow.table.after_beep:
        return arrive(flow, at, flow.table.after_beep)
    return taken(flow, at) or _silent(flow, at)


def _refused(flow: Flow, at: Position) -> Position:
    """Nobody took the caller: on where the flow says, or back where they were."""
    state = flow.table.states.get(at.node)
    if state and state.refused:
        return arrive(flow, at, state.refused)
    back = replace(at, node=at.left or at.node, asked=Question())
    return ask(flow, say(back, flow.table.refused))


def _silent(flow: Flow, at: Position) -> Position:
    count = at.silences + 1
    at = replace(at, silences=count)
    if count > len(flow.table.silence) and flow.table.after_silence:
        return arrive(flow, at, flow.table.after_silence)
    lines = flow.table.silence[min(count, len(flow.table.silence)) - 1 :][:1]
    return ask_again(flow, say(at, *lines))
