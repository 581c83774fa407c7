"""Results on disk: written, read, refused, documented."""

import json
from dataclasses import replace

import pytest

from agent.core.errors import ParleyError
from floorbench.results import (
    SCHEMA,
    as_json,
    machine,
    read_results,
    results,
    write_results,
)
from floorbench.score.run import score
from tests.support.floor import ignored, interruption, pause, session, turn
from tests.support.floor_results import RUN

HALVES = ((1.0, 2.0), (3.0, 4.0))
EVENTS = [
    turn(*HALVES, sha256="aa", voice="flite", pauses=[1.0], n=3, ok=True, none=None),
    pause(*HALVES, pause_s=1.0),
    interruption(7.0, 8.0),
    ignored("backchannel", 12.0, 12.4),
    ignored("noise", 18.0, 18.5, over=False, noise="cough"),
]
AGENT = [(4.6, 7.4), (8.7, 12.3), (12.9, 14.0)]


def made(run=RUN, **more):
    return results(run, score([session(EVENTS, AGENT, duration_s=22.0, **more)]))


def test_what_is_written_is_read_back(tmp_path):
    whole = made()
    write_results(tmp_path / "results.json", whole)
    assert read_results(tmp_path / "results.json") == whole


def test_the_file_says_what_it_is(tmp_path):
    held = as_json(made())
    assert held["schema"] == SCHEMA == "parley.floor/1"
    assert held["stimuli"] == {"s/turn@1.0": "aa"}
    assert held["run"]["score_seed"] == 20_261_120
    gap = next(f for f in held["figures"] if f["name"] == "gap.p50")
    assert (gap["value"], gap["n"], gap["unit"]) == (pytest.approx(0.6), 1, "s")
    assert held["events"][0]["params"]["pauses"] == [1.0]


def test_two_runs_of_the_same_sessions_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_results(tmp_path / name, made())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_reader_leaves_out_what_it_does_not_know(tmp_path):
    held = as_json(made())
    held["later"] = 1
    held["run"]["weather"] = "fine"
    held["events"][0]["mood"] = "good"
    (tmp_path / "r.json").write_text(json.dumps(held))
    assert read_results(tmp_path / "r.json") == made()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "expected results of parley bench"),
        ("[]", "found None; measure again"),
        ('{"schema": "parley.floor/2"}', "expected schema parley.floor/1, found 'parley.floor/2'"),
        ('{"schema": "parley.call/1"}', "found 'parley.call/1'"),
        ('{"schema": "parley.floor/1"}', "expected a field events, found none"),
    ],
)
def test_another_file_is_refused_in_a_sentence(tmp_path, text, words):
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(ParleyError, match=words.replace(".", r"\.")) as told:
        read_results(path)
    assert str(path) in str(told.value)


def test_a_file_that_is_not_there_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(ParleyError, match="expected results of parley bench"):
        read_results(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        (("events", 0, "outcome"), "danced", "outcome: expected one of replied"),
        (("run", "seed"), "seven", "seed: expected a whole number, found 'seven'"),
        (("figures", 0, "value"), True, "value: expected a number, found True"),
        (("sessions", 0, "agent"), {}, "agent: expected a list"),
    ],
)
def test_a_changed_file_is_refused_in_a_sentence(tmp_path, where, value, words):
    held = as_json(made())
    inside = held
    for step in where[:-1]:
        inside = inside[step]
    inside[where[-1]] = value
    (tmp_path / "r.json").write_text(json.dumps(held))
    with pytest.raises(ParleyError, match=words):
        read_results(tmp_path / "r.json")


def test_a_quick_set_and_a_failed_self_test_are_said_first():
    first = made(replace(RUN, stimulus_set="quick", self_test="failed")).notices
    assert "self-test failed" in first[0]
    assert "quick set" in first[1]


def test_a_figure_is_found_by_its_name_in_any_case():
    assert made().figure("s_bc").name == "S_BC"
    assert made().figure("gap.p51") is None


def test_the_machine_is_described():
    here = machine()
    assert here.cores >= 1
    assert here.python.startswith("3.")


def test_a_number_that_json_does_not_have_becomes_null():
    odd = replace(made(), stimuli={}, notices=())
    figure = replace(odd.figures[0], value=float("nan"))
    assert as_json(replace(odd, figures=(figure,)))["figures"][0]["value"] is None


def test_every_field_and_every_figure_is_documented(request):
    documented = (request.config.rootpath / "docs" / "floor_results.md").read_text("utf-8")
    held = as_json(made())
    free = {"params", "stimuli", "scenarios"}  # their keys are somebody else's

    def names(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from names(inner) if key not in free else ()
        elif isinstance(value, list):
            for inner in value:
                yield from names(inner)

    figures = {f["name"] for f in held["figures"] if not f["name"].startswith("premature.pause.")}
    every = set(names(held)) | figures
    assert {n for n in every if f"`{n}`" not in documented} == set()
    outcomes = {e["outcome"] for e in held["events"]}
    assert {o for o in outcomes if f"`{o}`" not in documented} == set()


def test_every_measure_amount_and_outcome_is_documented(request):
    from floorbench.score.outcome import Amount, Measure, Outcome, State

    documented = (request.config.rootpath / "docs" / "floor_results.md").read_text("utf-8")
    every = [*Measure, *Amount, *Outcome, *State]
    assert {str(n) for n in every if f"`{n}`" not in documented} == set()
