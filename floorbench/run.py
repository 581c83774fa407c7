"""A run: the sessions of the chosen scenarios held with one target, each kept as it ends."""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from statistics import median

from agent.core.errors import ConfigError
from agent.virtual_loop import run_virtual
from floorbench.caller import Held, hold
from floorbench.progress import Progress
from floorbench.scenarios import Planned, planned
from floorbench.score.checks import CALLER_LAG_S
from floorbench.session import Target
from floorbench.session_files import SESSIONS, read_session, read_sessions, write_session
from floorbench.stimuli.library import Library, open_library
from pipelines.engine_thread import EngineThread

__all__ = ("Clock", "Run", "RunSettings", "read_session", "read_sessions", "run")

_MOST_AT_ONCE = 64

APART_S = 1.3
"""Callers at the same time begin one after the other, as people do: they would all speak in the
same moment, and the agent would be measured under a load that no telephone has."""


class Clock(Enum):
    """What time is for the caller and, in this process, for the agent."""

    REAL = "real"
    VIRTUAL = "virtual"  # jumps; only for targets in this process


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What is held.

    Attributes:
        scenarios: which; none are all, or in the quick set S1 to S7.
        seed: of every choice made by chance.
        quick: a set for a quick look; too few events for a rate.
        limit: at most so many sessions of each scenario; 0 is no limit.
        at_once: sessions at the same time, in real time.
        speech: a folder of recorded people, or None.
    """

    scenarios: tuple[str, ...] = ()
    seed: int = 1
    quick: bool = False
    limit: int = 0
    at_once: int = 4
    speech: Path | None = None

    def __post_init__(self) -> None:
        """Raises ConfigError for numbers that make no run."""
        if not 1 <= self.at_once <= _MOST_AT_ONCE:
            raise ConfigError(f"at once: expected 1 to {_MOST_AT_ONCE}, found {self.at_once}")
        if self.seed < 0 or self.limit < 0:
            raise ConfigError(
                f"expected a seed and a limit of 0 or more, found {self.seed} and {self.limit}"
            )


@dataclass(frozen=True, slots=True)
class Run:
    """What a run was, for the results; its sessions are on disk.

    Attributes:
        target: who was measured.
        sessions: how many were held.
        faults: sentences, by session.
        void: sessions whose caller was late, by the rule of 5 ms.
        left_out: steps that were not taken: the agent was not speaking, or the session was over.
        speech: where the stimuli came from.
        set_name: a sentence for reports: standard, chosen or quick.
        caller_lag_s: how late the caller's frames were (p99) in the middle one of the sessions.
    """

    target: str
    settings: RunSettings
    clock: Clock
    sessions: int
    faults: dict[str, str]
    void: tuple[str, ...]
    left_out: int
    speech: str
    set_name: str
    wall_s: float
    audio_s: float
    caller_lag_s: float


def run(target: Target, out: Path, settings: RunSettings, clock: Clock = Clock.REAL) -> Run:
    """Hold every session and keep each in `out/sessions/ID`.

    Raises:
        ConfigError: the scenarios, the recordings or the folder cannot be used.
    """
    library = open_library(settings.speech)
    wanted = planned(settings.scenarios, quick=settings.quick, limit=settings.limit)
    folder = _emptied(out / SESSIONS)
    tty = sys.stderr.isatty()
    progress = Progress(len(wanted), _tell, time.monotonic, bar=tty)
    kept = _Kept(target, library, settings, folder, progress)
    began = time.monotonic()
    try:
        if clock is Clock.VIRTUAL:
            for one in wanted:
                run_virtual(kept.hold(one))  # on a loop of its own, so that each begins at zero
        else:
            asyncio.run(kept.hold_all(wanted))
    finally:
        kept.close()
        progress.end()
    return kept.summary(clock, time.monotonic() - began)


def _emptied(folder: Path) -> Path:
    """A folder without the sessions of an earlier run: mixed results would be nobody's."""
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(
            f"{folder}: expected an empty folder, found an earlier run; choose another or remove it"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise ConfigError(
            f"{folder}: expected to make a folder, found {fault.strerror}; choose another"
        ) from fault
    return folder


def _tell(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class _Kept:
    """Sessions as they end, on their way to disk."""

    def __init__(
        self,
        target: Target,
        library: Library,
        settings: RunSettings,
        folder: Path,
        progress: Progress,
    ) -> None:
        self._target, self._library, self._settings = target, library, settings
        self._folder, self._progress = folder, progress
        self._aside = EngineThread("stimuli")  # plans and writes while others are being held
        self._faults: dict[str, str] = {}
        self._void: list[str] = []
        self._lags_s: list[float] = []
        self._left_out = 0
        self._count = 0
        self._audio_s = 0.0

    async def hold(self, one: Planned) -> None:
        """One session, planned, held and written."""
        settings = self._settings
        plan = await self._aside.run(
            lambda: one.plan(self._library, settings.seed, quick=settings.quick)
        )
        held = await hold(self._target, plan)
        await self._aside.run(lambda: write_session(self._folder / held.session.id, held))
        self._note(held)

    async def hold_all(self, wanted: Sequence[Planned]) -> None:
        """Several at once, in order."""
        waiting = iter(wanted)
        async with asyncio.TaskGroup() as group:
            for line in range(min(self._settings.at_once, len(wanted))):
                group.create_task(self._hold_from(waiting, line * APART_S))

    async def _hold_from(self, waiting: Iterator[Planned], after_s: float) -> None:
        await asyncio.sleep(after_s)
        for one in waiting:
            await self.hold(one)

    def _note(self, held: Held) -> None:
        session = held.session
        fault = session.fault
        if session.caller_lag_s > CALLER_LAG_S:
            self._void.append(session.id)
            fault = fault or (
                f"void: the caller's frames were {session.caller_lag_s * 1000:.1f} ms late (p99), "
                f"expected at most {CALLER_LAG_S * 1000:.0f} ms; hold fewer sessions at once"
            )
        if fault:
            self._faults[session.id] = fault
        self._lags_s.append(session.caller_lag_s)
        self._left_out += len(held.left_out)
        self._count += 1
        self._audio_s += session.recording.duration_s
        self._progress.done(session.id, fault)

    def close(self) -> None:
        """End the thread."""
        self._aside.close()

    def summary(self, clock: Clock, wall_s: float) -> Run:
        """What the run was."""
        return Run(
            self._target.name, self._settings, clock, self._count, dict(self._faults),
            tuple(self._void), self._left_out, self._library.source, set_name(self._settings),
            wall_s, self._audio_s, median(self._lags_s or [0.0]),
        )  # fmt: skip


def set_name(settings: RunSettings) -> str:
    """What a set of sessions may be used for, in a sentence."""
    if settings.quick:
        return "quick set: a look during development, too few events for any rate"
    if settings.scenarios or settings.limit:
        return "chosen sessions: a part of the standard set"
    return "standard set"
