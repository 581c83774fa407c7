"""A Python function as a tool: its description and JSON schema, and its arguments checked."""

import inspect
import re
from collections.abc import Callable, Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from agent.core.calls import Json
from agent.core.errors import ConfigError
from agent.core.protocols import Tool
from agent.core.settings import value_of
from pipelines.cascade.tools.runnable import ToolFault

_PLAIN: tuple[tuple[type, str], ...] = (
    (str, "string"),
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
)
_SECTION = re.compile(r"^(Args|Arguments|Returns|Raises|Yields|Note|Notes|Example|Examples):\s*$")
_ARGUMENT = re.compile(r"^(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


def described(name: str, function: Callable[..., object], *, effects: bool) -> Tool:
    """What a model is told of a function.

    Raises:
        ConfigError: it is no function with a signature, or a parameter has no name, no type, or one
            that JSON does not have.
    """
    description, notes = _docstring(inspect.getdoc(function) or "")
    properties: dict[str, Json] = {}
    required = []
    for parameter, kind in _parameters(name, function):
        schema = _schema(kind, f"{name}: {parameter.name}")
        note = notes.get(parameter.name)
        properties[parameter.name] = {**schema, "description": note} if note else schema
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
    schema = {"type": "object", "properties": properties, "required": required}
    return Tool(name, description or name, effects, schema)


def checked(
    name: str, function: Callable[..., object], arguments: Mapping[str, Json]
) -> dict[str, Any]:
    """The arguments as the function wants them.

    Raises:
        ToolFault: one is missing, unknown or of another type.
    """
    kinds = {p.name: (p, kind) for p, kind in _parameters(name, function)}
    if unknown := set(arguments) - set(kinds):
        raise ToolFault(f"there is no argument {', '.join(sorted(unknown))}")
    for key, (parameter, _) in kinds.items():
        if key not in arguments and parameter.default is inspect.Parameter.empty:
            raise ToolFault(f"the argument {key} is missing")
    try:
        return {key: _value(kinds[key][1], value, key) for key, value in arguments.items()}
    except ConfigError as fault:
        raise ToolFault(str(fault)) from fault


def _parameters(
    name: str, function: Callable[..., object]
) -> list[tuple[inspect.Parameter, object]]:
    try:
        hints, signature = get_type_hints(function), inspect.signature(function)
    except Exception as fault:  # a type written as a string is code, which may raise anything
        raise ConfigError(
            f"{name}: expected a function written in Python, with types that can be found, found "
            f"{function!r} ({type(fault).__name__}: {fault})"
        ) from fault
    found = []
    for parameter in signature.parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ConfigError(
                f"{name}: expected arguments given by name, found {parameter.name}, which is "
                f"{parameter.kind.description}"
            )
        if parameter.name not in hints:
            raise ConfigError(f"{name}: expected a type for {parameter.name}, found none")
        found.append((parameter, hints[parameter.name]))
    return found


def _schema(kind: Any, where: str) -> dict[str, Json]:
    origin, inner = get_origin(kind), get_args(kind)
    for plain, word in _PLAIN:
        if kind is plain:
            return {"type": word}
    if origin in (Union, UnionType) and len(inner) == 2 and NoneType in inner:
        return _schema(_not_none(inner), where)
    if origin in (list, tuple) and inner:
        return {"type": "array", "items": _schema(inner[0], where)}
    if origin is Literal and all(isinstance(value, str) for value in inner):
        return {"type": "string", "enum": list(inner)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"type": "string", "enum": [str(member.value) for member in kind]}
    raise ConfigError(
        f"{where}: expected str, bool, int, float, an Enum, a Literal of strings, list[X] or "
        f"X | None, found {kind}"
    )


def _value(kind: Any, value: object, where: str) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if value is None else _value(_not_none(inner), value, where)
    if origin is Literal:
        if value in inner:
            return value
        raise ConfigError(f"{where}: expected one of {', '.join(inner)}, found {value!r}")
    if origin is list and isinstance(value, list | tuple):
        return [_value(inner[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    return value_of(kind, value, where)


def _not_none(kinds: tuple[Any, ...]) -> Any:
    return next(kind for kind in kinds if kind is not NoneType)


def _docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description, and what is said of each argument, of a docstring in Google's style."""
    section, said, notes, last = "", [], dict[str, str](), ""
    for line in text.splitlines():
        if heading := _SECTION.match(line):
            section = heading[1]
        elif not section:
            said.append(line.strip())
        elif section in ("Args", "Arguments") and line.strip():
            if found := _ARGUMENT.match(line.strip()):
                last = found[1]
            notes[last] = f"{notes.get(last, '')} {found[2] if found else line.strip()}".strip()
    return " ".join(" ".join(said).split()), notes
