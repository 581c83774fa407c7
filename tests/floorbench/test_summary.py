"""A run on a terminal: the main figures, what they were bought with, and where to look first."""

import dataclasses

from pytest import fixture

from floorbench.results import QUICK, FloorResults
from floorbench.summary import WIDTH, summary
from tests.support.runs import RUN, calibrated, measured


@fixture(scope="module")
def sessions():
    return calibrated()


@fixture(scope="module")
def run(sessions):
    return measured(sessions)


def row(text, figure):
    return next(line for line in text.split("\n") if f" {figure} " in line)


def test_it_fits_a_terminal(run):
    assert max(map(len, summary(run).split("\n"))) <= WIDTH


def test_a_figure_has_its_interval_its_count_and_what_it_was_bought_with(run):
    text = summary(run)
    gap = next(f for f in run.figures if f.name == "gap.p50")
    line = row(text, "gap.p50")
    assert f"{gap.value:.2f} s" in line
    assert f"{gap.low:.2f} to {gap.high:.2f} s" in line
    assert f" {gap.n} " in line
    assert line.split("  ")[-1].endswith("premature, too few")


def test_every_share_stands_beside_a_delay(run):
    text = summary(run)
    for name in ("missed", "premature", "yield", "false_stop", "S_BC", "S_NOISE", "joint"):
        assert " s " in row(text, name)


def test_the_sessions_that_failed_most_are_named_first(run):
    lines = summary(run).split("\n")
    at = next(n for n, line in enumerate(lines) if "with a failure" in line)
    named = [line.split() for line in lines[at + 1 :] if " of " in line]
    counts = [int(words[1]) for words in named]
    assert counts == sorted(counts, reverse=True)
    assert named[0][0] in {s.id for s in run.sessions}


def test_the_quick_set_void_sessions_and_a_failed_self_test_are_said(sessions):
    late = dataclasses.replace(sessions[0], caller_lag_s=0.01)
    text = summary(measured([late, sessions[1]], stimulus_set=QUICK, self_test="failed"))
    assert "quick set" in text
    assert f"1 of 2 sessions void: {late.id}" in text
    assert "VOID: the self-test failed" in text


def test_what_was_not_measured_is_said(sessions):
    text = summary(measured(sessions[:1]))
    assert "nothing measures it" in row(text, "yield")
    assert "not measured: yield, S_BC" in row(text, "joint")


def test_a_run_of_nothing_is_two_sentences():
    text = summary(FloorResults(RUN, (), {}, (), (), {}, ()))
    assert "nothing was counted: there is no figure" in text
    assert "no session was held" in text


def test_words_cannot_steer_the_terminal(sessions):
    bad = "\x1b[31m\r" + "x" * 300
    run = measured([dataclasses.replace(sessions[1], id=bad)], target=bad)
    text = summary(run)
    assert all(c.isprintable() or c == "\n" for c in text)
    assert max(map(len, text.split("\n"))) <= WIDTH
