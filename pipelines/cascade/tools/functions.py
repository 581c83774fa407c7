"""Python functions as tools: `module:name`, run in the event loop or in a thread."""

import asyncio
import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from agent.core.calls import Json
from agent.core.errors import ConfigError
from pipelines.cascade.tools.runnable import Runnable, in_words
from pipelines.cascade.tools.schema import checked, described
from pipelines.cascade.tools.threads import AbandonableThreads

AT_ONCE = 8
"""Calls of one blocking function at the same time: enough for as many callers, and few enough that
a function which never returns costs no more threads."""


def load(path: str, where: str) -> Callable[..., Any]:
    """The function that `module:name` names.

    Raises:
        ConfigError: there is none, or its module does not load.
    """
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        raise ConfigError(f"{where} function: expected module:name, found {path!r}")
    try:
        found = vars(importlib.import_module(module)).get(name)
    except ImportError as fault:
        raise ConfigError(
            f"{where} function: {fault}; expected a module that Python finds, as on PYTHONPATH"
        ) from fault
    except (Exception, SystemExit) as fault:  # whatever a user's file does when it is loaded
        raise ConfigError(
            f"{where} function: expected a module that loads, found that {module} raises "
            f"{type(fault).__name__}: {fault}"
        ) from fault
    if not callable(found):
        raise ConfigError(f"{where} function: expected a function {name} in {module}, found none")
    return found  # type: ignore[no-any-return]  # callable() tells mypy less than we know


def runnable(
    name: str, function: Callable[..., Any], deadline_s: float, *, effects: bool
) -> Runnable:
    """A function as a tool. A coroutine function is cancelled when nobody waits any more; any
    other runs in a thread of its own, whose result is then dropped."""
    is_async = inspect.iscoroutinefunction(function)
    threads = AbandonableThreads(name, AT_ONCE)

    async def run(arguments: Mapping[str, Json]) -> str:
        job = partial(function, **checked(name, function, arguments))
        if is_async:
            return in_words(await job())
        return in_words(await asyncio.get_running_loop().run_in_executor(threads, job))

    return Runnable(described(name, function, effects=effects), deadline_s, run)
