"""Events and actions as plain fields and back: what a trace holds and a replay reads."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, get_args

from agent.core.calls import Json
from agent.core.events import Action, Aside, Backchannel, Event, Happened, Prompt, Reason

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
        ValueError: `what` names no event, or a field of it is missing.
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
    values = {f.name: fields[f.name] for f in own if f.name in fields}
    if kind in (Prompt, Happened):
        values["reason"] = Reason(values["reason"])
    if kind is Backchannel:
        values["kind"] = Aside(values["kind"])
    return kind(**values)
