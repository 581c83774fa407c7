"""The moves of a dialogue: arrive somewhere, ask the next question, fill slots, finish a form."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from agent.core.calls import Json
from agent.core.protocols import ToolCall
from pipelines.cascade.flow.checks import BACK, FACTS, SAID, TRANSFER
from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.position import Position, Question, Topic, say, with_value
from pipelines.cascade.flow.tables import FormTable, StateTable
from pipelines.cascade.flow.values import Value, allowed, spoken


def arrive(
    flow: Flow, at: Position, node: str, given: Iterable[tuple[str, Value]] = ()
) -> Position:
    """Go to a state or form, say what it says, and ask its question."""
    form = flow.form(node)
    if form and form.tries and dict(at.tries).get(node, 0) >= form.tries:
        return arrive(flow, at, form.too_many)
    if form:
        filled = fill(flow, replace(at, node=node), form, given)
        pleased = at.node != node and filled.lines == at.lines  # no "with pleasure" before a no
        return ask(flow, say(filled, form.say) if pleased else filled)
    state = flow.table.states[node]
    if state.closed and at.closed:
        return arrive(flow, at, state.closed)
    if state.sure and not at.done and at.asked != Question(Topic.SURE, node):
        return say(replace(at, asked=Question(Topic.SURE, node)), rendered(flow, at, state.sure))
    if state.call == TRANSFER and at.node != node:
        at = replace(at, left=at.node)
    at = speak(flow, at, state)
    if state.result:
        return replace(at, waits=node, asked=Question())
    if state.to:
        return ask(flow, at) if state.to == BACK else arrive(flow, at, state.to)
    at = replace(at, node=node, asked=Question(), again=False)
    return say(at, rendered(flow, at, state.ask[0])) if state.ask else at


def speak(flow: Flow, at: Position, state: StateTable) -> Position:
    """Say what a state says and call what it calls, without going there."""
    at = replace(at, protected=at.protected or state.must_hear)
    at = say(at, rendered(flow, at, state.say))
    if state.call:
        at = replace(
            at, calls=(*at.calls, ToolCall(state.call, written(flow, at, state.arguments)))
        )
    return replace(at, values=()) if state.forget else at


def ask(flow: Flow, at: Position) -> Position:
    """The question that is due here after something was done or answered."""
    state = flow.table.states.get(at.node)
    if state and state.again:
        at = replace(at, asked=Question(), again=True)
        return say(at, rendered(flow, at, state.again))
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
        # The end of the line: there is nothing to ask.
        return arrive(flow, at, at.node) if state.result else speak(flow, at, state)
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
    at = finish(flow, at, form)
    return at if at.waits else arrive_after(flow, at)


def finish(flow: Flow, at: Position, form: FormTable) -> Position:
    """Call the form's tool with its values; say that it is done, and go where it leads.

    Nothing is asked yet, so that another answer can be given first; then `arrive_after`. Where a
    result is awaited, what is left to do comes after it.
    """
    if form.tries:
        times = dict(at.tries)
        at = replace(at, tries=tuple({**times, at.node: times.get(at.node, 0) + 1}.items()))
    if form.call:
        values = {
            **written(flow, at, form.arguments),
            **{slot: at.value(slot) for slot in form.slots},
        }
        at = replace(at, calls=(*at.calls, ToolCall(form.call, values)))
    if form.result:
        return replace(at, waits=at.node)
    return leave(flow, at, form)


def leave(flow: Flow, at: Position, form: FormTable) -> Position:
    """A form is done: say so, empty it, and go where it leads, without asking yet."""
    at = replace(emptied(say(at, rendered(flow, at, form.done)), form), done=True)
    return replace(at, node=form.to, asked=Question())


def emptied(at: Position, form: FormTable) -> Position:
    """Without the form's values, but for those it keeps."""
    for slot in form.slots:
        if slot not in form.keep:
            at = with_value(at, slot, None)
    return at


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
            shown = "that" if table.secret else spoken(table, value)
            at = say(at, table.refuse.format(value=shown))
    return at


def rendered(flow: Flow, at: Position, template: str) -> str:
    """A template with the slots that are known; the others are left out."""
    known = {slot: spoken(flow.table.slots[slot], value) for slot, value in at.values}
    return template.format_map(defaultdict(str, known))


def written(flow: Flow, at: Position, arguments: Mapping[str, str]) -> dict[str, Json]:
    """What a tool is given: templates with the values as they are, not as they are spoken."""
    known = {slot: str(value) for slot, value in at.values if not flow.table.slots[slot].secret}
    facts = ", ".join(f"{slot} {value}" for slot, value in known.items())
    given = defaultdict(str, {**known, SAID: at.said, FACTS: facts + "." * bool(facts)})
    return {key: text.format_map(given).strip() for key, text in arguments.items()}
