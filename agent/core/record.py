"""Events and actions as plain fields and back: what a trace holds and a replay reads."""

import dataclasses
import types
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, get_args

from agent.core.calls import Json
from agent.core.events import Action, Event

Line = dict[str, object]
"""One line of a trace: "t", "event" and the event's own fields."""

NOTICE = "notice"
"""The event of a line that a reader adds: something about the trace itself, in "message"."""

_EVENTS = types.MappingProxyType({kind.__name__: kind for kind in get_args(Event)})
_ACTIONS = types.MappingProxyType({kind.__name__: kind for kind in get_args(Action)})


def to_fields(value: Event | Action) -> dict[str, Json]:
    """The class name as `what`, and the fields beside it."""
    fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    return {"what": type(value).__name__, **fields}


def event_from(fields: Mapping[str, Any]) -> Event:
    """The event that `to_fields` wrote; keys that are not its own are passed over.

    Raises:
        ValueError: `what` names no event, or a field of it is missing or of another type.
    """
    event: Event = _value(_EVENTS, fields)
    return event


def action_from(fields: Mapping[str, Any]) -> Action:
    """The action that `to_fields` wrote; raises ValueError as `event_from` does."""
    action: Action = _value(_ACTIONS, fields)
    return action


def _value(kinds: Mapping[str, Any], fields: Mapping[str, Any]) -> Any:
    kind = kinds.get(str(fields.get("what")))
    if kind is None:
        raise ValueError(f"expected one of {', '.join(kinds)}, found {fields.get('what')!r}")
    own = dataclasses.fields(kind)
    missing = [f.name for f in own if f.name not in fields and f.default is dataclasses.MISSING]
    if missing:
        raise ValueError(f"{kind.__name__}: {', '.join(missing)} missing")
    try:
        return kind(**{f.name: _typed(f, fields[f.name]) for f in own if f.name in fields})
    except ValueError as fault:
        raise ValueError(f"{kind.__name__}: {fault}") from fault


def _typed(field: dataclasses.Field[Any], value: object) -> object:
    """The value as its field wants it: JSON knows no reasons, and writes 1.0 as 1."""
    if isinstance(field.type, type) and issubclass(field.type, StrEnum):
        return field.type(str(value))
    wanted = get_args(field.type) or (field.type,)
    found = float if type(value) is int and float in wanted else type(value)
    if found not in wanted:
        names = " or ".join(kind.__name__ for kind in wanted)
        raise ValueError(f"{field.name}: expected {names}, found {value!r:.60}")
    return value
