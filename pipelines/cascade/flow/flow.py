"""A flow ready to be followed: its tables checked against each other, its phrases parsed."""

from collections.abc import Mapping
from dataclasses import dataclass

from agent.core.errors import ConfigError
from agent.core.protocols import Tool
from agent.core.settings import read
from pipelines.cascade.flow.builtin import PHRASES
from pipelines.cascade.flow.checks import Node, check, one_of
from pipelines.cascade.flow.match import Phrase, phrase
from pipelines.cascade.flow.pattern import parse, slots
from pipelines.cascade.flow.tables import FlowTable, FormTable


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
        """What this flow calls beside call control."""
        return tuple(Tool(name, about) for name, about in self.table.tools.items())

    def form(self, node: str) -> FormTable | None:
        """The form of this name, or None where the name is a state's."""
        return self.table.forms.get(node)

    def node(self, name: str) -> Node:
        """The state or form of this name."""
        return self.table.forms.get(name) or self.table.states[name]

    def routes(self, node: str, *, again: bool = True) -> dict[str, str]:
        """Where each intent leads from here; what a node says itself beats `anywhere`.

        `again`: also what counts only where the dialogue came back to this state.
        """
        state = self.table.states.get(node)
        late = state.on_again if state and again else {}
        return {**self.table.anywhere, **self.node(node).on, **late}

    def is_private(self, node: str) -> bool:
        """Whether something secret is found out here: then nothing that is said here is shown."""
        form = self.form(node)
        return form is not None and any(self.table.slots[slot].secret for slot in form.slots)


def load_flow(table: Mapping[str, object], where: str) -> Flow:
    """A flow from its TOML table.

    Args:
        table: the `[flow]` table as the parser made it.
        where: file and key, such as `offline.toml: [flow]`; starts every message.

    Raises:
        ConfigError: which key, what was found, what is allowed.
    """
    flow = read(FlowTable, table, where)
    check(flow, where)
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
            one_of(slot, flow.slots, f"{where}: the phrase {text!r} uses the slot")
        if own and own not in slots(pattern):
            raise ConfigError(f"{where}: expected {{}} for the value, found none in {text!r}")
        parsed.append(phrase(pattern))
    return tuple(parsed)
