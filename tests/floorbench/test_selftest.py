"""The measurement is measured: what was set comes back, and a broken ruler is noticed."""

import numpy as np
import pytest

from agent.core.errors import ParleyError
from floorbench import selftest
from floorbench.calibration import stages
from floorbench.score.offset import channel_offset_s
from floorbench.selftest import Check, run_self_test, self_test, table
from floorbench.session import RATE


def test_the_self_test_passes_and_says_so():
    said = []
    assert self_test(said.append) == 0
    assert "FAILED" not in "\n".join(said)
    assert said[-1].endswith("checks passed: the measurement can be trusted")


def test_it_looks_at_every_figure_on_a_quiet_and_on_a_noisy_line():
    names = {check.name for check in run_self_test()}
    for line in ("quiet line", "noise -65 dBFS", "noise -55 dBFS"):
        for figure in ("gap.p95 (S1)", "stop.p95 (S4)", "duck.p50 (S4)", "hole.p50 (S3)", "joint"):
            assert f"{line}: {figure}" in names
    assert "worst of 60 hard cuts" in names


def test_no_delay_may_be_further_off_than_10_ms_and_no_share_at_all():
    for check in run_self_test():
        if check.unit == "s":
            assert check.within <= 0.010
        elif check.unit == "share":
            assert check.within <= 1e-5


def test_a_caller_that_was_measured_late_fails_it():
    assert self_test(lambda _: None, caller_lag_s=0.004) == 0
    assert self_test(lambda _: None, caller_lag_s=0.006) == 1


@pytest.mark.parametrize(
    ("found", "passed"), [(0.61, True), (0.6101, False), (0.59, True), (None, False)]
)
def test_a_check_is_passed_within_its_tolerance(found, passed):
    assert Check("gap", 0.6, found, 0.01, "s").passed is passed


def test_a_failed_check_is_marked_and_the_runs_are_void():
    lines = list(table([Check("gap", 0.6, 0.7, 0.01, "s"), Check("missed", 0.5, None, 0.0, "")]))
    assert lines[2].endswith("600.0 ms   700.0 ms    10.0 ms  FAILED")
    assert lines[3].endswith("FAILED")
    assert lines[-1] == "2 of 2 checks failed: runs on this machine are void"


def test_the_self_test_fails_when_the_scorer_does(monkeypatch):
    monkeypatch.setattr("floorbench.score.turns.REPLY_EARLY_S", 0.0)
    assert self_test(lambda _: None) == 1


def test_the_fake_agent_is_the_same_every_time():
    first, second = (next(iter(stages(3)))[0].session(1).recording.agent for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("late", [-200, 0, 5, 4000])
def test_a_click_gives_the_offset_to_the_sample(late):
    sent = np.zeros(RATE, np.float32)
    sent[8000:8010] = np.linspace(1, -1, 10)
    assert channel_offset_s(sent, np.roll(sent, late), RATE) == late / RATE


def test_a_line_that_returns_nothing_is_said():
    sent = np.zeros(RATE, np.float32)
    sent[8000] = 1.0
    with pytest.raises(ParleyError, match="expected a click in the channel that was heard"):
        channel_offset_s(sent, np.zeros(RATE, np.float32), RATE)
    with pytest.raises(ParleyError, match="that was sent"):
        channel_offset_s(np.zeros(0, np.float32), sent, RATE)


def test_hard_cuts_that_are_not_found_fail(monkeypatch):
    monkeypatch.setattr(selftest, "agent_episodes", lambda levels: [])
    assert not selftest.hard_cuts().passed
