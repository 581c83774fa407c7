"""The self-test of the measurement: a run whose self-test fails is void.

Source: floorbench, section 1: a loop-back click gives the offset of the channels; 60 hard cuts are
found within 10 ms; a caller more than 5 ms late (p99) makes a session void. And a fake agent's
delays and faults come back, delays within 10 ms and counts exactly, with and without noise.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from floorbench.activity import agent_episodes, levels_db
from floorbench.calibrated import Stage
from floorbench.calibration import Expected, stages
from floorbench.score.checks import CALLER_LAG_S
from floorbench.score.offset import channel_offset_s
from floorbench.score.outcome import State
from floorbench.score.run import Score, score
from floorbench.score.session import score_session
from floorbench.session import RATE, Expect

WITHIN_S = 0.010
CUTS = 60
SEED = 7
NOISES_DB = (None, -65.0, -55.0)
SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was set, and what was found. `within` is 0 for what must be exact."""

    name: str
    expected: float
    found: float | None
    within: float
    unit: str

    @property
    def passed(self) -> bool:
        """Found, and near enough."""
        return self.found is not None and abs(self.found - self.expected) <= self.within + SLACK


def run_self_test(caller_lag_s: float | None = None) -> list[Check]:
    """Every check. `caller_lag_s`: the p99 lateness of the real caller, if one was measured."""
    checks = [*offsets(), hard_cuts(), *void_rule()]
    if caller_lag_s is not None:
        checks.append(
            Check("caller's frames late, p99", 0.0, caller_lag_s, CALLER_LAG_S, "s"),
        )
    for noise_db in NOISES_DB:
        checks += calibration(noise_db)
    return checks


def self_test(say: Callable[[str], None], caller_lag_s: float | None = None) -> int:
    """Print the table; 0 if every check passed, otherwise 1."""
    checks = run_self_test(caller_lag_s)
    for line in table(checks):
        say(line)
    return 0 if all(check.passed for check in checks) else 1


def table(checks: Sequence[Check]) -> Iterator[str]:
    """One line a check, then the verdict."""
    width = max(len(check.name) for check in checks)
    yield f"{'check':<{width}}  {'set':>9}  {'found':>9}  {'within':>9}"
    yield f"{'-' * width}  {'-' * 9}  {'-' * 9}  {'-' * 9}"
    for check in checks:
        cells = [_cell(v, check.unit) for v in (check.expected, check.found, check.within)]
        mark = "" if check.passed else "  FAILED"
        yield f"{check.name:<{width}}  {cells[0]:>9}  {cells[1]:>9}  {cells[2]:>9}{mark}"
    failed = sum(not check.passed for check in checks)
    yield ""
    yield (
        f"{len(checks)} checks passed: the measurement can be trusted"
        if failed == 0
        else f"{failed} of {len(checks)} checks failed: runs on this machine are void"
    )


def offsets() -> Iterator[Check]:
    """A click that comes back late, early, quieter, and with noise on the line."""
    rng = np.random.default_rng(SEED)
    for late, gain in ((0, 1.0), (137, 0.8), (3201, 0.3), (-80, 0.5)):
        sent = np.zeros(RATE, np.float32)
        sent[6000:6008] = (0.2, 0.6, 0.9, 0.5, -0.4, -0.7, -0.2, 0.1)
        heard = np.roll(sent, late) * np.float32(gain)
        heard += (rng.standard_normal(RATE) * 0.003).astype(np.float32)
        found_s = channel_offset_s(sent, heard, RATE)
        yield Check(f"click {late} samples late", late / RATE, found_s, 0.5 / RATE, "s")


def hard_cuts() -> Check:
    """The worst error of 60 cuts at places nobody chose."""
    rng = np.random.default_rng(SEED)
    at = np.cumsum(rng.uniform(1.5, 3.0, CUTS))
    sound = np.zeros(round((at[-1] + 2.0) * RATE), np.float32)
    cuts = [round(float(t) * RATE) for t in at]
    for cut in cuts:
        spoken = rng.integers(RATE // 2, RATE)
        sound[cut - spoken : cut] = rng.standard_normal(spoken).astype(np.float32) * np.float32(0.1)
    ends = [e.end_s for e in agent_episodes(levels_db(sound, RATE))]
    errors = [abs(end - cut / RATE) for end, cut in zip(ends, cuts, strict=False)]
    worst = max(errors) if len(ends) == CUTS else None
    return Check(f"worst of {CUTS} hard cuts", 0.0, worst, WITHIN_S, "s")


def void_rule() -> Iterator[Check]:
    """A caller who lags makes a session void, one who does not leaves it alone."""
    stage = Stage("S1")
    stage.event("turn", Expect.REPLY, [(1.0, 2.0)])
    stage.say(2.5, 4.0)
    made = stage.session(SEED)
    for lag_s, expected in ((CALLER_LAG_S - 1e-4, 0.0), (CALLER_LAG_S + 1e-4, 1.0)):
        told = score_session(replace(made, caller_lag_s=lag_s)).session.state is State.VOID
        yield Check(f"void at {lag_s * 1000:.1f} ms of lag", expected, float(told), 0.0, "")


def calibration(noise_db: float | None) -> Iterator[Check]:
    """Every figure of the fake agent against what was set."""
    laid = list(stages(SEED))
    expected = [e for _, wanted in laid for e in wanted if e.in_noise or noise_db is None]
    made = score(stage.session(SEED + i, noise_db) for i, (stage, _) in enumerate(laid))
    line = "quiet line" if noise_db is None else f"noise {noise_db:.0f} dBFS"
    return (_check(wanted, made, line) for wanted in expected)


def _check(wanted: Expected, made: Score, line: str) -> Check:
    figures = made.scenarios[wanted.scenario] if wanted.scenario else made.figures
    found = next((f for f in figures if f.name == wanted.figure), None)
    where = f" ({wanted.scenario})" if wanted.scenario else ""
    value = None if found is None else float(found.n) if wanted.count else found.value
    name = f"{line}: {wanted.figure}{' n' if wanted.count else ''}{where}"
    return Check(name, wanted.value, value, wanted.within, wanted.unit)


def _cell(value: float | None, unit: str) -> str:
    if value is None:
        return "none"
    return f"{value * 1000:.1f} ms" if unit == "s" else f"{value:.4g}"
