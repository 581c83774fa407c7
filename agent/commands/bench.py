"""`parley bench`: turn-taking by ear, of this agent or of any other."""

import argparse
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from agent.commands.recorded import say
from agent.core.errors import ConfigError
from floorbench import gates
from floorbench.baselines import curve_of
from floorbench.compare import compare
from floorbench.compare import table as comparison_table
from floorbench.results import (
    QUICK,
    RECORDED,
    FloorResults,
    Run,
    machine,
    read_results,
    write_results,
)
from floorbench.results import results as results_of
from floorbench.run import Clock, RunSettings, run
from floorbench.score.run import score
from floorbench.selftest import run_self_test, self_test
from floorbench.session import Session
from floorbench.session_files import read_session, read_sessions
from floorbench.summary import summary
from floorbench.sweep import sweep, to_text
from floorbench.targets.registry import target

RESULTS = "results.json"


def bench(options: argparse.Namespace) -> int:
    """Measure a target, or score a recording of somebody else's; exit status by the gates."""
    if options.self_test:
        return self_test(say)
    limits = _gates(options)
    out: Path = options.out
    if options.recording is not None:
        if options.events is None:
            raise ConfigError("--recording: expected --events EVENTS.json beside it, found none")
        session = read_session(options.recording, options.events)
        measured = _results([session], _run(str(options.recording), RECORDED, options.seed))
        return _written(out, measured, limits, single=options.recording)
    return _written(out, _measure(options, out), limits)


def _measure(options: argparse.Namespace, out: Path) -> FloorResults:
    settings = RunSettings(
        scenarios=tuple(options.scenarios.split(",")) if options.scenarios else (),
        seed=options.seed, quick=options.quick, at_once=options.at_once, speech=options.speech,
    )  # fmt: skip
    if options.virtual and "://" in options.target:
        raise ConfigError(
            f"--virtual: expected an agent in this process, found {options.target.split('?')[0]}; "
            "other agents keep their own time"
        )
    clock = Clock.VIRTUAL if options.virtual else Clock.REAL
    with target(options.target, options.set) as measured:
        done = run(measured, out, settings, clock)
    trusted = all(check.passed for check in run_self_test(done.caller_lag_s))
    about = _run(done.target, QUICK if options.quick else done.set_name, options.seed,
                 "passed" if trusted else "failed")  # fmt: skip
    return _results(read_sessions(out), about)


def _run(name: str, stimuli: str, seed: int, tested: str = "not run") -> Run:
    return Run(
        target=name,
        wall=datetime.now(UTC).isoformat(timespec="seconds"),
        parley=version("parley"),
        commit=_commit(),
        stimulus_set=stimuli,
        seed=seed,
        score_seed=0,
        self_test=tested,
        machine=machine(),
    )


def _commit() -> str:
    """The commit of this checkout; empty where there is none."""
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _results(sessions: Iterable[Session], about: Run) -> FloorResults:
    return results_of(about, score(sessions))


def _written(
    out: Path, measured: FloorResults, limits: list[gates.Gate], single: Path | None = None
) -> int:
    from floorbench.report import write_report
    from floorbench.report.peaks import Recordings

    out.mkdir(parents=True, exist_ok=True)
    write_results(out / RESULTS, measured)
    curve = None if single else curve_of(out)
    page = write_report(out, measured, None, curve, Recordings(out, out, single))
    say(summary(measured))
    if curve is not None:
        say(f"\n{to_text(curve)}")
    say(f"\nResults: {out / RESULTS}   Look: {page}")
    checked = gates.check(measured, limits)
    _say_all(gates.report(checked))
    return gates.exit_status(checked)


def _gates(options: argparse.Namespace) -> list[gates.Gate]:
    most = [gates.parse_gate(gates.Side.MOST, text) for text in options.max]
    return most + [gates.parse_gate(gates.Side.LEAST, text) for text in options.min]


def bench_compare(options: argparse.Namespace) -> int:
    """Two runs side by side; with `--out`, the page of the second with the comparison in it."""
    from floorbench.report import write_report
    from floorbench.report.peaks import Recordings

    files = [_results_file(path) for path in (options.a, options.b)]
    a, b = (read_results(path) for path in files)
    found = compare(a, b)
    _say_all(comparison_table(found))
    out: Path | None = options.out
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        page = write_report(out, b, found, None, Recordings(out, files[1].parent))
        say(f"\nLook: {page}")
    return 0


def _results_file(path: Path) -> Path:
    return path / RESULTS if path.is_dir() else path


def bench_sweep(options: argparse.Namespace) -> int:
    """What other settings would have decided in recorded calls; with `--out`, as a page too."""
    from floorbench.report import write_curve

    curve = sweep(options.traces, options.set)
    say(to_text(curve))
    out: Path | None = options.out
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        say(f"\nLook: {write_curve(out, curve)}")
    return 0


def bench_runtime(options: argparse.Namespace) -> int:
    """What parley itself costs."""
    from floorbench.runtime import bench as runtime

    return runtime(options.out)


def _say_all(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)
