"""What must hold between the parts of a flow, checked when it is loaded; each fault a sentence."""

from collections.abc import Iterable, Iterator
from string import Formatter

from agent.core.errors import ConfigError
from pipelines.cascade.flow.builtin import PHRASES
from pipelines.cascade.flow.slot_table import Kind
from pipelines.cascade.flow.tables import FlowTable, FormTable, StateTable
from pipelines.cascade.flow.words import KEYS

BACK = "back"
TRANSFER = "transfer"
CALL_TOOLS = ("hang_up", TRANSFER, "send_digits", "hold")
"""Tools every call has; a flow declares the others."""

SAID = "said"
FACTS = "facts"
"""In the arguments of a tool, what the caller said last, and all that is known of them."""

Node = StateTable | FormTable


def check(flow: FlowTable, where: str) -> None:
    """Every name is one that was given, and no way through the flow goes on for ever.

    Raises:
        ConfigError: which key, what was found, what is allowed.
    """
    _check_names(flow, where)
    for name, node in _nodes(flow):
        _check_node(flow, name, node, f"{where} {name}")
    for name, form in flow.forms.items():
        _check_form(flow, form, f"{where} forms.{name}")
    for name, state in flow.states.items():
        _check_state(flow, name, state, where)
    _check_templates(flow, where)


def one_of(name: str, names: Iterable[str], start: str) -> None:
    """The name is among these, or a ConfigError that begins with `start`."""
    known = sorted(names)
    if name not in known:
        raise ConfigError(f"{start} {name!r}. Allowed: {', '.join(known) or 'nothing'}")


def _nodes(flow: FlowTable) -> Iterator[tuple[str, Node]]:
    yield from flow.states.items()
    yield from flow.forms.items()


def _check_names(flow: FlowTable, where: str) -> None:
    nodes = [*flow.states, *flow.forms]
    intents = {*flow.intents, *(name for name, _ in PHRASES)}
    for twice in set(flow.states) & set(flow.forms):
        raise ConfigError(f"{where}: {twice} is both a state and a form; rename one")
    one_of(flow.start, flow.states, f"{where} start: expected a state, found")
    ends = {"after_silence": flow.after_silence, "person": flow.person}
    for name, target in (ends | {"after_beep": flow.after_beep}).items():
        _optional(target, flow.states, f"{where} {name}: expected a state, found")
    if flow.offer and not flow.person:
        raise ConfigError(f"{where}: offer needs person, the state that a yes leads to")
    for owner, routes in _routes(flow):
        for intent, target in routes.items():
            one_of(intent, intents, f"{where} {owner}: expected an intent, found")
            one_of(target, nodes, f"{where} {owner}.{intent}: expected a state or form, found")


def _routes(flow: FlowTable) -> Iterator[tuple[str, dict[str, str]]]:
    yield "anywhere", flow.anywhere
    for name, node in _nodes(flow):
        yield f"{name} on", node.on
    for name, state in flow.states.items():
        yield f"{name} on_again", state.on_again


def _check_node(flow: FlowTable, name: str, node: Node, at: str) -> None:
    """What states and forms have in common."""
    nodes = [*flow.states, *flow.forms]
    back = [BACK] if name in flow.states else []
    for key, target in node.keys.items():
        one_of(key, sorted(KEYS), f"{at} keys: expected a key, found")
        one_of(target, nodes, f"{at} keys.{key}: expected a state or form, found")
    _optional(node.to, [*nodes, *back], f"{at} to: expected a state or form, found")
    tools = [*CALL_TOOLS, *flow.tools]
    _optional(node.call, tools, f"{at} call: expected a tool of [flow.tools], found")
    if not node.result:
        return
    one_of(node.result, flow.slots, f"{at} result: expected a slot, found")
    one_of(node.call, flow.tools, f"{at} call: expected a tool with a result, found")
    one_of(node.fail, nodes, f"{at} fail: expected where to go when the tool failed, found")
    slot = flow.slots[node.result]
    values = {Kind.YES_NO: ("yes", "no"), Kind.CHOICE: slot.options}.get(slot.kind, ())
    for value, target in node.then.items():
        one_of(value, values, f"{at} then: expected a value of the slot {node.result}, found")
        one_of(target, nodes, f"{at} then.{value}: expected a state or form, found")
    if not node.to and set(values) - set(node.then):
        missing = sorted(set(values) - set(node.then))[0]
        raise ConfigError(f"{at}: expected to, or a place in then for {missing!r}, found neither")


def _check_form(flow: FlowTable, form: FormTable, at: str) -> None:
    for slot in form.slots:
        one_of(slot, flow.slots, f"{at} slots: expected a slot, found")
    for slot in form.keep:
        if flow.slots[slot].secret:
            raise ConfigError(f"{at} keep: the slot {slot} is secret, and is not kept")
    if form.too_many:
        one_of(form.too_many, flow.states, f"{at} too_many: expected a state, found")
        end = flow.states[form.too_many]
        while end.to in flow.states:
            end = flow.states[end.to]
        if end.to:
            raise ConfigError(f"{at} too_many: expected a way to a state, found one to {end.to!r}")


def _check_state(flow: FlowTable, name: str, state: StateTable, where: str) -> None:
    at = f"{where} states.{name}"
    for key, target in (("closed", state.closed), ("refused", state.refused)):
        _optional(target, flow.states, f"{at} {key}: expected a state, found")
    if state.closed and not flow.hours:
        raise ConfigError(f"{at} closed: expected a table [flow.hours], found none")
    _check_rest(flow, name, where, "to")
    _check_rest(flow, name, where, "closed")


def _check_rest(flow: FlowTable, start: str, where: str, key: str) -> None:
    """Following `to`, or `closed`, comes to rest: no circle of states that only speak."""
    seen = [start]
    while (after := _next(flow.states[seen[-1]], key)) in flow.states:
        if after in seen:
            raise ConfigError(f"{where} states: {' -> '.join([*seen, after])} goes in a circle")
        seen.append(after)


def _next(state: StateTable, key: str) -> str:
    """A closed state leads where it says, an open one on; a result comes from outside."""
    if key == "closed" and state.closed:
        return state.closed
    return "" if state.result else state.to


def _check_templates(flow: FlowTable, where: str) -> None:
    """Curly brackets in what is said name a slot, and never a secret one."""
    known = [name for name, slot in flow.slots.items() if not slot.secret]
    for name, slot in flow.slots.items():
        _check_template(slot.refuse, {"value"}, f"{where} slots.{name} refuse")
    for name, state in flow.states.items():
        for text in (state.say, state.again, state.sure, *state.ask):
            _check_template(text, known, f"{where} states.{name}")
        for key, text in state.arguments.items():
            _check_template(text, [*known, SAID, FACTS], f"{where} states.{name} arguments.{key}")
    for name, form in flow.forms.items():
        for key, text in form.arguments.items():
            _check_template(text, [*known, SAID, FACTS], f"{where} forms.{name} arguments.{key}")
        kept = set(known) & {*form.slots, form.result}
        for text in (form.confirm, form.done):
            _check_template(text, kept, f"{where} forms.{name}")


def _check_template(text: str, names: Iterable[str], where: str) -> None:
    try:
        fields = [field for field in Formatter().parse(text) if field[1] is not None]
    except ValueError as fault:
        raise ConfigError(f"{where}: {fault} in {text!r}") from fault
    for _, name, form, conversion in fields:
        one_of(str(name), names, f"{where}: expected a slot in brackets, found")
        if form or conversion:
            raise ConfigError(f"{where}: expected only {{{name}}}, found a format in {text!r}")


def _optional(name: str, names: Iterable[str], start: str) -> None:
    if name:
        one_of(name, names, start)
