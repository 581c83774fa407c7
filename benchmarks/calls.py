"""How many calls a server holds at once: replies by ear, processor and memory, by their number.

Starts `parley serve` with a configuration, and calls it with so many of floorbench's callers at a
time (S1: ordinary turns), who share the machine with it:

    .venv/bin/python -m benchmarks.calls
    .venv/bin/python -m benchmarks.calls --config my.toml --calls 1,10,20
"""
# ruff: noqa: T201  (a table is printed)

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from floorbench.run import RunSettings, run
from floorbench.score.figure import Figure
from floorbench.score.run import score
from floorbench.session_files import read_sessions
from floorbench.targets.registry import target

MOST_AT_ONCE = 32
PORT = 8437
COLUMNS = (
    "calls", "turns", "gap p50", "p95", "after 2 s", "missed", "failed", "cores", "memory",
    "callers late",
)  # fmt: skip
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@contextmanager
def _serving(config: str, overrides: list[str]) -> Iterator[int]:
    """A server of this configuration on PORT: its process."""
    room = [f"server.port={PORT}", f"server.max_calls={MOST_AT_ONCE}", *overrides]
    words = [word for one in room for word in ("--set", one)]
    command = [sys.executable, "-m", "agent.cli", "serve", config, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = iter(process.stdout.readline, "") if process.stdout else iter(())
            if not any("answers at" in line for line in lines):
                raise SystemExit(f"{config}: the server ended with status {process.wait()}")
            yield process.pid
        finally:
            process.terminate()


def _family(pid: int) -> list[int]:
    """A process and all that it started."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(entry.parent.name)] = int(_fields(entry)[1])
        except OSError:
            continue  # it has just ended
    found = [pid]
    for one in found:  # grows while it is gone through
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _fields(stat: Path) -> list[str]:
    return stat.read_text(encoding="utf-8").rpartition(")")[2].split()


def _busy_s(pid: int) -> float:
    """Processor time of a family so far."""
    found = [_fields(Path(f"/proc/{one}/stat")) for one in _family(pid)]
    return sum(int(fields[11]) + int(fields[12]) for fields in found) * TICK_S


def _memory_mb(pid: int) -> float:
    """Memory of a family; what several share is counted once."""
    total = 0
    for one in _family(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def _row(pid: int, calls: int, rounds: int, out: Path) -> str:
    before, began = _busy_s(pid), time.monotonic()
    with target(f"ws://127.0.0.1:{PORT}/ws", ()) as measured:
        settings = RunSettings(("S1",), limit=calls * rounds, at_once=calls)
        done = run(measured, out, settings)
    cores = (_busy_s(pid) - before) / (time.monotonic() - began)
    # Callers share the machine: they are late when it is busy, which is what is measured here.
    held = score(replace(session, caller_lag_s=0.0) for session in read_sessions(out))
    by_name = {figure.name: figure for figure in held.figures}
    shown = " | ".join(_shown(by_name[name]) for name in ("gap.p50", "gap.p95"))
    late, missed = (by_name[name].value or 0.0 for name in ("slow.2s", "missed"))
    failed = sum(not fault.startswith("void:") for fault in done.faults.values())
    return (
        f"| {calls} | {by_name['gap.p50'].n} | {shown} | {late:.1%} | {missed:.1%} | {failed} | "
        f"{cores:.2f} | {_memory_mb(pid):.0f} MB | {done.caller_lag_s * 1000:.0f} ms |"
    )


def _shown(figure: Figure) -> str:
    return "–" if figure.value is None else f"{figure.value:.2f} s"


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="How many calls a server holds at once.")
    parser.add_argument("--config", default="offline", help="as of parley serve")
    parser.add_argument("--set", action="append", default=[], help="change one of its settings")
    parser.add_argument("--calls", default="1,4,8,12,16,20", help="at once, such as 1,8")
    parser.add_argument("--rounds", type=int, default=2, help="sessions for each of them")
    options = parser.parse_args()
    print(f"{options.config} {' '.join(options.set)}; load {os.getloadavg()[0]:.1f} before\n")
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    with tempfile.TemporaryDirectory() as folder, _serving(options.config, options.set) as pid:
        for calls in (int(count) for count in options.calls.split(",")):
            out = Path(folder) / str(calls)
            print(_row(pid, calls, options.rounds, out), flush=True)
    print("\nFailed: calls, refused ones too. Cores and memory are the server's.")
    print("Late: the callers' frames, p99 of the middle session.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
