"""Limits on figures: parsed, checked, and refused in sentences."""

from dataclasses import replace

import pytest

from agent.core.errors import ConfigError
from floorbench.gates import Gate, Side, check, exit_status, parse_gate, report
from tests.support.floor_results import gaps, kept, run

MEASURED = run([*gaps(*(0.5 + 0.01 * i for i in range(120))), *kept(9, 10)])


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("gap.p95=900ms", Gate(Side.MOST, "gap.p95", 900.0, "ms")),
        (" gap.p50 = 0.9 s ", Gate(Side.MOST, "gap.p50", 0.9, "s")),
        ("missed=3%", Gate(Side.MOST, "missed", 3.0, "%")),
        ("joint=.85", Gate(Side.MOST, "joint", 0.85, "")),
        ("gap.p50=-100ms", Gate(Side.MOST, "gap.p50", -100.0, "ms")),
        ("premature.pause.0.5s=10%", Gate(Side.MOST, "premature.pause.0.5s", 10.0, "%")),
        ("S_BC=1", Gate(Side.MOST, "S_BC", 1.0, "")),
    ],
)
def test_a_limit_is_a_figure_and_a_number(text, gate):
    assert parse_gate(Side.MOST, text) == gate


@pytest.mark.parametrize("text", ["", "gap.p95", "gap.p95=", "=5", "gap.p95=fast", "gap=5min"])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ConfigError, match="expected a figure and a number, such as"):
        parse_gate(Side.LEAST, text)


def held(side, text, results=MEASURED):
    return check(results, [parse_gate(side, text)])[0]


@pytest.mark.parametrize(
    ("side", "text", "passed"),
    [
        (Side.MOST, "gap.p50=1095ms", True),
        (Side.MOST, "gap.p50=1094ms", False),
        (Side.MOST, "gap.p50=1.095s", True),
        (Side.LEAST, "gap.p50=1095ms", True),
        (Side.LEAST, "gap.p50=1.096", False),
        (Side.MOST, "missed=0", True),
        (Side.LEAST, "S_BC=90%", True),
        (Side.LEAST, "s_bc=0.91", False),
        (Side.MOST, "false_stop=10%", True),
        (Side.MOST, "false_stop=9%", False),
    ],
)
def test_a_limit_holds_up_to_its_own_value(side, text, passed):
    assert held(side, text).passed is passed


def test_a_sentence_says_what_was_expected_and_what_was_found():
    assert held(Side.MOST, "gap.p95=900ms").sentence == (
        "gap.p95: expected at most 900 ms, found 1630 ms (n 120)"
    )
    assert held(Side.LEAST, "S_BC=95%").sentence == (
        "S_BC: expected at least 95.0 %, found 90.0 % (n 10, too few for a claim)"
    )


def test_what_was_not_measured_does_not_pass():
    found = held(Side.LEAST, "joint=0.85")
    assert not found.passed
    assert "was not measured (not measured: yield" in found.sentence
    assert not held(Side.MOST, "stop.p50=1s").passed


def test_a_void_run_passes_nothing():
    void = replace(MEASURED, run=replace(MEASURED.run, self_test="failed"))
    found = held(Side.MOST, "missed=100%", void)
    assert not found.passed
    assert "the self-test failed" in found.sentence


def test_an_unknown_figure_is_refused_with_its_neighbours():
    with pytest.raises(ConfigError) as told:
        held(Side.MOST, "gap.p59=900ms")
    text = str(told.value)
    assert text.startswith("--max gap.p59: there is no such figure; did you mean gap.p9")
    assert "All: gap.p50" in text
    with pytest.raises(ConfigError, match="no such figure"):
        held(Side.LEAST, "zzzzzz=1")


@pytest.mark.parametrize(
    ("text", "words"),
    [("gap.p50=5%", "expected no unit, ms, s"), ("missed=20ms", "expected no unit, %"),
     ("underrun=5ms", "expected no unit")],
)  # fmt: skip
def test_a_unit_that_does_not_fit_is_refused(text, words):
    with pytest.raises(ConfigError, match=words):
        held(Side.MOST, text)


@pytest.mark.parametrize("text", ["missed=3", "missed=101%", "S_BC=85"])
def test_a_share_beyond_all_is_a_forgotten_percent_sign_and_no_limit(text):
    with pytest.raises(ConfigError, match=r"expected a share, such as 0\.03 or 3%"):
        held(Side.MOST, text)


def test_one_failed_limit_decides_the_exit_status():
    gates = [parse_gate(Side.MOST, "missed=0"), parse_gate(Side.MOST, "gap.p50=1ms")]
    found = check(MEASURED, gates)
    assert exit_status(found) == 1
    assert exit_status(found[:1]) == exit_status([]) == 0
    assert [line[:4] for line in report(found)] == ["pass", "FAIL"]
