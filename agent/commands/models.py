"""`parley models`: what a configuration needs, bringing it here, and trying it out."""

import asyncio
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from agent.commands.columns import columns, size
from agent.commands.trial import trial
from agent.config import Config, load, shipped
from agent.core.errors import EngineUnavailable
from agent.models import hub, web
from agent.models.need import Need, State, remedy
from agent.models.needs import needs

_BAR = 40  # characters


def models_list(names: list[str]) -> int:
    """What each configuration needs, and whether it is here; exit status."""
    every = sorted(path.stem for path in shipped("offline.toml").parent.glob("*.toml"))
    for name in names or every:
        config = load(name)
        found = [(section, need, need.state()) for section, need in needs(config)]
        missing = {remedy(n.source, name) for _, n, state in found if state is State.MISSING}
        print(f"{name}  ({'something is missing' if missing else 'all of it is here'})")
        print("\n".join(columns([_row(*one) for one in found])))
        print("".join(f"  to mend it: {line}\n" for line in sorted(missing)))
    return 0


def _row(section: str, need: Need, state: State) -> tuple[str, ...]:
    return (section, need.engine, need.what, size(need.size_bytes), need.licence, state.value)


def models_pull(name: str, overrides: list[str]) -> int:
    """Fetch what a configuration needs; 0 when nothing is missing afterwards."""
    left = 0
    for _, need in needs(load(name, overrides)):
        match need.source:
            case hub.Repository():
                _has_room(need, hub.cache_folder())
                print(f"{need.engine}: {need.what}, {need.source.name}", flush=True)
                folder = hub.fetch(need.source, need.engine)
                print(f"  every checksum is right; kept in\n  {folder}")
            case web.Address() if need.state() is State.MISSING:
                _has_room(need, need.source.path.parent)
                print(f"{need.engine}: {need.what}, {need.source.url}", flush=True)
                _show(web.fetch(need.source, need.engine))
                print(f"  the checksum is right; kept as\n  {need.source.path}")
            case _ if need.state() is State.MISSING:
                left += 1
                print(f"{need.engine}: {need.what} is missing: {remedy(need.source, name)}")
            case _:
                print(f"{need.engine}: {need.what}: {need.state().value}")
    return 1 if left else 0


def _has_room(need: Need, folder: Path) -> None:
    """Raises EngineUnavailable where what is missing cannot fit on the folder's disk."""
    disk = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(disk).free
    if need.state() is State.MISSING and free < need.size_bytes:
        raise EngineUnavailable(
            need.engine,
            f"{need.what}: expected room for {size(need.size_bytes)} at {folder}, found "
            f"{size(free)}. Free some, or set HF_HOME to a folder on a larger disk",
        )


def _show(progress: Iterator[web.Progress]) -> None:
    """Draw it on one line, where somebody looks."""
    looks = sys.stderr.isatty()
    for now in progress:
        if looks and now.whole_bytes:
            part = now.done_bytes / now.whole_bytes
            bar = "#" * round(part * _BAR)
            sys.stderr.write(f"\r  {bar:.<{_BAR}} {part:4.0%} of {size(now.whole_bytes)} ")
    if looks:
        sys.stderr.write("\n")


def models_check(config: Config) -> int:
    """Load every engine, and let the voice say a sentence to the ear; 0 when all of it worked."""
    return asyncio.run(trial(config))
