"""What came of a tool: it fills a slot, and the dialogue goes on where its value leads."""

from dataclasses import replace

from pipelines.cascade.flow.checks import BACK
from pipelines.cascade.flow.flow import Flow
from pipelines.cascade.flow.moves import arrive, arrive_after, ask, emptied, leave
from pipelines.cascade.flow.position import Position, Question, with_value
from pipelines.cascade.flow.values import Value, result_value


def resume(flow: Flow, at: Position, tool: str, text: str) -> Position:
    """The position once a tool's result is known, with the rest of the reply; a result that nobody
    waits for changes nothing.

    Args:
        flow: the dialogue.
        at: where it waits.
        tool: whose result it is.
        text: what the tool returned; what is no value of the slot counts as a failure.
    """
    if not at.waits or flow.node(at.waits).call != tool:
        return at
    name = at.waits
    node, form = flow.node(name), flow.form(name)
    at = replace(at, waits="", asked=Question())
    value = result_value(flow.table.slots[node.result], text)
    target = node.to if value is None else node.then.get(str(value), node.to)
    if value is None or not target:
        return arrive(flow, emptied(at, form) if form else at, node.fail)
    at = replace(with_value(at, node.result, value), done=True)
    return _on(flow, at, name, value, target)


def _on(flow: Flow, at: Position, name: str, value: Value, target: str) -> Position:
    form = flow.form(name)
    if form is None:
        return ask(flow, at) if target == BACK else arrive(flow, at, target)
    if str(value) in form.then:
        at = replace(emptied(at, form), node=form.to, asked=Question())
        return arrive(flow, at, target)
    return arrive_after(flow, leave(flow, at, form))
