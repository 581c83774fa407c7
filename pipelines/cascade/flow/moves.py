"""The moves of a dialogue: arrive somewhere, ask the next question, fill slots, finish a form."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from agent.core.protocols import ToolCall
from pipelines.cascade.flow.flow import BACK, Flow
from pipelines.cascade.flow.position import Position, Question, Topic, say, with_value
from pipelines.cascade.flow.tables import FormTable, StateTable
from pipelines.cascade.flow.values import Value, allowed, spoken


def arrive(
    flow: Flow, at: Position, node: str, given: Iterable[tuple[str, Value]] = ()
) -> Position:
    """Go to a state or form, say what it says, and ask its question."""
    form = flow.form(node)
    if form:
        filled = fill(flow, replace(at, node=node), form, given)
        pleased = at.node != node and filled.lines == at.lines  # no "with pleasure" before a no
        return ask(flow, say(filled, form.say) if pleased else filled)
    state = flow.table.states[node]
    at = speak(flow, at, state)
    if state.to:
        return ask(flow, at) if state.to == BACK else arrive(flow, at, state.to)
    at = replace(at, node=node, asked=Question())
    return say(at, rendered(flow, at, state.ask[0])) if state.ask else at


def speak(flow: Flow, at: Position, state: StateTable) -> Position:
    """Say what a state says and call what it calls, without going there."""
    at = replace(at, protected=at.protected or state.must_hear)
    at = say(at, rendered(flow, at, state.say))
    if state.call:
        at = replace(at, calls=(*at.calls, ToolCall(state.call, dict(state.arguments))))
    return replace(at, values=()) if state.forget else at


def ask(flow: Flow, at: Position) -> Position:
    """The question that is due here after something was done or answered."""
    state = flow.table.states.get(at.node)
    if state and state.again:
        return say(replace(at, asked=Question()), rendered(flow, at, state.again))
    return ask_in_words(flow, at, 0)


def ask_in_words(flow: Flow, at: Position, wording: int) -> Position:
    """The question that is due here in its first wording, its second, and so on."""
    form = flow.form(at.node)
    if form:
        return _ask_form(flow, at, form, wording)
    state = flow.table.states[at.node]
    at = replace(at, asked=Question())
    questions = state.ask or tuple(filter(None, [state.again]))
    if not questions:
        return speak(flow, at, state)  # the end of the line: there is nothing to ask
    return say(at, rendered(flow, at, _wording(questions, wording)))


def _wording(questions: tuple[str, ...], wording: int) -> str:
    return questions[min(wording, len(questions) - 1)]


def _ask_form(flow: Flow, at: Position, form: FormTable, wording: int) -> Position:
    missing = next((slot for slot in form.slots if at.value(slot) is None), "")
    if missing:
        question = _wording(flow.table.slots[missing].ask, wording)
        return say(replace(at, asked=Question(Topic.SLOT, missing)), question)
    if form.confirm:
        at = replace(at, asked=Question(Topic.CONFIRM))
        return say(at, rendered(flow, at, form.confirm))
    return arrive_after(flow, finish(flow, at, form))


def finish(flow: Flow, at: Position, form: FormTable) -> Position:
    """Say that it is done, call the form's tool with its values, and go where it leads.

    Nothing is asked yet, so that another answer can be given first; then `arrive_after`.
    """
    at = say(at, rendered(flow, at, form.done))
    if form.call:
        values = {slot: at.value(slot) for slot in form.slots}
        at = replace(at, calls=(*at.calls, ToolCall(form.call, values)))
    for slot in form.slots:
        at = with_value(at, slot, None)
    return replace(at, node=form.to, asked=Question())


def arrive_after(flow: Flow, at: Position) -> Position:
    """The question of the place a form has led to."""
    state = flow.table.states.get(at.node)
    returns = state is None or (state.again and not state.to)
    return ask(flow, at) if returns else arrive(flow, at, at.node)


def fill(flow: Flow, at: Position, form: FormTable, given: Iterable[tuple[str, Value]]) -> Position:
    """Put values into the form's slots; say why one is not possible, and empty its slot."""
    for slot, value in given:
        if slot not in form.slots:
            continue
        table = flow.table.slots[slot]
        if allowed(table, value, at.today):
            at = with_value(at, slot, value)
        else:
            at = with_value(at, slot, None)
            at = say(at, table.refuse.format(value=spoken(table, value)))
    return at


def rendered(flow: Flow, at: Position, template: str) -> str:
    """A template with the slots that are known; the others are left out."""
    known = {slot: spoken(flow.table.slots[slot], value) for slot, value in at.values}
    return template.format_map(defaultdict(str, known))
