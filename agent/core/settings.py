"""Tables of settings to frozen dataclasses: unknown keys refused, every fault a full sentence."""

import dataclasses
import difflib
import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from agent.core.errors import ConfigError

T = TypeVar("T")

_WORDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


def read(cls: type[T], table: object, where: str) -> T:
    """A `cls` from a parsed TOML table.

    Args:
        cls: a dataclass of str, bool, int, float, Enum, dataclass, tuple[X, ...], dict[str, X]
            or X | None. A ValueError from its `__post_init__` says what is allowed.
        table: what the TOML parser made of it.
        where: file and key so far, such as `offline.toml: [turns]`; starts every message.

    Raises:
        ConfigError: which key, what was found, what is allowed.
    """
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where}: expected a table, found {_shown(table)}")
    hints = get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in fields:
            raise ConfigError(_unknown(where, str(key), sorted(fields)))
    for name, field in fields.items():
        if name not in table and _is_required(field):
            raise ConfigError(f"{where}: {name} is missing; it is {describe(hints[name])}")
    values = {key: value_of(hints[key], value, f"{where} {key}") for key, value in table.items()}
    try:
        return cls(**values)
    except ValueError as fault:
        raise ConfigError(f"{where}: {fault}") from fault


def value_of(kind: Any, value: object, where: str) -> Any:
    """One TOML value as the type a setting wants, or ConfigError."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return read(kind, value, where)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = next(k for k in get_args(kind) if k is not type(None))
        return value_of(inner, value, where)
    if origin is tuple and isinstance(value, list | tuple):
        item = get_args(kind)[0]
        return tuple(value_of(item, v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is dict and isinstance(value, Mapping):
        item = get_args(kind)[1]
        return {str(k): value_of(item, v, f"{where}.{k}") for k, v in value.items()}
    if isinstance(kind, type) and issubclass(kind, Enum) and value in [m.value for m in kind]:
        return kind(value)
    if kind is float and type(value) is int:
        return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise ConfigError(f"{where}: expected {describe(kind)}, found {_shown(value)}")


def describe(kind: Any) -> str:
    """A setting's type in words."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(describe(k) for k in get_args(kind) if k is not type(None))
    if origin is tuple:
        return f"a list, each {describe(get_args(kind)[0])}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "one of " + ", ".join(str(m.value) for m in kind)
    return _WORDS.get(kind, "a table")


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _unknown(where: str, key: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(key, allowed, n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    return f"{where}: unknown key {key}{hint} Allowed: {', '.join(allowed) or 'none'}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a table"
    return repr(value)
