"""How the caller's turn is answered: a list of rules, of which the first that fits decides."""

from collections.abc import Callable
from dataclasses import replace

from pipelines.cascade.flow import builtin
from pipelines.cascade.flow.checks import BACK
from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.messages import dictated
from pipelines.cascade.flow.moves import (
    arrive,
    arrive_after,
    ask,
    ask_in_words,
    fill,
    finish,
    rendered,
    speak,
)
from pipelines.cascade.flow.position import (
    Position,
    Question,
    Topic,
    restarted,
    say,
    unheard,
    with_value,
    word_count,
)
from pipelines.cascade.flow.slot_table import Kind
from pipelines.cascade.flow.tables import FormTable
from pipelines.cascade.flow.understand import Understood, understand
from pipelines.cascade.flow.values import allowed
from pipelines.cascade.flow.words import pressed, words

OFFER_AT = 3
"""Misses in a row after which a person is offered: two wordings were tried by then."""


def answer(flow: Flow, at: Position, text: str, *, is_private: bool = False) -> Position:
    """The first rule that knows what to do with the caller's turn; one that `is_private` is never
    repeated to anybody."""
    if not (is_private or flow.is_private(at.node) or pressed(words(text))):
        at = replace(at, said=text)
    if message := dictated(flow, at, text):
        return message
    said = understand(flow, at, text)
    for rule in RULES:
        after = rule(flow, at, said)
        if after is not None:
            return replace(after, misses=0)
    return _missed(flow, at)


def _by_key(flow: Flow, at: Position, said: Understood) -> Position | None:
    """A key of the keypad, unless figures are the answer that was asked for."""
    if not said.keys or (at.asked.topic is Topic.SLOT and _is_answer(flow, at, said)):
        return None
    target = flow.node(at.node).keys.get(said.keys[-1])
    return arrive(flow, at, target) if target else None


def _is_answer(flow: Flow, at: Position, said: Understood) -> bool:
    slot = flow.table.slots[at.asked.slot]
    value = dict(said.values).get(at.asked.slot)
    return slot.kind is Kind.DIGITS or (value is not None and allowed(slot, value, at.today))


def _to_offer(flow: Flow, at: Position, said: Understood) -> Position | None:
    """Yes or no to being put through to a person."""
    if at.asked.topic is not Topic.OFFER:
        return None
    match _yes_no(said):
        case "yes":
            return arrive(flow, at, flow.table.person)
        case "no":
            return ask(flow, at)
    return None


def _to_sure(flow: Flow, at: Position, said: Understood) -> Position | None:
    """Yes or no to leaving; whoever asks for it again means it."""
    if at.asked.topic is not Topic.SURE:
        return None
    if _yes_no(said) == "yes" or (_routed(flow, at, said) or [""])[-1] == at.asked.slot:
        return arrive(flow, at, at.asked.slot)
    if _yes_no(said) == "no" and not said.values:
        return ask_in_words(flow, at, 0)
    return None


def _to_confirmation(flow: Flow, at: Position, said: Understood) -> Position | None:
    """Yes or no to the values read back; a value in the same breath is a correction instead.

    A yes counts only when the caller heard all the values: nobody agrees to what was not said.
    """
    form = flow.form(at.node)
    if at.asked.topic is not Topic.CONFIRM or form is None or said.values or said.named:
        return None
    match _yes_no(said):
        case "yes" if _was_asked(at):
            return _finished(flow, at, form, said)
        case "yes":
            return ask(flow, at)
        case "no" if not _routed(flow, at, said):
            return say(replace(at, asked=Question(Topic.CHANGE)), form.change)
    return None


def _finished(flow: Flow, at: Position, form: FormTable, said: Understood) -> Position:
    """The form's end, and what else was said in the same breath: "yes, goodbye"."""
    routed = _routed(flow, at, said)
    away = [n for n in routed if not _is_aside(flow, n) and n != at.node]
    after = _asides(flow, finish(flow, at, form), routed)
    if after.waits:
        return after
    return arrive(flow, after, away[-1]) if away else arrive_after(flow, after)


def _to_change(flow: Flow, at: Position, said: Understood) -> Position | None:
    """Neither yes nor no says what should be changed: read the values back again."""
    silent = not (said.values or said.named or _routed(flow, at, said))
    if at.asked.topic is Topic.CHANGE and silent and _yes_no(said):
        return ask(flow, at)
    return None


def _by_meaning(flow: Flow, at: Position, said: Understood) -> Position | None:
    """Slot values and intents: fill, answer on the side, go where the last intent leads."""
    form = flow.form(at.node)
    routed = _routed(flow, at, said)
    if form is None and said.values and not routed:
        routed = _form_for(flow, at, said)
    if form and said.values:
        at = fill(flow, at, form, said.values)
    elif not routed:
        return None
    at = _asides(flow, at, routed)
    away = [node for node in routed if not _is_aside(flow, node)]
    return arrive(flow, at, away[-1], said.values) if away else ask(flow, at)


def _asides(flow: Flow, at: Position, routed: list[str]) -> Position:
    """What can be answered without leaving the place."""
    for node in routed:
        if _is_aside(flow, node):
            at = replace(speak(flow, at, flow.table.states[node]), done=True)
    return at


def _is_aside(flow: Flow, node: str) -> bool:
    return node in flow.table.states and flow.table.states[node].to == BACK


def _routed(flow: Flow, at: Position, said: Understood) -> list[str]:
    """Where the intents lead from here, each place once.

    Small talk that a flow gives a way of its own, such as a no that ends the call, takes it only
    alone: "a table for two, no, for three" must not hang up. And nobody answers a question before
    they heard it: a no over the opening hours is not one to "is there anything else?".
    """
    routes = flow.routes(at.node, again=at.again and _was_asked(at))
    leading = [intent for intent in said.intents if intent in routes]
    wanted = [intent for intent in leading if intent not in builtin.NAMES]
    if not wanted and not said.values:
        wanted = leading
    return list(dict.fromkeys(routes[intent] for intent in wanted))


def _was_asked(at: Position) -> bool:
    """Whether all that the last reply said before its question, its last sentence, was heard."""
    return at.heard + 1 >= word_count(at.before[:-1])


def _form_for(flow: Flow, at: Position, said: Understood) -> list[str]:
    """The first form in reach that wants one of these values."""
    given = {slot for slot, _ in said.values}
    reach = flow.routes(at.node).values()
    wanting = (node for node in reach if (form := flow.form(node)) and given & set(form.slots))
    return list(wanting)[:1]


def _by_name(flow: Flow, at: Position, said: Understood) -> Position | None:
    """Slots named without a value are emptied and asked for."""
    if not said.named:
        return None
    for slot in said.named:
        at = with_value(at, slot, None)
    return ask(flow, at)


def _small_talk(flow: Flow, at: Position, said: Understood) -> Position | None:
    """What every flow understands."""
    intent = next((name for name in _SMALL_TALK if name in said.intents), "")
    rest = unheard(at.before, at.heard)
    match intent:
        case "":
            return None
        case builtin.START_OVER:
            begin = restarted(at, flow.table.start)
            return ask_in_words(flow, say(begin, builtin.REPLIES[intent]), 0)
        case builtin.REPEAT if at.before:
            return say(at, *at.before)
        case builtin.GO_ON | builtin.ACKNOWLEDGE if rest and at.heard:
            return say(at, *rest)
        case builtin.WAIT:
            return say(at, builtin.REPLIES[intent])
    at = say(at, builtin.REPLIES.get(intent, ""))
    content = intent in (builtin.THANKS, builtin.ACKNOWLEDGE) and at.asked.topic is Topic.OPEN
    return ask(flow, at) if content else ask_again(flow, at)


_SMALL_TALK = (
    builtin.START_OVER,
    builtin.REPEAT,
    builtin.GO_ON,
    builtin.WAIT,
    builtin.STOP,
    builtin.THANKS,
    builtin.HELLO,
    builtin.ACKNOWLEDGE,
    builtin.YES,
    builtin.NO,
)

Rule = Callable[[Flow, Position, Understood], Position | None]

RULES: tuple[Rule, ...] = (
    _by_key,
    _to_offer,
    _to_sure,
    _to_confirmation,
    _to_change,
    _by_meaning,
    _by_name,
    _small_talk,
)


def _missed(flow: Flow, at: Position) -> Position:
    """Not understood: sorry; then another wording; then a person."""
    misses = at.misses + 1
    at = replace(at, misses=misses)
    if misses >= OFFER_AT and flow.table.offer:
        offered = replace(at, misses=0, asked=Question(Topic.OFFER))
        return say(offered, flow.table.offer)
    return ask_again(flow, say(at, flow.table.sorry), misses - 1)


def ask_again(flow: Flow, at: Position, wording: int = 0) -> Position:
    """The question that waits, once more."""
    form = flow.form(at.node)
    if at.asked.topic is Topic.OFFER:
        return say(at, flow.table.offer)
    if at.asked.topic is Topic.CHANGE and form:
        return say(at, form.change)
    if at.asked.topic is Topic.SURE:
        return say(at, rendered(flow, at, flow.table.states[at.asked.slot].sure))
    return ask_in_words(flow, at, wording)


def _yes_no(said: Understood) -> str:
    """`yes`, `no`, or empty for neither and for both."""
    yes = builtin.YES in said.intents or builtin.ACKNOWLEDGE in said.intents
    no = builtin.NO in said.intents
    return "" if yes == no else "yes" if yes else "no"
