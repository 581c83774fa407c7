"""Every engine, in a process of its own, in one table: `make bench-engines`.

PARLEY_MODELS=DIR: models below this folder are found by their formats and measured in place of the
tiny ones that are made here. A chat server is looked for at the ports of this machine that `auto`
knows. Nothing is downloaded.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from agent.auto import CANDIDATES, look
from agent.commands.recorded import say
from agent.config import checked
from agent.core.errors import ConfigError
from agent.models.need import Package, State, remedy
from agent.models.needs import needs_of
from benchmarks.engines.families import FAMILIES, Family, Table
from benchmarks.engines.figures import Figures, Row, table
from floorbench.results import machine

MODELS = "PARLEY_MODELS"
LONGEST_S = 1800.0
"""Of one engine. What takes longer hangs, or is of no use in a call."""

FAILED = "**failed**"


def main() -> int:
    """The command line; 1 where an engine that is here could not be measured."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    try:
        folder = _models()
    except ConfigError as fault:
        say(str(fault))
        return 2
    say(f"{_about()}\n")
    rows: list[Row] = []
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as made, ExitStack() as running:
            for weights, settings in _cases(family, folder, Path(made), running):
                say(f"{family.name}, {weights} …")
                rows.append(Row(family.name, weights, _measured(family, weights, settings)))
    say(f"\n{table(rows)}")
    return 1 if any(isinstance(row.found, str) and FAILED in row.found for row in rows) else 0


def _models() -> Path | None:
    """The folder of real models, if one is named."""
    name = os.environ.get(MODELS, "")
    if name and not Path(name).is_dir():
        raise ConfigError(f"{MODELS}: expected a folder with models, found no folder at {name}")
    return Path(name) if name else None


def _cases(
    family: Family, folder: Path | None, made: Path, running: ExitStack
) -> list[tuple[str, Table]]:
    """What to measure of a family: a name for its weights and its settings, each."""
    found = list(family.find(folder)) if folder else []
    if family.name == "openai_chat":
        found += _servers()
    if found:
        return found
    if _lack(family):
        return [("", {})]
    if family.name == "openai_chat":
        url = running.enter_context(_repeating_server())
        return [(family.weights, {"base_url": url, "model": "none"})]
    return [(family.weights, family.make(made))]


def _servers() -> list[tuple[str, Table]]:
    """Chat servers on this machine, with the first model of each."""
    known = [c for c in CANDIDATES if c.table["engine"] == "openai_chat"]
    found = look(known).found
    return [
        (found[c.label].where, {**c.table, **found[c.label].settings})
        for c in known
        if not found[c.label].lack
    ]


def _lack(family: Family) -> str:
    """What is not installed, and the command that mends it; empty where all of it is here."""
    config = checked("benchmark", {family.section: {"engine": family.name, "model": "any"}})
    packages = [n for n in needs_of(config, family.section) if isinstance(n.source, Package)]
    missing = [n for n in packages if n.state() is State.MISSING]
    return "; ".join(f"not installed: `{remedy(n.source, '')}`" for n in missing)


def _measured(family: Family, weights: str, settings: Table) -> Figures | str:
    """By a process that has nothing else in it."""
    if lack := _lack(family):
        return lack
    case = {
        "section": family.section,
        "table": {"engine": family.name, **settings},
        "tones": family.tones and weights == family.weights,
    }
    with tempfile.TemporaryDirectory() as folder:
        asked, out = Path(folder) / "case.json", Path(folder) / "figures.json"
        asked.write_text(json.dumps(case), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.engines.one", str(asked), str(out)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=LONGEST_S, check=False
            )
        except subprocess.TimeoutExpired:
            return f"{FAILED}: not done after {LONGEST_S:g} s"
        if done.returncode:
            return f"{FAILED}: {(done.stderr.strip() or 'no reason').splitlines()[-1]}"
        return Figures(**json.loads(out.read_text(encoding="utf-8")))


@contextmanager
def _repeating_server() -> Iterator[str]:
    """The address of a chat server that answers at once, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.engines.chat_server", str(port)]
    with subprocess.Popen(command) as server:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)  # noqa: TID251  # nothing else runs here
        else:
            return
    raise ConfigError(f"the benchmark's own chat server does not listen at port {port}")


def _about() -> str:
    here = machine()
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    return (
        f"{here.processor}, {here.cores} cores, {here.memory_gb:.0f} GB, {here.system}, "
        f"Python {here.python}; load {os.getloadavg()[0]:.1f}; "
        f"commit {commit or 'unknown'}; {datetime.now(UTC):%d %B %Y}"
    )


if __name__ == "__main__":
    sys.exit(main())
