"""`parley duplex-worker`: one duplex model in a process of its own, for any number of servers.

Runs in the environment of the model, which need not be that of parley: what is imported here needs
numpy, torch and moshi, and the folder of parley's packages in PYTHONPATH.
"""

import asyncio
import signal
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.commands.settled import settle
from agent.config import with_overrides
from agent.core.errors import ConfigError, ParleyError
from agent.core.settings import read
from pipelines.engines.duplex_address import Address
from pipelines.engines.duplex_worker import DuplexWorker, WorkerSettings
from pipelines.engines.moshi import Moshi
from pipelines.engines.moshi_settings import NAME, MoshiSettings

TABLES = ("model", "worker")


def duplex_worker(file: Path | None, overrides: Sequence[str]) -> int:
    """Serve until the process is told to stop; exit status.

    Args:
        file: TOML with the tables [model] and [worker]; None: all is in `overrides`.
        overrides: `table.key=value` each.

    Raises:
        ConfigError: which key, what was found, what is allowed.
        EngineUnavailable: the model cannot be loaded.
    """
    model, worker = _settings(file, overrides)
    print(f"{NAME}: loading {model.checkpoint} on {model.device}", flush=True)
    moshi = Moshi.load(model)
    settle()
    try:
        asyncio.run(_serve(moshi, worker))
    except OSError as fault:
        raise ConfigError(f"listen: {worker.listen} cannot be listened at: {fault}") from fault
    finally:
        moshi.unload()
    return 0


async def _serve(moshi: Moshi, settings: WorkerSettings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    def ready(where: Address) -> None:
        print(f"{NAME} answers at {where}: {moshi.seats().total} slots", flush=True)

    await DuplexWorker(moshi, NAME, settings).serve(ready, stop)


def _settings(file: Path | None, overrides: Sequence[str]) -> tuple[MoshiSettings, WorkerSettings]:
    document: dict[str, Any] = {}
    name = "duplex-worker" if file is None else file.name
    if file is not None:
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as fault:
            raise ConfigError(f"{file}: cannot be read: {fault.strerror}") from fault
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
            raise ConfigError(f"{name}: expected TOML: {fault}") from fault
    with_overrides(document, overrides)
    if unknown := sorted(set(document) - set(TABLES)):
        raise ConfigError(f"{name}: unknown table {unknown[0]}; allowed: {', '.join(TABLES)}")
    return (
        read(MoshiSettings, document.get("model", {}), f"{name}: [model]"),
        read(WorkerSettings, document.get("worker", {}), f"{name}: [worker]"),
    )


def main(arguments: Sequence[str]) -> int:
    """As a program of its own: an optional file, then `table.key=value` each."""
    files = [Path(word) for word in arguments if "=" not in word]
    try:
        return duplex_worker(files[0] if files else None, [w for w in arguments if "=" in w])
    except ParleyError as fault:
        print(f"parley: {fault}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
