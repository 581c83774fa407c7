"""Two runs side by side: which differences are real, worked out on events made by hand."""

from dataclasses import replace

import pytest

from floorbench.compare import Finding, compare, shown, table, unpaired_reason
from tests.support.floor_results import RUN, gaps, kept, run


def difference(comparison, name):
    return next(d for d in comparison.differences if d.figure == name)


SPREAD = [0.4 + 0.02 * i for i in range(40)]


def test_the_same_run_differs_in_nothing():
    found = compare(run(gaps(*SPREAD)), run(gaps(*SPREAD)))
    assert found.paired
    assert {d.finding for d in found.differences} == {Finding.OPEN}
    assert difference(found, "gap.p50").difference == 0


def test_a_shift_of_every_gap_is_real_when_the_same_events_are_compared():
    slower = gaps(*(g + 0.03 for g in SPREAD))
    paired = difference(compare(run(gaps(*SPREAD)), run(slower)), "gap.p50")
    assert (paired.finding, paired.pairs) == (Finding.WORSE, 40)
    assert paired.low == paired.high == pytest.approx(0.03)
    unpaired = difference(compare(run(gaps(*SPREAD)), run(slower, seed=8)), "gap.p50")
    assert (unpaired.finding, unpaired.pairs) == (Finding.OPEN, 0)
    assert unpaired.low < 0 < unpaired.high


def test_a_large_difference_is_real_either_way():
    quicker = gaps(*(g - 0.5 for g in SPREAD))
    for seed in (7, 8):
        found = difference(compare(run(gaps(*SPREAD)), run(quicker, seed=seed)), "gap.p95")
        assert found.finding is Finding.BETTER
        assert found.difference == pytest.approx(-0.5)


def test_a_delay_with_few_events_is_never_called_different():
    found = compare(run(gaps(*[0.5] * 19)), run(gaps(*[1.5] * 19)))
    assert difference(found, "gap.p50").finding is Finding.FEW
    found = compare(run(gaps(*[0.5] * 20)), run(gaps(*[1.5] * 20)))
    assert difference(found, "gap.p50").finding is Finding.WORSE


def test_a_share_is_judged_by_the_way_it_improves():
    found = compare(run(kept(20, 40)), run(kept(32, 40)))
    assert difference(found, "S_BC").finding is Finding.BETTER
    assert difference(found, "false_stop").finding is Finding.BETTER
    back = compare(run(kept(32, 40)), run(kept(20, 40)))
    assert difference(back, "S_BC").finding is Finding.WORSE


def test_pairs_show_a_change_that_two_separate_shares_do_not():
    a, b = kept(30, 40), kept(36, 40)  # the same 30, and 6 more
    assert difference(compare(run(a), run(b)), "S_BC").finding is Finding.BETTER
    assert difference(compare(run(a), run(b, seed=8)), "S_BC").finding is Finding.OPEN


def test_three_events_prove_nothing_however_they_went():
    assert difference(compare(run(kept(0, 3)), run(kept(3, 3))), "S_BC").finding is Finding.OPEN


def test_only_events_that_both_have_are_paired():
    a = run([*gaps(*SPREAD), {"missed": 1.0}])
    b = run([{"missed": 1.0}, *gaps(*SPREAD)])
    found = difference(compare(a, b), "gap.p50")
    assert found.pairs == 39
    assert found.b - found.a == pytest.approx(-0.02, abs=1e-6)  # each is the one before it


def test_what_one_run_did_not_measure_is_said():
    found = difference(compare(run(gaps(*SPREAD)), run(kept(5, 10))), "gap.p50")
    assert (found.finding, found.b, found.difference) == (Finding.MISSING, None, None)
    names = {d.figure for d in compare(run(gaps(0.5)), run(gaps(0.5))).differences}
    assert "S_BC" not in names  # neither has it


PARTS = {
    "yield_2s": 1.0, "kept_bc": 1.0, "kept_vt": 1.0, "kept_nd": 1.0, "kept_noise": 1.0,
    "premature_pause": 0.0, "pause_s": 1.0, "missed": 0.0,
}  # fmt: skip


def test_the_joint_score_has_an_interval_too():
    worse = {**PARTS, "yield_2s": 0.0}
    a, b = run([PARTS] * 60), run([PARTS] * 30 + [worse] * 30)
    found = difference(compare(a, b), "joint")
    assert found.finding is Finding.WORSE
    assert found.difference == -0.5
    assert found.low < -0.5 < found.high < 0


def test_why_runs_are_not_paired_is_said():
    a = run(gaps(*SPREAD))
    assert unpaired_reason(a, run(gaps(*SPREAD), seed=8)) == "the seeds differ (7 and 8)"
    changed = replace(a, stimuli={**a.stimuli, "s/e0": "other"})
    assert unpaired_reason(a, changed) == "1 of 40 common stimuli differ"
    assert unpaired_reason(a, run([])) == "they have no event in common"
    assert unpaired_reason(a, a) == ""
    assert "not paired, because the seeds differ" in compare(a, run(gaps(1.0), seed=8)).rule


def test_events_of_two_recordings_that_name_no_stimulus_are_not_taken_for_the_same():
    a, b = (run(gaps(*SPREAD), hashes=False, stimulus_set="recorded") for _ in "ab")
    assert "nothing says" in unpaired_reason(a, b)
    named = run(gaps(*SPREAD), stimulus_set="recorded")
    assert unpaired_reason(named, named) == ""
    ours = run(gaps(*SPREAD), hashes=False)  # of silences, which the seed alone decides
    assert unpaired_reason(ours, ours) == ""


def test_what_else_differs_is_said():
    other = replace(RUN.machine, cores=64)
    b = run(gaps(*SPREAD), machine=other, stimulus_set="quick", self_test="not run")
    told = compare(run(gaps(*SPREAD)), b).notices
    assert len(told) == 3
    assert "machines differ" in told[0]


def test_the_same_comparison_twice_is_the_same():
    a, b = run(gaps(*SPREAD)), run(gaps(*(g * 1.1 for g in SPREAD)), seed=8)
    assert compare(a, b) == compare(a, b)


def test_the_table_fits_a_terminal_and_names_what_is_real():
    slower = run(gaps(*(g + 0.5 for g in SPREAD)), target="b")
    lines = list(table(compare(run(gaps(*SPREAD)), slower)))
    assert max(map(len, lines)) <= 100
    row = next(line for line in lines if line.startswith("gap.p50"))
    assert row.split() == ("gap.p50 790 ms 1290 ms 500 ms 500 to 500 ms 40 worse".split())
    assert any("differences are real: gap.p50 worse" in line for line in lines)
    same = list(table(compare(slower, slower)))
    assert any(line.startswith("no real difference in") for line in same)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(-0.213, "s", "-213 ms"), (0.8571, "share", "85.7 %"), (1.5, "s/min", "1.50"),
     (None, "s", "none")],
)  # fmt: skip
def test_values_are_shown_as_people_read_them(value, unit, text):
    assert shown(value, unit) == text
