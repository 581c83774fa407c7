"""A flow ready to be followed: its tables checked against each other, its phrases parsed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter

from agent.core.errors import ConfigError
from agent.core.protocols import Tool
from agent.core.settings import read
from pipelines.cascade.flow.builtin import PHRASES
from pipelines.cascade.flow.match import Phrase, phrase
from pipelines.cascade.flow.pattern import parse, slots
from pipelines.cascade.flow.tables import FlowTable, FormTable, StateTable
from pipelines.cascade.flow.words import KEYS

BACK = "back"
CALL_TOOLS = ("hang_up", "transfer")
"""Tools every call has; a flow declares the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """A dialogue. Made by `load_flow`; shared by all calls, never written.

    Attributes:
        table: what the TOML says.
        intents: name to phrases, the flow's own first, then the small talk.
        slots: name to the phrases that hold a value.
        called: slot name to the phrases that name the slot.
    """

    table: FlowTable
    intents: Mapping[str, tuple[Phrase, ...]]
    slots: Mapping[str, tuple[Phrase, ...]]
    called: Mapping[str, tuple[Phrase, ...]]

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What this flow calls beside hang_up and transfer."""
        return tuple(Tool(name, about) for name, about in self.table.tools.items())

    def form(self, node: str) -> FormTable | None:
        """The form of this name, or None where the name is a state's."""
        return self.table.forms.get(node)

    def routes(self, node: str) -> dict[str, str]:
        """Where each intent leads from here; what a node says itself beats `anywhere`."""
        here = self.table.forms.get(node) or self.table.states[node]
        return {**self.table.anywhere, **here.on}


def load_flow(table: Mapping[str, object], where: str) -> Flow:
    """A flow from its TOML table.

    Args:
        table: the `[flow]` table as the parser made it.
        where: file and key, such as `offline.toml: [flow]`; starts every message.

    Raises:
        ConfigError: which key, what was found, what is allowed.
    """
    flow = read(FlowTable, table, where)
    _check_names(flow, where)
    _check_templates(flow, where)
    intents: dict[str, tuple[Phrase, ...]] = {
        name: _parsed(intent.phrases, flow, "", f"{where} intents.{name}")
        for name, intent in flow.intents.items()
    }
    for name, phrases in PHRASES:
        if name not in flow.intents:
            intents[name] = intents.get(name, ()) + _parsed(phrases, flow, "", where)
    held = {
        name: _parsed(slot.phrases, flow, name, f"{where} slots.{name} phrases")
        for name, slot in flow.slots.items()
    }
    called = {
        name: _parsed(
            tuple(f"[change] [the] ({c})" for c in slot.called), flow, "", f"{where} slots.{name}"
        )
        for name, slot in flow.slots.items()
    }
    return Flow(flow, intents, held, called)


def _parsed(phrases: tuple[str, ...], flow: FlowTable, own: str, where: str) -> tuple[Phrase, ...]:
    """Phrases parsed; `{}` becomes the slot they belong to."""
    parsed = []
    for text in phrases:
        try:
            pattern = parse(text.replace("{}", f"{{{own}}}"))
        except ValueError as fault:
            raise ConfigError(f"{where}: {fault}") from fault
        for slot in slots(pattern):
            _one_of(slot, flow.slots, f"{where}: the phrase {text!r} uses the slot")
        if own and own not in slots(pattern):
            raise ConfigError(f"{where}: expected {{}} for the value, found none in {text!r}")
        parsed.append(phrase(pattern))
    return tuple(parsed)


Node = StateTable | FormTable


def _nodes(flow: FlowTable) -> Iterator[tuple[str, Node]]:
    yield from flow.states.items()
    yield from flow.forms.items()


def _check_names(flow: FlowTable, where: str) -> None:
    """Every name that is used is a name that was given."""
    nodes = [*flow.states, *flow.forms]
    intents = {*flow.intents, *(name for name, _ in PHRASES)}
    for twice in set(flow.states) & set(flow.forms):
        raise ConfigError(f"{where}: {twice} is both a state and a form; rename one")
    _one_of(flow.start, flow.states, f"{where} start: expected a state, found")
    for name, target in (("after_silence", flow.after_silence), ("person", flow.person)):
        if target:
            _one_of(target, flow.states, f"{where} {name}: expected a state, found")
    if flow.offer and not flow.person:
        raise ConfigError(f"{where}: offer needs person, the state that a yes leads to")
    for owner, routes in _routes(flow):
        for intent, target in routes.items():
            _one_of(intent, intents, f"{where} {owner}: expected an intent, found")
            _one_of(target, nodes, f"{where} {owner}.{intent}: expected a state or form, found")
    for name, node in _nodes(flow):
        at = f"{where} {name}"
        for key, target in node.keys.items():
            _one_of(key, sorted(KEYS), f"{at} keys: expected a key, found")
            _one_of(target, nodes, f"{at} keys.{key}: expected a state or form, found")
        if node.to:
            back = [BACK] if name in flow.states else []
            _one_of(node.to, [*nodes, *back], f"{at} to: expected a state or form, found")
        if node.call:
            tools = [*CALL_TOOLS, *flow.tools]
            _one_of(node.call, tools, f"{at} call: expected a tool of [flow.tools], found")
    for name, form in flow.forms.items():
        for slot in form.slots:
            _one_of(slot, flow.slots, f"{where} forms.{name} slots: expected a slot, found")
    for name in flow.states:
        _check_rest(flow, name, where)


def _routes(flow: FlowTable) -> Iterator[tuple[str, dict[str, str]]]:
    yield "anywhere", flow.anywhere
    for name, node in _nodes(flow):
        yield f"{name} on", node.on


def _check_rest(flow: FlowTable, start: str, where: str) -> None:
    """Following `to` comes to rest: no circle of states that only speak."""
    seen, here = [start], flow.states[start]
    while here.to in flow.states:
        if here.to in seen:
            raise ConfigError(f"{where} states: {' -> '.join([*seen, here.to])} goes in a circle")
        seen.append(here.to)
        here = flow.states[here.to]


def _check_templates(flow: FlowTable, where: str) -> None:
    """Curly brackets in what is said name a slot."""
    for name, slot in flow.slots.items():
        _check_template(slot.refuse, {"value"}, f"{where} slots.{name} refuse")
    for name, state in flow.states.items():
        for text in (state.say, state.again, *state.ask):
            _check_template(text, flow.slots, f"{where} states.{name}")
    for name, form in flow.forms.items():
        for text in (form.confirm, form.done):
            _check_template(text, form.slots, f"{where} forms.{name}")


def _check_template(text: str, names: Iterable[str], where: str) -> None:
    try:
        fields = [field for field in Formatter().parse(text) if field[1] is not None]
    except ValueError as fault:
        raise ConfigError(f"{where}: {fault} in {text!r}") from fault
    for _, name, form, conversion in fields:
        _one_of(str(name), names, f"{where}: expected a slot in brackets, found")
        if form or conversion:
            raise ConfigError(f"{where}: expected only {{{name}}}, found a format in {text!r}")


def _one_of(name: str, names: Iterable[str], start: str) -> None:
    known = sorted(names)
    if name not in known:
        raise ConfigError(f"{start} {name!r}. Allowed: {', '.join(known) or 'nothing'}")
